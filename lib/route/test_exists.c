/* Can mail for a domain go anywhere? What is asked for it, and what the answers come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "route/route.h"

enum { NEVER = DNS_VERDICT_COUNT }; /* such a question is not asked */

struct row {
    const char *why, *domain;
    int mx; /* enum dns_verdict, and the servers where it is FOUND */
    const char *servers;
    int v4, v6;
    enum route_kind expected;
};

static const struct row rows[] = {
    {"an MX", "a.example", DNS_FOUND, "mx.a.example", NEVER, NEVER, ROUTE_FOUND},
    {"several", "a.example", DNS_FOUND, "mx.a.example . mx.b.example", NEVER, NEVER, ROUTE_FOUND},
    {"an address", "a.example", DNS_NO_RECORD, "", DNS_FOUND, NEVER, ROUTE_FOUND},
    {"an IPv6 address", "a.example", DNS_NO_RECORD, "", DNS_NO_RECORD, DNS_FOUND, ROUTE_FOUND},
    {"one, whatever the other", "a.example", DNS_NO_RECORD, "", DNS_TEMPORARY, DNS_FOUND,
     ROUTE_FOUND},
    {"no domain", "a.example", DNS_NO_DOMAIN, "", NEVER, NEVER, ROUTE_NO_DOMAIN},
    {"an alias to none", "a.example", DNS_NO_RECORD, "", DNS_NO_DOMAIN, DNS_NO_DOMAIN,
     ROUTE_NO_DOMAIN},
    {"nothing", "a.example", DNS_NO_RECORD, "", DNS_NO_RECORD, DNS_NO_RECORD, ROUTE_NO_RECORD},
    {"null MX", "a.example", DNS_FOUND, ".", NEVER, NEVER, ROUTE_NULL_MX}, /* rfc7505#3-a */
    {"an MX that is no host", "a.example", DNS_FOUND, "192.0.2.1", NEVER, NEVER, ROUTE_NO_HOST},
    {"an MX that cannot be read", "a.example", DNS_FOUND, "", NEVER, NEVER, ROUTE_NO_HOST},
    {"no answer", "a.example", DNS_TEMPORARY, "", NEVER, NEVER, ROUTE_DNS},
    {"none for the address", "a.example", DNS_NO_RECORD, "", DNS_TEMPORARY, DNS_NO_RECORD,
     ROUTE_DNS},
    {"none for the second", "a.example", DNS_NO_RECORD, "", DNS_NO_RECORD, DNS_TEMPORARY,
     ROUTE_DNS},
    {"forged", "a.example", DNS_BOGUS, "", NEVER, NEVER, ROUTE_BOGUS},
    {"a forged address", "a.example", DNS_NO_RECORD, "", DNS_NO_RECORD, DNS_BOGUS, ROUTE_BOGUS},
    {"a literal", "[192.0.2.1]", NEVER, "", NEVER, NEVER, ROUTE_FOUND},
    {"an IPv6 literal", "[IPv6:2001:db8::1]", NEVER, "", NEVER, NEVER, ROUTE_FOUND},
    {"no literal", "[192.0.2]", NEVER, "", NEVER, NEVER, ROUTE_NO_DOMAIN},
    {"no name", "a b.example", NEVER, "", NEVER, NEVER, ROUTE_NO_DOMAIN},
    {"an address without brackets", "192.0.2.1", NEVER, "", NEVER, NEVER, ROUTE_NO_DOMAIN},
    {"where the configuration says where to", "fixed.example", NEVER, "", NEVER, NEVER,
     ROUTE_FOUND},
};

static void
make_answer(const struct row *row, enum dns_type type, struct dns_record records[8],
            struct dns_answer *a)
{
    int verdict = type == DNS_MX ? row->mx : type == DNS_A ? row->v4 : row->v6;
    struct slice rest = slice_of(row->servers), server;

    if (verdict == NEVER)
        fail_msg("%s: %s was asked", row->why, dns_type_name(type));
    *a = (struct dns_answer){.verdict = (enum dns_verdict)verdict, .records = records};
    while (type == DNS_MX && rest.len) {
        slice_cut(&rest, ' ', &server);
        records[a->count++] = (struct dns_record){10, server};
    }
}

static void
a_domain_takes_mail_or_there_is_a_reason(void **state)
{
    static const struct route_fixed fixed = {
        {(const uint8_t *)"fixed.example", 13}, {(const uint8_t *)"hop.example", 11}, 587};
    static struct route route;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct dns_record records[8];
        struct dns_answer answers[3];
        struct route_known known[3];
        struct route_input in = {.domain = slice_of(rows[i].domain),
                                 .fixed = &fixed,
                                 .fixed_count = 1,
                                 .port = ROUTE_SMTP_PORT,
                                 .known = known};

        for (route_exists(&in, &route); route.kind == ROUTE_ASK; route_exists(&in, &route)) {
            assert_int_equal(route.ask_count, 1);
            assert_true(in.known_count < COUNT(known));
            make_answer(&rows[i], route.asks[0].type, records, &answers[in.known_count]);
            known[in.known_count] =
                (struct route_known){route.asks[0].type, in.domain, &answers[in.known_count]};
            in.known_count++;
        }
        if (route.kind != rows[i].expected || route.hop_count)
            fail_msg("%s: %d", rows[i].why, route.kind);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_takes_mail_or_there_is_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
