/* What scripts cannot see: listings through a small buffer, what stays in memory, and where the
 * machine may be ended. The conversations are in test/dialog/pop3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/ensure.h"
#include "pop3/server.h"

enum { MESSAGES = 200000 };

static struct limits limits;
static const struct pop3_config config = {
    .hostname = {(const uint8_t *)"mx.example", 10}, .limits = &limits, .tls_available = true};

struct session {
    struct pop3_server server;
    struct buf out;
    struct pop3_message *messages;
};

static void
feed(struct session *t, const char *text)
{
    assert_int_equal(pop3_server_feed(&t->server, slice_of(text)), strlen(text));
}

static void
answer(struct session *t, enum reason reason)
{
    pop3_server_answer(&t->server, &(struct pop3_answer){.reason = reason});
}

/* A session over TLS that has `count` messages of 100 octets open. */
static void
start(struct session *t, size_t count, size_t cap)
{
    struct pop3_client client = {.tls = true, .nonce = SLICE("0123456789abcdefgh")};

    limits_init(&limits);
    buf_init(&t->out, cap);
    pop3_server_init(&t->server, &config, client, &t->out, SLICE(""));
    pop3_server_greet(&t->server);
    feed(t, "USER ana\r\nPASS secret\r\n");
    assert_int_equal(t->server.ask.kind, POP3_ASK_SASL);
    answer(t, REASON_NONE);
    assert_int_equal(t->server.ask.kind, POP3_ASK_OPEN);
    t->messages = heap_take((count + 1) * sizeof(*t->messages));
    for (size_t i = 0; i < count; i++)
        t->messages[i] = (struct pop3_message){i + 1, 100};
    pop3_server_answer(&t->server, &(struct pop3_answer){
                                       .messages = t->messages, .count = count, .uid_validity = 1});
    buf_reset(&t->out);
}

static void
stop(struct session *t)
{
    pop3_server_clear(&t->server);
    buf_clear(&t->out);
    free(t->messages);
}

/* Takes all of a listing; what follows it in the input must wait. */
static size_t
count_lines(struct session *t, const char *command)
{
    struct slice in = slice_of(command), line;
    size_t lines = 0;

    do {
        struct slice rest;

        in = slice_tail(in, pop3_server_feed(&t->server, in));
        assert_true(t->out.len > 0 && t->out.len <= t->out.cap);
        for (rest = buf_slice(&t->out); rest.len; lines++)
            assert_true(slice_cut(&rest, '\n', &line));
        buf_reset(&t->out);
    } while (pop3_server_has_more(&t->server) || in.len);
    return lines;
}

static void
a_listing_goes_on_as_the_output_drains(void **state)
{
    static const char *const commands[] = {"LIST\r\n", "UIDL\r\n", "UIDL\r\nLIST\r\n"};
    struct session t;

    (void)state;
    start(&t, MESSAGES, 2 * POP3_REPLY_MAX);
    for (size_t i = 0; i < COUNT(commands); i++)
        assert_int_equal(count_lines(&t, commands[i]), (i == 2 ? 2 : 1) * (MESSAGES + 2));
    feed(&t, "DELE 1\r\nDELE 200000\r\nDELE 100000\r\n");
    buf_reset(&t.out);
    assert_int_equal(count_lines(&t, "LIST\r\n"), MESSAGES - 3 + 2);
    stop(&t);
}

static void
a_session_ended_within_a_listing_says_nothing_more(void **state)
{
    struct session t;
    size_t before;

    (void)state;
    start(&t, MESSAGES, 2 * POP3_REPLY_MAX);
    feed(&t, "LIST\r\n");
    assert_true(pop3_server_has_more(&t.server));
    before = t.out.len;
    pop3_server_end(&t.server, POP3_STOPPING);
    assert_true(t.server.closing);
    assert_int_equal(t.out.len, before);
    assert_false(pop3_server_has_more(&t.server));
    stop(&t);
}

/* rfc1939#6-a: nothing is deleted by a session that is not asked to commit */
static void
a_dropped_connection_deletes_nothing(void **state)
{
    struct session t;

    (void)state;
    start(&t, 3, 1 << 16);
    feed(&t, "DELE 2\r\n");
    assert_true(pop3_server_is_deleted(&t.server, 1));
    assert_false(pop3_server_is_deleted(&t.server, 2));
    pop3_server_end(&t.server, REASON_NONE);
    assert_int_equal(t.server.ask.kind, POP3_ASK_NONE);
    assert_int_equal(pop3_server_feed(&t.server, SLICE("QUIT\r\n")), 0);
    stop(&t);
}

static void
an_answer_after_the_end_is_forgotten(void **state)
{
    struct session t;

    (void)state;
    start(&t, 1, 1 << 16);
    feed(&t, "RETR 1\r\n");
    pop3_server_end(&t.server, POP3_STOPPING);
    assert_true(slice_starts_nocase(buf_slice(&t.out), SLICE("-ERR [SYS/TEMP]")));
    buf_reset(&t.out);
    answer(&t, POP3_SYS_TEMP);
    assert_int_equal(t.out.len, 0);
    stop(&t);
}

static void
commands_wait_until_the_output_has_room(void **state)
{
    struct session t;
    struct slice in;
    char many[6 * 1000 + 1] = "";
    size_t taken;

    (void)state;
    start(&t, 1, 2 * POP3_REPLY_MAX);
    for (size_t i = 0; i < 1000; i++)
        memcpy(many + 6 * i, "NOOP\r\n", 7);
    for (in = slice_of(many); in.len; in = slice_tail(in, taken)) {
        taken = pop3_server_feed(&t.server, in);
        assert_true(taken > 0);
        buf_reset(&t.out);
    }
    stop(&t);
}

static void
a_password_that_came_in_pieces_is_wiped(void **state)
{
    struct pop3_client client = {.tls = true, .nonce = SLICE("0123456789abcdefgh")};
    struct session t = {0};

    (void)state;
    limits_init(&limits);
    buf_init(&t.out, 1 << 16);
    pop3_server_init(&t.server, &config, client, &t.out, SLICE(""));
    feed(&t, "USER ana\r\nPASS sec");
    assert_int_equal(secret_get(&t.server.held).len, strlen("PASS sec"));
    feed(&t, "ret\r\n");
    assert_true(slice_eq(t.server.ask.password, SLICE("secret")));
    assert_null(t.server.held.buf.at);
    answer(&t, POP3_WRONG_LOGIN);
    assert_null(t.server.sasl.password.buf.at);
    assert_null(t.server.user.buf.at);
    stop(&t);
}

/* rfc2595#4-b */
static void
tls_begins_with_nothing_remembered(void **state)
{
    struct pop3_client client = {.loopback = true, .nonce = SLICE("0123456789abcdefgh")};
    struct session t = {0};

    (void)state;
    limits_init(&limits);
    buf_init(&t.out, 1 << 16);
    pop3_server_init(&t.server, &config, client, &t.out, SLICE(""));
    feed(&t, "UTF8\r\nUSER ana\r\n");
    assert_int_equal(pop3_server_feed(&t.server, SLICE("STLS\r\nQUIT\r\n")), strlen("STLS\r\n"));
    assert_int_equal(t.server.ask.kind, POP3_ASK_TLS);
    pop3_server_tls_started(&t.server, (struct sasl_binding){.tls_exporter = SLICE("x")});
    assert_int_equal(secret_get(&t.server.user).len, 0);
    assert_false(t.server.utf8);
    assert_false(t.server.closing);
    stop(&t);
}

/* Instead of the greeting, as for too many connections. */
static void
a_session_can_be_refused_at_once(void **state)
{
    struct session t = {0};

    (void)state;
    limits_init(&limits);
    buf_init(&t.out, 1 << 16);
    pop3_server_init(&t.server, &config, (struct pop3_client){0}, &t.out, SLICE(""));
    pop3_server_end(&t.server, POP3_MANY_SESSIONS);
    assert_true(slice_starts_nocase(buf_slice(&t.out), SLICE("-ERR [SYS/TEMP] Too many")));
    assert_true(t.server.closing);
    stop(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing_goes_on_as_the_output_drains),
        cmocka_unit_test(a_session_ended_within_a_listing_says_nothing_more),
        cmocka_unit_test(a_dropped_connection_deletes_nothing),
        cmocka_unit_test(an_answer_after_the_end_is_forgotten),
        cmocka_unit_test(commands_wait_until_the_output_has_room),
        cmocka_unit_test(a_password_that_came_in_pieces_is_wiped),
        cmocka_unit_test(tls_begins_with_nothing_remembered),
        cmocka_unit_test(a_session_can_be_refused_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
