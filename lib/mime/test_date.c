/* Dates against known moments, and against the C library over many years. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "mime/date.h"

/* rfc5322#3.3-a */
static void
date_is_written_as_rfc_5322_asks(void **state)
{
    static const struct {
        const char *why;
        int64_t seconds;
        int offset;
        const char *expected;
    } rows[] = {
        {"the epoch", 0, 0, "Thu, 01 Jan 1970 00:00:00 +0000"},
        {"a second before", -1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"},
        {"a leap day", 1709164800, 0, "Thu, 29 Feb 2024 00:00:00 +0000"},
        {"no leap day in 2100", 4107542400, 0, "Mon, 01 Mar 2100 00:00:00 +0000"},
        {"ahead of UTC, into the next year", 1735687800, 330, "Wed, 01 Jan 2025 05:00:00 +0530"},
        {"behind UTC, into the last year", 1735689600, -210, "Tue, 31 Dec 2024 20:30:00 -0330"},
        {"past the last year", INT64_MAX, 0, "Thu, 30 Dec 9999 23:59:59 +0000"},
        {"before the first", INT64_MIN, -1439, "Mon, 01 Jan 1900 00:01:00 -2359"},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(mime_date_put(&out, rows[i].seconds, rows[i].offset));
        assert_int_equal(buf_slice(&out).len, 31);
        assert_memory_equal(buf_slice(&out).at, rows[i].expected, 31);
    }
    buf_clear(&out);
}

static void
date_agrees_with_the_c_library(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    for (int64_t t = -2200000000; t < 8000000000; t += 1234567) {
        time_t moment = (time_t)t;
        struct tm tm;
        char expected[64];

        gmtime_r(&moment, &tm);
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S +0000", &tm);
        buf_reset(&out);
        assert_true(mime_date_put(&out, t, 0));
        assert_true(slice_eq(buf_slice(&out), slice_of(expected)));
    }
    buf_clear(&out);
}

static void
date_says_when_it_does_not_fit(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 30);
    assert_false(mime_date_put(&out, 0, 0));
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(date_is_written_as_rfc_5322_asks),
        cmocka_unit_test(date_agrees_with_the_c_library),
        cmocka_unit_test(date_says_when_it_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
