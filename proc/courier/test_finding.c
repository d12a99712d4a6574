/* What becomes of a reply, a trouble, a walk that ended: verdict, reason, codes and words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "explain/explain.h"
#include "finding.h"
#include "knowledge.h"

static struct smtp_outcome
reply(enum smtp_verdict v, enum smtp_stage stage, unsigned code, const char *enhanced,
      const char *text)
{
    struct smtp_outcome o = {.verdict = v, .stage = stage, .code = code, .text = slice_of(text)};

    slice_to_string(slice_of(enhanced), o.enhanced, sizeof(o.enhanced));
    return o;
}

static const struct row {
    unsigned code;
    const char *enhanced, *text;
    enum courier_verdict verdict;
    enum courier_site site;
    const char *reason, *status;
    enum catalogue_retry retry;
    uint32_t wait;
} rows[] = {
    {550, "5.1.1", "User unknown", COURIER_FAILED, COURIER_SITE_OK, "no-mailbox", "5.1.1",
     CATALOGUE_RETRY_no, 0},
    {550, "", "No such user here", COURIER_FAILED, COURIER_SITE_OK, "no-mailbox", "5.0.0",
     CATALOGUE_RETRY_no, 0},
    {450, "4.7.1", "Greylisted, try again in 5 minutes", COURIER_LATER, COURIER_SITE_OK,
     "greylisted", "4.7.1", CATALOGUE_RETRY_soon, 300},
    {452, "4.2.2", "Mailbox full", COURIER_LATER, COURIER_SITE_OK, "mailbox-full", "4.2.2",
     CATALOGUE_RETRY_slowly, 0},
    {421, "4.7.0", "Too many concurrent connections, try again in 60 seconds", COURIER_LATER,
     COURIER_SITE_SLOW, "too-many-connections", "4.7.0", CATALOGUE_RETRY_throttle, 60},
    {554, "5.7.1",
     "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; "
     "https://www.spamhaus.org/query/ip/192.0.2.1",
     COURIER_FAILED, COURIER_SITE_OK, "listed-spamhaus", "5.7.1", CATALOGUE_RETRY_hold, 0},
    {552, "5.2.2", "Mailbox full, wait for 5 minutes", COURIER_FAILED, COURIER_SITE_OK,
     "mailbox-full", "5.2.2", CATALOGUE_RETRY_slowly, 0}, /* for good: there is no wait */
    {451, "", "", COURIER_LATER, COURIER_SITE_OK, "unknown-failure", "4.0.0", CATALOGUE_RETRY_no,
     0},
};

static void
replies_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        struct smtp_outcome o =
            reply(r->code < 500 ? SMTP_VERDICT_TEMPORARY : SMTP_VERDICT_PERMANENT, SMTP_STAGE_RCPT,
                  r->code, r->enhanced, r->text);
        struct finding f = finding_of_outcome(&o, SLICE("mx.example [192.0.2.1]"), "TLSv1.3");

        if (!slice_eq(f.reason, slice_of(r->reason)) || !slice_eq(f.status, slice_of(r->status)))
            fail_msg("%s: %.*s %.*s", r->text, (int)f.reason.len, (const char *)f.reason.at,
                     (int)f.status.len, (const char *)f.status.at);
        assert_int_equal(f.verdict, r->verdict);
        assert_int_equal(f.site, r->site);
        assert_int_equal(f.retry, r->retry);
        assert_int_equal(f.wait, r->wait);
        assert_false(f.ours);
        assert_string_equal(f.stage, "rcpt");
        assert_string_equal(f.tls, "TLSv1.3");
        assert_true(slice_eq(f.remote, SLICE("mx.example [192.0.2.1]")));
    }
}

static void
a_reply_is_told_with_its_codes(void **state)
{
    struct smtp_outcome with = reply(SMTP_VERDICT_PERMANENT, SMTP_STAGE_MAIL, 550, "5.7.1", "No");
    struct smtp_outcome without = reply(SMTP_VERDICT_PERMANENT, SMTP_STAGE_MAIL, 550, "", "No");
    struct smtp_outcome bare = reply(SMTP_VERDICT_DELIVERED, SMTP_STAGE_BODY, 250, "", "");
    struct finding f;

    (void)state;
    f = finding_of_outcome(&with, SLICE(""), "");
    assert_true(slice_eq(f.said, SLICE("550 5.7.1 No")));
    f = finding_of_outcome(&without, SLICE(""), "");
    assert_true(slice_eq(f.said, SLICE("550 No")));
    f = finding_of_outcome(&bare, SLICE(""), "");
    assert_true(slice_eq(f.said, SLICE("250")));
    assert_int_equal(f.verdict, COURIER_DELIVERED);
    assert_true(slice_eq(f.status, SLICE("2.0.0")));
    assert_int_equal(f.reason.len, 0);
}

/* Each has a reason of the catalogue; what nobody there can be told to do differs by its code. */
static void
every_trouble_has_a_reason(void **state)
{
    (void)state;
    for (enum smtp_trouble t = SMTP_TROUBLE_NONE + 1; t < SMTP_TROUBLE_COUNT; t++) {
        struct smtp_outcome o = smtp_outcome_of_trouble(t, SLICE(""), SMTP_STAGE_CONNECT, NULL);
        struct finding f = finding_of_outcome(&o, SLICE(""), "");

        assert_non_null(catalogue_find(courier_catalogue(), f.reason));
        assert_true(f.ours);
        assert_true(slice_eq(f.status, slice_of(smtp_trouble_row(t)->code)));
        assert_int_equal(f.verdict, f.status.at[0] == '5' ? COURIER_FAILED : COURIER_LATER);
        assert_true(f.said.len > 0);
    }
}

static void
every_walk_that_leads_nowhere_has_a_reason(void **state)
{
    (void)state;
    for (enum route_kind k = ROUTE_FOUND + 1; k < ROUTE_KIND_COUNT; k++) {
        struct finding f = finding_of_route(k, SLICE("a.example"), SLICE("no answer"));
        bool final = route_code(k)[0] == '5';

        assert_non_null(catalogue_find(courier_catalogue(), f.reason));
        assert_int_equal(f.verdict, final ? COURIER_FAILED : COURIER_LATER);
        assert_int_equal(f.site, final ? COURIER_SITE_OK : COURIER_SITE_DOWN);
        assert_string_equal(f.stage, "dns");
        assert_true(slice_starts_nocase(f.said, SLICE("a.example: ")));
    }
}

static void
hostile_words_find_their_end(void **state)
{
    static uint8_t words[SMTP_SAID_MAX];
    struct smtp_outcome o = {
        .verdict = SMTP_VERDICT_PERMANENT, .code = 599, .enhanced = "5.999.999"};
    struct finding f;

    (void)state;
    memset(words, 'x', sizeof(words));
    o.text = slice_make(words, sizeof(words));
    f = finding_of_outcome(&o, SLICE(""), "");
    assert_int_equal(f.said.len, sizeof("599 5.999.999 ") - 1 + sizeof(words));
    f = finding_of_route(ROUTE_DNS, o.text, o.text);
    assert_true(f.said.len < 2 * sizeof(words));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_understood),
        cmocka_unit_test(a_reply_is_told_with_its_codes),
        cmocka_unit_test(every_trouble_has_a_reason),
        cmocka_unit_test(every_walk_that_leads_nowhere_has_a_reason),
        cmocka_unit_test(hostile_words_find_their_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
