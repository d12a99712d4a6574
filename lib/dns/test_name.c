/* Names: what the DNS can hold, what a host may be called, and the names of addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns/dns.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static void
names_are_cleaned_or_refused(void **state)
{
    static const struct {
        const char *why, *name, *clean; /* clean NULL: refused */
        bool host;
    } rows[] = {
        {"plain", "mx.example", "mx.example", true},
        {"capitals", "MX.Example", "mx.example", true},
        {"a dot at the end", "mx.example.", "mx.example", true},
        {"one label", "localhost", "localhost", true},
        {"A-labels", "xn--mnchen-3ya.example", "xn--mnchen-3ya.example", true},
        {"the root", ".", ".", false},
        {"a service", "_25._tcp.mx.example", "_25._tcp.mx.example", true},
        {"a network of RFC 2317", "0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa", false},
        {"a wildcard", "*.example", "*.example", false},
        {"an address", "192.0.2.1", "192.0.2.1", false},
        {"a hyphen first", "-a.example", "-a.example", false},
        {"the longest label", LABEL_63 ".example", LABEL_63 ".example", true},
        {"a longer label", LABEL_63 "x.example", NULL, false},
        {"a longer name", LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, NULL, false},
        {"nothing", "", NULL, false},
        {"two dots", "a..example", NULL, false},
        {"a dot first", ".example", NULL, false},
        {"a blank", "a b.example", NULL, false},
        {"not ASCII", "m\xc3\xbcnchen.example", NULL, false},
        {"a backslash", "a\\.b.example", NULL, false},
        {"a line end", "a.example\n", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char room[DNS_NAME_ROOM];
        bool good = dns_name_clean(slice_of(rows[i].name), room);

        if (good != (rows[i].clean != NULL) || (good && strcmp(room, rows[i].clean) != 0))
            fail_msg("%s: %s", rows[i].why, good ? room : "refused");
        if (good && dns_name_is_host(slice_of(room)) != rows[i].host)
            fail_msg("%s: a host?", rows[i].why);
    }
    assert_false(dns_name_is_host(SLICE("")));
    assert_false(dns_name_is_host(SLICE("a..example")));
}

static void
addresses_have_names_of_their_own(void **state)
{
    static const struct {
        const char *why, *address, *name;
    } rows[] = {
        {"IPv4", "192.0.2.1", "1.2.0.192.in-addr.arpa"},
        {"IPv6", "2001:db8::567:89ab",
         "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
        {"IPv4 mapped into IPv6", "::ffff:192.0.2.1", "1.2.0.192.in-addr.arpa"},
        {"a name", "mx.example", NULL},
        {"an interface", "fe80::1%eth0", NULL},
        {"too large", "192.0.2.256", NULL},
        {"nothing", "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char room[DNS_NAME_ROOM] = "";
        bool good = dns_name_of_address(slice_of(rows[i].address), room);

        if (good != (rows[i].name != NULL) || (good && strcmp(room, rows[i].name) != 0))
            fail_msg("%s: %s", rows[i].why, room);
    }
}

static void
types_have_names(void **state)
{
    (void)state;
    assert_true(dns_type_known(15));
    assert_false(dns_type_known(0));
    assert_false(dns_type_known(255));
    assert_string_equal(dns_type_name(DNS_AAAA), "AAAA");
    assert_string_equal(dns_type_name((enum dns_type)2), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_cleaned_or_refused),
        cmocka_unit_test(addresses_have_names_of_their_own),
        cmocka_unit_test(types_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
