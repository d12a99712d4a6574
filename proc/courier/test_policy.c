/* Which TLS a hop gets: what the configuration says, what the DNS proves, what a try has shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy.h"

enum { NO_ROUTE = -1 };

static const struct row {
    const char *why;
    int route; /* enum smtp_tls, or NO_ROUTE */
    bool tlsa, unusable, failed;
    struct policy expected;
} rows[] = {
    {"anybody, where it is offered",
     NO_ROUTE,
     false,
     false,
     false,
     {SMTP_TLS_MAY, TLS_TRUST_ANYONE, true}},
    {"in clear where it failed",
     NO_ROUTE,
     false,
     false,
     true,
     {SMTP_TLS_NEVER, TLS_TRUST_ANYONE, false}},
    /* rfc7672#2.2-c */
    {"proven records make it a must",
     NO_ROUTE,
     true,
     false,
     false,
     {SMTP_TLS_MUST, TLS_TRUST_DANE, false}},
    {"and never clear", NO_ROUTE, true, false, true, {SMTP_TLS_MUST, TLS_TRUST_DANE, false}},
    {"records of no use: encrypted, whoever it is",
     NO_ROUTE,
     true,
     true,
     false,
     {SMTP_TLS_MUST, TLS_TRUST_ANYONE, false}},
    {"and never clear either",
     NO_ROUTE,
     true,
     true,
     true,
     {SMTP_TLS_MUST, TLS_TRUST_ANYONE, false}},
    {"a route without",
     SMTP_TLS_NEVER,
     false,
     false,
     false,
     {SMTP_TLS_NEVER, TLS_TRUST_ANYONE, false}},
    {"the owner's word counts more than the DNS",
     SMTP_TLS_NEVER,
     true,
     false,
     false,
     {SMTP_TLS_NEVER, TLS_TRUST_ANYONE, false}},
    {"a route that may", SMTP_TLS_MAY, false, false, false, {SMTP_TLS_MAY, TLS_TRUST_ANYONE, true}},
    {"a route that must",
     SMTP_TLS_MUST,
     false,
     false,
     true,
     {SMTP_TLS_MUST, TLS_TRUST_ANYONE, false}},
    {"a route that may, and records",
     SMTP_TLS_MAY,
     true,
     false,
     false,
     {SMTP_TLS_MUST, TLS_TRUST_DANE, false}},
    {"TLS first stays so",
     SMTP_TLS_AT_ONCE,
     true,
     false,
     false,
     {SMTP_TLS_AT_ONCE, TLS_TRUST_DANE, false}},
    {"TLS first, and it failed",
     SMTP_TLS_AT_ONCE,
     false,
     false,
     true,
     {SMTP_TLS_AT_ONCE, TLS_TRUST_ANYONE, false}},
};

static void
each_hop_has_the_tls_it_should(void **state)
{
    static const struct dns_record record = {0, {(const uint8_t *)"\3\1\1x", 4}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        struct settings_route route = {.tls = (enum smtp_tls)r->route};
        struct route_hop hop = {.tlsa = &record, .tlsa_count = r->tlsa};
        struct policy p =
            policy_of(&hop, r->route == NO_ROUTE ? NULL : &route, r->unusable, r->failed);

        if (p.tls != r->expected.tls || p.trust != r->expected.trust ||
            p.clear_after != r->expected.clear_after)
            fail_msg("%s", r->why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_hop_has_the_tls_it_should)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
