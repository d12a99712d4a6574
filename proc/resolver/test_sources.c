/* Name servers and trust anchors, from files as people and programs write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sources.h"

static void
servers_are_addresses_with_ports(void **state)
{
    static const struct {
        const char *address, *server; /* server NULL: refused */
    } rows[] = {
        {"192.0.2.1:53", "192.0.2.1@53"},
        {"[2001:db8::1]:5353", "2001:db8::1@5353"},
        {"[fe80::1%eth0]:53", "fe80::1%eth0@53"},
        {"192.0.2.1", NULL},
        {"192.0.2.1:", NULL},
        {"192.0.2.1:0", NULL},
        {"192.0.2.1:65536", NULL},
        {"ns.example:53", NULL},
        {"", NULL},
    };
    struct sources s;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool put;

        sources_init(&s);
        put = sources_put_server(&s, slice_of(rows[i].address));
        if (put != (rows[i].server != NULL) || s.server_count != put ||
            (put && strcmp(s.servers[0], rows[i].server) != 0))
            fail_msg("%s: %s", rows[i].address, s.servers[0]);
        sources_clear(&s);
    }
}

static void
resolv_conf_gives_its_name_servers(void **state)
{
    struct sources s;

    (void)state;
    sources_init(&s);
    sources_put_resolv_conf(&s, SLICE("# nameserver 192.0.2.9\n"
                                      "search example\r\n"
                                      "nameserver 192.0.2.1\r\n"
                                      "  nameserver\t2001:db8::1 # second\n"
                                      "nameserver elsewhere\n"
                                      "nameserver\n"
                                      "nameservers 192.0.2.8\n"
                                      "options edns0\n"
                                      "nameserver fe80::1%eth0"));
    assert_int_equal(s.server_count, 3);
    assert_true(s.system);
    assert_string_equal(s.servers[0], "192.0.2.1@53");
    assert_string_equal(s.servers[1], "2001:db8::1@53");
    assert_string_equal(s.servers[2], "fe80::1%eth0@53");
    for (int i = 0; i < SOURCES_SERVERS_MAX; i++)
        sources_put_resolv_conf(&s, SLICE("nameserver 192.0.2.1"));
    assert_int_equal(s.server_count, SOURCES_SERVERS_MAX);
    sources_clear(&s);
}

static void
anchors_are_the_records_that_are_believed(void **state)
{
    static const struct {
        const char *why, *text, *anchor; /* anchor NULL: none */
    } rows[] = {
        {"a key", ". IN DNSKEY 257 3 8 AwEA ; keytag 1\n", ". IN DNSKEY 257 3 8 AwEA"},
        {"a digest", "example. 3600 IN ds 1 13 2 ABCD", "example. 3600 IN ds 1 13 2 ABCD"},
        {"tabs and a line end", ".\tIN\tDS\t1 8 2 AB\r\n", ". IN DS 1 8 2 AB"},
        {"over several lines", ". IN DNSKEY ( 257 3 8\n AwEA ; half\n BwEA )\n",
         ". IN DNSKEY   257 3 8  AwEA   BwEA"},
        {"valid, says unbound", ". IN DNSKEY 257 3 8 AA ;{id = 1} ;;state=2 [  VALID  ]\n",
         ". IN DNSKEY 257 3 8 AA"},
        {"missing", ". IN DNSKEY 257 3 8 AA ;;state=3 [ MISSING ]\n", ". IN DNSKEY 257 3 8 AA"},
        {"waiting to be believed", ". IN DNSKEY 257 3 8 AA ;;state=1 [ ADDPEND ]\n", NULL},
        {"revoked", ". IN DNSKEY 385 3 8 AA ;;state=4 [ REVOKED ]\n", NULL},
        {"a comment", "; autotrust trust anchor file\n;;id: . 1\n", NULL},
        {"another record", ". IN NS a.root-servers.net.\n", NULL},
        {"never closed", ". IN DNSKEY ( 257 3 8 AA\n", NULL},
        {"nothing", "", NULL},
    };
    struct sources s;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *anchor;
        size_t at = 0;

        sources_init(&s);
        sources_put_anchors(&s, slice_of(rows[i].text));
        anchor = sources_next_anchor(&s, &at);
        if ((anchor != NULL) != (rows[i].anchor != NULL) ||
            (anchor && strcmp(anchor, rows[i].anchor) != 0))
            fail_msg("%s: %s", rows[i].why, anchor ? anchor : "none");
        if (anchor)
            assert_null(sources_next_anchor(&s, &at));
        sources_clear(&s);
    }
}

static void
all_anchors_of_a_file_are_kept_and_compared(void **state)
{
    static const char text[] = ". IN DS 1 8 2 AA\n. IN DS 2 8 2 BB\n";
    struct sources a, b;
    size_t at = 0;

    (void)state;
    sources_init(&a);
    sources_init(&b);
    sources_put_anchors(&a, slice_of(text));
    assert_false(sources_eq(&a, &b));
    sources_put_anchors(&b, slice_of(text));
    assert_true(sources_eq(&a, &b));
    assert_string_equal(sources_next_anchor(&a, &at), ". IN DS 1 8 2 AA");
    assert_string_equal(sources_next_anchor(&a, &at), ". IN DS 2 8 2 BB");
    assert_null(sources_next_anchor(&a, &at));
    assert_true(sources_put_server(&b, SLICE("192.0.2.1:53")));
    assert_false(sources_eq(&a, &b));
    assert_true(sources_put_server(&a, SLICE("192.0.2.1:54")));
    assert_false(sources_eq(&a, &b));
    sources_clear(&a);
    sources_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_addresses_with_ports),
        cmocka_unit_test(resolv_conf_gives_its_name_servers),
        cmocka_unit_test(anchors_are_the_records_that_are_believed),
        cmocka_unit_test(all_anchors_of_a_file_are_kept_and_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
