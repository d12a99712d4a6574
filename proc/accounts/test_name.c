/* Every spelling of an address becomes the directory's one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "name.h"

#define LOCAL_64 "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
#define LABEL_63 "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddd"

struct row {
    const char *why, *text, *expected; /* NULL: refused */
};

static void
check(bool (*parse)(struct name *n, struct slice text), const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct name n;
        bool good = parse(&n, slice_of(rows[i].text));

        if (good != (rows[i].expected != NULL) ||
            (good && !slice_eq(name_text(&n), slice_of(rows[i].expected))))
            fail_msg("%s: %s", rows[i].why, rows[i].text);
    }
}

static void
addresses_are_written_one_way(void **state)
{
    static const struct row rows[] = {
        {"plain", "ana@example.com", "ana@example.com"},
        {"case", "Ana@EXAMPLE.Com", "ana@example.com"},
        {"needless quotes", "\"Ana\"@example.com", "ana@example.com"},
        {"quotes it needs", "\"ana b\"@example.com", "\"ana b\"@example.com"},
        {"an @ in quotes", "\"a@b\"@example.com", "\"a@b\"@example.com"},
        {"a domain in UTF-8",
         "ana@b\xc3\xbc"
         "cher.example",
         "ana@xn--bcher-kva.example"},
        {"a local part in UTF-8",
         "\xc3\xb1"
         "ana@example.com",
         "\xc3\xb1"
         "ana@example.com"},
        {"a detail", "ana+lists@example.com", "ana+lists@example.com"},
        {"no domain", "ana", NULL},
        {"no local part", "@example.com", NULL},
        {"a literal", "ana@[192.0.2.1]", NULL},
        {"empty", "", NULL},
        {"two", "ana@example.com luis@example.com", NULL},
        {"a control character", "ana\x01@example.com", NULL},
        {"broken UTF-8", "an\xff@example.com", NULL},
        {"too long", LOCAL_64 "@" LABEL_63 "." LABEL_63 "." LABEL_63 ".example.com", NULL},
    };

    (void)state;
    check(name_parse, rows, COUNT(rows));
}

static void
users_may_write_a_percent_sign(void **state)
{
    static const struct row rows[] = {
        {"as the address", "Ana@example.com", "ana@example.com"},
        {"with a percent sign", "ana%example.com", "ana@example.com"},
        {"with two, the last", "a%b%example.com", "a%b@example.com"},
        {"a percent sign in an address", "a%b@example.com", "a%b@example.com"},
        {"alone", "ana", NULL},
        {"nothing before it", "%example.com", NULL},
        {"nothing after it", "ana%", NULL},
    };

    (void)state;
    check(name_parse_user, rows, COUNT(rows));
}

static void
aliases_may_be_catch_alls(void **state)
{
    static const struct row rows[] = {
        {"an address", "Sales@example.com", "sales@example.com"},
        {"a catch-all", "@Example.com", "@example.com"},
        {"no domain", "@", NULL},
        {"a literal", "@[192.0.2.1]", NULL},
        {"two signs", "@@example.com", NULL},
    };

    (void)state;
    check(name_parse_alias, rows, COUNT(rows));
}

static void
domains_are_names(void **state)
{
    static const struct row rows[] = {
        {"a name", "Example.COM", "example.com"},
        {"UTF-8",
         "b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"a single label", "localhost", "localhost"},
        {"a literal", "[192.0.2.1]", NULL},
        {"an empty label", "example..com", NULL},
        {"a dot at the end", "example.com.", NULL},
        {"a space", "example .com", NULL},
        {"empty", "", NULL},
        {"an address", "ana@example.com", NULL},
    };

    (void)state;
    check(name_parse_domain, rows, COUNT(rows));
}

static void
details_and_local_parts_can_be_cut(void **state)
{
    struct name n;

    (void)state;
    assert_true(name_take(&n, SLICE("Ana+a+b@example.com")));
    assert_true(name_cut_detail(&n));
    assert_true(slice_eq(name_text(&n), SLICE("ana@example.com")));
    assert_false(name_cut_detail(&n));
    name_cut_local(&n);
    assert_true(slice_eq(name_text(&n), SLICE("@example.com")));
    assert_true(slice_eq(n.domain, SLICE("example.com")));
    assert_true(name_take(&n, SLICE("+ana@example.com")));
    assert_false(name_cut_detail(&n));
    assert_true(name_take(&n, SLICE("\"a+b c\"@example.com")));
    assert_false(name_cut_detail(&n));
    assert_true(name_take(&n, SLICE("PostMaster")));
    assert_true(slice_eq(name_text(&n), SLICE("postmaster")));
    assert_int_equal(n.domain.len, 0);
    assert_false(name_take(&n, SLICE("@example.com")));
    assert_false(name_take(&n, SLICE("")));
    assert_false(name_take(&n, SLICE("a\0b@example.com")));
    assert_false(name_take(&n, SLICE(LOCAL_64 LOCAL_64 LOCAL_64 LOCAL_64 "@a")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_written_one_way),
        cmocka_unit_test(users_may_write_a_percent_sign),
        cmocka_unit_test(aliases_may_be_catch_alls),
        cmocka_unit_test(domains_are_names),
        cmocka_unit_test(details_and_local_parts_can_be_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
