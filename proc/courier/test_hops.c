/* Servers in the order to try them, and which of several failures says most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "failure.h"
#include "hops.h"

static const uint8_t v4[3][4] = {{192, 0, 2, 1}, {192, 0, 2, 2}, {192, 0, 2, 3}};
static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 7};

static struct route route;

static struct hops *
make(void)
{
    static const struct dns_record records[] = {{0, {(const uint8_t *)"\3\1\1abc", 6}}};
    struct settings *s = settings_new();
    struct hops *h;

    route = (struct route){.kind = ROUTE_FOUND, .hop_count = 4, .mx_secure = true};
    for (size_t i = 0; i < 3; i++)
        route.hops[i] =
            (struct route_hop){.host = i < 2 ? SLICE("mx.example") : SLICE("[192.0.2.3]"),
                               .address = slice_make(v4[i], 4),
                               .port = 25};
    route.hops[3] = (struct route_hop){
        .host = SLICE("2001:db8::7"), .address = slice_make(v6, sizeof(v6)), .port = 25};
    for (size_t i = 0; i < 2; i++) {
        route.hops[i].tlsa = records;
        route.hops[i].tlsa_count = COUNT(records);
        route.hops[i].tlsa_base = SLICE("mx.example");
    }
    h = hops_new(&route, SLICE("a.example"), s, 5000);
    settings_put(s);
    memset(&route, 0xff, sizeof(route)); /* nothing of it is needed any more */
    return h;
}

static void
a_route_is_copied(void **state)
{
    struct hops *h = make();

    (void)state;
    assert_int_equal(h->count, 4);
    assert_true(slice_eq(h->at[0].remote, SLICE("mx.example [192.0.2.1]")));
    assert_true(slice_eq(h->at[2].remote, SLICE("[192.0.2.3]")));
    assert_true(slice_eq(h->at[3].remote, SLICE("[2001:db8::7]")));
    assert_string_equal(h->at[1].name, "mx.example");
    assert_string_equal(h->at[1].tlsa_base, "mx.example");
    assert_int_equal(h->at[1].at.tlsa_count, 1);
    assert_true(slice_eq(h->at[1].tlsa[0], slice_make("\3\1\1abc", 6)));
    assert_null(h->at[2].tlsa);
    assert_string_equal(h->proven_domain, "a.example");
    assert_null(h->route);
    hops_put(h);
}

/* rfc8461#3.4-a: of a configured next hop it is that one's, whoever the mail is for. */
static void
whose_policy_counts_is_the_domain_or_the_next_hop(void **state)
{
    static const struct {
        const char *line, *domain, *expected;
    } rows[] = {
        {NULL, "a.example", "a.example"},
        {NULL, "[192.0.2.1]", ""},
        {"a.example Smart.Example 25 may", "a.example", "smart.example"},
        {"a.example 192.0.2.1 25 may", "a.example", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct settings *s = settings_new();
        struct hops *h;

        if (rows[i].line)
            settings_put_route(s, slice_of(rows[i].line));
        route = (struct route){.kind = ROUTE_FOUND, .configured = rows[i].line ? s->fixed : NULL};
        h = hops_new(&route, slice_of(rows[i].domain), s, 5000);
        assert_true(slice_eq(h->policy_domain, slice_of(rows[i].expected)));
        hops_put(h);
        settings_put(s);
    }
}

static void
a_way_holds_as_long_as_what_is_known_of_its_domain(void **state)
{
    static const struct {
        uint64_t until, now, ms, expected;
    } rows[] = {{100000, 10000, 60000, 70000},
                {20000, 10000, 60000, 20000},
                {100000, 10000, 0, 10000 + HOPS_HOLD_LEAST_MS},
                {10000, 20000, 60000, 20000 + HOPS_HOLD_LEAST_MS}};
    const char *why;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hops *h = make();

        h->until = rows[i].until;
        hops_take_promise(h,
                          sts_policy_new(SLICE("version: STSv1\nmode: enforce\nmx: a\n"
                                               "max_age: 9\n"),
                                         &why),
                          rows[i].now, rows[i].ms);
        assert_int_equal(h->until, rows[i].expected);
        hops_put(h);
    }
}

/* rfc5321#4.5.4.1-a: a server that did not answer is not asked again at once, unless nobody else is
 * left. */
static void
those_that_rest_are_tried_last(void **state)
{
    struct hops *h = make();
    bool tried[ROUTE_HOPS_MAX] = {false};
    static const int order[] = {1, 2, 0, 3, -1};

    (void)state;
    h->at[0].rests_until = 200;
    h->at[3].rests_until = 101;
    for (size_t i = 0; i < COUNT(order); i++) {
        int next = hops_next(h, tried, 100);

        assert_int_equal(next, order[i]);
        if (next >= 0)
            tried[next] = true;
    }
    memset(tried, 0, sizeof(tried));
    assert_int_equal(hops_next(h, tried, 200), 0); /* it has rested */
    assert_true(hops_has_other(h, &h->at[0], 100));
    h->at[2].rests_until = h->at[3].rests_until = 101;
    assert_false(hops_has_other(h, &h->at[0], 100)); /* at[1] is the same server's */
    assert_true(hops_has_other(h, &h->at[0], 101));
    hops_put(h);
}

static struct smtp_outcome
outcome(enum smtp_verdict v, unsigned code)
{
    return (struct smtp_outcome){.verdict = v,
                                 .code = code,
                                 .trouble = code ? SMTP_TROUBLE_NONE : SMTP_TROUBLE_REFUSED,
                                 .text = SLICE("words")};
}

static void
the_failure_that_says_most_decides(void **state)
{
    static const struct {
        const char *why;
        unsigned codes[3]; /* 1: refused, 2: for good and without a reply */
        size_t worst;
    } cases[] = {
        {"the best server's, of equals", {1, 1, 1}, 0},
        {"a reply says more than no answer", {1, 450, 451}, 1},
        {"who may take it later decides", {554, 554, 1}, 2},
        {"all of them for good", {554, 550, 554}, 0},
        {"a temporary reply above all", {554, 1, 421}, 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct list failures;
        const struct failure *worst;
        size_t n = 0;

        list_init(&failures);
        for (size_t k = 0; k < 3; k++) {
            unsigned code = cases[i].codes[k];
            struct smtp_outcome o =
                outcome(code >= 500 ? SMTP_VERDICT_PERMANENT : SMTP_VERDICT_TEMPORARY,
                        code == 1 ? 0 : code);

            failure_put(&failures, &o, SLICE("mx"), NULL);
        }
        worst = failures_worst(&failures);
        for (struct list *at = failures.next; at != &worst->link; at = at->next)
            n++;
        if (n != cases[i].worst)
            fail_msg("%s", cases[i].why);
        assert_true(slice_eq(worst->outcome.text, SLICE("words")));
        failures_free(&failures);
        assert_true(list_empty(&failures));
        assert_null(failures_worst(&failures));
    }
}

static void
a_better_reason_stands_in_for_the_outcomes(void **state)
{
    struct smtp_outcome o = {.verdict = SMTP_VERDICT_TEMPORARY,
                             .trouble = SMTP_TROUBLE_TLS_FAILED,
                             .stage = SMTP_STAGE_TLS,
                             .text = SLICE("no TLSA record matches")};
    struct list failures;
    struct finding f;

    (void)state;
    list_init(&failures);
    failure_put(&failures, &o, SLICE("mx"), "dane-failed");
    f = failure_finding(LIST_OF(failures.next, struct failure, link));
    assert_true(slice_eq(f.reason, SLICE("dane-failed")));
    assert_true(slice_eq(f.status, SLICE("4.7.5")));
    assert_int_equal(f.retry, CATALOGUE_RETRY_slowly);
    failures_free(&failures);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_copied),
        cmocka_unit_test(whose_policy_counts_is_the_domain_or_the_next_hop),
        cmocka_unit_test(a_way_holds_as_long_as_what_is_known_of_its_domain),
        cmocka_unit_test(those_that_rest_are_tried_last),
        cmocka_unit_test(the_failure_that_says_most_decides),
        cmocka_unit_test(a_better_reason_stands_in_for_the_outcomes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
