/* The measure of all: a server that says what an SMTP server must say and does nothing else. What
 * it reaches is what generator, kernel and dialogue allow on this machine. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ensure.h"

#include "load.h"

struct guest {
    struct wire wire;
    bool in_data;
    uint64_t recipients; /* of the message that comes */
};

static volatile struct sink_count *count;

static const struct {
    uint8_t first; /* letter of the command */
    const char *reply;
} answers[] = {
    {'E', "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"},
    {'M', "250 2.1.0 sender ok\r\n"},
    {'R', "250 2.1.5 recipient ok\r\n"},
    {'D', "354 end with a dot\r\n"},
    {'Q', "221 2.0.0 bye\r\n"},
};

/* Forgets the message up to its final dot and answers it. False: the dot has not come yet. */
static bool
take_body(struct guest *g)
{
    struct slice in = buf_slice(&g->wire.in);
    const uint8_t *end = in.len ? memmem(in.at, in.len, "\r\n.\r\n", 5) : NULL;

    if (!end) {
        buf_drop(&g->wire.in, in.len > 4 ? in.len - 4 : 0);
        return false;
    }
    buf_drop(&g->wire.in, (size_t)(end - in.at) + 5);
    g->in_data = false;
    count->messages++;
    count->recipients += g->recipients;
    g->recipients = 0;
    buf_put_string(&g->wire.out, "250 2.0.0 kept by nobody\r\n");
    return true;
}

static bool
take_command(struct guest *g)
{
    struct slice line;

    if (!wire_line(&g->wire, &line))
        return false;
    for (size_t i = 0; i < COUNT(answers); i++)
        if (line.len > 0 && line.at[0] == answers[i].first)
            buf_put_string(&g->wire.out, answers[i].reply);
    g->in_data = line.len > 0 && line.at[0] == 'D';
    g->recipients += slice_starts_nocase(line, SLICE("RCPT"));
    return true;
}

static void
serve(struct guest *g)
{
    bool open = wire_read(&g->wire);

    while (g->in_data ? take_body(g) : take_command(g))
        continue;
    wire_flush(&g->wire);
    if (!open) {
        wire_close(&g->wire);
        free(g);
    }
}

static void
welcome(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int yes = 1;
    struct guest *g = heap_take(sizeof(*g));

    if (fd < 0)
        die("accept: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    wire_open(&g->wire, epoll, fd, g);
    count->connections++;
    buf_put_string(&g->wire.out, "220 sink ESMTP\r\n");
    wire_flush(&g->wire);
}

__attribute__((noreturn)) static void
serve_all(int listener)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};

    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, COUNT(events), -1);

        for (int i = 0; i < n; i++)
            if (events[i].data.ptr)
                serve(events[i].data.ptr);
            else
                welcome(epoll, listener);
    }
}

void
sink_start(struct sink *s, uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;

    count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (count == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) < 0 ||
        listen(listener, SOMAXCONN) < 0 || getsockname(listener, (struct sockaddr *)&at, &len) < 0)
        die("listening: %s", strerror(errno));
    *s = (struct sink){.pid = fork(), .port = ntohs(at.sin_port), .count = count};
    if (s->pid < 0)
        die("fork: %s", strerror(errno));
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve_all(listener);
    }
    close(listener);
}

void
sink_wait(const struct sink *s, uint64_t recipients)
{
    while (s->count->recipients < recipients)
        usleep(1000);
}

void
sink_stop(struct sink *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    munmap((void *)s->count, sizeof(*s->count));
}
