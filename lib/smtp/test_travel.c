/* The client against the server, both in memory: messages of each odd kind travel in each way, in
 * pieces of any size, and arrive byte for byte. Also the shortest example of what an owner of
 * either machine does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "smtp/client.h"
#include "smtp/server.h"

enum { MESSAGE_MAX = 1 << 20, LONG = 70000 };

/* One connection: what each side holds, and how much of it travels at a time. */
struct road {
    struct limits limits;
    struct smtp_config server_config;
    struct smtp_peer peer;
    struct smtp_server server;
    struct smtp_client_config client_config;
    struct smtp_client client;
    struct buf to_server, to_client; /* the machines' own out */
    struct buf arrived, kept;        /* what the server has taken: now, and in the end */
    unsigned commits;
    struct sasl_scram_keys keys;
    size_t step;
};

static bool
put(void *ctx, struct slice bytes)
{
    return buf_put(&((struct road *)ctx)->arrived, bytes);
}

static void
open(struct road *r, enum smtp_service service, size_t step)
{
    limits_init(&r->limits);
    r->step = step;
    r->commits = 0;
    r->server_config.service = service;
    r->server_config.hostname = SLICE("mx.there.example");
    r->server_config.limits = &r->limits;
    r->peer =
        (struct smtp_peer){.address = SLICE("192.0.2.1"), .nonce = SLICE("3rfcNHYJY1ZVvWVs7j")};
    r->client_config.hostname = SLICE("out.here.example");
    r->client_config.nonce = SLICE("rOprNGfwEbeRWgbNEkqO");
    buf_init(&r->to_server, SMTP_CLIENT_OUT_MIN);
    buf_init(&r->to_client, SMTP_OUT_MIN);
    buf_init(&r->arrived, 2 * MESSAGE_MAX);
    buf_init(&r->kept, 2 * MESSAGE_MAX);
    smtp_server_init(&r->server, &r->server_config, &r->peer, &r->to_client);
    smtp_client_init(&r->client, &r->client_config, &r->to_server);
    smtp_server_greet(&r->server, REASON_NONE);
    smtp_client_connected(&r->client);
}

static void
close(struct road *r)
{
    smtp_server_clear(&r->server);
    smtp_client_clear(&r->client);
    buf_clear(&r->to_server);
    buf_clear(&r->to_client);
    buf_clear(&r->arrived);
    buf_clear(&r->kept);
}

/* The message without the trace line in front of it. */
static struct slice
without_trace(struct slice message)
{
    struct slice line;

    do
        slice_cut(&message, '\n', &line);
    while (message.len && message.at[0] == '\t');
    return message;
}

static void
commit(struct road *r)
{
    r->commits++;
    buf_reset(&r->kept);
    buf_put(&r->kept, without_trace(buf_slice(&r->arrived)));
}

static bool
is_unknown(struct slice address)
{
    return slice_starts_nocase(address, SLICE("nobody"));
}

static void
answer_sasl(struct road *r, struct smtp_answer *a, uint8_t *signature)
{
    struct sasl_server *s = &r->server.sasl;

    a->salt = SLICE("salt");
    a->iterations = SASL_ITERATIONS_LEAST;
    a->login = SLICE("user");
    if (r->server.sasl_step == SASL_ASK_PASSWORD)
        a->right = slice_eq(secret_get(&s->password), SLICE("pencil"));
    if (r->server.sasl_step == SASL_ASK_SCRAM_PROOF)
        a->right = sasl_scram_verify(&r->keys, secret_get(&s->auth_message), secret_get(&s->proof),
                                     signature);
    a->signature = slice_make(signature, SASL_SCRAM_KEY);
}

/* The owner of the server, who knows everybody but nobody. */
static void
serve(struct road *r)
{
    struct smtp_answer a = {
        .room = UINT64_MAX, .sink = {put, NULL, r}, .id = SLICE("1"), .argument = SLICE("1")};
    uint8_t signature[SASL_SCRAM_KEY];

    if (r->server.ask == SMTP_ASK_TLS) {
        if (r->client.want != SMTP_WANT_TLS)
            return; /* its 220 is still on its way */
        r->peer.tls = true;
        smtp_server_tls_started(&r->server, &r->peer);
        smtp_client_tls_started(&r->client);
        return;
    }
    if (r->server.ask == SMTP_ASK_SASL)
        answer_sasl(r, &a, signature);
    if (r->server.ask == SMTP_ASK_RCPT && is_unknown(r->server.address))
        a.reason = SMTP_NO_MAILBOX;
    if (r->server.ask == SMTP_ASK_BODY)
        buf_reset(&r->arrived);
    if (r->server.ask == SMTP_ASK_COMMIT)
        commit(r);
    smtp_server_answer(&r->server, &a);
}

/* Hand in what there is room for. */
static struct slice
hand_in(struct road *r, struct slice body)
{
    while (r->client.want == SMTP_WANT_BODY) {
        size_t n = smtp_client_body(&r->client, slice_head(body, r->step));

        if (n == 0 && body.len)
            return body;
        body = slice_tail(body, n);
        if (body.len == 0 && r->client.want == SMTP_WANT_BODY)
            smtp_client_body_end(&r->client);
    }
    return body;
}

/* One turn of both: what was written travels, a piece each way. */
static void
turn(struct road *r)
{
    struct slice piece = slice_head(buf_slice(&r->to_client), r->step);

    smtp_client_feed(&r->client, piece);
    buf_drop(&r->to_client, piece.len);
    piece = slice_head(buf_slice(&r->to_server), r->step);
    buf_drop(&r->to_server, smtp_server_feed(&r->server, piece));
    if (r->server.ask != SMTP_ASK_NONE)
        serve(r);
}

/* Until the client wants a message, or it is over. */
static void
talk(struct road *r, struct slice body)
{
    do {
        turn(r);
        body = hand_in(r, body);
    } while (!r->client.closing && (r->client.want != SMTP_WANT_MESSAGE || r->to_client.len));
}

static void
send(struct road *r, struct smtp_envelope *e, struct slice body)
{
    smtp_client_send(&r->client, e);
    talk(r, body);
}

static void
quit(struct road *r)
{
    smtp_client_quit(&r->client);
    talk(r, SLICE(""));
    assert_true(r->client.closing && r->server.closing);
    close(r);
}

/* The ways a message can go, by what the client leaves aside of all that the server offers. */
static const unsigned ways[] = {
    0,
    SMTP_OFFER_PIPELINING,
    SMTP_OFFER_CHUNKING,
    SMTP_OFFER_PIPELINING | SMTP_OFFER_CHUNKING,
};

static const size_t steps[] = {1, 7, 1000, 100000};

static void
check_travels(const char *why, struct slice sent, struct slice expected)
{
    static struct road r;

    for (size_t i = 0; i < COUNT(ways); i++) {
        for (size_t k = 0; k < COUNT(steps); k++) {
            struct smtp_rcpt bob = {.address = SLICE("bob@there.example")};
            struct smtp_rcpt nobody = {.address = SLICE("nobody@there.example"), .next = &bob};
            struct smtp_envelope e = {.sender = SLICE("ana@here.example"),
                                      .rcpts = &nobody,
                                      .rcpt_count = 2,
                                      .size = sent.len};

            r.client_config = (struct smtp_client_config){.ignored = ways[i]};
            open(&r, SMTP_SERVICE_MX, steps[k]);
            talk(&r, SLICE(""));
            send(&r, &e, sent);
            if (r.commits != 1 || !slice_eq(buf_slice(&r.kept), expected))
                fail_msg("%s does not arrive as it was: way %zu, by %zu", why, i, steps[k]);
            assert_int_equal(r.client.outcomes[0].code, 550);
            assert_int_equal(r.client.outcomes[1].verdict, SMTP_VERDICT_DELIVERED);
            send(&r, &e, SLICE("once more\r\n"));
            assert_int_equal(r.commits, 2);
            quit(&r);
        }
    }
}

/* rfc5321#3.6.3-a rfc5321#2.3.8-c rfc5321#4.5.2-b */
static void
messages_arrive_byte_for_byte(void **state)
{
    static const struct {
        const char *why;
        const char *sent, *arrives; /* NULL: the same */
    } rows[] = {
        {"nothing", "", NULL},
        {"a line", "a\r\n", NULL},
        {"a line without an end", "a", "a\r\n"},
        {"dots", ".\r\n..\r\n...\r\n.a\r\na.\r\n. \r\n", NULL},
        {"an end in the middle", "a\r\n.\r\nQUIT\r\n", NULL},
        {"a dot at the end", "a\r\n.", "a\r\n.\r\n"},
        {"bare LF", "a\n.\nb", "a\r\n.\r\nb\r\n"},
        {"bare CR", "a\r.\rb\r", "a\r\n.\r\nb\r\n"},
        {"smuggling", "a\n.\r\nb\r\n.\nc\r.\r\nd", "a\r\n.\r\nb\r\n.\r\nc\r\n.\r\nd\r\n"},
        {"empty lines", "\r\n\r\n\r\n", NULL},
        {"8-bit text", "Subject: \xc3\xa4\xff\x80\r\n\r\n\xe4\r\n", NULL},
        {"controls", "\x01\x1a\x7f\x1b[0m\r\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_travels(rows[i].why, slice_of(rows[i].sent),
                      slice_of(rows[i].arrives ? rows[i].arrives : rows[i].sent));
    check_travels("NUL", slice_make("a\0b\r\n\0\r\n", 8), slice_make("a\0b\r\n\0\r\n", 8));
}

/* Larger than a chunk, than `out`, than what anybody keeps in memory: one line, and many. */
static void
long_messages_arrive_byte_for_byte(void **state)
{
    struct buf line, dots;

    (void)state;
    buf_init(&line, MESSAGE_MAX);
    buf_init(&dots, MESSAGE_MAX);
    while (line.len < LONG)
        buf_put_byte(&line, 'x');
    buf_put_string(&line, "\r\n");
    while (dots.len < LONG)
        buf_put_string(&dots, ".\r\n");
    check_travels("a long line", buf_slice(&line), buf_slice(&line));
    check_travels("a long column of dots", buf_slice(&dots), buf_slice(&dots));
    buf_clear(&line);
    buf_clear(&dots);
}

/* All that the sender asked for reaches the other side: rfc3461#5.2.1-a rfc6531#3.4-b */
static void
envelope_arrives_whole(void **state)
{
    static struct road r;
    struct smtp_rcpt bob = {.address = SLICE("j\xc3\xb6rg@there.example"),
                            .orcpt = SLICE("utf-8;j\xc3\xb6rg@old.example"),
                            .notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY};
    struct smtp_envelope e = {.sender = SLICE("\"a b\"@here.example"),
                              .envid = SLICE("QQ+2B314"),
                              .ret = SMTP_RET_HDRS,
                              .body = SMTP_BODY_8BITMIME,
                              .smtputf8 = true,
                              .size = 3,
                              .rcpts = &bob,
                              .rcpt_count = 1};
    const struct smtp_envelope *got = &r.server.envelope;

    (void)state;
    r.client_config = (struct smtp_client_config){0};
    open(&r, SMTP_SERVICE_MX, 100000);
    talk(&r, SLICE(""));
    smtp_client_send(&r.client, &e);
    while (r.client.want != SMTP_WANT_BODY)
        turn(&r);
    assert_true(slice_eq(got->sender, e.sender) && slice_eq(got->envid, e.envid));
    assert_true(got->ret == e.ret && got->body == e.body && got->smtputf8);
    assert_int_equal(got->declared, 3);
    assert_true(slice_eq(got->rcpts->address, bob.address));
    assert_true(slice_eq(got->rcpts->orcpt, bob.orcpt));
    assert_int_equal(got->rcpts->notify, bob.notify);
    talk(&r, SLICE("a\r\n"));
    assert_int_equal(r.client.outcomes[0].verdict, SMTP_VERDICT_DELIVERED);
    quit(&r);
}

/* Submission: STARTTLS, a login by each mechanism, a message. */
static void
our_client_submits_to_our_server(void **state)
{
    static const char *const passwords[] = {"pencil", "wrong"};
    static struct road r;

    (void)state;
    sasl_scram_derive(SLICE("pencil"), SLICE("salt"), SASL_ITERATIONS_LEAST, &r.keys);
    for (size_t k = 0; k < COUNT(steps); k++) {
        for (size_t p = 0; p < COUNT(passwords); p++) {
            struct smtp_rcpt bob = {.address = SLICE("bob@there.example")};
            struct smtp_envelope e = {
                .sender = SLICE("user@here.example"), .rcpts = &bob, .rcpt_count = 1};

            r.server_config.tls_available = true;
            r.client_config = (struct smtp_client_config){
                .tls = SMTP_TLS_MUST, .login = SLICE("user"), .password = slice_of(passwords[p])};
            open(&r, SMTP_SERVICE_SUBMISSION, steps[k]);
            talk(&r, SLICE(""));
            assert_true(r.client.tls);
            if (p == 1) {
                assert_true(r.client.closing);
                assert_int_equal(r.client.outcome.code, 535);
                assert_int_equal(r.client.outcome.verdict, SMTP_VERDICT_TEMPORARY);
                close(&r);
                continue;
            }
            send(&r, &e, SLICE("hello\r\n"));
            assert_int_equal(r.client.outcomes[0].verdict, SMTP_VERDICT_DELIVERED);
            quit(&r);
        }
    }
}

/* A thousand recipients, of which the server takes a hundred at a time: all arrive in the end. */
static void
recipients_over_the_limit_come_in_further_transactions(void **state)
{
    static struct road r;
    static struct smtp_rcpt rcpts[SMTP_CLIENT_RCPT_MAX];
    struct smtp_envelope e = {.sender = SLICE("ana@here.example"), .rcpts = rcpts};
    size_t delivered = 0;

    (void)state;
    r.client_config = (struct smtp_client_config){0};
    r.server_config.tls_available = false;
    open(&r, SMTP_SERVICE_MX, 1000);
    r.limits.value[LIMIT_recipients] = 100;
    talk(&r, SLICE(""));
    while (delivered < SMTP_CLIENT_RCPT_MAX) {
        e.rcpt_count = SMTP_CLIENT_RCPT_MAX - delivered;
        for (size_t i = 0; i < e.rcpt_count; i++)
            rcpts[i] = (struct smtp_rcpt){.address = SLICE("bob@there.example"),
                                          .next = i + 1 < e.rcpt_count ? &rcpts[i + 1] : NULL};
        send(&r, &e, SLICE("to all\r\n"));
        assert_int_equal(r.client.outcome.verdict, SMTP_VERDICT_DELIVERED);
        for (size_t i = 0; i < e.rcpt_count; i++)
            delivered += r.client.outcomes[i].verdict == SMTP_VERDICT_DELIVERED;
    }
    assert_int_equal(r.commits, 10);
    quit(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_byte_for_byte),
        cmocka_unit_test(long_messages_arrive_byte_for_byte),
        cmocka_unit_test(envelope_arrives_whole),
        cmocka_unit_test(our_client_submits_to_our_server),
        cmocka_unit_test(recipients_over_the_limit_come_in_further_transactions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
