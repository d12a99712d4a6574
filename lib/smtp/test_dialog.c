/* Runs test/dialog/smtp: the server against scripts. Options ("!:"): mx (where nothing is said),
 * submission, system; tls, no-tls, bound (TLS with a channel to bind to), loopback, refused=ROW
 * (the greeting is that row of the catalogue), and limit=value for a row of limit.def.
 *
 *   ?: rcpt ana@here.example -> yes      ?: rcpt ana@here.example -> yes 100    (room in the quota)
 *   ?: sender ana@here.example -> yes    ?: vrfy ana -> forwarded ana@there.example
 *   ?: body -> yes                       ?: commit from <> to ana@here.example: text\r\n -> yes
 *   ?: password ana secret -> yes ana@here.example
 *   ?: scram-user ana -> salt            ?: scram-proof ana -> yes ana@here.example
 *   ?: tls -> started
 *
 * Each but tls takes the name of a row instead, SMTP_NO_MAILBOX, with its argument. What the trace
 * line in front of a message says is left out of the commit; everything else of envelope and
 * message is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smtp/server.h"
#include "test/dialog/script.h"

enum { MESSAGE_MAX = 1 << 20 };

struct session {
    struct limits limits;
    struct smtp_config config;
    struct smtp_peer client;
    struct smtp_server server;
    struct buf out, message;
    bool running, sink_open;
};

static bool
set_limit(struct limits *limits, struct slice name, struct slice value)
{
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        if (slice_eq(name, slice_of(limit_rows[i].name)))
            return slice_to_u64(value, &limits->value[i]);
    return false;
}

static void
turn_tls_on(struct session *t)
{
    t->client.tls = true;
    t->client.tls_version = SLICE("TLSv1.3");
    t->client.tls_cipher = SLICE("TLS_AES_256_GCM_SHA384");
}

static bool
set_service(struct session *t, struct slice word)
{
    static const char *const words[] = {[SMTP_SERVICE_MX] = "mx",
                                        [SMTP_SERVICE_SUBMISSION] = "submission",
                                        [SMTP_SERVICE_SYSTEM] = "system"};

    for (unsigned i = 0; i < COUNT(words); i++)
        if (slice_eq(word, slice_of(words[i]))) {
            t->config.service = i;
            return true;
        }
    return false;
}

/* *greeting: the row that refuses the connection. */
static bool
set_option(struct session *t, struct slice word, enum reason *greeting)
{
    struct slice name;

    if (slice_eq(word, SLICE("tls")) || slice_eq(word, SLICE("bound")))
        turn_tls_on(t);
    if (slice_eq(word, SLICE("bound")))
        t->client.binding.tls_exporter = SLICE("exported");
    else if (slice_eq(word, SLICE("no-tls")))
        t->config.tls_available = false;
    else if (slice_eq(word, SLICE("loopback")))
        t->client.loopback = true;
    else if (slice_take_prefix(&word, SLICE("refused=")))
        return (*greeting = reason_find(word)) != REASON_NONE;
    else if (!slice_eq(word, SLICE("tls")) && !set_service(t, word))
        return slice_cut(&word, '=', &name) && set_limit(&t->limits, name, word);
    return true;
}

static void
clear(struct session *t)
{
    bool is_ours = t->server.ask == SMTP_ASK_COMMIT;

    if (!t->running)
        return;
    smtp_server_clear(&t->server);
    assert_true(!t->sink_open || is_ours); /* committed, asked to, or dropped */
    t->sink_open = false;
    t->running = false;
    buf_clear(&t->out);
    buf_clear(&t->message);
}

static bool
start(void *ctx, struct slice words)
{
    struct session *t = ctx;
    enum reason greeting = REASON_NONE;
    struct slice word;

    clear(t);
    limits_init(&t->limits);
    t->limits.value[LIMIT_sender_domain_check] = 0; /* as most conversations are not about it */
    t->config = (struct smtp_config){.hostname = SLICE("mx.here.example"), .tls_available = true};
    t->config.limits = &t->limits;
    t->client = (struct smtp_peer){.address = SLICE("192.0.2.1"),
                                   .reference = SLICE("7KQ2M9"),
                                   .nonce = SLICE("fyko+d2lbbFgONRv9qkxdawL")};
    while (words.len) {
        slice_cut(&words, ' ', &word);
        if (!set_option(t, word, &greeting))
            return false;
    }
    if (t->config.service == SMTP_SERVICE_SYSTEM) {
        t->client.login = SLICE("ana");
        t->client.address = SLICE("local");
    }
    buf_init(&t->out, 1 << 20);
    buf_init(&t->message, MESSAGE_MAX);
    smtp_server_init(&t->server, &t->config, &t->client, &t->out);
    smtp_server_greet(&t->server, greeting);
    t->running = true;
    return true;
}

static size_t
feed(void *ctx, struct slice in)
{
    struct session *t = ctx;

    return smtp_server_feed(&t->server, in);
}

static void
put_escaped(struct buf *text, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.at[i];

        if (c == '\r' || c == '\n')
            buf_put_string(text, c == '\r' ? "\\r" : "\\n");
        else if (c < ' ' || c > '~' || c == '\\')
            buf_put_format(text, "\\x%02x", c);
        else
            buf_put_byte(text, c);
    }
}

/* The message without the trace line in front of it. */
static struct slice
body(const struct session *t)
{
    struct slice rest = buf_slice(&t->message), line;

    assert_true(slice_starts_nocase(rest, SLICE("Received: ")));
    do
        slice_cut(&rest, '\n', &line);
    while (rest.len && rest.at[0] == '\t');
    return rest;
}

static void
put_rcpt(const struct smtp_rcpt *r, struct buf *text)
{
    buf_put_string(text, " to ");
    buf_put(text, r->address);
    if (r->notify)
        buf_put_format(text, " notify=%u", r->notify);
    if (r->orcpt.len) {
        buf_put_string(text, " orcpt=");
        buf_put(text, r->orcpt);
    }
}

static void
put_commit(const struct session *t, struct buf *text)
{
    static const char *const rets[] = {"", " ret=FULL", " ret=HDRS"};
    static const char *const bodies[] = {"", " body=7BIT", " body=8BITMIME"};
    const struct smtp_envelope *e = &t->server.envelope;

    assert_int_equal(e->size, body(t).len);
    buf_put_string(text, "commit from <");
    buf_put(text, e->sender);
    buf_put_format(text, ">%s%s%s", rets[e->ret], bodies[e->body], e->smtputf8 ? " smtputf8" : "");
    if (e->envid.len) {
        buf_put_string(text, " envid=");
        buf_put(text, e->envid);
    }
    for (const struct smtp_rcpt *r = e->rcpts; r; r = r->next)
        put_rcpt(r, text);
    buf_put_string(text, e->size ? ": " : ":");
    put_escaped(text, body(t));
}

static void
put_sasl(const struct smtp_server *s, struct buf *text)
{
    static const char *const names[] = {[SASL_ASK_PASSWORD] = "password ",
                                        [SASL_ASK_SCRAM_USER] = "scram-user ",
                                        [SASL_ASK_SCRAM_PROOF] = "scram-proof "};

    buf_put_string(text, names[s->sasl_step]);
    buf_put(text, secret_get(&s->sasl.user));
    if (s->sasl_step == SASL_ASK_PASSWORD) {
        buf_put_byte(text, ' ');
        buf_put(text, secret_get(&s->sasl.password));
    }
}

static bool
question(void *ctx, struct buf *text)
{
    static const char *const names[] = {
        [SMTP_ASK_TLS] = "tls",    [SMTP_ASK_SENDER] = "sender ", [SMTP_ASK_RCPT] = "rcpt ",
        [SMTP_ASK_VRFY] = "vrfy ", [SMTP_ASK_BODY] = "body",
    };
    const struct session *t = ctx;
    enum smtp_ask asked = t->server.ask;

    if (asked == SMTP_ASK_SASL)
        put_sasl(&t->server, text);
    else if (asked == SMTP_ASK_COMMIT)
        put_commit(t, text);
    else if (asked != SMTP_ASK_NONE)
        buf_put_string(text, names[asked]);
    if (asked == SMTP_ASK_SENDER || asked == SMTP_ASK_RCPT || asked == SMTP_ASK_VRFY)
        buf_put(text, t->server.address.len ? t->server.address : SLICE("<>"));
    return asked != SMTP_ASK_NONE;
}

static bool
put_message(void *ctx, struct slice bytes)
{
    struct session *t = ctx;

    assert_true(t->sink_open);
    return buf_put(&t->message, bytes);
}

static void
drop_message(void *ctx)
{
    struct session *t = ctx;

    assert_true(t->sink_open);
    t->sink_open = false;
}

static void
say_yes(struct session *t, struct smtp_answer *a)
{
    a->room = UINT64_MAX;
    a->sink = (struct smtp_sink){put_message, drop_message, t};
    a->id = SLICE("0000000000001");
    a->time = 1763836800;
    a->salt = SLICE("salt salt salt");
    a->iterations = 4096;
    a->signature = SLICE("signature signature signature si");
    if (t->server.ask == SMTP_ASK_COMMIT)
        a->argument = SLICE("0000000000001");
}

static bool
read_answer(struct session *t, struct slice words, struct smtp_answer *a)
{
    struct slice word;

    slice_cut(&words, ' ', &word);
    say_yes(t, a);
    if (slice_eq(word, SLICE("yes")) && t->server.ask == SMTP_ASK_RCPT)
        return words.len == 0 || slice_to_u64(words, &a->room);
    if (slice_eq(word, SLICE("yes"))) {
        a->right = t->server.ask == SMTP_ASK_SASL;
        a->login = words;
        return true;
    }
    if (slice_eq(word, SLICE("no"))) /* SASL only: a wrong password */
        return t->server.ask == SMTP_ASK_SASL;
    if (slice_eq(word, SLICE("salt")))
        return t->server.ask == SMTP_ASK_SASL;
    a->reason = reason_find(word);
    a->argument = words;
    return a->reason != REASON_NONE;
}

static bool
answer(void *ctx, struct slice words, bool *drop)
{
    struct session *t = ctx;
    struct smtp_answer a = {0};

    if (t->server.ask == SMTP_ASK_TLS) {
        *drop = true;
        turn_tls_on(t);
        smtp_server_tls_started(&t->server, &t->client);
        return slice_eq(words, SLICE("started"));
    }
    if (!read_answer(t, words, &a))
        return false;
    if (t->server.ask == SMTP_ASK_BODY && !a.reason) {
        assert_false(t->sink_open);
        buf_reset(&t->message);
        t->sink_open = true;
    }
    if (t->server.ask == SMTP_ASK_COMMIT)
        t->sink_open = false;
    smtp_server_answer(&t->server, &a);
    return true;
}

static bool
end(void *ctx, struct slice words)
{
    struct session *t = ctx;
    enum reason r = reason_find(words);

    if (r)
        smtp_server_end(&t->server, r);
    return r != REASON_NONE;
}

static bool
closing(void *ctx)
{
    const struct session *t = ctx;

    return t->server.closing;
}

static void
machine_speaks_as_the_dialogues_say(void **state)
{
    static struct session t;
    const struct script_machine m = {&t, &t.out, start, feed, question, answer, end, closing, NULL};

    (void)state;
    assert_in_range(script_run_folder("test/dialog/smtp", &m), 40, 1000);
    clear(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_speaks_as_the_dialogues_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
