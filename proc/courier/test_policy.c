/* Which TLS a hop gets: what the configuration says, what the DNS proves, what a try has shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "policy.h"

/* clang-format off */
#define DANE     {.tls = SMTP_TLS_MUST, .trust = TLS_TRUST_DANE, .counts = TLSRPT_TLSA}
#define USELESS  {.tls = SMTP_TLS_MUST, .counts = TLSRPT_TLSA, .doubt = TLSRPT_TLSA_INVALID}
#define ENFORCED {.tls = SMTP_TLS_MUST, .trust = TLS_TRUST_NAME, .counts = TLSRPT_STS}
/* clang-format on */

enum { NO_ROUTE = -1, VERIFY = -2, NO_PROMISE = -1 };

static const struct row {
    const char *why;
    int route;   /* enum smtp_tls, VERIFY or NO_ROUTE */
    int promise; /* enum sts_mode, of a policy that names mx.there.example, or NO_PROMISE */
    bool tlsa, unusable, failed, unnamed;
    struct policy expected;
} rows[] = {
    {"anybody, where it is offered", NO_ROUTE, NO_PROMISE,
     .expected = {.tls = SMTP_TLS_MAY, .clear_after = true, .counts = TLSRPT_NO_POLICY}},
    {"in clear where it failed", NO_ROUTE, NO_PROMISE, .failed = true,
     .expected = {.tls = SMTP_TLS_NEVER, .counts = TLSRPT_NO_POLICY}},
    /* rfc7672#2.2-c */
    {"proven records make it a must", NO_ROUTE, NO_PROMISE, .tlsa = true, .expected = DANE},
    {"and never clear", NO_ROUTE, NO_PROMISE, .tlsa = true, .failed = true, .expected = DANE},
    {"records of no use: encrypted, whoever it is", NO_ROUTE, NO_PROMISE, .tlsa = true,
     .unusable = true, .expected = USELESS},
    {"and never clear either", NO_ROUTE, NO_PROMISE, .tlsa = true, .unusable = true, .failed = true,
     .expected = USELESS},
    {"a route without", SMTP_TLS_NEVER, NO_PROMISE,
     .expected = {.tls = SMTP_TLS_NEVER, .counts = TLSRPT_NO_POLICY}},
    {"the owner's word counts more than the DNS", SMTP_TLS_NEVER, NO_PROMISE, .tlsa = true,
     .expected = {.tls = SMTP_TLS_NEVER, .counts = TLSRPT_NO_POLICY}},
    {"a route that may", SMTP_TLS_MAY, NO_PROMISE,
     .expected = {.tls = SMTP_TLS_MAY, .clear_after = true, .counts = TLSRPT_NO_POLICY}},
    {"a route that must", SMTP_TLS_MUST, NO_PROMISE, .failed = true,
     .expected = {.tls = SMTP_TLS_MUST, .counts = TLSRPT_NO_POLICY}},
    {"a route that may, and records", SMTP_TLS_MAY, NO_PROMISE, .tlsa = true, .expected = DANE},
    {"TLS first stays so", SMTP_TLS_AT_ONCE, NO_PROMISE, .tlsa = true,
     .expected = {.tls = SMTP_TLS_AT_ONCE, .trust = TLS_TRUST_DANE, .counts = TLSRPT_TLSA}},
    {"TLS first, and it failed", SMTP_TLS_AT_ONCE, NO_PROMISE, .failed = true,
     .expected = {.tls = SMTP_TLS_AT_ONCE, .counts = TLSRPT_NO_POLICY}},
    {"a route whose server must prove its name", VERIFY, NO_PROMISE, .failed = true,
     .expected = {.tls = SMTP_TLS_MUST, .trust = TLS_TRUST_NAME, .counts = TLSRPT_NO_POLICY}},
    {"whatever the DNS says", VERIFY, NO_PROMISE, .tlsa = true,
     .expected = {.tls = SMTP_TLS_MUST, .trust = TLS_TRUST_NAME, .counts = TLSRPT_NO_POLICY}},
    /* rfc8461#5-a */
    {"a promise that is enforced", NO_ROUTE, STS_ENFORCE, .expected = ENFORCED},
    {"is never broken in clear", NO_ROUTE, STS_ENFORCE, .failed = true, .expected = ENFORCED},
    {"a server that it does not name", NO_ROUTE, STS_ENFORCE, .unnamed = true,
     .expected = {.tls = SMTP_TLS_MUST,
                  .trust = TLS_TRUST_NAME,
                  .excluded = true,
                  .counts = TLSRPT_STS,
                  .doubt = TLSRPT_FAILURE}},
    {"the same by a route that may", SMTP_TLS_MAY, STS_ENFORCE, .expected = ENFORCED},
    /* rfc8461#5-b */
    {"one that is tested harms nobody", NO_ROUTE, STS_TESTING,
     .expected = {.tls = SMTP_TLS_MAY,
                  .trust = TLS_TRUST_NAME,
                  .lenient = true,
                  .clear_after = true,
                  .counts = TLSRPT_STS}},
    {"also not who is not named", NO_ROUTE, STS_TESTING, .unnamed = true,
     .expected = {.tls = SMTP_TLS_MAY,
                  .trust = TLS_TRUST_NAME,
                  .lenient = true,
                  .clear_after = true,
                  .counts = TLSRPT_STS,
                  .doubt = TLSRPT_FAILURE}},
    {"and goes in clear where TLS failed", NO_ROUTE, STS_TESTING, .failed = true,
     .expected =
         {.tls = SMTP_TLS_NEVER, .trust = TLS_TRUST_NAME, .lenient = true, .counts = TLSRPT_STS}},
    /* rfc8461#2-a */
    {"records come before promises", NO_ROUTE, STS_ENFORCE, .tlsa = true, .unnamed = true,
     .expected = DANE},
    {"but for those of no use", NO_ROUTE, STS_ENFORCE, .tlsa = true, .unusable = true,
     .expected = {.tls = SMTP_TLS_MUST,
                  .trust = TLS_TRUST_NAME,
                  .counts = TLSRPT_TLSA,
                  .doubt = TLSRPT_TLSA_INVALID}},
};

static struct policy
policy_of_row(const struct row *r, struct sts_policy *promise)
{
    static const struct dns_record record = {0, {(const uint8_t *)"\3\1\1x", 4}};
    struct settings_route route = {.tls =
                                       r->route == VERIFY ? SMTP_TLS_MUST : (enum smtp_tls)r->route,
                                   .verify = r->route == VERIFY};
    struct route_hop hop = {.host =
                                r->unnamed ? SLICE("mx.other.example") : SLICE("mx.there.example"),
                            .tlsa = &record,
                            .tlsa_count = r->tlsa};
    struct policy_facts f = {.hop = &hop,
                             .route = r->route == NO_ROUTE ? NULL : &route,
                             .promise = r->promise == NO_PROMISE ? NULL : promise,
                             .tlsa_unusable = r->unusable,
                             .tls_failed = r->failed};

    return policy_of(&f);
}

static void
each_hop_has_the_tls_it_should(void **state)
{
    static const char *const modes[] = {[STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        const struct policy *e = &r->expected;
        struct sts_policy *promise = NULL;
        struct policy p;
        char text[128];
        const char *why;

        if (r->promise != NO_PROMISE) {
            snprintf(text, sizeof(text),
                     "version: STSv1\nmode: %s\nmx: mx.there.example\nmax_age: 9\n",
                     modes[r->promise]);
            promise = sts_policy_new(slice_of(text), &why);
            assert_non_null(promise);
        }
        p = policy_of_row(r, promise);
        if (p.tls != e->tls || p.trust != e->trust || p.lenient != e->lenient ||
            p.excluded != e->excluded || p.clear_after != e->clear_after || p.counts != e->counts ||
            p.doubt != e->doubt)
            fail_msg("%s", r->why);
        sts_policy_put(promise);
    }
}

static void
who_says_how_a_route_is_kept_safe_wants_no_promises(void **state)
{
    struct settings_route route = {.tls = SMTP_TLS_MAY};

    (void)state;
    assert_true(policy_heeds_promises(NULL));
    assert_true(policy_heeds_promises(&route));
    for (route.tls = SMTP_TLS_NEVER; route.tls <= SMTP_TLS_AT_ONCE; route.tls++)
        assert_int_equal(policy_heeds_promises(&route), route.tls == SMTP_TLS_MAY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hop_has_the_tls_it_should),
        cmocka_unit_test(who_says_how_a_route_is_kept_safe_wants_no_promises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
