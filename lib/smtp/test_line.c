/* Command lines: where they end, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smtp/line.h"

/* What was found, as text: "=line" for a line, "L" too long, "B" bare. */
static void
cut(struct slice in, size_t step, struct buf *found)
{
    static const char *const names[] = {[SMTP_LINE_PARTIAL] = "",
                                        [SMTP_LINE_WHOLE] = "=",
                                        [SMTP_LINE_LONG] = "L",
                                        [SMTP_LINE_BARE] = "B"};
    struct smtp_line l;

    smtp_line_init(&l);
    while (in.len) {
        struct slice piece = slice_head(in, step), line = {0};
        enum smtp_line_kind kind;
        size_t n = smtp_line_take(&l, piece, &kind, &line);

        assert_true(n > 0 && (n == piece.len || kind != SMTP_LINE_PARTIAL));
        buf_put_string(found, names[kind]);
        buf_put(found, line);
        in = slice_tail(in, n);
    }
    smtp_line_clear(&l);
}

static void
line_ends_at_cr_lf_only(void **state)
{
    static const struct {
        const char *why, *in, *expected;
    } rows[] = {
        {"lines", "one\r\ntwo\r\n", "=one=two"},
        {"an empty line", "\r\n", "="},
        {"no end yet", "one", ""},
        {"no end yet, CR", "one\r", ""},
        {"bare LF", "one\ntwo\r\nthree\r\n", "B=three"},
        {"bare CR", "one\rtwo\r\nthree\r\n", "B=three"},
        {"CR CR LF", "one\r\r\nthree\r\n", "B=three"},
        {"LF first", "\n\r\nthree\r\n", "B=three"},
        {"many bare ends are one", "a\nb\nc\rd\r\nthree\r\n", "B=three"},
        {"LF CR LF", "one\n\r\nthree\r\n", "B=three"},
    };
    struct buf found;

    (void)state;
    buf_init(&found, 1000);
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t step = 1; step <= slice_of(rows[i].in).len; step++) {
            buf_reset(&found);
            cut(slice_of(rows[i].in), step, &found);
            if (!slice_eq(buf_slice(&found), slice_of(rows[i].expected)))
                fail_msg("%s, by %zu", rows[i].why, step);
        }
    buf_clear(&found);
}

/* rfc4954#4-j */
static void
line_of_the_limit_is_a_line_and_one_more_octet_is_not(void **state)
{
    static const size_t steps[] = {1, 7, 4096, 20000};
    struct buf in, found;

    (void)state;
    buf_init(&in, 30000);
    buf_init(&found, 30000);
    for (size_t i = 0; i < COUNT(steps); i++)
        for (size_t over = 0; over < 2; over++) {
            buf_reset(&in);
            buf_reset(&found);
            for (size_t n = 0; n < SMTP_LINE_MAX - 2 + over; n++)
                buf_put_byte(&in, 'x');
            buf_put_string(&in, "\r\nnext\r\n");
            cut(buf_slice(&in), steps[i], &found);
            assert_int_equal(found.len, over ? 6 : SMTP_LINE_MAX - 1 + 5);
            assert_int_equal(found.at[0], over ? 'L' : '=');
        }
    buf_clear(&in);
    buf_clear(&found);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_ends_at_cr_lf_only),
        cmocka_unit_test(line_of_the_limit_is_a_line_and_one_more_octet_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
