/* Lines of bounded width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/paragraph.h"

static void
text_is_broken_into_lines(void **state)
{
    static const struct {
        const char *why, *text;
        struct paragraph p;
        const char *expected;
    } rows[] = {
        {"nothing", "", {2, 20, 0}, ""},
        {"one line", "a short one", {2, 20, 0}, "  a short one\n"},
        {"an empty line is empty", "a\n \nb", {1, 20, 0}, " a\n\n b\n"},
        {"broken before the word that is too much",
         "one two three four",
         {2, 12, 0},
         "  one two\n  three four\n"},
        {"runs of spaces are one", "one   two ", {0, 20, 0}, "one two\n"},
        {"an item's lines stand under its words",
         "- one two\n- three",
         {1, 8, 0},
         " - one\n   two\n - three\n"},
        {"characters count, not octets",
         "\xc3\xb1\xc3\xb1\xc3\xb1 \xc3\xb1\xc3\xb1",
         {0, 6, 0},
         "\xc3\xb1\xc3\xb1\xc3\xb1 \xc3\xb1\xc3\xb1\n"},
        {"a long word stands alone",
         "see https://example.com/why now",
         {1, 10, 0},
         " see\n https://example.com/why\n now\n"},
        {"one that is too long is broken",
         "see 12345678901234567890x",
         {1, 10, 20},
         " see\n 123456789\n 012345678\n 90x\n"},
        {"and not within a character",
         "\xc3\xb1\xc3\xb1\xc3\xb1",
         {0, 2, 2},
         "\xc3\xb1\xc3\xb1\n\xc3\xb1\n"},
        {"no control characters", "a\x1b[2Jb\r\nc", {0, 20, 0}, "a?[2Jb?\nc\n"},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(paragraph_put(&out, &rows[i].p, slice_of(rows[i].text)));
        if (!slice_eq(buf_slice(&out), slice_of(rows[i].expected)))
            fail_msg("%s: got \"%.*s\"", rows[i].why, (int)out.len, (const char *)out.at);
    }
    buf_clear(&out);
}

static void
a_full_buffer_is_told(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4);
    assert_false(paragraph_put(&out, &(struct paragraph){0, 20, 0}, SLICE("too long")));
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_broken_into_lines),
        cmocka_unit_test(a_full_buffer_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
