/* The message machine: what ends a message, what is mended, what is refused, however it is split.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "smtp/data.h"

static bool
put_to_buf(void *ctx, struct slice bytes)
{
    return buf_put(ctx, bytes);
}

static struct slice
text(const char *s)
{
    return slice_of(s);
}

/* Feed in pieces of `step` octets; how many were taken. */
static size_t
feed_by(struct smtp_data *d, struct slice in, size_t step)
{
    size_t taken = 0;

    while (taken < in.len && d->state != SMTP_DATA_ENDED) {
        struct slice piece = slice_head(slice_tail(in, taken), step);
        size_t n = smtp_data_feed(d, piece);

        assert_true(n == piece.len || d->state == SMTP_DATA_ENDED);
        taken += n;
    }
    return taken;
}

/* rfc5321#4.1.1.4-a rfc5321#4.5.2-a rfc5321#2.3.8-a */
static void
data_ends_at_the_one_true_end_only(void **state)
{
    static const struct {
        const char *why, *in, *out;
        size_t left; /* octets after the end */
    } rows[] = {
        {"empty message", ".\r\n", "", 0},
        {"one line", "a\r\n.\r\n", "a\r\n", 0},
        {"what follows is not taken", "a\r\n.\r\nQUIT\r\n", "a\r\n", 6},
        {"stuffed dot", "..\r\n...\r\n.a\r\n.\r\n", ".\r\n..\r\na\r\n", 0},
        {"bare LF before", "a\n.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0},
        {"bare LF after", "a\r\n.\nb\r\n.\r\n", "a\r\n\r\nb\r\n", 0},
        {"bare LF on both sides", "a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0},
        {"bare CR on both sides", "a\r.\rb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0},
        {"bare CR before", "a\r.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0},
        {"bare CR after", "a\r\n.\rb\r\n.\r\n", "a\r\n\r\nb\r\n", 0},
        {"CR CR LF", "a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\n\r\nb\r\n", 0},
        {"CR CR LF before", "a\r\r\n.\r\n", "a\r\n\r\n", 0},
        {"LF CR", "a\n\r.\r\n.\r\n", "a\r\n\r\n.\r\n", 0},
        {"bare LF first", "\n.\r\n.\r\n", "\r\n.\r\n", 0},
        {"dots after a bare LF are text", "a\n..b\r\n.\r\n", "a\r\n..b\r\n", 0},
        {"dot in the middle", "a.\r\n.b.\r\n.\r\n", "a.\r\nb.\r\n", 0},
        {"only line ends", "\r\n\r\n.\r\n", "\r\n\r\n", 0},
    };
    struct limits limits;
    struct buf out;

    (void)state;
    limits_init(&limits);
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice in = text(rows[i].in);

        for (size_t step = 1; step <= in.len; step++) {
            struct smtp_data d;

            buf_reset(&out);
            smtp_data_init(&d, &limits, true, (struct smtp_sink){put_to_buf, NULL, &out});
            if (feed_by(&d, in, step) != in.len - rows[i].left || d.state != SMTP_DATA_ENDED)
                fail_msg("%s: wrong end, by %zu", rows[i].why, step);
            assert_int_equal(smtp_data_finish(&d), REASON_NONE);
            if (!slice_eq(buf_slice(&out), text(rows[i].out)))
                fail_msg("%s: wrong bytes, by %zu", rows[i].why, step);
            assert_int_equal(d.size, out.len);
        }
    }
    buf_clear(&out);
}

/* rfc3030#2-e */
static void
data_of_chunks_is_mended_in_the_same_way(void **state)
{
    static const struct {
        const char *why, *in, *out;
    } rows[] = {
        {"empty", "", ""},
        {"dots are text", ".\r\n..\r\n.a\r\n", ".\r\n..\r\n.a\r\n"},
        {"end is not an end", "a\r\n.\r\nb\r\n", "a\r\n.\r\nb\r\n"},
        {"bare LF", "a\n.\r\nb\r\n", "a\r\n.\r\nb\r\n"},
        {"bare CR", "a\r.\rb\r\n", "a\r\n.\r\nb\r\n"},
        {"CR at the end", "a\r", "a\r\n"},
        {"no line end at the end", "a", "a\r\n"},
        {"bare LF at the end", "a\n", "a\r\n"},
        {"only a CR", "\r", "\r\n"},
    };
    struct limits limits;
    struct buf out;

    (void)state;
    limits_init(&limits);
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice in = text(rows[i].in);

        for (size_t step = 1; step <= in.len + 1; step++) {
            struct smtp_data d;

            buf_reset(&out);
            smtp_data_init(&d, &limits, false, (struct smtp_sink){put_to_buf, NULL, &out});
            assert_int_equal(feed_by(&d, in, step), in.len);
            assert_int_equal(smtp_data_finish(&d), REASON_NONE);
            if (!slice_eq(buf_slice(&out), text(rows[i].out)))
                fail_msg("%s: wrong bytes, by %zu", rows[i].why, step);
        }
    }
    buf_clear(&out);
}

static void
data_keeps_nul_and_every_other_byte(void **state)
{
    uint8_t in[256 * 3 + 3], expected[256 * 3];
    struct limits limits;
    struct smtp_data d;
    struct buf out;
    size_t n = 0;

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        if (c == '\r' || c == '\n' || c == '.')
            continue;
        in[n] = (uint8_t)c;
        in[n + 1] = '\r';
        in[n + 2] = '\n';
        n += 3;
    }
    memcpy(expected, in, n);
    memcpy(in + n, ".\r\n", 3);
    limits_init(&limits);
    buf_init(&out, 1000);
    smtp_data_init(&d, &limits, true, (struct smtp_sink){put_to_buf, NULL, &out});
    assert_int_equal(smtp_data_feed(&d, slice_make(in, n + 3)), n + 3);
    assert_true(slice_eq(buf_slice(&out), slice_make(expected, n)));
    buf_clear(&out);
}

static void
data_over_a_limit_is_refused_after_its_end(void **state)
{
    static const struct {
        const char *why, *in;
        enum reason expected;
    } rows[] = {
        {"all within", "a\r\n.\r\n", REASON_NONE},
        {"line of the limit", "0123456789\r\n.\r\n", REASON_NONE},
        {"line over the limit", "0123456789x\r\n.\r\n", SMTP_LONG_TEXT_LINE},
        {"stuffed line of the limit", "..123456789\r\n.\r\n", REASON_NONE},
        {"size of the limit", "12345678\r\n12345678\r\n12345678\r\n12345678\r\n.\r\n", REASON_NONE},
        {"size over the limit", "12345678\r\n12345678\r\n12345678\r\n123456789\r\n.\r\n",
         SMTP_TOO_BIG},
        {"size and line over", "0123456789012345678901234567890123456789\r\n.\r\n", SMTP_TOO_BIG},
        {"two hops", "Received:\r\nRECEIVED: \r\n\r\n.\r\n", REASON_NONE},
        {"three hops", "Received:\r\nreceived:\r\nReceived:\r\n.\r\n", SMTP_LOOP},
        {"hops of the body", "\r\nReceived:\r\nReceived:\r\nReceived:\r\n.\r\n", REASON_NONE},
        {"hops before a mended end", "Received:\rReceived:\nReceived:\r\n.\r\n", SMTP_LOOP},
        {"bare LF", "a\nb\r\n.\r\n", SMTP_BARE_IN_MESSAGE},
        {"bare CR", "a\rb\r\n.\r\n", SMTP_BARE_IN_MESSAGE},
    };
    struct limits limits;
    struct buf out;

    (void)state;
    limits_init(&limits);
    limits.value[LIMIT_message_size] = 40;
    limits.value[LIMIT_line_length] = 10;
    limits.value[LIMIT_received_hops] = 2;
    limits.value[LIMIT_bare_newline_refuse] = 1;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice in = text(rows[i].in);

        for (size_t step = 1; step <= in.len; step++) {
            struct smtp_data d;
            enum reason got;

            buf_reset(&out);
            smtp_data_init(&d, &limits, true, (struct smtp_sink){put_to_buf, NULL, &out});
            assert_int_equal(feed_by(&d, in, step), in.len);
            got = smtp_data_finish(&d);
            if (got != rows[i].expected)
                fail_msg("%s, by %zu: %s", rows[i].why, step, got ? reason_row(got)->id : "ok");
            assert_in_range(out.len, 0, 40);
        }
    }
    buf_clear(&out);
}

static void
data_stops_feeding_a_sink_that_is_full(void **state)
{
    struct limits limits;
    struct smtp_data d;
    struct buf out;

    (void)state;
    limits_init(&limits);
    buf_init(&out, 4);
    smtp_data_init(&d, &limits, true, (struct smtp_sink){put_to_buf, NULL, &out});
    feed_by(&d, text("ab\r\nlonger\r\n\r\n.\r\n"), 4);
    assert_int_equal(smtp_data_finish(&d), SMTP_DISK_FULL);
    assert_int_equal(out.len, 4);
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_ends_at_the_one_true_end_only),
        cmocka_unit_test(data_of_chunks_is_mended_in_the_same_way),
        cmocka_unit_test(data_keeps_nul_and_every_other_byte),
        cmocka_unit_test(data_over_a_limit_is_refused_after_its_end),
        cmocka_unit_test(data_stops_feeding_a_sink_that_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
