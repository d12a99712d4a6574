/* valija demo: prepare a folder, start the service in it, say what to try. The service is a child
 * in a process group of its own, so that a terminal's Ctrl-C comes here first and once. */
#include "demo.h"
#include "role/notify.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ensure.h"
#include "directory.h"

enum { NOTE_MAX = 4096 }; /* bytes of a message by sd_notify(3) */

/* A demo that runs. */
struct run {
    const struct demo *demo;
    struct loop *loop;
    const char *command; /* --once-ready, or NULL */
    int notify;          /* where READY=1 comes */
    pid_t service, shell;
    bool ready, stopping;
    int status;
};

static int
find_folder(const struct ctl *c, struct demo *d)
{
    const char *named = c->options[OPTION_dir];
    char here[CONF_PATH_MAX] = "";
    int n;

    if (!named)
        return demo_usual_folder(d->folder, sizeof(d->folder)) ? 0 : FAIL(demo_no_home);
    if (named[0] != '/' && !getcwd(here, sizeof(here)))
        return FAIL(demo_folder, named, strerror(errno));
    n = snprintf(d->folder, sizeof(d->folder), "%s%s%s", here, here[0] ? "/" : "", named);
    return n > 0 && (size_t)n < sizeof(d->folder)
               ? 0
               : FAIL(demo_folder, named, strerror(ENAMETOOLONG));
}

static int
find_ports(const struct ctl *c, struct demo *d)
{
    const char *named = c->options[OPTION_port_base];
    uint64_t base = DEMO_PORT_BASE;

    if (named && (!slice_to_u64(slice_of(named), &base) || base > DEMO_PORT_BASE_MAX))
        return FAIL(demo_bad_port_base, named);
    d->port_base = (unsigned)base;
    return 0;
}

/* mkdir -p. The folder itself is for its user alone, but as root its roles pass through it. */
static int
make_folder(const struct demo *d)
{
    char part[CONF_PATH_MAX];

    for (size_t i = 1; i <= strlen(d->folder); i++) {
        if (d->folder[i] != '/' && d->folder[i] != '\0')
            continue;
        snprintf(part, sizeof(part), "%.*s", (int)i, d->folder);
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return FAIL(demo_folder, part, strerror(errno));
    }
    return 0;
}

static int
write_files(struct demo *d)
{
    struct err e;

    demo_find_passwords(d);
    e = demo_write_certificate(d);
    if (!err_is(e))
        e = demo_write_conf(d);
    if (!err_is(e))
        e = demo_write_json(d);
    return err_is(e) ? FAIL(demo_folder, d->folder, err_text(e)) : 0;
}

/* Better now than as a line in a log. */
static int
try_ports(const struct demo *d)
{
    int status = 0;

    for (const struct demo_port *p = demo_ports; status == 0 && p->protocol; p++) {
        struct sockaddr_in at = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)(d->port_base + p->port)),
                                 .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int on = 1, fd = demo_port_served(p) ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
        char number[16];

        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        snprintf(number, sizeof(number), "%u", d->port_base + p->port);
        if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
            status = FAIL(demo_port_taken, number, strerror(errno));
        close(fd);
    }
    return status;
}

/* 0 also where it is there already. */
static int
add_domain(struct ctl *c)
{
    struct directory_domain_add m = {SLICE(DEMO_DOMAIN)};
    struct service_question q = {.role = ROLE_accounts,
                                 .type = MSG_directory_domain_add,
                                 .message = &m,
                                 .expected = MSG_directory_done};
    union msg_any answer;
    int status = service_ask(&c->service, &q, &answer);

    if (status || answer.directory_done.result == DIRECTORY_EXISTS)
        return status;
    return directory_verdict(answer.directory_done.result, DEMO_DOMAIN, answer.directory_done.text);
}

/* The account with its password: one that is there gets the password that is written in
 * demo.json. */
static int
add_account(struct ctl *c, const struct demo_account *a)
{
    struct directory_account_add add = {
        .address = slice_of(a->address), .password = slice_of(a->password), .quota = UINT64_MAX};
    struct directory_account_passwd passwd = {.address = add.address, .password = add.password};
    struct service_question q = {.role = ROLE_accounts,
                                 .type = MSG_directory_account_add,
                                 .message = &add,
                                 .expected = MSG_directory_done};
    union msg_any answer;
    int status = service_ask(&c->service, &q, &answer);

    if (status)
        return status;
    if (answer.directory_done.result == DIRECTORY_EXISTS)
        return directory_change(c, MSG_directory_account_passwd, &passwd, a->address, NULL);
    return directory_verdict(answer.directory_done.result, a->address, answer.directory_done.text);
}

static int
fill_directory(struct ctl *c, const struct demo *d)
{
    int status = add_domain(c);

    for (size_t i = 0; status == 0 && i < DEMO_ACCOUNTS; i++)
        status = add_account(c, &d->accounts[i]);
    return status;
}

/* Everything that must be there before the service starts. */
static int
prepare(struct ctl *c, struct demo *d)
{
    static char conf_path[DEMO_PATH_MAX];
    int status = find_folder(c, d);

    if (status == 0)
        status = find_ports(c, d);
    if (status == 0)
        status = make_folder(d);
    demo_path(d, DEMO_CONF, conf_path);
    if (status == 0 && access(conf_path, R_OK) == 0 && demo_runs(conf_path))
        status = FAIL(demo_running, d->folder);
    if (status == 0)
        status = try_ports(d);
    if (status == 0)
        status = write_files(d);
    c->options[OPTION_config] = conf_path;
    if (status == 0)
        status = ctl_connect(c);
    if (status == 0)
        status = fill_directory(c, d);
    ctl_clear(c); /* the role that filled the directory ends: the service starts its own */
    return status;
}

/* Where the parent will say READY=1; its name, for NOTIFY_SOCKET, begins with "@". */
static int
open_notify(char name[32])
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(at.sun_family);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&at, len) != 0) {
        close(fd);
        return -1;
    }
    len = sizeof(at); /* the kernel chose a name */
    getsockname(fd, (struct sockaddr *)&at, &len);
    snprintf(name, 32, "@%.*s", (int)(len - sizeof(at.sun_family) - 1), at.sun_path + 1);
    return fd;
}

/* In the child. */
__attribute__((noreturn)) static void
become_service(const struct demo *d, const char *notify)
{
    char conf_path[DEMO_PATH_MAX];

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setenv("NOTIFY_SOCKET", notify, 1);
    demo_path(d, DEMO_CONF, conf_path);
    service_exec_parent(conf_path, NULL);
    _exit(FAIL(parent_not_started, strerror(errno)));
}

static void
stop_service(struct run *r)
{
    if (!r->stopping && r->service)
        kill(r->service, SIGTERM);
    r->stopping = true;
}

static void
start_command(struct run *r)
{
    char conf_path[DEMO_PATH_MAX];

    demo_path(r->demo, DEMO_CONF, conf_path);
    fflush(NULL);
    r->shell = fork();
    if (r->shell == 0) {
        setenv("VALIJA_CONF", conf_path, 1);
        execl("/bin/sh", "sh", "-c", r->command, (char *)NULL);
        _exit(127);
    }
    if (r->shell < 0) {
        r->shell = 0;
        r->status = FAIL(demo_command, strerror(errno));
        stop_service(r);
    }
}

static void
on_notify(void *ctx, unsigned ready)
{
    struct run *r = ctx;
    char note[NOTE_MAX];
    ssize_t n = recv(r->notify, note, sizeof(note), 0);

    (void)ready;
    if (n <= 0 || r->ready || !memmem(note, (size_t)n, "READY=1", 7))
        return;
    r->ready = true;
    role_notify("READY=1\n"); /* to whoever waits for the demo */
    demo_print(r->demo, r->command ? stderr : stdout); /* standard output is the command's */
    if (r->command)
        start_command(r);
}

static int
exit_status(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

static void
on_child(void *ctx)
{
    struct run *r = ctx;
    int how;
    pid_t pid;

    while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
        if (pid == r->shell) {
            r->shell = 0;
            r->status = exit_status(how);
            stop_service(r);
        } else if (pid == r->service) {
            r->service = 0;
            if (!r->stopping || r->status == 0)
                r->status = exit_status(how);
            loop_stop(r->loop);
        }
    }
}

static void
on_stop(void *ctx)
{
    struct run *r = ctx;

    if (r->shell)
        kill(r->shell, SIGTERM);
    stop_service(r);
}

static void
on_reload(void *ctx)
{
    struct run *r = ctx;

    if (r->service)
        kill(r->service, SIGHUP);
}

static int
run_service(struct run *r)
{
    char notify[32];

    r->notify = open_notify(notify);
    if (r->notify < 0)
        return FAIL(parent_not_started, strerror(errno));
    r->loop = loop_new();
    loop_on_signal(r->loop, SIGCHLD, on_child, r);
    loop_on_signal(r->loop, SIGTERM, on_stop, r);
    loop_on_signal(r->loop, SIGINT, on_stop, r);
    loop_on_signal(r->loop, SIGHUP, on_reload, r);
    loop_watch(r->loop, r->notify, LOOP_READ, on_notify, r);
    fflush(NULL);
    r->service = fork();
    if (r->service == 0)
        become_service(r->demo, notify);
    if (r->service < 0)
        return FAIL(parent_not_started, strerror(errno));
    loop_run(r->loop);
    loop_free(r->loop);
    close(r->notify);
    if (!r->ready && !r->stopping)
        return FAIL(demo_not_ready);
    return r->status;
}

int
verb_demo(struct ctl *c)
{
    struct demo d = {.accounts = {{"ana@" DEMO_DOMAIN, ""}, {"luis@" DEMO_DOMAIN, ""}}};
    struct run r = {.demo = &d, .command = c->options[OPTION_once_ready]};
    int status = prepare(c, &d);

    return status ? status : run_service(&r);
}
