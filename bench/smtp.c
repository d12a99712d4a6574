/* The generator: every connection says MAIL, RCPT..., DATA and the message, over and over. One
 * message is a row of steps, so that in turn and pipelined differ only in when a step is sent:
 *   step  0     1 .. R   R+1    R+2
 *   sent  MAIL  RCPT     DATA   the message and its dot */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/ensure.h"

#include "load.h"

struct load {
    const struct load_options *options;
    struct buf body; /* with its dot */
    struct timings timings;
    unsigned ready;   /* connections that have said EHLO */
    uint64_t started; /* messages begun */
    uint64_t done;
    uint64_t begin_us, end_us;
};

enum phase { GREETING, HELLO, LOGIN, MAILING, LEAVING };

struct talk {
    struct wire wire;
    struct load *load;
    enum phase phase;
    uint64_t message; /* the number of the one being sent */
    unsigned step;    /* the one whose reply comes next */
    uint64_t body_us; /* when its body was sent */
};

/* Lines of base 64 letters, so that the bytes are as dense as mail is and no line begins with a
 * dot. */
static void
write_body(struct buf *body, unsigned size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t random = 1;

    buf_put_string(body, "From: <load@bench.example>\r\nSubject: one of many\r\n\r\n");
    while (body->len < size) {
        size_t left = size - body->len;
        size_t width = left < 4 ? 0 : left - 2 < 76 ? left - 2 : 76;

        for (size_t i = 0; i < width; i++) {
            random = random * 1664525 + 1013904223;
            buf_put_byte(body, (uint8_t)letters[random >> 26]);
        }
        buf_put_string(body, "\r\n");
    }
    buf_put_string(body, ".\r\n");
}

static struct load_account *
recipient(const struct load *l, uint64_t message, unsigned i)
{
    const struct load_options *o = l->options;

    return &o->accounts[(message * o->recipients + i) % o->account_count];
}

static const char *
sender(const struct load *l)
{
    return l->options->sender ? l->options->sender->address : "load@bench.example";
}

static void
send_step(struct talk *t, unsigned step)
{
    unsigned recipients = t->load->options->recipients;

    if (step == 0)
        buf_put_format(&t->wire.out, "MAIL FROM:<%s>\r\n", sender(t->load));
    else if (step <= recipients)
        buf_put_format(&t->wire.out, "RCPT TO:<%s>\r\n",
                       recipient(t->load, t->message, step - 1)->address);
    else if (step == recipients + 1)
        buf_put_string(&t->wire.out, "DATA\r\n");
    else {
        t->body_us = now_us();
        buf_put(&t->wire.out, buf_slice(&t->load->body));
    }
}

static void
begin_message(struct talk *t)
{
    const struct load_options *o = t->load->options;

    if (t->load->started == o->messages) {
        buf_put_string(&t->wire.out, "QUIT\r\n");
        t->phase = LEAVING;
        return;
    }
    t->message = t->load->started++;
    t->step = 0;
    for (unsigned i = 0; i <= (o->pipeline ? o->recipients + 1 : 0); i++)
        send_step(t, i);
}

static void
end_message(struct talk *t)
{
    struct load *l = t->load;

    l->end_us = now_us();
    timings_put(&l->timings, l->end_us - t->body_us);
    l->done++;
    for (unsigned i = 0; i < l->options->recipients; i++)
        recipient(l, t->message, i)->expected++;
    begin_message(t);
}

/* AUTH PLAIN (RFC 4616). */
static void
send_login(struct talk *t, const struct load_account *a)
{
    struct buf plain;

    buf_init(&plain, sizeof(*a) + 2);
    buf_put_byte(&plain, 0);
    buf_put_string(&plain, a->address);
    buf_put_byte(&plain, 0);
    buf_put_string(&plain, a->password);
    buf_put_string(&t->wire.out, "AUTH PLAIN ");
    base64_put(&t->wire.out, buf_slice(&plain));
    buf_put_string(&t->wire.out, "\r\n");
    buf_clear(&plain);
}

/* The clock starts, for all at once, when the last connection has been welcomed. */
static void
take_hello(struct talk *t, struct talk *all)
{
    struct load *l = t->load;

    if (t->phase == GREETING) {
        buf_put_string(&t->wire.out, "EHLO bench.example\r\n");
        t->phase = HELLO;
        return;
    }
    if (t->phase == HELLO && l->options->sender) {
        send_login(t, l->options->sender);
        t->phase = LOGIN;
        return;
    }
    t->phase = MAILING;
    if (++l->ready < l->options->connections)
        return;
    l->begin_us = now_us();
    for (unsigned i = 0; i < l->options->connections; i++) {
        begin_message(&all[i]);
        wire_flush(&all[i].wire);
    }
}

static void
take_reply(struct talk *t, struct slice line)
{
    const struct load_options *o = t->load->options;
    uint8_t expected = t->step == o->recipients + 1 ? '3' : '2';

    if (line.len < 3 || line.at[0] != expected)
        die("message %llu, step %u: the server says %.*s", (unsigned long long)t->message, t->step,
            (int)line.len, (const char *)line.at);
    t->step++;
    if (t->step == o->recipients + 3)
        end_message(t);
    else if (t->step == o->recipients + 2 || !o->pipeline)
        send_step(t, t->step);
}

static void
take_replies(struct talk *t, struct talk *all)
{
    struct slice line;
    bool open = wire_read(&t->wire);

    while (wire_line(&t->wire, &line)) {
        if (line.len > 3 && line.at[3] == '-')
            continue; /* of a reply with several lines the last one counts */
        if (t->phase < MAILING && line.len > 0 && line.at[0] != '2')
            die("the server says %.*s", (int)line.len, (const char *)line.at);
        if (t->phase < MAILING)
            take_hello(t, all);
        else if (t->phase == MAILING)
            take_reply(t, line);
    }
    if (!open && t->phase != LEAVING)
        die("the server closed a connection");
    if (open)
        wire_flush(&t->wire);
    else
        wire_close(&t->wire);
}

static void
drive(struct load *l)
{
    unsigned count = l->options->connections;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct talk *all = heap_take(count * sizeof(*all));

    for (unsigned i = 0; i < count; i++) {
        all[i].load = l;
        wire_open(&all[i].wire, epoll, wire_connect(l->options->host, l->options->smtp), &all[i]);
    }
    while (l->done < l->options->messages) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, COUNT(events), -1);

        for (int i = 0; i < n; i++) {
            struct talk *t = events[i].data.ptr;

            if (events[i].events & EPOLLOUT)
                wire_flush(&t->wire);
            if (events[i].events & ~(unsigned)EPOLLOUT)
                take_replies(t, all);
        }
    }
    for (unsigned i = 0; i < count; i++)
        if (all[i].wire.fd >= 0)
            wire_close(&all[i].wire);
    free(all);
    close(epoll);
}

struct load_result
smtp_run(const struct load_options *o)
{
    struct load l = {.options = o};
    struct load_result result;

    if (o->recipients > o->account_count)
        die("%u recipients need as many accounts", o->recipients);
    for (size_t i = 0; i < o->account_count; i++)
        o->accounts[i].expected = o->pop3 ? pop3_stat(o, &o->accounts[i]) : 0;
    buf_init(&l.body, (size_t)o->size + 256);
    write_body(&l.body, o->size);
    drive(&l);
    result =
        (struct load_result){.count = l.done, .seconds = (double)(l.end_us - l.begin_us) / 1e6};
    if (o->pop3) {
        pop3_wait_listed(o);
        result.until_listed = (double)(now_us() - l.begin_us) / 1e6;
    }
    if (o->sink) {
        sink_wait(o->sink, l.done * o->recipients);
        result.until_listed = (double)(now_us() - l.begin_us) / 1e6;
    }
    result.p50_ms = timings_ms(&l.timings, 0.5);
    result.p99_ms = timings_ms(&l.timings, 0.99);
    buf_clear(&l.body);
    timings_clear(&l.timings);
    return result;
}
