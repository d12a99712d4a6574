/* Reading mail: one blocking session at a time, so that a number of megabytes is one reader's. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ensure.h"

#include "load.h"

enum {
    LINE_MAX_LEN = 1024,
    READ_ROOM = 1 << 20,
    AHEAD_MAX = 512, /* RETR commands sent before their answers */
    END_LEN = 5,     /* CR LF . CR LF */
};

/* Between the messages nothing is left unread, as every reply is waited for. */
struct session {
    int fd;
    char line[LINE_MAX_LEN]; /* the last reply */
};

static void
send_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

        if (sent < 0)
            die("pop3: writing: %s", strerror(errno));
        at += sent;
        len -= (size_t)sent;
    }
}

static void
read_reply(struct session *s)
{
    size_t have = 0;

    while (have == 0 || s->line[have - 1] != '\n') {
        ssize_t got = recv(s->fd, s->line + have, sizeof(s->line) - 1 - have, 0);

        if (got <= 0)
            die("pop3: the server closed the connection");
        have += (size_t)got;
    }
    s->line[have] = '\0';
    if (s->line[0] != '+')
        die("pop3: the server says %s", s->line);
}

__attribute__((format(printf, 2, 3))) static void
ask(struct session *s, const char *format, ...)
{
    char command[LINE_MAX_LEN];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    ensure(n > 0 && (size_t)n < sizeof(command));
    send_all(s->fd, command, (size_t)n);
    read_reply(s);
}

static void
log_in(struct session *s, const struct load_options *o, const struct load_account *account)
{
    s->fd = wire_connect(o->host, o->pop3);
    read_reply(s);
    ask(s, "USER %s\r\n", account->address);
    ask(s, "PASS %s\r\n", account->password);
}

static void
log_out(struct session *s)
{
    ask(s, "QUIT\r\n");
    close(s->fd);
}

static uint64_t
count_listed(struct session *s)
{
    unsigned long long count;

    ask(s, "STAT\r\n");
    if (sscanf(s->line, "+OK %llu", &count) != 1)
        die("pop3: STAT says %s", s->line);
    return count;
}

uint64_t
pop3_stat(const struct load_options *o, const struct load_account *account)
{
    struct session s;
    uint64_t count;

    log_in(&s, o, account);
    count = count_listed(&s);
    log_out(&s);
    return count;
}

void
pop3_wait_listed(const struct load_options *o)
{
    for (size_t i = 0; i < o->account_count; i++) {
        const struct load_account *account = &o->accounts[i];
        uint64_t listed;

        do
            listed = pop3_stat(o, account);
        while (listed < account->expected);
        if (listed > account->expected)
            die("the mailbox of %s lists %llu messages, %llu were accepted", account->address,
                (unsigned long long)listed, (unsigned long long)account->expected);
    }
}

/* The end of the first multi-line answer within, or NULL. Looking for the dot is what is fast: mail
 * has few of them. */
static const uint8_t *
find_end(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *dot = at + 2;

    while (dot + 2 < end && (dot = memchr(dot, '.', (size_t)(end - dot - 2)))) {
        if (memcmp(dot - 2, "\r\n.\r\n", END_LEN) == 0)
            return dot + 3;
        dot++;
    }
    return NULL;
}

struct reader {
    int fd;
    uint8_t *room;
    size_t have; /* bytes at the front of room that may begin an end */
    uint64_t bytes;
};

/* Reads what is there and counts the answers that end in it. */
static unsigned
count_ends(struct reader *r)
{
    ssize_t got = recv(r->fd, r->room + r->have, READ_ROOM - r->have, 0);
    const uint8_t *at = r->room;
    const uint8_t *end = r->room + r->have + (got > 0 ? got : 0);
    unsigned count = 0;
    size_t left;

    if (got <= 0)
        die("pop3: the server closed the connection");
    r->bytes += (uint64_t)got;
    for (const uint8_t *hit; (hit = find_end(at, end)); at = hit) {
        if (hit < end && *hit != '+')
            die("pop3: RETR was refused");
        count++;
    }
    left = (size_t)(end - at);
    r->have = left < END_LEN - 1 ? left : END_LEN - 1;
    memmove(r->room, end - r->have, r->have);
    return count;
}

static void
send_retr(int fd, uint64_t first, unsigned count, uint64_t in_mailbox)
{
    char commands[AHEAD_MAX * 32];
    size_t len = 0;

    for (unsigned i = 0; i < count; i++)
        len += (size_t)snprintf(commands + len, 32, "RETR %u\r\n",
                                (unsigned)((first + i) % in_mailbox) + 1);
    send_all(fd, commands, len);
}

struct load_result
retr_run(const struct load_options *o)
{
    struct session s;
    uint64_t listed, begin_us;
    uint64_t asked = 0, answered = 0;
    unsigned most = o->pipeline ? AHEAD_MAX : 1;
    struct reader r = {.room = heap_take(READ_ROOM)};

    log_in(&s, o, &o->accounts[0]);
    listed = count_listed(&s);
    if (listed == 0)
        die("pop3: the mailbox of %s is empty", o->accounts[0].address);
    r.fd = s.fd;
    begin_us = now_us();
    while (answered < o->messages) {
        uint64_t left = o->messages - asked;
        unsigned more = most - (unsigned)(asked - answered);

        if (left > 0 && more >= (most + 1) / 2) {
            more = more < left ? more : (unsigned)left;
            send_retr(s.fd, asked, more, listed);
            asked += more;
        }
        answered += count_ends(&r);
    }
    struct load_result result = {
        .count = answered, .bytes = r.bytes, .seconds = (double)(now_us() - begin_us) / 1e6};
    log_out(&s);
    free(r.room);
    return result;
}
