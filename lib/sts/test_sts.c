/* Records and policies, good and bad, and which servers a policy means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/ensure.h"
#include "sts/sts.h"

enum { RECORDS_MAX = 3 };

/* rfc8461#3.1-b rfc8461#3.1-d */
static void
one_record_names_the_policy(void **state)
{
    static const struct {
        const char *why, *id, *records[RECORDS_MAX]; /* id NULL: there is no policy */
    } rows[] = {
        {"the example", "20160831085700Z", {"v=STSv1; id=20160831085700Z;"}},
        {"no end", "1", {"v=STSv1; id=1"}},
        {"no blanks", "1", {"v=STSv1;id=1;"}},
        {"blanks and tabs", "1", {"v=STSv1;\t id=1 \t; "}},
        {"fields of others", "1", {"v=STSv1; a=b; id=1; x.y-z_9=!"}},
        {"the first of two ids", "1", {"v=STSv1; id=1; id=2"}},
        {"32 characters",
         "abcdefghijklmnopqrstuvwxyz012345",
         {"v=STSv1; id=abcdefghijklmnopqrstuvwxyz012345"}},
        {"among others", "1", {"v=spf1 -all", "v=STSv1; id=1", "v=STSv2; id=2"}},
        {"none", NULL, {NULL}},
        {"others only", NULL, {"v=spf1 -all"}},
        {"two", NULL, {"v=STSv1; id=1", "v=STSv1; id=1"}},
        {"a bad one beside a good one", NULL, {"v=STSv1; id=1", "v=STSv1; id"}},
        {"a version alone", NULL, {"v=STSv1;"}},
        {"nothing behind the version", NULL, {"v=STSv1"}},
        {"a blank before the semicolon", NULL, {"v=STSv1 ; id=1"}},
        {"a blank in front", NULL, {" v=STSv1; id=1"}},
        {"small letters", NULL, {"v=stsv1; id=1"}},
        {"no id", NULL, {"v=STSv1; a=b"}},
        {"an empty id", NULL, {"v=STSv1; id="}},
        {"an id of 33", NULL, {"v=STSv1; id=abcdefghijklmnopqrstuvwxyz0123456"}},
        {"an id with a dash", NULL, {"v=STSv1; id=2016-08"}},
        {"a second id that is bad", NULL, {"v=STSv1; id=1; id=-"}},
        {"a blank in the id", NULL, {"v=STSv1; id=1 2"}},
        {"a blank after the name", NULL, {"v=STSv1; id =1"}},
        {"an empty field", NULL, {"v=STSv1;; id=1"}},
        {"a field without a value", NULL, {"v=STSv1; id=1; a="}},
        {"a field without a name", NULL, {"v=STSv1; id=1; =b"}},
        {"two equal signs", NULL, {"v=STSv1; id=1; a=b=c"}},
        {"an octet above ASCII", NULL, {"v=STSv1; id=1; a=\303\244"}},
        {"a name of 33", NULL, {"v=STSv1; id=1; abcdefghijklmnopqrstuvwxyz0123456=b"}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct dns_record records[RECORDS_MAX];
        struct dns_answer txt = {.verdict = DNS_FOUND, .records = records};
        char id[STS_ID_MAX + 1];

        print_message("%s\n", rows[i].why);
        for (; txt.count < RECORDS_MAX && rows[i].records[txt.count]; txt.count++)
            records[txt.count] = (struct dns_record){0, slice_of(rows[i].records[txt.count])};
        assert_int_equal(sts_record_id(&txt, id), rows[i].id != NULL);
        assert_string_equal(id, rows[i].id ? rows[i].id : "");
    }
}

static void
an_answer_that_found_nothing_names_no_policy(void **state)
{
    static const struct dns_record record = {0, {(const uint8_t *)"v=STSv1; id=1", 13}};
    char id[STS_ID_MAX + 1];

    (void)state;
    for (enum dns_verdict v = DNS_FOUND; v < DNS_VERDICT_COUNT; v++) {
        struct dns_answer txt = {.verdict = v, .records = &record, .count = 1};

        assert_int_equal(sts_record_id(&txt, id), v == DNS_FOUND);
    }
}

#define HEAD "version: STSv1\r\nmode: enforce\r\n"

/* rfc8461#3.2-b rfc8461#3.2-c rfc8461#3.2-d rfc8461#3.2-e */
static void
a_policy_is_read(void **state)
{
    static const struct {
        const char *why, *text;
        enum sts_mode mode;
        uint32_t max_age;
        const char *patterns;
    } rows[] = {
        {"the example",
         "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n"
         "mx: backupmx.example.com\r\nmax_age: 604800\r\n",
         STS_ENFORCE, 604800, "mail.example.com\n*.example.net\nbackupmx.example.com\n"},
        {"bare line feeds, no end", "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1",
         STS_TESTING, 1, "a.example\n"},
        {"any order, blanks, tabs",
         "max_age:5 \r\nmx:\ta.example\t\r\nmode:testing\r\nversion:STSv1", STS_TESTING, 5,
         "a.example\n"},
        {"none, without servers", "version: STSv1\nmode: none\nmax_age: 86400\n", STS_NONE, 86400,
         ""},
        {"fields of others, also with UTF-8",
         HEAD "mx: a.example\r\nmax_age: 1\r\nx-y.z_9: \303\244 b: c\r\nempty:\r\n", STS_ENFORCE, 1,
         "a.example\n"},
        {"empty lines", "\r\n" HEAD "\r\nmx: a.example\r\nmax_age: 1\r\n\r\n \r\n", STS_ENFORCE, 1,
         "a.example\n"},
        {"the first of two",
         HEAD "mode: none\r\nversion: STSv9\r\nmx: a.example\r\nmax_age: 7\r\nmax_age: x\r\n",
         STS_ENFORCE, 7, "a.example\n"},
        {"capitals in a name", HEAD "mx: *.EXAMPLE.Net\r\nmax_age: 1", STS_ENFORCE, 1,
         "*.example.net\n"},
        {"a year", HEAD "mx: a.example\r\nmax_age: 31557600", STS_ENFORCE, STS_AGE_MAX,
         "a.example\n"},
        {"more than a year", HEAD "mx: a.example\r\nmax_age: 9999999999", STS_ENFORCE, STS_AGE_MAX,
         "a.example\n"},
        {"no time at all", HEAD "mx: a.example\r\nmax_age: 0", STS_ENFORCE, 0, "a.example\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *why;
        struct sts_policy *p = sts_policy_new(slice_of(rows[i].text), &why);

        print_message("%s: %s\n", rows[i].why, why ? why : "good");
        assert_non_null(p);
        assert_null(why);
        assert_int_equal(p->mode, rows[i].mode);
        assert_int_equal(p->max_age, rows[i].max_age);
        assert_true(slice_eq(p->patterns, slice_of(rows[i].patterns)));
        sts_policy_put(p);
    }
}

static void
a_bad_policy_is_none_and_says_why(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "it has no version"},
        {"<html>", "a line of it is no field"},
        {"mode: enforce\r\nmx: a.example\r\nmax_age: 1", "it has no version"},
        {"version: STSv1\r\nmx: a.example\r\nmax_age: 1", "it has no mode"},
        {HEAD "mx: a.example", "it has no max_age"},
        {HEAD "max_age: 1", "it names no server"},
        {"version: STSv2\r\nmode: enforce\r\nmx: a.example\r\nmax_age: 1",
         "its version is unknown"},
        {"version: STSv1\r\nmode: report\r\nmx: a.example\r\nmax_age: 1", "its mode is unknown"},
        {"version: STSv1\r\nmode: Enforce\r\nmx: a.example\r\nmax_age: 1", "its mode is unknown"},
        {"Version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmax_age: 1", "it has no version"},
        {HEAD "mx: a.example\r\nmax_age: -1", "its max_age is no number"},
        {HEAD "mx: a.example\r\nmax_age:", "its max_age is no number"},
        {HEAD "mx: a.example\r\nmax_age: 12345678901", "its max_age is no number"},
        {HEAD "mx: a.example b.example\r\nmax_age: 1", "one of its servers is no name of a host"},
        {HEAD "mx: \r\nmax_age: 1", "one of its servers is no name of a host"},
        {HEAD "mx: *\r\nmax_age: 1", "one of its servers is no name of a host"},
        {HEAD "mx: *.\r\nmax_age: 1", "one of its servers is no name of a host"},
        {HEAD "mx: a*.example\r\nmax_age: 1", "one of its servers is no name of a host"},
        {HEAD "mx: *.*.example\r\nmax_age: 1", "one of its servers is no name of a host"},
        {HEAD "mx: .example\r\nmax_age: 1", "one of its servers is no name of a host"},
        {HEAD "mx: 192.0.2.1\r\nmax_age: 1", "one of its servers is no name of a host"},
        {HEAD "mx: \303\244.example\r\nmax_age: 1", "one of its servers is no name of a host"},
        {HEAD "mx : a.example\r\nmax_age: 1", "a line of it is no field"},
        {HEAD " mx: a.example\r\nmax_age: 1", "a line of it is no field"},
        {HEAD "mx: a.example\rmax_age: 1", "one of its servers is no name of a host"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *why;

        print_message("%s\n", rows[i].text);
        assert_null(sts_policy_new(slice_of(rows[i].text), &why));
        assert_string_equal(why, rows[i].why);
    }
}

static void
a_policy_may_be_64_kib_long(void **state)
{
    char *text = heap_take(STS_POLICY_MAX + 2);
    const char *why;
    struct sts_policy *p;

    (void)state;
    memset(text, '\n', STS_POLICY_MAX + 1);
    memcpy(text, HEAD "mx: a.example\r\nmax_age: 1",
           sizeof(HEAD "mx: a.example\r\nmax_age: 1") - 1);
    p = sts_policy_new(slice_make(text, STS_POLICY_MAX), &why);
    assert_non_null(p);
    sts_policy_put(p);
    assert_null(sts_policy_new(slice_make(text, STS_POLICY_MAX + 1), &why));
    assert_string_equal(why, "it is too long");
    free(text);
}

/* rfc8461#4.1-a */
static void
a_server_fits_one_of_the_patterns(void **state)
{
    static const struct {
        const char *host;
        bool fits;
    } rows[] = {
        {"mail.example.com", true},
        {"MAIL.Example.com", true},
        {"mail.example.com.", false},
        {"a.mail.example.com", false},
        {"example.com", false},
        {"a.example.net", true},
        {"A.EXAMPLE.NET", true},
        {"example.net", false},
        {"a.b.example.net", false},
        {".example.net", false},
        {"a.example.netx", false},
        {"*.example.net", true},
        {"xexample.net", false},
        {"", false},
        {"mail", false},
        {"a.example.net\nmail.example.com", false},
    };
    const char *why;
    struct sts_policy *p =
        sts_policy_new(SLICE(HEAD "mx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 1"), &why);

    (void)state;
    assert_non_null(p);
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("%s\n", rows[i].host);
        assert_int_equal(sts_policy_allows(p, slice_of(rows[i].host)), rows[i].fits);
    }
    sts_policy_put(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_record_names_the_policy),
        cmocka_unit_test(an_answer_that_found_nothing_names_no_policy),
        cmocka_unit_test(a_policy_is_read),
        cmocka_unit_test(a_bad_policy_is_none_and_says_why),
        cmocka_unit_test(a_policy_may_be_64_kib_long),
        cmocka_unit_test(a_server_fits_one_of_the_patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
