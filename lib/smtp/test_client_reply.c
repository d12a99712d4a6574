/* What is a reply and what is none, cut at every byte; and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "smtp/reply.h"

/* Feeds pieces of `step` bytes until something is found. */
static enum smtp_reply_kind
feed_by(struct smtp_reply *r, struct slice in, size_t step, size_t *taken)
{
    enum smtp_reply_kind kind = SMTP_REPLY_PARTIAL;

    *taken = 0;
    while (*taken < in.len && kind == SMTP_REPLY_PARTIAL)
        *taken += smtp_reply_take(r, slice_head(slice_tail(in, *taken), step), &kind);
    return kind;
}

/* rfc5321#4.2.1-a rfc2034#4-b rfc6531#3.7.4-a */
static void
reply_means_what_it_clearly_says(void **state)
{
    static const struct {
        const char *why, *in;
        enum smtp_reply_kind kind;
        unsigned code;
        const char *enhanced, *text;
    } rows[] = {
        {"one line", "250 2.1.0 ok\r\n", SMTP_REPLY_WHOLE, 250, "2.1.0", "ok"},
        {"several lines", "250-mx\r\n250-SIZE\r\n250 HELP\r\n", SMTP_REPLY_WHOLE, 250, "",
         "mx\nSIZE\nHELP"},
        {"bare LF", "250-mx\n250 ok\n", SMTP_REPLY_WHOLE, 250, "", "mx\nok"},
        {"no text", "250\r\n", SMTP_REPLY_WHOLE, 250, "", ""},
        {"no text but a blank", "250 \r\n", SMTP_REPLY_WHOLE, 250, "", ""},
        {"an empty line before the last", "250-\r\n250 ok\r\n", SMTP_REPLY_WHOLE, 250, "", "\nok"},
        {"codes of one class", "450-a\r\n451 b\r\n", SMTP_REPLY_WHOLE, 451, "", "a\nb"},
        {"codes of two classes", "250-a\r\n550 b\r\n", SMTP_REPLY_GARBAGE, 0, "", ""},
        {"an enhanced code on each line", "550-5.1.1 no\r\n550 5.1.1 such\r\n", SMTP_REPLY_WHOLE,
         550, "5.1.1", "no\nsuch"},
        {"another one on the second line", "550-5.1.1 no\r\n550 5.7.1 such\r\n", SMTP_REPLY_WHOLE,
         550, "5.1.1", "no\n5.7.1 such"},
        {"only on the second line", "550-no\r\n550 5.7.1 such\r\n", SMTP_REPLY_WHOLE, 550, "5.7.1",
         "no\nsuch"},
        {"an enhanced code alone", "550 5.1.1\r\n", SMTP_REPLY_WHOLE, 550, "5.1.1", ""},
        {"of another class", "550 4.1.1 no\r\n", SMTP_REPLY_WHOLE, 550, "", "4.1.1 no"},
        {"the longest", "550 5.999.999 x\r\n", SMTP_REPLY_WHOLE, 550, "5.999.999", "x"},
        {"longer", "550 5.1000.1 x\r\n", SMTP_REPLY_WHOLE, 550, "", "5.1000.1 x"},
        {"an address that looks like one", "550 5.1.1.9 x\r\n", SMTP_REPLY_WHOLE, 550, "",
         "5.1.1.9 x"},
        {"half of one", "550 5.1\r\n", SMTP_REPLY_WHOLE, 550, "", "5.1"},
        {"UTF-8", "550 \xc3\xa4\r\n", SMTP_REPLY_WHOLE, 550, "", "\xc3\xa4"},
        {"no UTF-8, controls", "550 \xe4\x01\x7f\ra\r\n", SMTP_REPLY_WHOLE, 550, "", "????a"},
        {"what follows is not taken", "250 ok\r\n250 more\r\n", SMTP_REPLY_WHOLE, 250, "", "ok"},
        {"an unfinished line", "250 ok", SMTP_REPLY_PARTIAL, 0, "", ""},
        {"an unfinished reply", "250-ok\r\n", SMTP_REPLY_PARTIAL, 0, "", ""},
        {"an empty line", "\r\n", SMTP_REPLY_GARBAGE, 0, "", ""},
        {"two digits", "25 ok\r\n", SMTP_REPLY_GARBAGE, 0, "", ""},
        {"four digits", "2500 ok\r\n", SMTP_REPLY_GARBAGE, 0, "", ""},
        {"1yz", "150 wait\r\n", SMTP_REPLY_GARBAGE, 0, "", ""},
        {"6yz", "650 what\r\n", SMTP_REPLY_GARBAGE, 0, "", ""},
        {"no blank", "250ok\r\n", SMTP_REPLY_GARBAGE, 0, "", ""},
        {"another protocol", "* OK IMAP4rev1\r\n", SMTP_REPLY_GARBAGE, 0, "", ""},
        {"garbage in the second line", "250-mx\r\nSIZE\r\n", SMTP_REPLY_GARBAGE, 0, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice in = slice_of(rows[i].in);

        for (size_t step = 1; step <= in.len; step++) {
            struct smtp_reply r;
            size_t taken;

            smtp_reply_init(&r);
            if (feed_by(&r, in, step, &taken) != rows[i].kind)
                fail_msg("%s, by %zu: another kind", rows[i].why, step);
            if (rows[i].kind == SMTP_REPLY_WHOLE &&
                (r.code != rows[i].code || strcmp(r.enhanced, rows[i].enhanced) != 0 ||
                 !slice_eq(buf_slice(&r.text), slice_of(rows[i].text))))
                fail_msg("%s, by %zu: %u %s %.*s", rows[i].why, step, r.code, r.enhanced,
                         (int)r.text.len, (const char *)buf_slice(&r.text).at);
            smtp_reply_clear(&r);
        }
    }
}

static void
replies_follow_each_other(void **state)
{
    struct slice in = SLICE("550 5.1.1 a\r\n250 b\r\n");
    enum smtp_reply_kind kind;
    struct smtp_reply r;

    (void)state;
    smtp_reply_init(&r);
    in = slice_tail(in, smtp_reply_take(&r, in, &kind));
    assert_int_equal(kind, SMTP_REPLY_WHOLE);
    assert_int_equal(r.code, 550);
    in = slice_tail(in, smtp_reply_take(&r, in, &kind));
    assert_int_equal(kind, SMTP_REPLY_WHOLE);
    assert_int_equal(r.code, 250);
    assert_string_equal(r.enhanced, "");
    assert_true(slice_eq(buf_slice(&r.text), SLICE("b")));
    assert_int_equal(in.len, 0);
    smtp_reply_clear(&r);
}

static void
put_times(struct buf *b, const char *text, size_t times)
{
    while (times--)
        buf_put_string(b, text);
}

static void
reply_without_end_is_refused(void **state)
{
    static const struct {
        const char *why;
        size_t lines, octets;
        enum smtp_reply_kind kind;
    } rows[] = {
        {"a line of the limit", 0, SMTP_REPLY_LINE_MAX, SMTP_REPLY_WHOLE},
        {"a line over it", 0, SMTP_REPLY_LINE_MAX + 1, SMTP_REPLY_ENDLESS},
        {"as many lines as the limit", SMTP_REPLY_LINES_MAX - 1, 3, SMTP_REPLY_WHOLE},
        {"more lines", SMTP_REPLY_LINES_MAX, 3, SMTP_REPLY_ENDLESS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t step = 1; step < 100000; step *= 7) {
            struct smtp_reply r;
            struct buf in;
            size_t taken;

            buf_init(&in, 1 << 20);
            put_times(&in, "250-SIZE\r\n", rows[i].lines);
            buf_put_string(&in, "250");
            put_times(&in, " ", rows[i].octets - 3);
            buf_put_string(&in, "\n");
            smtp_reply_init(&r);
            if (feed_by(&r, buf_slice(&in), step, &taken) != rows[i].kind)
                fail_msg("%s, by %zu", rows[i].why, step);
            smtp_reply_clear(&r);
            buf_clear(&in);
        }
    }
}

static void
text_beyond_the_limit_is_passed_over(void **state)
{
    struct smtp_reply r;
    struct buf in;
    size_t taken;

    (void)state;
    buf_init(&in, 1 << 20);
    for (size_t i = 0; i < 200; i++) {
        buf_put_string(&in, "550-");
        put_times(&in, "x", 500);
        buf_put_string(&in, "\r\n");
    }
    buf_put_string(&in, "551 end\r\n");
    smtp_reply_init(&r);
    assert_int_equal(feed_by(&r, buf_slice(&in), in.len, &taken), SMTP_REPLY_WHOLE);
    assert_int_equal(taken, in.len);
    assert_int_equal(r.code, 551);
    assert_int_equal(r.text.len, SMTP_REPLY_TEXT_MAX);
    smtp_reply_clear(&r);
    buf_clear(&in);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_means_what_it_clearly_says),
        cmocka_unit_test(replies_follow_each_other),
        cmocka_unit_test(reply_without_end_is_refused),
        cmocka_unit_test(text_beyond_the_limit_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
