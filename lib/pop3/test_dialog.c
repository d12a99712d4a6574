/* Runs test/dialog/pop3: the server against scripts. Options ("!:"): loopback, tls, no-tls,
 * bound (a TLS session with a channel to bind to), no-stamp, small (the least `out`), and
 * limit=value for a row of limit.def.
 *
 *   ?: password ana secret -> yes        ?: apop ana 0123...ef -> yes
 *   ?: scram-user ana -> salt 4096       ?: scram-proof ana PROOF -> yes
 *   ?: open ana -> 120 200               (sizes; 7*100 is seven messages of 100)
 *   ?: body 1 all -> Subject: x\r\n...   ?: body 1 top 3 -> broken
 *   ?: commit 1 3 -> yes                 ?: tls -> started
 *
 * Each but tls takes the name of a refusal instead, POP3_IN_USE, with a number where the row has
 * one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "pop3/server.h"
#include "test/dialog/script.h"

struct session {
    struct limits limits;
    struct pop3_config config;
    struct pop3_server server;
    struct buf out;
    struct pop3_message *messages;
    bool running;
};

static const struct sasl_binding exporter = {.tls_exporter = {(const uint8_t *)"exported", 8}};

static void
stop(struct session *t)
{
    if (!t->running)
        return;
    pop3_server_clear(&t->server);
    buf_clear(&t->out);
    free(t->messages);
    t->messages = NULL;
    t->running = false;
}

static bool
set_limit(struct limits *limits, struct slice name, struct slice value)
{
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        if (slice_eq(name, slice_of(limit_rows[i].name)))
            return slice_to_u64(value, &limits->value[i]);
    return false;
}

static bool
start(void *ctx, struct slice options)
{
    struct session *t = ctx;
    struct pop3_client client = {.nonce = SLICE("SERVERNONCE0123456"),
                                 .reference = SLICE("7KQ2M9")};
    struct slice word, name, stamp = SLICE("<1.2@mx.example>");
    size_t cap = 1 << 20;

    stop(t);
    limits_init(&t->limits);
    t->config = (struct pop3_config){
        .hostname = SLICE("mx.example"), .limits = &t->limits, .tls_available = true};
    while (options.len) {
        slice_cut(&options, ' ', &word);
        if (slice_eq(word, SLICE("loopback")))
            client.loopback = true;
        else if (slice_eq(word, SLICE("tls")) || slice_eq(word, SLICE("bound")))
            client.tls = true;
        else if (slice_eq(word, SLICE("no-tls")))
            t->config.tls_available = false;
        else if (slice_eq(word, SLICE("no-stamp")))
            stamp = (struct slice){0};
        else if (slice_eq(word, SLICE("small")))
            cap = 2 * POP3_REPLY_MAX;
        else if (!slice_cut(&word, '=', &name) || !set_limit(&t->limits, name, word))
            return false;
        if (slice_eq(word, SLICE("bound")))
            client.binding = exporter;
    }
    buf_init(&t->out, cap);
    pop3_server_init(&t->server, &t->config, client, &t->out, stamp);
    pop3_server_greet(&t->server);
    t->running = true;
    return true;
}

static size_t
feed(void *ctx, struct slice in)
{
    return pop3_server_feed(&((struct session *)ctx)->server, in);
}

static void
put_words(struct buf *text, const char *verb, struct slice user)
{
    buf_put_string(text, verb);
    buf_put_byte(text, ' ');
    buf_put(text, user);
}

static void
put_sasl(struct buf *text, const struct pop3_ask *ask)
{
    if (ask->step == SASL_ASK_PASSWORD) {
        put_words(text, "password", ask->user);
        buf_put_byte(text, ' ');
        buf_put(text, ask->password);
    } else if (ask->step == SASL_ASK_SCRAM_USER) {
        put_words(text, "scram-user", ask->user);
    } else {
        put_words(text, "scram-proof", ask->user);
        buf_put_byte(text, ' ');
        base64_put(text, ask->proof);
    }
}

static void
put_body(struct buf *text, const struct pop3_ask *ask)
{
    buf_put_format(text, "body %zu ", ask->message + 1);
    if (ask->lines == POP3_ALL_LINES)
        buf_put_string(text, "all");
    else
        buf_put_format(text, "top %llu", (unsigned long long)ask->lines);
}

static bool
question(void *ctx, struct buf *text)
{
    const struct pop3_server *s = &((struct session *)ctx)->server;

    if (s->ask.kind == POP3_ASK_TLS)
        buf_put_string(text, "tls");
    else if (s->ask.kind == POP3_ASK_SASL)
        put_sasl(text, &s->ask);
    else if (s->ask.kind == POP3_ASK_OPEN)
        put_words(text, "open", s->ask.user);
    else if (s->ask.kind == POP3_ASK_BODY)
        put_body(text, &s->ask);
    if (s->ask.kind == POP3_ASK_APOP) {
        put_words(text, "apop", s->ask.user);
        buf_put_byte(text, ' ');
        buf_put(text, s->ask.proof);
    }
    if (s->ask.kind == POP3_ASK_COMMIT) {
        buf_put_string(text, "commit");
        for (size_t i = 0; i < s->count; i++)
            if (pop3_server_is_deleted(s, i))
                buf_put_format(text, " %zu", i + 1);
    }
    return s->ask.kind != POP3_ASK_NONE;
}

static enum reason
find_refusal(struct slice name)
{
    enum reason r = reason_find(name);

    return r != REASON_NONE && reason_is_refusal(r) ? r : REASON_NONE;
}

/* "120 200 7*100" as a table. */
static bool
read_sizes(struct session *t, struct slice words, struct pop3_answer *a)
{
    struct slice word, count;
    uint64_t times, size;

    free(t->messages);
    t->messages = calloc(200000, sizeof(*t->messages));
    a->uid_validity = 0x5eed;
    a->seconds = 30;
    a->messages = t->messages;
    while (words.len) {
        slice_cut(&words, ' ', &word);
        times = 1;
        if (slice_find(word, '*') >= 0 &&
            (!slice_cut(&word, '*', &count) || !slice_to_u64(count, &times)))
            return false;
        if (!slice_to_u64(word, &size) || a->count + times > 200000)
            return false;
        for (; times > 0; times--, a->count++)
            t->messages[a->count] = (struct pop3_message){a->count + 1, size};
    }
    return true;
}

static bool
send_body(struct session *t, struct slice text, struct pop3_answer *a)
{
    struct pop3_stuff stuff;
    struct buf body;
    bool broken = slice_eq(text, SLICE("broken")), good;

    pop3_stuff_init(&stuff, t->server.ask.lines);
    pop3_server_body_begin(&t->server);
    if (broken) {
        a->reason = POP3_SYS_TEMP;
        return true;
    }
    buf_init(&body, 1 << 20);
    good = script_unescape(text, &body);
    pop3_stuff_feed(&stuff, buf_slice(&body), &t->out);
    good = good && pop3_stuff_end(&stuff, &t->out);
    buf_clear(&body);
    return good;
}

static bool
answer_scram(struct slice words, struct pop3_answer *a, struct buf *salt)
{
    struct slice text;
    uint64_t iterations;

    buf_init(salt, 64);
    slice_cut(&words, ' ', &text);
    if (!base64_decode(text, salt) || !slice_to_u64(words, &iterations))
        return false;
    a->salt = buf_slice(salt);
    a->iterations = (uint32_t)iterations;
    return true;
}

static bool
answer(void *ctx, struct slice words, bool *drop)
{
    static const uint8_t signature[SASL_SCRAM_KEY] = {1, 2, 3};
    struct session *t = ctx;
    const struct pop3_ask *ask = &t->server.ask;
    struct pop3_answer a = {.signature = {signature, sizeof(signature)}};
    struct slice rest = words, id;
    struct buf salt = {0};
    bool good = true;

    if (ask->kind == POP3_ASK_TLS) {
        *drop = true;
        pop3_server_tls_started(&t->server, exporter);
        return slice_eq(words, SLICE("started"));
    }
    slice_cut(&rest, ' ', &id);
    a.reason = find_refusal(id);
    if (a.reason)
        good = rest.len == 0 || slice_to_u64(rest, &a.seconds);
    else if (ask->kind == POP3_ASK_OPEN)
        good = read_sizes(t, words, &a);
    else if (ask->kind == POP3_ASK_BODY)
        good = send_body(t, words, &a);
    else if (ask->kind == POP3_ASK_SASL && ask->step == SASL_ASK_SCRAM_USER)
        good = answer_scram(words, &a, &salt);
    else
        good = slice_eq(words, SLICE("yes"));
    pop3_server_answer(&t->server, &a);
    buf_clear(&salt);
    return good;
}

static bool
end(void *ctx, struct slice words)
{
    struct session *t = ctx;
    enum reason r = find_refusal(words);

    pop3_server_end(&t->server, r);
    return r || slice_eq(words, SLICE("silently"));
}

static bool
closing(void *ctx)
{
    return ((struct session *)ctx)->server.closing;
}

static void
the_server_follows_every_script(void **state)
{
    struct session t = {0};
    struct script_machine m = {&t, &t.out, start, feed, question, answer, end, closing, NULL};
    int scripts = script_run_folder("test/dialog/pop3", &m);

    (void)state;
    stop(&t);
    assert_true(scripts > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_follows_every_script),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
