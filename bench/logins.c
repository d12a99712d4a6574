/* Clients that poll: connect, USER, PASS, QUIT, again and again. Each connection has accounts of
 * its own, so that no two sessions meet in one mailbox. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/ensure.h"

#include "load.h"

enum step { GREETING, USER, PASS, QUIT };

struct poller {
    struct wire wire;
    enum step step; /* whose reply comes next */
    size_t account;
    uint64_t begin_us;
};

struct polling {
    const struct load_options *options;
    int epoll;
    uint64_t started, done;
    struct timings timings;
};

static void
begin_login(struct polling *l, struct poller *p)
{
    const struct load_options *o = l->options;

    if (l->started == o->messages)
        return;
    l->started++;
    p->account += o->connections;
    if (p->account >= o->account_count)
        p->account %= o->connections;
    p->step = GREETING;
    p->begin_us = now_us();
    wire_open(&p->wire, l->epoll, wire_connect(o->host, o->pop3), p);
}

static void
take_reply(struct polling *l, struct poller *p, struct slice line)
{
    const struct load_account *a = &l->options->accounts[p->account];

    if (line.len == 0 || line.at[0] != '+')
        die("login of %s: the server says %.*s", a->address, (int)line.len, (const char *)line.at);
    if (p->step == GREETING)
        buf_put_format(&p->wire.out, "USER %s\r\n", a->address);
    else if (p->step == USER)
        buf_put_format(&p->wire.out, "PASS %s\r\n", a->password);
    else if (p->step == PASS) {
        timings_put(&l->timings, now_us() - p->begin_us);
        buf_put_string(&p->wire.out, "QUIT\r\n");
    }
    p->step++;
}

static void
serve(struct polling *l, struct poller *p)
{
    struct slice line;
    bool open = wire_read(&p->wire);

    while (wire_line(&p->wire, &line))
        take_reply(l, p, line);
    if (open) {
        wire_flush(&p->wire);
        return;
    }
    if (p->step <= QUIT)
        die("the server closed a connection");
    wire_close(&p->wire);
    l->done++;
    begin_login(l, p);
}

struct load_result
logins_run(const struct load_options *o)
{
    struct polling l = {.options = o, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct poller *all = heap_take(o->connections * sizeof(*all));
    uint64_t begin_us;

    if (o->connections > o->account_count)
        die("%u connections need as many accounts", o->connections);
    for (size_t i = 0; i < o->account_count; i++) /* the slow hash once, before the clock */
        pop3_stat(o, &o->accounts[i]);
    begin_us = now_us();
    for (unsigned i = 0; i < o->connections; i++) {
        all[i].account = i;
        begin_login(&l, &all[i]);
    }
    while (l.done < o->messages) {
        struct epoll_event events[64];
        int n = epoll_wait(l.epoll, events, COUNT(events), -1);

        for (int i = 0; i < n; i++)
            serve(&l, events[i].data.ptr);
    }
    struct load_result result = {.count = l.done,
                                 .seconds = (double)(now_us() - begin_us) / 1e6,
                                 .p50_ms = timings_ms(&l.timings, 0.5),
                                 .p99_ms = timings_ms(&l.timings, 0.99)};
    timings_clear(&l.timings);
    free(all);
    close(l.epoll);
    return result;
}
