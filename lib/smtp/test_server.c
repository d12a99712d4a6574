/* What a dialogue cannot show: sinks, trace lines, back-pressure and the envelope's own memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "smtp/server.h"

struct session {
    struct limits limits;
    struct smtp_config config;
    struct smtp_peer client;
    struct smtp_server server;
    struct buf out, message;
    unsigned dropped;
};

static bool
put(void *ctx, struct slice bytes)
{
    return buf_put(&((struct session *)ctx)->message, bytes);
}

static void
drop(void *ctx)
{
    ((struct session *)ctx)->dropped++;
}

static void
begin(struct session *t, size_t room)
{
    *t = (struct session){.config.service = SMTP_SERVICE_MX};
    limits_init(&t->limits);
    t->config.hostname = SLICE("mx.here.example");
    t->config.limits = &t->limits;
    t->client.address = SLICE("192.0.2.1");
    buf_init(&t->out, SMTP_OUT_MIN);
    buf_init(&t->message, room);
    smtp_server_init(&t->server, &t->config, &t->client, &t->out);
    smtp_server_greet(&t->server, REASON_NONE);
}

static void
finish(struct session *t)
{
    smtp_server_clear(&t->server);
    buf_clear(&t->out);
    buf_clear(&t->message);
}

static struct smtp_answer
yes(struct session *t)
{
    return (struct smtp_answer){.room = UINT64_MAX,
                                .note = SLICE("mailbox 7"),
                                .sink = {put, drop, t},
                                .id = SLICE("0000000000001")};
}

/* All is said and every question answered yes, up to COMMIT. */
static void
talk(struct session *t, const char *text)
{
    struct slice in = slice_of(text);

    buf_reset(&t->out);
    do {
        in = slice_tail(in, smtp_server_feed(&t->server, in));
        if (t->server.ask && t->server.ask != SMTP_ASK_COMMIT)
            smtp_server_answer(&t->server, &(struct smtp_answer){0});
    } while (in.len && t->server.ask != SMTP_ASK_COMMIT && !t->server.closing);
}

static void
ask_for_body(struct session *t, const char *how)
{
    struct smtp_answer a = yes(t);
    struct slice in;

    talk(t, "EHLO client.example\r\nMAIL FROM:<eve@there.example>\r\n");
    in = SLICE("RCPT TO:<bob@here.example>\r\n");
    smtp_server_feed(&t->server, in);
    assert_int_equal(t->server.ask, SMTP_ASK_RCPT);
    smtp_server_answer(&t->server, &a);
    smtp_server_feed(&t->server, slice_of(how));
    assert_int_equal(t->server.ask, SMTP_ASK_BODY);
    smtp_server_answer(&t->server, &a);
}

/* Was the row the last thing said? */
static bool
ends_with(const struct buf *b, enum reason r)
{
    struct buf line;
    bool same;

    buf_init(&line, 512);
    assert_true(reason_put(&line, r, SLICE(""), SLICE("")));
    same = b->len >= line.len &&
           slice_eq(slice_tail(buf_slice(b), b->len - line.len), buf_slice(&line));
    buf_clear(&line);
    return same;
}

static void
message_begins_with_its_trace_line(void **state)
{
    struct session t;

    (void)state;
    begin(&t, 10000);
    ask_for_body(&t, "DATA\r\n");
    talk(&t, "Subject: x\r\n.\r\n");
    assert_int_equal(t.server.ask, SMTP_ASK_COMMIT);
    assert_true(
        slice_eq(buf_slice(&t.message), SLICE("Received: from client.example ([192.0.2.1])\r\n"
                                              "\tby mx.here.example with ESMTP\r\n"
                                              "\tid 0000000000001\r\n"
                                              "\tfor <bob@here.example>;\r\n"
                                              "\tThu, 01 Jan 1970 00:00:00 +0000\r\n"
                                              "Subject: x\r\n")));
    assert_int_equal(t.server.envelope.size, 12); /* rfc1870#5-a: the message, not our line */
    finish(&t);
    assert_int_equal(t.dropped, 0);
}

static void
owner_gets_its_note_back_with_the_recipient(void **state)
{
    struct session t;

    (void)state;
    begin(&t, 10000);
    ask_for_body(&t, "BDAT 1 LAST\r\n");
    talk(&t, "x");
    assert_int_equal(t.server.ask, SMTP_ASK_COMMIT);
    assert_int_equal(t.server.envelope.rcpt_count, 1);
    assert_true(slice_eq(t.server.envelope.rcpts->note, SLICE("mailbox 7")));
    assert_true(t.server.envelope.rcpts->room == UINT64_MAX);
    assert_true(smtp_server_in_transaction(&t.server));
    smtp_server_answer(&t.server, &(struct smtp_answer){.argument = SLICE("0000000000001")});
    assert_false(smtp_server_in_transaction(&t.server));
    assert_int_equal(t.server.envelope.rcpt_count, 0);
    finish(&t);
}

static void
sink_is_dropped_once_where_no_commit_follows(void **state)
{
    static const struct {
        const char *why, *how, *then;
        enum reason end;
    } rows[] = {
        {"RSET between chunks", "BDAT 1\r\n", "xRSET\r\n", REASON_NONE},
        {"EHLO between chunks", "BDAT 1\r\n", "xEHLO a\r\n", REASON_NONE},
        {"QUIT between chunks", "BDAT 1\r\n", "xQUIT\r\n", REASON_NONE},
        {"the client is gone", "DATA\r\n", "half a mess", REASON_NONE},
        {"a time-out", "DATA\r\n", "half a mess", SMTP_TIMEOUT},
        {"a refused message", "DATA\r\n", "a\nb\r\n.\r\n", REASON_NONE},
        {"a refused chunk", "BDAT 3 LAST\r\n", "a\nb", REASON_NONE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct session t;

        begin(&t, 10000);
        t.limits.value[LIMIT_bare_newline_refuse] = 1;
        ask_for_body(&t, rows[i].how);
        talk(&t, rows[i].then);
        if (rows[i].end)
            smtp_server_end(&t.server, rows[i].end);
        finish(&t);
        if (t.dropped != 1)
            fail_msg("%s: dropped %u times", rows[i].why, t.dropped);
    }
}

static void
message_without_room_is_refused_for_now(void **state)
{
    struct session t;

    (void)state;
    begin(&t, 300);
    ask_for_body(&t, "DATA\r\n");
    for (int i = 0; i < 100; i++)
        talk(&t, "more and more and more\r\n");
    talk(&t, ".\r\n");
    assert_true(ends_with(&t.out, SMTP_DISK_FULL));
    assert_memory_equal(buf_slice(&t.out).at, "452 4.3.1 ", 10);
    assert_int_equal(t.dropped, 1);
    finish(&t);
}

static void
machine_waits_until_its_replies_are_drained(void **state)
{
    struct session t;
    struct buf in;
    size_t replies = 0;

    (void)state;
    begin(&t, 300);
    buf_init(&in, 100000);
    for (int i = 0; i < 2000; i++)
        buf_put_string(&in, "NOOP\r\n");
    buf_reset(&t.out);
    while (in.len) {
        size_t n = smtp_server_feed(&t.server, buf_slice(&in));

        assert_true(n > 0 && !t.out.full);
        buf_drop(&in, n);
        replies += t.out.len / strlen("250 2.0.0 Ok\r\n");
        buf_reset(&t.out);
    }
    assert_int_equal(replies, 2000);
    buf_clear(&in);
    finish(&t);
}

/* What refused recipients took is bounded, too. */
static void
memory_of_a_transaction_is_bounded(void **state)
{
    struct session t;
    unsigned tries = 0;

    (void)state;
    begin(&t, 300);
    t.limits.value[LIMIT_errors_per_session] = 100000;
    talk(&t, "EHLO a\r\nMAIL FROM:<>\r\n");
    do {
        struct slice in = SLICE("RCPT TO:<nobody@here.example>\r\n");

        buf_reset(&t.out);
        smtp_server_feed(&t.server, in);
        if (t.server.ask)
            smtp_server_answer(&t.server, &(struct smtp_answer){.reason = SMTP_NO_MAILBOX});
        tries++;
    } while (slice_starts_nocase(buf_slice(&t.out), SLICE("550")));
    assert_true(slice_starts_nocase(buf_slice(&t.out), SLICE("452 4.5.3")));
    assert_in_range(tries, 1000, 10000);
    finish(&t);
}

/* rfc5321#4.5.3.1.8-a */
static void
hundred_recipients_fit_however_long(void **state)
{
    struct session t;
    char line[1200];

    (void)state;
    begin(&t, 300);
    smtp_server_clear(&t.server);
    t.limits.value[LIMIT_recipients] = 100;
    smtp_server_init(&t.server, &t.config, &t.client, &t.out);
    talk(&t, "EHLO a\r\nMAIL FROM:<>\r\n");
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "RCPT TO:<%0241d@here.example> ORCPT=rfc822;%0493d\r\n", i, i);
        talk(&t, line);
    }
    assert_int_equal(t.server.envelope.rcpt_count, 100);
    talk(&t, line);
    assert_memory_equal(buf_slice(&t.out).at, "452 4.5.3 ", 10);
    finish(&t);
}

static void
end_comes_after_what_was_said_and_only_once(void **state)
{
    struct session t;

    (void)state;
    begin(&t, 300);
    talk(&t, "EHLO a\r\nVRFY b\r\n");
    smtp_server_end(&t.server, SMTP_SHUTTING_DOWN);
    assert_true(t.server.closing);
    assert_true(ends_with(&t.out, SMTP_SHUTTING_DOWN));
    buf_reset(&t.out);
    smtp_server_end(&t.server, SMTP_TIMEOUT);
    assert_int_equal(smtp_server_feed(&t.server, SLICE("NOOP\r\n")), 0);
    assert_int_equal(t.out.len, 0);
    finish(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_begins_with_its_trace_line),
        cmocka_unit_test(owner_gets_its_note_back_with_the_recipient),
        cmocka_unit_test(sink_is_dropped_once_where_no_commit_follows),
        cmocka_unit_test(message_without_room_is_refused_for_now),
        cmocka_unit_test(machine_waits_until_its_replies_are_drained),
        cmocka_unit_test(memory_of_a_transaction_is_bounded),
        cmocka_unit_test(hundred_recipients_fit_however_long),
        cmocka_unit_test(end_comes_after_what_was_said_and_only_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
