/* Listening sockets belong to the parent: a role that dies leaves its queue of connections behind
 * for its successor. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "parent.h"

enum {
    SOCKET_BACKLOG = 1024,
    SOCKET_STEP_MS = 20,
    SOCKET_WAIT_MS =
        5000, /* the roles of a parent that was killed hold its sockets until they end */
};

static int patience_ms = SOCKET_WAIT_MS; /* at the start; a reload does not wait */

static enum role_protocol
protocol_of(enum conf_protocol p)
{
    for (unsigned i = 0; i < ROLE_PROTOCOL_COUNT; i++)
        if (strcmp(role_protocol_name((enum role_protocol)i), conf_protocols[p].name) == 0)
            return (enum role_protocol)i;
    return ROLE_PROTOCOL_COUNT;
}

static struct socket *
find(struct parent *p, enum role_protocol protocol, const char *text)
{
    for (size_t i = 0; i < p->socket_count; i++)
        if (p->sockets[i].protocol == protocol && strcmp(p->sockets[i].text, text) == 0)
            return &p->sockets[i];
    return NULL;
}

static struct err
set_options(int fd, const struct conf_listen *l)
{
    int on = 1, only6 = !l->every;

    if (l->address.at.ss_family != AF_UNIX &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return err_os(errno, "setting up a socket");
    if (l->address.at.ss_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6)) != 0)
        return err_os(errno, "setting up a socket");
    return ERR_OK;
}

/* A socket that a killed parent left behind goes: the state folder's lock says that nobody listens
 * there. Anything else is moved aside, never deleted. */
struct err
sockets_clear_place(const char *path)
{
    char aside[CONF_PATH_MAX + 32];
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? ERR_OK : err_os(errno, "looking at the place of a socket");
    if (S_ISSOCK(st.st_mode))
        return unlink(path) == 0 ? ERR_OK : err_os(errno, "removing an old socket");
    snprintf(aside, sizeof(aside), "%s.aside-%llu", path,
             (unsigned long long)clock_now_us() / 1000000);
    if (rename(path, aside) != 0)
        return err_os(errno, "moving aside what is in the place of a socket");
    LOG(salvage, SLICE(""), log_string("file", path), log_string("what", "moved-aside"));
    return ERR_OK;
}

/* Every local user may connect: the kernel tells who it is. */
static struct err
bind_address(int fd, const struct conf_listen *l)
{
    const struct sockaddr *address = (const struct sockaddr *)&l->address.at;
    const struct sockaddr_un *un = (const struct sockaddr_un *)&l->address.at;
    bool local = address->sa_family == AF_UNIX;

    struct err e = local ? sockets_clear_place(un->sun_path) : ERR_OK;

    if (err_is(e))
        return e;
    for (int waited = 0; bind(fd, address, l->address.len) != 0; waited += SOCKET_STEP_MS) {
        if (errno != EADDRINUSE || waited >= patience_ms)
            return err_os(errno, "binding");
        usleep(SOCKET_STEP_MS * 1000);
    }
    if (local && chmod(un->sun_path, 0666) != 0)
        return err_os(errno, "opening a socket to local users");
    return listen(fd, SOCKET_BACKLOG) != 0 ? err_os(errno, "listening") : ERR_OK;
}

static struct err
open_socket(const struct conf_listen *l, int *fd)
{
    struct err e;

    *fd = socket(l->address.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return err_os(errno, "making a socket");
    e = set_options(*fd, l);
    if (!err_is(e))
        e = bind_address(*fd, l);
    if (err_is(e))
        close(*fd);
    return e;
}

static struct err
want_socket(struct parent *p, const struct conf_listen *l)
{
    enum role_protocol protocol = protocol_of(l->protocol);
    struct socket *s = find(p, protocol, l->address.text);
    struct err e = ERR_OK;
    int fd;

    if (protocol == ROLE_PROTOCOL_COUNT)
        return ERR_OK; /* known to the grammar, not served yet: conf warns */
    if (!s && p->socket_count == PARENT_SOCKETS_MAX)
        return err_make(ERR_LIMIT, "the number of listening sockets");
    if (!s) {
        e = open_socket(l, &fd);
        if (err_is(e))
            return e;
        s = &p->sockets[p->socket_count++];
        *s = (struct socket){.protocol = protocol, .fd = fd};
        snprintf(s->text, sizeof(s->text), "%s", l->address.text);
    }
    s->wanted = true;
    return e;
}

static void
close_unwanted(struct parent *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->socket_count; i++) {
        if (p->sockets[i].wanted)
            p->sockets[kept++] = p->sockets[i];
        else
            close(p->sockets[i].fd);
    }
    p->socket_count = kept;
}

/* Every address is tried, so that all that is wrong is said at once; the first error is returned.
 */
struct err
sockets_open(struct parent *p)
{
    struct err first = ERR_OK;

    for (size_t i = 0; i < p->socket_count; i++)
        p->sockets[i].wanted = false;
    for (size_t i = 0; i < p->conf->listen_count; i++) {
        const struct conf_listen *l = &p->conf->listens[i];
        struct err e = want_socket(p, l);

        if (!err_is(e))
            continue;
        LOG(storage, SLICE(""), log_string("listen", conf_protocols[l->protocol].name),
            log_string("address", l->address.text), log_err(e));
        if (!err_is(first))
            first = e;
    }
    close_unwanted(p);
    patience_ms = 0;
    return first;
}

void
sockets_close(struct parent *p)
{
    for (size_t i = 0; i < p->socket_count; i++)
        p->sockets[i].wanted = false;
    close_unwanted(p);
}
