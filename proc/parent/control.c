/* The control socket: `valija` asks for a door to a role and then speaks with that role itself, in
 * the same messages the roles use. Only the user of the service, and root, get in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "parent.h"

static struct {
    int fd;
    struct watch *watch;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
} self = {.fd = -1};

static void
on_door(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct parent *p = ctx;
    struct ctl_door_answer answer = {0};
    struct child *c = NULL;
    int ends[2];

    if (m->ctl_door.role < ROLE_COUNT) {
        c = child_find(p, (enum role_id)m->ctl_door.role, m->ctl_door.index);
        answer.count = role_instances((enum role_id)m->ctl_door.role);
        if (c && m->ctl_door.wake)
            child_want(c);
        if (c && !child_is_due(c))
            answer.count = 0;
    }
    if (!c || !c->control || err_is(role_socketpair(ends))) {
        chan_answer(call, MSG_ctl_door_answer, &answer, -1);
        return;
    }
    answer.found = 1;
    chan_send(c->control, MSG_role_peer, &(struct role_peer){ROLE_ctl, ++p->last_ctl, 1}, ends[0]);
    chan_answer(call, MSG_ctl_door_answer, &answer, ends[1]);
    close(ends[0]);
    close(ends[1]);
}

static void
on_roles(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct parent *p = ctx;
    struct buf roles, listens;

    (void)m;
    buf_init(&roles, MSG_FRAME_MAX / 2);
    buf_init(&listens, MSG_FRAME_MAX / 4);
    for (size_t i = 0; i < p->child_count; i++) {
        const struct child *c = &p->children[i];
        struct ctl_role row = {c->id, c->index, (uint32_t)c->pid, c->started, c->restarts};

        if (c->pid || child_is_due(c))
            msg_items_put(&roles, MSG_ctl_role, &row);
    }
    for (size_t i = 0; i < p->socket_count; i++) {
        struct ctl_listen row = {p->sockets[i].protocol, slice_of(p->sockets[i].text)};

        msg_items_put(&listens, MSG_ctl_listen, &row);
    }
    chan_answer(call, MSG_ctl_roles_answer,
                &(struct ctl_roles_answer){slice_of(p->conf->hostname), p->started, p->generation,
                                           buf_slice(&roles), buf_slice(&listens)},
                -1);
    buf_clear(&roles);
    buf_clear(&listens);
}

static void
on_reload(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct ctl_reload_answer answer = {parent_reload(ctx)};

    (void)m;
    chan_answer(call, MSG_ctl_reload_answer, &answer, -1);
}

static void
on_gone(void *ctx, struct chan *c)
{
    (void)ctx;
    chan_free(c);
}

static const struct chan_handler from_ctl[] = {{MSG_ctl_door, on_door},
                                               {MSG_ctl_roles, on_roles},
                                               {MSG_ctl_reload, on_reload},
                                               {MSG_NONE, NULL}};
static const struct chan_events events = {on_gone, on_gone};

static bool
is_allowed(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static void
on_connection(void *ctx, unsigned ready)
{
    struct parent *p = ctx;
    int fd = accept4(self.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)ready;
    if (fd < 0)
        return;
    if (is_allowed(fd))
        chan_new(p->loop, fd, from_ctl, &events, p);
    else
        close(fd);
}

struct err
control_open(struct parent *p, const char *run)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct err e;

    if ((size_t)snprintf(self.path, sizeof(self.path), "%s/control", run) >= sizeof(self.path))
        return err_make(ERR_LIMIT, "the length of the run folder's name");
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", self.path);
    e = sockets_clear_place(self.path);
    if (err_is(e))
        return e;
    self.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (self.fd < 0 || bind(self.fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(self.path, 0600) != 0 || listen(self.fd, 64) != 0)
        return err_os(errno, "opening the control socket");
    self.watch = loop_watch(p->loop, self.fd, LOOP_READ, on_connection, p);
    return ERR_OK;
}

void
control_close(struct parent *p)
{
    (void)p;
    watch_free(self.watch);
    self.watch = NULL;
    if (self.fd >= 0)
        close(self.fd);
    unlink(self.path);
}
