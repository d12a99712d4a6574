/* A connection, the clock, and how the program ends. Plain epoll, level triggered, no time-outs: a
 * benchmark that hangs is ended by who started it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"

#include "load.h"

enum { READ_SIZE = 65536, WIRE_MAX = 1 << 30 };

void
die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("bench-load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int
wire_connect(struct in_addr host, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die("connecting to %s:%u: %s", inet_ntoa(host), port, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

void
wire_open(struct wire *w, int epoll, int fd, void *ctx)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = ctx};

    *w = (struct wire){.fd = fd, .epoll = epoll, .ctx = ctx};
    buf_init(&w->in, WIRE_MAX);
    buf_init(&w->out, WIRE_MAX);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll: %s", strerror(errno));
}

void
wire_close(struct wire *w)
{
    close(w->fd);
    buf_clear(&w->in);
    buf_clear(&w->out);
    w->fd = -1;
}

bool
wire_read(struct wire *w)
{
    uint8_t *at = buf_reserve(&w->in, READ_SIZE);
    ssize_t got;

    ensure(at);
    got = recv(w->fd, at, READ_SIZE, 0);
    if (got < 0 && errno != EAGAIN && errno != ECONNRESET)
        die("reading: %s", strerror(errno));
    if (got > 0)
        buf_added(&w->in, (size_t)got);
    return got > 0 || (got < 0 && errno == EAGAIN);
}

void
wire_flush(struct wire *w)
{
    while (w->out.len > 0) {
        struct slice left = buf_slice(&w->out);
        ssize_t sent = send(w->fd, left.at, left.len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0)
            die("writing: %s", strerror(errno));
        buf_drop(&w->out, (size_t)sent);
    }
    if (w->blocked != (w->out.len > 0)) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = w->ctx};

        w->blocked = w->out.len > 0;
        event.events |= w->blocked ? EPOLLOUT : 0;
        epoll_ctl(w->epoll, EPOLL_CTL_MOD, w->fd, &event);
    }
}

bool
wire_line(struct wire *w, struct slice *line)
{
    struct slice all = buf_slice(&w->in);
    ptrdiff_t end = slice_find(all, '\n');

    if (end < 0)
        return false;
    *line = slice_head(all, (size_t)end);
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    buf_drop(&w->in, (size_t)end + 1);
    return true;
}
