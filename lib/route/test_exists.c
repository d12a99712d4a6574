/* Can mail for a domain go anywhere? What is asked for it, and what the answers come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "route/route.h"

enum { ASKS_MAX = 1 + ROUTE_ASKS_MAX };

/* world: what is asked, in this order, and the answers: "NAME TYPE ANSWER"; an answer is a
 * verdict's word or, of an MX, servers. */
struct row {
    const char *why, *domain, *world;
    enum route_kind expected;
};

static const struct row rows[] = {
    {"an MX", "a.example", "a.example MX mx.a.example\nmx.a.example A found", ROUTE_FOUND},
    {"with an IPv6 address", "a.example",
     "a.example MX mx.a.example\nmx.a.example A none\nmx.a.example AAAA found", ROUTE_FOUND},
    {"the second has one", "a.example",
     "a.example MX one.example two.example\none.example A nodomain\none.example AAAA nodomain\n"
     "two.example A found",
     ROUTE_FOUND},
    {"none has one", "a.example",
     "a.example MX one.example two.example\none.example A none\none.example AAAA none\n"
     "two.example A nodomain\ntwo.example AAAA nodomain",
     ROUTE_NO_HOST},
    {"the root beside others means nothing", "a.example",
     "a.example MX . mx.a.example\nmx.a.example A found", ROUTE_FOUND}, /* rfc7505#3-b */
    {"no MX: an address", "a.example", "a.example MX none\na.example A found", ROUTE_FOUND},
    {"an IPv6 address", "a.example", "a.example MX none\na.example A none\na.example AAAA found",
     ROUTE_FOUND},
    {"one, whatever the other", "a.example",
     "a.example MX none\na.example A fails\na.example AAAA found", ROUTE_FOUND},
    {"no domain", "a.example", "a.example MX nodomain", ROUTE_NO_DOMAIN},
    {"an alias to none", "a.example",
     "a.example MX none\na.example A nodomain\na.example AAAA nodomain", ROUTE_NO_DOMAIN},
    {"nothing", "a.example", "a.example MX none\na.example A none\na.example AAAA none",
     ROUTE_NO_RECORD},
    {"null MX", "a.example", "a.example MX .", ROUTE_NULL_MX}, /* rfc7505#3-a */
    {"an MX that is no host", "a.example", "a.example MX 192.0.2.1", ROUTE_NO_HOST},
    {"an MX that cannot be read", "a.example", "a.example MX found", ROUTE_NO_HOST},
    {"no answer", "a.example", "a.example MX fails", ROUTE_DNS},
    {"none for the address", "a.example",
     "a.example MX none\na.example A fails\na.example AAAA none", ROUTE_DNS},
    {"none for a server: no other is looked at", "a.example",
     "a.example MX one.example two.example\none.example A none\none.example AAAA fails", ROUTE_DNS},
    {"forged", "a.example", "a.example MX forged", ROUTE_BOGUS},
    {"a forged address", "a.example", "a.example MX none\na.example A none\na.example AAAA forged",
     ROUTE_BOGUS},
    {"a literal", "[192.0.2.1]", "", ROUTE_FOUND},
    {"an IPv6 literal", "[IPv6:2001:db8::1]", "", ROUTE_FOUND},
    {"no literal", "[192.0.2]", "", ROUTE_NO_DOMAIN},
    {"no name", "a b.example", "", ROUTE_NO_DOMAIN},
    {"an address without brackets", "192.0.2.1", "", ROUTE_NO_DOMAIN},
    {"where the configuration says where to", "fixed.example", "", ROUTE_FOUND},
};

struct world {
    struct slice rest;
    struct route_known known[ASKS_MAX];
    struct dns_answer answers[ASKS_MAX];
    struct dns_record records[8];
};

static void
read_answer(struct world *w, struct slice text, struct dns_answer *a)
{
    static const char *const words[DNS_VERDICT_COUNT] = {[DNS_FOUND] = "found",
                                                         [DNS_NO_DOMAIN] = "nodomain",
                                                         [DNS_NO_RECORD] = "none",
                                                         [DNS_TEMPORARY] = "fails",
                                                         [DNS_BOGUS] = "forged"};
    struct slice server;

    *a = (struct dns_answer){.records = w->records};
    for (int i = 0; i < DNS_VERDICT_COUNT; i++)
        if (slice_eq(text, slice_of(words[i]))) {
            a->verdict = (enum dns_verdict)i;
            return;
        }
    while (text.len) {
        slice_cut(&text, ' ', &server);
        w->records[a->count] = (struct dns_record){(uint32_t)a->count, server};
        a->count++;
    }
}

/* The next line must be about what is asked. */
static void
answer_next(struct world *w, const char *why, const struct route_question *q, size_t n)
{
    struct slice line, name, type;

    slice_cut(&w->rest, '\n', &line);
    slice_cut(&line, ' ', &name);
    slice_cut(&line, ' ', &type);
    if (!slice_eq(name, slice_of(q->name)) || !slice_eq(type, slice_of(dns_type_name(q->type))))
        fail_msg("%s: %s %s was asked", why, q->name, dns_type_name(q->type));
    read_answer(w, line, &w->answers[n]);
    w->known[n] = (struct route_known){q->type, name, &w->answers[n]};
}

static void
a_domain_takes_mail_or_there_is_a_reason(void **state)
{
    static const struct route_fixed fixed = {
        {(const uint8_t *)"fixed.example", 13}, {(const uint8_t *)"hop.example", 11}, 587};
    static struct route route;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world w = {.rest = slice_of(rows[i].world)};
        struct route_input in = {.domain = slice_of(rows[i].domain),
                                 .fixed = &fixed,
                                 .fixed_count = 1,
                                 .port = ROUTE_SMTP_PORT,
                                 .known = w.known};

        for (route_exists(&in, &route); route.kind == ROUTE_ASK; route_exists(&in, &route)) {
            assert_int_equal(route.ask_count, 1);
            assert_true(in.known_count < ASKS_MAX);
            answer_next(&w, rows[i].why, &route.asks[0], in.known_count);
            in.known_count++;
        }
        if (route.kind != rows[i].expected || route.hop_count || w.rest.len)
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
