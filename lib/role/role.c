/* A role's life: it listens to the parent first; role_go completes a configuration, and the first
 * one ends in the jail before any of the role's own code runs. What comes meanwhile waits in order.
 */
#include "role/role.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/list.h"
#include "base/log.h"
#include "role/jail.h"
#include "role/peers.h"
#include "role/spawn.h"
#include "role/tell.h"

enum { NAME_ROOM = 1024 }; /* two host names and a user's fit */

/* Something from the parent that waits for role_go. */
struct waiting {
    struct list link;
    enum waiting_kind { LISTENER, FILE_TO_READ, SETTING } kind;
    uint32_t what; /* enum role_protocol, role_file_kind or role_setting_kind */
    int fd;        /* -1: a setting */
    char name[NAME_ROOM];
};

static struct {
    struct role role;
    const struct role_spec *spec;
    struct chan *control;
    struct list waiting;
    struct jail jail;
    char root[4096];
    bool started;
} self;

static void
refuse_to_start(struct err e)
{
    LOG(failed, SLICE(""), log_err(e));
    exit(e.kind == ERR_AGAIN ? 75 : 78); /* EX_TEMPFAIL: who held a lock is about to end */
}

static void
on_boot(void *ctx, struct chan_call *call, const union msg_any *m)
{
    const struct role_boot *b = &m->role_boot;
    const struct role_row *row = role_row(self.role.id);

    (void)ctx, (void)call;
    self.role.count = b->count;
    log_start(row->name, self.role.index, b->quiet != 0);
    slice_to_string(b->root, self.root, sizeof(self.root));
    self.jail = (struct jail){.promises = row->promises,
                              .root = self.root[0] ? self.root : NULL,
                              .drop = b->drop != 0,
                              .uid = b->uid,
                              .gid = b->gid};
}

static void
on_limit(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx, (void)call;
    if (m->role_limit.limit < LIMIT_COUNT)
        self.role.limits.value[m->role_limit.limit] = m->role_limit.value;
}

static void
on_host(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx, (void)call;
    slice_to_string(m->role_host.hostname, self.role.hostname, sizeof(self.role.hostname));
}

static void
on_peer(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx;
    if (m->role_peer.role >= ROLE_COUNT || call->fd < 0)
        return;
    peers_put((enum role_id)m->role_peer.role, m->role_peer.index, m->role_peer.count, call->fd);
    call->fd = -1;
}

static void
keep_waiting(enum waiting_kind kind, uint32_t what, struct slice name, struct chan_call *call)
{
    struct waiting *w = heap_take(sizeof(*w));

    *w = (struct waiting){.kind = kind, .what = what, .fd = call->fd};
    slice_to_string(name, w->name, sizeof(w->name));
    list_append(&self.waiting, &w->link);
    call->fd = -1;
}

static void
on_listen(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx;
    if (m->role_listen.protocol < ROLE_PROTOCOL_COUNT && call->fd >= 0)
        keep_waiting(LISTENER, m->role_listen.protocol, m->role_listen.address, call);
}

static void
on_file(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx;
    if (m->role_file.kind < ROLE_FILE_KIND_COUNT && call->fd >= 0)
        keep_waiting(FILE_TO_READ, m->role_file.kind, m->role_file.name, call);
}

static void
on_setting(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx;
    if (m->role_setting.kind < ROLE_SETTING_KIND_COUNT && call->fd < 0)
        keep_waiting(SETTING, m->role_setting.kind, m->role_setting.value, call);
}

static void
hand_out(struct waiting *w)
{
    const struct role_spec *spec = self.spec;
    struct slice name = slice_of(w->name);

    if (w->kind == LISTENER && spec->listener) {
        spec->listener(&self.role, (enum role_protocol)w->what, name, w->fd);
        w->fd = -1;
    } else if (w->kind == FILE_TO_READ && spec->file) {
        spec->file(&self.role, (enum role_file_kind)w->what, name, w->fd);
    } else if (w->kind == SETTING && spec->setting) {
        spec->setting(&self.role, (enum role_setting_kind)w->what, name);
    }
    if (w->fd >= 0)
        close(w->fd);
}

static void
hand_out_waiting(void)
{
    LIST_EACH(at, &self.waiting)
    {
        struct waiting *w = LIST_OF(at, struct waiting, link);

        hand_out(w);
        list_remove(&w->link);
        free(w);
    }
}

static void
start_jailed(void)
{
    const char *weak;
    struct err e = jail_enter(&self.jail, &weak);

    if (err_is(e))
        refuse_to_start(e);
    if (weak)
        LOG(jail_weak, SLICE(""), log_string("missing", weak));
    peers_begin();
    e = self.spec->start(&self.role);
    if (err_is(e))
        refuse_to_start(e);
    self.started = true;
}

static void
on_go(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx, (void)call;
    self.role.generation = m->role_go.generation;
    if (!self.started)
        start_jailed();
    hand_out_waiting();
    if (self.spec->configured)
        self.spec->configured(&self.role);
    chan_send(self.control, MSG_role_ready, &(struct role_ready){self.role.generation}, -1);
}

static void
on_stop(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx, (void)call;
    if (self.role.stopping)
        return;
    self.role.stopping = true;
    if (self.started && self.spec->stop)
        self.spec->stop(&self.role, m->role_stop.seconds);
    else
        role_end(&self.role);
}

/* The parent is gone: nobody would replace a role that dies from now on. */
static void
on_control_closed(void *ctx, struct chan *c)
{
    (void)ctx, (void)c;
    loop_stop(self.role.loop);
}

static const struct chan_handler from_parent[] = {
    {MSG_role_boot, on_boot},       {MSG_role_limit, on_limit},
    {MSG_role_host, on_host},       {MSG_role_peer, on_peer},
    {MSG_role_listen, on_listen},   {MSG_role_file, on_file},
    {MSG_role_setting, on_setting}, {MSG_role_go, on_go},
    {MSG_role_stop, on_stop},       {MSG_NONE, NULL},
};

static const struct chan_events control_events = {on_control_closed, NULL};

void
role_accuse(enum role_id id, unsigned index)
{
    LOG(peer_bad, SLICE(""), log_string("peer", role_name(id)), log_number("index", index));
    chan_send(self.control, MSG_role_accuse, &(struct role_accuse){id, index}, -1);
}

void
role_answer_status(const struct chan_call *call)
{
    struct buf values;

    buf_init(&values, MSG_FRAME_MAX / 2);
    if (self.spec->status)
        self.spec->status(&self.role, &values);
    chan_answer(call, MSG_role_status_answer,
                &(struct role_status_answer){.values = buf_slice(&values)}, -1);
    buf_clear(&values);
}

void
role_put_value(struct buf *values, const char *name, uint64_t value)
{
    struct role_value v = {slice_of(name), value};

    msg_items_put(values, MSG_role_value, &v);
}

void
role_end(struct role *r)
{
    tell_flush(r);
    loop_stop(r->loop);
}

int
role_main(int argc, char **argv, const struct role_spec *spec)
{
    uint64_t index;

    if (argc != 3 || !role_find(slice_of(argv[1]), &self.role.id) ||
        !slice_to_u64(slice_of(argv[2]), &index) || index >= ROLE_INSTANCES_MAX) {
        fprintf(stderr,
                "This program is a part of valija; start the service with `valija serve`.\n");
        return 64; /* EX_USAGE */
    }
    self.role.index = (unsigned)index;
    self.spec = spec;
    list_init(&self.waiting);
    limits_init(&self.role.limits);
    log_start(argv[1], self.role.index, false);
    tzset();                            /* reads a file: while it still can */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core file with mail in it */
    signal(SIGPIPE, SIG_IGN);
    if (spec->prepare)
        spec->prepare(&self.role);
    self.role.loop = loop_new();
    peers_init(&self.role, spec);
    self.control = chan_new(self.role.loop, ROLE_CONTROL_FD, from_parent, &control_events, NULL);
    loop_run(self.role.loop);
    return 0;
}
