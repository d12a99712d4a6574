/* parent: reads the configuration, binds, starts every role and replaces who dies. Usage:
 * valija-parent CONF STATE, each "-" for the default; `valija serve` calls it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "parent.h"
#include "role/jail.h"
#include "role/notify.h"

enum { LOCK_WAIT_MS = 10000, LOCK_STEP_MS = 20 };
enum { EXIT_TEMPORARY = 75, EXIT_CONFIGURATION = 78, EXIT_CREATE = 73 };

static struct conf_mistakes mistakes;

static void
print_mistakes(void)
{
    struct buf out;

    buf_init(&out, CONF_MISTAKES_MAX * 1024);
    conf_mistakes_put(&mistakes, &out);
    if (out.len && write(STDERR_FILENO, buf_slice(&out).at, out.len) < 0)
        LOG(failed, SLICE(""), log_err(err_os(errno, "writing the mistakes")));
    buf_clear(&out);
}

static struct err
make_folders(const char *path, mode_t mode)
{
    char part[CONF_PATH_MAX + 1];

    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return err_os(errno, "making a folder");
        *slash = '/';
    }
    if (mkdir(part, mode) != 0 && errno != EEXIST)
        return err_os(errno, "making a folder");
    return ERR_OK;
}

/* One service per state folder. An OFD lock dies with its holder; roles of a parent that was killed
 * a moment ago hold no copy of it. */
static struct err
lock_state(const char *state)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[CONF_PATH_MAX + 8];
    int fd;

    snprintf(path, sizeof(path), "%s/lock", state);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_os(errno, "opening the state folder's lock");
    for (int waited = 0; fcntl(fd, F_OFD_SETLK, &all) != 0; waited += LOCK_STEP_MS) {
        if (waited >= LOCK_WAIT_MS)
            return err_make(ERR_AGAIN, "another valija serves this state folder");
        usleep(LOCK_STEP_MS * 1000);
    }
    return ERR_OK; /* kept open, and so locked, until the process ends */
}

void
parent_ready(struct parent *p)
{
    size_t running = 0;

    for (size_t i = 0; i < p->child_count; i++)
        running += p->children[i].pid != 0;
    p->ready = true;
    role_notify("READY=1\n");
    LOG(start, SLICE(""), log_string("hostname", p->conf->hostname),
        log_string("state", p->conf->state), log_number("processes", running));
}

unsigned
parent_reload(struct parent *p)
{
    const struct conf *new = conf_load(p->conf_path, p->state, &mistakes);

    print_mistakes();
    if (!new) {
        LOG(reload, SLICE(""), log_number("mistakes", mistakes.errors));
        return (unsigned)mistakes.errors;
    }
    conf_free(p->conf);
    p->conf = new;
    p->generation++;
    (void)sockets_open(p); /* what could not be bound was logged; the rest is served */
    children_reload(p);
    LOG(reload, SLICE(""), log_number("generation", p->generation));
    return 0;
}

static void
on_hangup(void *ctx)
{
    struct parent *p = ctx;

    if (!p->stopping)
        parent_reload(p);
}

static void
on_terminate(void *ctx)
{
    struct parent *p = ctx;

    if (p->stopping)
        return;
    role_notify("STOPPING=1\n");
    sockets_close(p);
    children_stop(p);
}

static void
on_child(void *ctx)
{
    children_reap(ctx);
}

static struct err
enter_jail(const struct conf *conf)
{
    struct jail jail = {
        .promises = role_row(ROLE_parent)->promises, .root = conf->state, .also = conf->run};
    char before[CONF_PATH_MAX];
    const char *weak;
    struct err e;

    if (!getcwd(before, sizeof(before)))
        return err_os(errno, "finding the working folder");
    e = jail_enter(&jail, &weak);
    if (weak)
        LOG(jail_weak, SLICE(""), log_string("missing", weak));
    if (!err_is(e) && chdir(before) != 0) /* where relative paths of the configuration start */
        return err_os(errno, "returning to the working folder");
    return e;
}

static struct err
prepare(struct parent *p)
{
    const struct conf *conf = p->conf;
    struct err e = make_folders(conf->state, 0711);

    if (!err_is(e))
        e = make_folders(conf->run, 0711);
    if (!err_is(e))
        e = lock_state(conf->state);
    if (!err_is(e))
        e = sockets_open(p);
    if (!err_is(e))
        e = enter_jail(conf);
    if (err_is(e))
        return e;
    p->loop = loop_new();
    return control_open(p, conf->run);
}

static const char *
argument(int argc, char **argv, int i)
{
    return argc > i && strcmp(argv[i], "-") != 0 ? argv[i] : NULL;
}

int
main(int argc, char **argv)
{
    static struct parent p = {.generation = 1};
    struct err e;

    log_start("parent", 0, false);
    p.conf_path = argument(argc, argv, 1);
    p.state = argument(argc, argv, 2);
    p.conf = conf_load(p.conf_path, p.state, &mistakes);
    print_mistakes();
    if (!p.conf)
        return EXIT_CONFIGURATION;
    p.started = clock_now_us() / 1000000;
    e = prepare(&p);
    if (err_is(e)) {
        LOG(failed, SLICE(""), log_err(e));
        return e.kind == ERR_AGAIN ? EXIT_TEMPORARY : EXIT_CREATE;
    }
    signal(SIGPIPE, SIG_IGN);
    loop_on_signal(p.loop, SIGHUP, on_hangup, &p);
    loop_on_signal(p.loop, SIGTERM, on_terminate, &p);
    loop_on_signal(p.loop, SIGINT, on_terminate, &p);
    loop_on_signal(p.loop, SIGCHLD, on_child, &p);
    children_start(&p);
    loop_run(p.loop);
    control_close(&p);
    LOG(stop, SLICE(""), log_number("status", (uint64_t)p.status));
    return p.status;
}
