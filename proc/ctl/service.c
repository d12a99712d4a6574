/* Doors come from the parent by ctl_door, or from role_spawn. Roles started here read the same boot
 * frames that the parent sends, and end when their control channel closes. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ensure.h"
#include "text.h"

enum { LOCK_WAIT_MS = 10000, LOCK_STEP_MS = 20 };

struct err
service_connect(const char *path, int type, int *fd)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    if (!slice_to_string(slice_of(path), at.sun_path, sizeof(at.sun_path)))
        return err_os(ENAMETOOLONG, "connecting to the service");
    *fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return err_os(errno, "connecting to the service");
    if (connect(*fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        struct err e = err_os(errno, "connecting to the service");

        close(*fd);
        *fd = -1;
        return e;
    }
    return ERR_OK;
}

static struct err
connect_parent(const struct conf *conf, int *fd)
{
    char path[CONF_PATH_MAX + 16];

    snprintf(path, sizeof(path), "%s/control", conf->run);
    return service_connect(path, SOCK_SEQPACKET, fd);
}

bool
service_is_running(const struct conf *conf)
{
    int fd = -1;
    struct err e = connect_parent(conf, &fd);

    if (!err_is(e))
        close(fd);
    return !err_is(e) || e.os == EACCES; /* a socket that only others may open */
}

int
service_open(struct service *s, const struct conf *conf)
{
    struct err e;

    *s = (struct service){.conf = conf, .parent = -1, .lock = -1};
    buf_init(&s->room, MSG_FRAME_MAX);
    e = connect_parent(conf, &s->parent);
    s->running = !err_is(e);
    if (!err_is(e) || e.os == ENOENT || e.os == ECONNREFUSED || e.os == ENOTDIR)
        return 0;
    if (e.os == EACCES || e.os == EPERM)
        return FAIL(control_not_permitted, conf->run);
    return FAIL(control_failed, conf->run, err_text(e));
}

/* Wait for a role started here; how it ended, as waitpid says. */
static int
reap(struct service_door *d)
{
    int how = 0;

    while (waitpid(d->pid, &how, 0) < 0 && errno == EINTR)
        ;
    d->pid = 0;
    return how;
}

static void
close_door(struct service_door *d)
{
    close(d->fd);
    if (!d->control)
        return;
    chan_free(d->control);
    loop_free(d->loop);
    if (d->pid)
        reap(d);
}

void
service_close(struct service *s)
{
    for (size_t i = 0; i < s->door_count; i++)
        close_door(&s->doors[i]);
    s->door_count = 0;
    if (s->parent >= 0)
        close(s->parent);
    if (s->lock >= 0)
        close(s->lock);
    s->parent = s->lock = -1;
    buf_clear(&s->room);
}

/* The channel a role is booted on is written once and never read: its end says all there is to
 * say. */
static void
ignore_closed(void *ctx, struct chan *c)
{
    (void)ctx, (void)c;
}

static const struct chan_events control_events = {ignore_closed, NULL};

static void
send_boot(const struct service_door *d, const struct conf *conf, struct role_boot *boot, int peer)
{
    boot->count = 1; /* here a role works alone, whatever the machine has */
    chan_send(d->control, MSG_role_boot, boot, -1);
    for (uint32_t i = 0; i < LIMIT_COUNT; i++)
        chan_send(d->control, MSG_role_limit, &(struct role_limit){i, conf->limits.value[i]}, -1);
    chan_send(d->control, MSG_role_host, &(struct role_host){slice_of(conf->hostname)}, -1);
    chan_send(d->control, MSG_role_peer, &(struct role_peer){ROLE_ctl, 0, 1}, peer);
    chan_send(d->control, MSG_role_go, &(struct role_go){1}, -1);
}

/* mkdir -p, as the parent makes the state folder; a role's own below it is role_boot_prepare's. */
static struct err
make_folders(const char *path)
{
    char part[CONF_PATH_MAX + 1];

    for (size_t i = 1; path[i - 1] && i < sizeof(part); i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        snprintf(part, sizeof(part), "%.*s", (int)i, path);
        if (mkdir(part, path[i] ? 0755 : 0711) != 0 && errno != EEXIST)
            return err_os(errno, "making the state folder");
    }
    return ERR_OK;
}

/* The lock that a parent holds while its service runs: roles started here and the service, or two
 * commands, never work on the same files at once. */
static struct err
lock_state(struct service *s)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[CONF_PATH_MAX + 8];
    struct err e = make_folders(s->conf->state);

    if (err_is(e))
        return e;
    snprintf(path, sizeof(path), "%s/lock", s->conf->state);
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock < 0)
        return err_os(errno, "opening the state folder's lock");
    for (int waited = 0; fcntl(s->lock, F_OFD_SETLK, &all) != 0; waited += LOCK_STEP_MS) {
        if (waited >= LOCK_WAIT_MS)
            return err_make(ERR_AGAIN, "waiting for the state folder's lock");
        usleep(LOCK_STEP_MS * 1000);
    }
    return ERR_OK;
}

static struct err
start_role(struct service *s, struct service_door *d)
{
    char folder[CONF_PATH_MAX + 64];
    struct role_boot boot;
    int ends[2], control;
    struct err e = s->lock < 0 ? lock_state(s) : ERR_OK;

    if (!err_is(e))
        e = role_boot_prepare(d->role, s->conf->state, s->conf->run, true, &boot, folder,
                              sizeof(folder));
    if (err_is(e))
        return e;
    e = role_socketpair(ends);
    if (err_is(e))
        return e;
    e = role_spawn(d->role, d->index, &d->pid, &control);
    if (err_is(e)) {
        close(ends[0]);
        close(ends[1]);
        return e;
    }
    d->loop = loop_new();
    d->control = chan_new(d->loop, control, NULL, &control_events, NULL);
    d->fd = ends[0];
    send_boot(d, s->conf, &boot, ends[1]);
    close(ends[1]);
    return ERR_OK;
}

static int
begin_role(struct service *s, struct service_door *d)
{
    struct err e = start_role(s, d);

    if (!err_is(e))
        return 0;
    if (e.os == EACCES || e.os == EPERM)
        return FAIL(state_not_permitted, s->conf->state);
    if (e.kind == ERR_AGAIN)
        return FAIL(state_busy, s->conf->state);
    return FAIL(role_not_started, role_name(d->role), s->conf->state, err_text(e));
}

int
service_ask_parent(struct service *s, enum msg_type type, const void *message,
                   enum msg_type expected, union msg_any *answer)
{
    if (!s->running)
        return FAIL(not_running, s->conf->run);
    if (!chan_ask_now(s->parent, type, message, -1, expected, answer, NULL, &s->room,
                      SERVICE_ANSWER_MS))
        return FAIL(parent_silent);
    return 0;
}

void
service_exec_parent(const char *conf, const char *state)
{
    char folder[CONF_PATH_MAX], program[CONF_PATH_MAX + 32];

    if (!role_program_folder(folder, sizeof(folder))) {
        errno = ENOENT;
        return;
    }
    snprintf(program, sizeof(program), "%s/valija-parent", folder);
    execl(program, program, conf && conf[0] ? conf : "-", state ? state : "-", (char *)NULL);
}

/* The parent's answer about one role; a descriptor of a channel to it in *fd, or -1. */
static int
ask_parent(struct service *s, enum role_id role, unsigned index, bool wake, unsigned *count,
           int *fd)
{
    struct ctl_door door = {role, index, wake};
    union msg_any answer;

    *fd = -1;
    if (!chan_ask_now(s->parent, MSG_ctl_door, &door, -1, MSG_ctl_door_answer, &answer, fd,
                      &s->room, SERVICE_ANSWER_MS))
        return FAIL(parent_silent);
    *count = answer.ctl_door_answer.count;
    return 0;
}

static int
open_door(struct service *s, struct service_door *d)
{
    unsigned count;
    int status;

    if (!s->running)
        return begin_role(s, d);
    status = ask_parent(s, d->role, d->index, true, &count, &d->fd);
    if (status)
        return status;
    return d->fd < 0 ? FAIL(role_away, role_name(d->role)) : 0;
}

static int
find_door(struct service *s, enum role_id role, unsigned index, struct service_door **found)
{
    struct service_door d = {.role = role, .index = index, .fd = -1};
    int status;

    for (size_t i = 0; i < s->door_count; i++) {
        *found = &s->doors[i];
        if ((*found)->role == role && (*found)->index == index)
            return 0;
    }
    ensure(s->door_count < SERVICE_DOORS_MAX);
    status = open_door(s, &d);
    if (status)
        return status;
    *found = &s->doors[s->door_count++];
    **found = d;
    return 0;
}

/* A role started here did not answer: it ended, or it hangs. */
static int
complain_died(struct service *s, struct service_door *d)
{
    char why[64];
    int how;

    if (!d->pid)
        return FAIL(role_silent, role_name(d->role)); /* said before */
    kill(d->pid, SIGKILL);                            /* one that ended already keeps its end */
    how = reap(d);
    if (WIFSIGNALED(how))
        snprintf(why, sizeof(why), "%s", strsignal(WTERMSIG(how)));
    else
        snprintf(why, sizeof(why), "exit %d", WEXITSTATUS(how));
    return FAIL(role_died, role_name(d->role), s->conf->state, why);
}

int
service_ask(struct service *s, const struct service_question *q, union msg_any *answer)
{
    struct service_door *d;
    int status = find_door(s, q->role, q->index, &d);

    if (status)
        return status;
    if (chan_ask_now(d->fd, q->type, q->message, -1, q->expected, answer, q->fd, &s->room,
                     SERVICE_ANSWER_MS))
        return 0;
    return s->running ? FAIL(role_silent, role_name(q->role)) : complain_died(s, d);
}

int
service_take_door(struct service *s, enum role_id role, unsigned index, int *fd)
{
    struct service_door *d;
    int status = find_door(s, role, index, &d);

    if (status)
        return status;
    *fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
    return *fd < 0 ? FAIL(role_silent, role_name(role)) : 0;
}

int
service_count(struct service *s, enum role_id role, unsigned *count)
{
    int fd, status;

    *count = 1;
    if (!s->running)
        return 0;
    status = ask_parent(s, role, 0, false, count, &fd);
    if (fd >= 0)
        close(fd);
    return status;
}
