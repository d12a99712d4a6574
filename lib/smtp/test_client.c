/* What a dialogue cannot show: what has left and what has not, large envelopes and messages, and
 * how long to wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "smtp/client.h"

enum { RCPTS = SMTP_CLIENT_RCPT_MAX };

struct session {
    struct smtp_client_config config;
    struct smtp_client client;
    struct buf out;
    struct smtp_envelope envelope;
    struct smtp_rcpt rcpts[RCPTS];
    char addresses[RCPTS][32];
};

static struct session t;

static void
feed(const char *text)
{
    smtp_client_feed(&t.client, slice_of(text));
}

/* Everything leaves. */
static void
drain(void)
{
    buf_reset(&t.out);
}

static void
greet(const char *ehlo)
{
    t.config = (struct smtp_client_config){.hostname = SLICE("out.here.example")};
    buf_init(&t.out, SMTP_CLIENT_OUT_MIN);
    smtp_client_init(&t.client, &t.config, &t.out);
    smtp_client_connected(&t.client);
    feed("220 mx\r\n");
    drain();
    feed(ehlo);
    assert_int_equal(t.client.want, SMTP_WANT_MESSAGE);
}

static void
clear(void)
{
    smtp_client_clear(&t.client);
    buf_clear(&t.out);
}

static void
send(size_t count)
{
    t.envelope = (struct smtp_envelope){
        .sender = SLICE("ana@here.example"), .rcpts = t.rcpts, .rcpt_count = count};
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(t.addresses[i], sizeof(t.addresses[i]), "rcpt%zu@there.example", i);

        t.rcpts[i] = (struct smtp_rcpt){.next = i + 1 < count ? &t.rcpts[i + 1] : NULL};
        t.rcpts[i].address = slice_make(t.addresses[i], (size_t)n);
    }
    smtp_client_send(&t.client, &t.envelope);
}

static size_t
lines_out(void)
{
    struct slice rest = buf_slice(&t.out), line;
    size_t n = 0;

    while (slice_cut(&rest, '\n', &line))
        n++;
    return n;
}

static void
start_body(void)
{
    send(1);
    drain();
    feed("250 ok\r\n250 ok\r\n354 go\r\n");
    assert_int_equal(t.client.want, SMTP_WANT_BODY);
}

/* rfc8689#2-a rfc1870#4-b rfc4954#3-c */
static void
offers_are_read_from_the_answer_to_ehlo(void **state)
{
    static const struct {
        const char *why, *ehlo;
        unsigned set, mechanisms;
        uint64_t size_max;
    } rows[] = {
        {"none", "250 mx\r\n", 0, 0, 0},
        {"the first line is a name", "250-SIZE\r\n250 DSN\r\n", SMTP_OFFER_DSN, 0, 0},
        {"any case of letters", "250-mx\r\n250-requireTLS\r\n250 Chunking\r\n",
         SMTP_OFFER_REQUIRETLS | SMTP_OFFER_CHUNKING, 0, 0},
        {"unknown ones", "250-mx\r\n250-XCLIENT NAME\r\n250-\r\n250 PIPELININGS\r\n", 0, 0, 0},
        {"parameters that are none", "250-mx\r\n250 8BITMIME yes\r\n", SMTP_OFFER_8BITMIME, 0, 0},
        {"size", "250-mx\r\n250 SIZE 10240000\r\n", SMTP_OFFER_SIZE, 0, 10240000},
        {"size zero", "250-mx\r\n250 SIZE 0\r\n", SMTP_OFFER_SIZE, 0, 0},
        {"size without a number", "250-mx\r\n250 SIZE\r\n", SMTP_OFFER_SIZE, 0, 0},
        {"size beyond numbers", "250-mx\r\n250 SIZE 99999999999999999999\r\n", SMTP_OFFER_SIZE, 0,
         0},
        {"size of something", "250-mx\r\n250 SIZE 10M\r\n", SMTP_OFFER_SIZE, 0, 0},
        {"mechanisms", "250-mx\r\n250 AUTH GSSAPI  plain LOGIN\r\n", SMTP_OFFER_AUTH,
         1 << SASL_PLAIN | 1 << SASL_LOGIN, 0},
        {"mechanisms as they once were", "250-mx\r\n250 AUTH=SCRAM-SHA-256\r\n", SMTP_OFFER_AUTH,
         1 << SASL_SCRAM_SHA_256, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct smtp_offers *o = &t.client.offers;

        greet(rows[i].ehlo);
        if (o->set != rows[i].set || o->mechanisms != rows[i].mechanisms ||
            o->size_max != rows[i].size_max)
            fail_msg("%s", rows[i].why);
        clear();
    }
}

/* rfc5321#4.5.3.2-a */
static void
owner_is_told_to_wait_as_long_as_the_standard_asks(void **state)
{
    static const struct {
        enum smtp_stage stage;
        unsigned write, answer;
    } rows[] = {
        {SMTP_STAGE_GREETING, 0, 300}, {SMTP_STAGE_MAIL, 0, 300},   {SMTP_STAGE_RCPT, 0, 300},
        {SMTP_STAGE_DATA, 0, 120},     {SMTP_STAGE_BODY, 180, 600},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(smtp_stage_row(rows[i].stage)->write >= rows[i].write);
        assert_true(smtp_stage_row(rows[i].stage)->answer >= rows[i].answer);
    }
    greet("250-mx\r\n250 PIPELINING\r\n");
    start_body();
    assert_int_equal(smtp_client_seconds(&t.client), 180);
    smtp_client_body_end(&t.client);
    assert_int_equal(smtp_client_seconds(&t.client), 180);
    drain();
    assert_int_equal(smtp_client_seconds(&t.client), 600);
    clear();
}

static void
reply_to_what_has_not_left_is_out_of_step(void **state)
{
    static const struct {
        const char *why;
        size_t left; /* lines of MAIL RCPT DATA */
        const char *in;
        bool closing;
    } rows[] = {
        {"nothing left, one reply", 0, "250 ok\r\n", true},
        {"MAIL left, one reply", 1, "250 ok\r\n", false},
        {"MAIL left, two replies", 1, "250 ok\r\n250 ok\r\n", true},
        {"two left, two replies", 2, "250 ok\r\n250 ok\r\n", false},
        {"all left, four replies", 3, "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", true},
        {"nothing left, 421", 0, "421 bye\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        greet("250-mx\r\n250 PIPELINING\r\n");
        send(1);
        assert_int_equal(lines_out(), 3);
        while (lines_out() > 3 - rows[i].left)
            buf_drop(&t.out, (size_t)slice_find(buf_slice(&t.out), '\n') + 1);
        feed(rows[i].in);
        if (t.client.closing != rows[i].closing)
            fail_msg("%s", rows[i].why);
        if (rows[i].closing)
            assert_int_equal(t.client.outcomes[0].verdict, SMTP_VERDICT_TEMPORARY);
        clear();
    }
}

/* rfc5321#6.1-b */
static void
end_that_has_not_left_is_no_unknown(void **state)
{
    static const struct {
        bool left;
        enum smtp_verdict want;
    } rows[] = {{false, SMTP_VERDICT_TEMPORARY}, {true, SMTP_VERDICT_UNKNOWN}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        greet("250-mx\r\n250 PIPELINING\r\n");
        start_body();
        smtp_client_body_end(&t.client);
        if (rows[i].left)
            drain();
        smtp_client_lost(&t.client, SMTP_TROUBLE_CLOSED, SLICE(""));
        assert_int_equal(t.client.outcomes[0].verdict, rows[i].want);
        assert_int_equal(t.out.len, 0); /* nor does it leave later */
        clear();
    }
}

/* rfc2920#3.1-a */
static void
large_envelope_leaves_as_there_is_room(void **state)
{
    char text[1200];
    size_t named = 0;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "550 5.1.1 ", 10);
    memcpy(text + sizeof(text) - 3, "\r\n", 3);
    greet("250-mx\r\n250 PIPELINING\r\n");
    send(RCPTS);
    while (t.out.len) {
        assert_false(t.out.full);
        named += lines_out();
        drain();
        feed("");
    }
    assert_int_equal(named, 1 + RCPTS + 1);
    feed("250 ok\r\n");
    for (size_t i = 0; i < RCPTS; i++)
        feed(text);
    feed("503 RCPT first\r\n");
    assert_int_equal(t.client.want, SMTP_WANT_MESSAGE);
    for (size_t i = 0; i < RCPTS; i++) { /* the words have a limit, the codes do not */
        assert_int_equal(t.client.outcomes[i].code, 550);
        assert_string_equal(t.client.outcomes[i].enhanced, "5.1.1");
        assert_int_equal(t.client.outcomes[i].text.len,
                         i < 400 ? SMTP_SAID_MAX : t.client.outcomes[i].text.len);
    }
    assert_int_equal(t.client.outcomes[RCPTS - 1].text.len, 0);
    clear();
}

/* Hands in `octets` of body in lines, draining when told to. Returns the lines that began BDAT. */
static size_t
give(size_t octets, bool drained)
{
    static const uint8_t line[] =
        "0123456789012345678901234567890123456789012345678901234567890\r\n";
    struct slice rest = slice_make(line, sizeof(line) - 1);
    size_t chunks = 0;

    while (octets && t.client.want == SMTP_WANT_BODY) {
        size_t n = smtp_client_body(&t.client, slice_head(rest, octets));

        octets -= n;
        rest = n < rest.len ? slice_tail(rest, n) : slice_make(line, sizeof(line) - 1);
        if (!drained || t.out.len == 0)
            continue;
        chunks += slice_starts_nocase(buf_slice(&t.out), SLICE("BDAT "));
        drain();
        feed("");
    }
    return chunks;
}

/* rfc3030#2-f */
static void
chunks_wait_for_replies_only_where_they_must(void **state)
{
    (void)state;
    greet("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    send(1);
    drain();
    feed("250 ok\r\n250 ok\r\n");
    assert_int_equal(give(100000, true), 4);
    assert_int_equal(t.client.want, SMTP_WANT_BODY);
    clear();
    greet("250-mx\r\n250 CHUNKING\r\n");
    send(1);
    drain();
    feed("250 ok\r\n");
    drain();
    feed("250 ok\r\n");
    assert_int_equal(give(100000, true), 1);
    assert_int_equal(t.client.want, SMTP_WANT_NOTHING);
    feed("250 got it\r\n");
    assert_int_equal(t.client.want, SMTP_WANT_BODY);
    clear();
}

/* rfc3030#2-g */
static void
refused_chunk_ends_the_message_and_resets(void **state)
{
    (void)state;
    greet("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    send(1);
    drain();
    feed("250 ok\r\n250 ok\r\n");
    assert_int_equal(give(60000, true), 2);
    feed("552 5.3.4 too big\r\n");
    assert_int_equal(t.client.want, SMTP_WANT_NOTHING); /* one more reply is due */
    assert_int_equal(t.out.len, 0);
    feed("503 no\r\n");
    assert_int_equal(t.client.want, SMTP_WANT_MESSAGE);
    assert_int_equal(t.client.outcomes[0].verdict, SMTP_VERDICT_PERMANENT);
    assert_int_equal(t.client.outcomes[0].code, 552);
    send(1);
    assert_true(slice_starts_nocase(buf_slice(&t.out), SLICE("RSET\r\n")));
    clear();
}

static void
chunk_that_has_not_left_is_not_answered(void **state)
{
    (void)state;
    greet("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    send(1);
    drain();
    feed("250 ok\r\n250 ok\r\n");
    give(100, false);
    smtp_client_body_end(&t.client);
    assert_true(t.out.len > 0);
    feed("250 kept\r\n");
    assert_true(t.client.closing);
    assert_int_equal(t.client.outcomes[0].verdict, SMTP_VERDICT_TEMPORARY);
    assert_int_equal(t.out.len, 0);
    clear();
}

static void
body_is_taken_as_there_is_room(void **state)
{
    size_t taken = 0;

    (void)state;
    greet("250-mx\r\n250 PIPELINING\r\n");
    start_body();
    for (size_t n = 1; n; taken += n)
        n = smtp_client_body(&t.client, SLICE("\n.\n.\n.\n.")); /* each octet becomes two */
    assert_false(t.out.full);
    assert_in_range(taken, SMTP_CLIENT_OUT_MIN / 2 - 32, SMTP_CLIENT_OUT_MIN / 2);
    smtp_client_body_end(&t.client);
    assert_false(t.out.full);
    clear();
}

static void
trouble_has_a_code_that_says_whether_to_try_again(void **state)
{
    (void)state;
    for (unsigned i = 1; i < SMTP_TROUBLE_COUNT; i++) {
        const struct smtp_trouble_row *row = smtp_trouble_row(i);

        assert_true((row->code[0] == '4' || row->code[0] == '5') && row->code[1] == '.');
        assert_in_range(strlen(row->code), 5, SMTP_ENHANCED_MAX);
        for (unsigned k = 1; k < i; k++)
            assert_string_not_equal(row->id, smtp_trouble_row(k)->id);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_are_read_from_the_answer_to_ehlo),
        cmocka_unit_test(owner_is_told_to_wait_as_long_as_the_standard_asks),
        cmocka_unit_test(reply_to_what_has_not_left_is_out_of_step),
        cmocka_unit_test(end_that_has_not_left_is_no_unknown),
        cmocka_unit_test(large_envelope_leaves_as_there_is_room),
        cmocka_unit_test(chunks_wait_for_replies_only_where_they_must),
        cmocka_unit_test(refused_chunk_ends_the_message_and_resets),
        cmocka_unit_test(chunk_that_has_not_left_is_not_answered),
        cmocka_unit_test(body_is_taken_as_there_is_room),
        cmocka_unit_test(trouble_has_a_code_that_says_whether_to_try_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
