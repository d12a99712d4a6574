/* Counters: what is one row and what two, and what goes when there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sts/tlsrpt.h"

enum { DAY = 86400, TODAY = 20000 };

static void
put_row(void *ctx, const struct tlsrpt_row *row)
{
    struct buf *out = ctx;

    buf_put(out, row->domain);
    buf_put_format(out, " %s", tlsrpt_policy_word(row->policy));
    for (enum tlsrpt_result r = TLSRPT_SUCCESS; r < TLSRPT_RESULT_COUNT; r++)
        if (row->counts[r])
            buf_put_format(out, " %s=%u", r ? tlsrpt_result_word(r) : "good", row->counts[r]);
    buf_put_byte(out, '\n');
}

static void
assert_day(const struct tlsrpt *t, uint64_t day, const char *want)
{
    struct buf out;

    buf_init(&out, 1 << 16);
    tlsrpt_each(t, day, put_row, &out);
    buf_put_byte(&out, '\0');
    assert_string_equal((const char *)buf_slice(&out).at, want);
    buf_clear(&out);
}

/* rfc8460#4-a rfc8460#4.1-a rfc8460#4.2-a rfc8460#4.3-a */
static void
sessions_are_counted_by_domain_day_and_policy(void **state)
{
    static const struct {
        const char *domain;
        enum tlsrpt_policy policy;
        enum tlsrpt_result result;
        uint64_t now;
    } rows[] = {
        {"a.example", TLSRPT_STS, TLSRPT_SUCCESS, TODAY * DAY},
        {"a.example", TLSRPT_STS, TLSRPT_SUCCESS, TODAY * DAY + DAY - 1},
        {"a.example", TLSRPT_STS, TLSRPT_EXPIRED, TODAY * DAY},
        {"a.example", TLSRPT_TLSA, TLSRPT_TLSA_INVALID, TODAY * DAY},
        {"b.example", TLSRPT_NO_POLICY, TLSRPT_NO_STARTTLS, TODAY * DAY},
        {"a.example", TLSRPT_STS, TLSRPT_STS_FETCH, TODAY * DAY + DAY},
    };
    struct tlsrpt *t = tlsrpt_new(7);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        tlsrpt_count(t, slice_of(rows[i].domain), rows[i].policy, rows[i].result, rows[i].now);
    assert_day(t, TODAY,
               "a.example sts good=2 certificate-expired=1\n"
               "a.example tlsa tlsa-invalid=1\n"
               "b.example no-policy-found starttls-not-supported=1\n");
    assert_day(t, TODAY + 1, "a.example sts sts-policy-fetch-error=1\n");
    assert_day(t, TODAY + 2, "");
    assert_int_equal(tlsrpt_dropped(t), 0);
    tlsrpt_free(t);
}

static void
old_days_go_when_new_ones_come(void **state)
{
    struct tlsrpt *t = tlsrpt_new(7);

    (void)state;
    for (uint64_t day = TODAY; day <= TODAY + TLSRPT_DAYS_KEPT + 1; day++)
        tlsrpt_count(t, SLICE("a.example"), TLSRPT_STS, TLSRPT_SUCCESS, day * DAY);
    assert_day(t, TODAY, "");
    assert_day(t, TODAY + 1, "a.example sts good=1\n");
    tlsrpt_free(t);
}

static void
what_does_not_fit_is_counted_as_dropped(void **state)
{
    struct tlsrpt *t = tlsrpt_new(7);
    char domain[32];

    (void)state;
    for (unsigned i = 0; i < TLSRPT_ROWS_MAX + 5; i++) {
        snprintf(domain, sizeof(domain), "d%u.example", i);
        tlsrpt_count(t, slice_of(domain), TLSRPT_STS, TLSRPT_SUCCESS, TODAY * DAY);
    }
    assert_int_equal(tlsrpt_dropped(t), 5);
    tlsrpt_count(t, SLICE("d0.example"), TLSRPT_STS, TLSRPT_SUCCESS, TODAY * DAY);
    assert_int_equal(tlsrpt_dropped(t), 5);
    tlsrpt_count(t, SLICE("a.example"), TLSRPT_STS, TLSRPT_SUCCESS, (TODAY + 9) * DAY);
    assert_int_equal(tlsrpt_dropped(t), 5);
    assert_day(t, TODAY + 9, "a.example sts good=1\n");
    tlsrpt_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_counted_by_domain_day_and_policy),
        cmocka_unit_test(old_days_go_when_new_ones_come),
        cmocka_unit_test(what_does_not_fit_is_counted_as_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
