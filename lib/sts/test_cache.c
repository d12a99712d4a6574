/* What a cache says of domains over time, whatever happens to their records and policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/ensure.h"
#include "sts/sts.h"

enum { START = 1000000, DAY = 86400, WEEK = 7 * DAY, TEXT_MAX = 4096 };

#define POLICY(mode, age) "version: STSv1\nmode: " mode "\nmx: *.site.example\nmax_age: " age "\n"

static const struct dns_answer no_record = {.verdict = DNS_NO_RECORD};
static const struct dns_answer no_answer = {.verdict = DNS_TEMPORARY};

/* The answer about a domain whose record has that id; NULL: the DNS says nothing. */
static struct sts_answer
ask_about(struct sts_cache *c, const char *domain, uint64_t now, const char *id)
{
    char text[64];
    struct dns_record record;
    struct dns_answer txt = {.verdict = DNS_FOUND, .records = &record, .count = 1};
    struct sts_answer a;

    if (id) {
        snprintf(text, sizeof(text), "v=STSv1; id=%s", id);
        record = (struct dns_record){0, slice_of(text)};
    }
    sts_ask(c, slice_of(domain), now, id ? &txt : &no_record, &a);
    return a;
}

static struct sts_answer
ask(struct sts_cache *c, uint64_t now, const char *id)
{
    return ask_about(c, "site.example", now, id);
}

static enum tlsrpt_result
learn(struct sts_cache *c, const struct sts_answer *a, uint64_t now, const char *policy)
{
    struct sts_fetched f = {.how = policy ? STS_CAME : STS_CAME_NOT,
                            .status = 200,
                            .type = SLICE("text/plain; charset=utf-8"),
                            .body = slice_of(policy)};
    const char *why;

    return sts_learn(c, a, now, &f, &why);
}

static struct sts_cache *
make_with(uint64_t now, const char *id, const char *policy)
{
    struct sts_cache *c = sts_cache_new(1);
    struct sts_answer a = ask(c, now, id);

    assert_int_equal(a.kind, STS_FETCH);
    assert_int_equal(learn(c, &a, now, policy), TLSRPT_SUCCESS);
    return c;
}

/* Nothing is to be done, and a policy holds or does not. */
static void
assert_decided(struct sts_answer a, bool holds)
{
    assert_int_equal(a.kind, STS_DECIDED);
    assert_false(a.renew);
    assert_int_equal(a.policy != NULL, holds);
    sts_policy_put(a.policy);
}

static void
assert_to_renew(const struct sts_answer *a)
{
    assert_int_equal(a->kind, STS_DECIDED);
    assert_true(a->renew && a->policy);
    assert_string_equal(a->name, "mta-sts.site.example");
    assert_string_equal(a->url, "https://mta-sts.site.example/.well-known/mta-sts.txt");
    sts_policy_put(a->policy);
}

/* rfc8461#3.1-a rfc8461#3.2-a rfc8461#3.4-b */
static void
a_domain_is_asked_about_step_by_step(void **state)
{
    struct sts_cache *c = sts_cache_new(1);
    struct sts_answer a;

    (void)state;
    sts_ask(c, SLICE("site.example"), START, NULL, &a);
    assert_int_equal(a.kind, STS_TXT);
    assert_string_equal(a.name, "_mta-sts.site.example");
    a = ask(c, START, "1");
    assert_int_equal(a.kind, STS_FETCH);
    assert_string_equal(a.name, "mta-sts.site.example");
    assert_string_equal(a.url, "https://mta-sts.site.example/.well-known/mta-sts.txt");
    assert_null(a.policy);
    assert_int_equal(learn(c, &a, START, POLICY("enforce", "604800")), TLSRPT_SUCCESS);
    a = ask(c, START, "1");
    assert_int_equal(a.kind, STS_DECIDED);
    assert_false(a.renew);
    assert_int_equal(a.policy->mode, STS_ENFORCE);
    assert_string_equal(a.policy->id, "1");
    assert_true(sts_policy_allows(a.policy, SLICE("mx.site.example")));
    sts_policy_put(a.policy);
    sts_ask(c, SLICE("sub.site.example"), START, NULL, &a);
    assert_string_equal(a.name, "_mta-sts.sub.site.example");
    assert_int_equal(sts_cache_count(c), 1);
    sts_cache_free(c);
}

static void
a_policy_outlives_the_cache_for_who_has_it(void **state)
{
    struct sts_cache *c = make_with(START, "1", POLICY("testing", "604800"));
    struct sts_answer a = ask(c, START, "1");

    (void)state;
    sts_cache_free(c);
    assert_int_equal(a.policy->mode, STS_TESTING);
    sts_policy_put(a.policy);
}

static void
what_can_have_no_policy_is_decided_at_once(void **state)
{
    static const char label[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz1234567890.";
    struct sts_cache *c = sts_cache_new(1);
    char domain[256];
    struct sts_answer a;

    (void)state;
    sts_ask(c, SLICE("[192.0.2.1]"), START, NULL, &a);
    assert_decided(a, false);
    sts_ask(c, SLICE(""), START, NULL, &a);
    assert_decided(a, false);
    snprintf(domain, sizeof(domain),
             "%s%s%sa234567890.b234567890.c234567890.d234567890x.e23.example", label, label, label);
    sts_ask(c, slice_of(domain + 1), START, NULL, &a);
    assert_int_equal(a.kind, STS_TXT);
    assert_int_equal(strlen(a.name), DNS_NAME_MAX);
    sts_ask(c, slice_of(domain), START, NULL, &a);
    assert_decided(a, false);
    sts_cache_free(c);
}

/* rfc8461#3.3-e */
static void
without_a_record_or_a_policy_nothing_holds(void **state)
{
    struct sts_cache *c = sts_cache_new(1);
    struct sts_answer a;

    (void)state;
    assert_decided(ask(c, START, NULL), false);
    sts_ask(c, SLICE("site.example"), START, &no_answer, &a);
    assert_decided(a, false);
    assert_int_equal(sts_cache_count(c), 0);
    a = ask(c, START, "1");
    assert_int_equal(learn(c, &a, START, NULL), TLSRPT_STS_FETCH);
    assert_decided(ask(c, START, "1"), false);
    sts_cache_free(c);
}

/* rfc8461#3.3-d */
static void
a_fetch_that_failed_rests_for_five_minutes_but_not_for_a_new_id(void **state)
{
    struct sts_cache *c = sts_cache_new(1);
    struct sts_answer a = ask(c, START, "1");

    (void)state;
    learn(c, &a, START, NULL);
    assert_decided(ask(c, START + STS_PAUSE_SECONDS - 1, "1"), false);
    assert_int_equal(ask(c, START + 1, "2").kind, STS_FETCH);
    assert_int_equal(ask(c, START + STS_PAUSE_SECONDS, "1").kind, STS_FETCH);
    sts_cache_free(c);
}

/* rfc8461#3.3-f rfc8461#3.2-d */
static void
a_policy_holds_to_its_end_whatever_is_found_meanwhile(void **state)
{
    struct sts_cache *c = make_with(START, "1", POLICY("enforce", "604800"));
    struct sts_answer a;

    (void)state;
    assert_decided(ask(c, START + DAY - 1, NULL), true);
    sts_ask(c, SLICE("site.example"), START + DAY - 1, &no_answer, &a);
    assert_decided(a, true);
    a = ask(c, START + 3 * DAY, NULL);
    assert_to_renew(&a);
    assert_int_equal(learn(c, &a, START + 3 * DAY, NULL), TLSRPT_STS_FETCH);
    assert_int_equal(learn(c, &a, START + 3 * DAY, "nonsense"), TLSRPT_STS_INVALID);
    assert_decided(ask(c, START + 3 * DAY, NULL), true);
    a = ask(c, START + WEEK, NULL);
    assert_to_renew(&a);
    assert_decided(ask(c, START + WEEK + 1, NULL), false);
    assert_int_equal(ask(c, START + WEEK + 1, "1").kind, STS_DECIDED); /* it has just been tried */
    assert_int_equal(ask(c, START + WEEK + STS_PAUSE_SECONDS, "1").kind, STS_FETCH);
    sts_cache_free(c);
}

/* rfc8461#3.3-g */
static void
a_policy_is_renewed_every_day_and_when_its_id_changes(void **state)
{
    struct sts_cache *c = make_with(START, "1", POLICY("enforce", "604800"));
    struct sts_answer a = ask(c, START + DAY, "1");

    (void)state;
    assert_to_renew(&a);
    assert_decided(ask(c, START + DAY, "1"), true); /* said once */
    assert_int_equal(learn(c, &a, START + DAY, POLICY("enforce", "604800")), TLSRPT_SUCCESS);
    a = ask(c, START + DAY + 1, "2");
    assert_to_renew(&a);
    assert_int_equal(learn(c, &a, START + DAY + 1, POLICY("testing", "604800")), TLSRPT_SUCCESS);
    a = ask(c, START + WEEK + 1, "2"); /* beyond the time of the first */
    assert_to_renew(&a);
    a = ask(c, START + WEEK + 1, "2");
    assert_int_equal(a.policy->mode, STS_TESTING);
    assert_string_equal(a.policy->id, "2");
    assert_decided(a, true);
    sts_cache_free(c);
}

/* rfc8461#5-c */
static void
mode_none_is_as_no_policy_and_is_kept_all_the_same(void **state)
{
    struct sts_cache *c = make_with(START, "1", "version: STSv1\nmode: none\nmax_age: 604800\n");

    (void)state;
    assert_decided(ask(c, START, "1"), false);
    assert_decided(ask(c, START + STS_PAUSE_SECONDS, "1"), false);
    sts_cache_free(c);
}

static void
a_policy_of_no_time_holds_where_it_was_fetched_for(void **state)
{
    struct sts_cache *c = make_with(START, "1", POLICY("enforce", "0"));

    (void)state;
    assert_decided(ask(c, START, "1"), true);
    assert_decided(ask(c, START + 1, "1"), false);
    assert_int_equal(ask(c, START + STS_PAUSE_SECONDS, "1").kind, STS_FETCH);
    sts_cache_free(c);
}

/* rfc8461#3.2-f rfc8461#3.3-b */
static void
only_a_proven_plain_text_with_200_is_a_policy(void **state)
{
    static const struct {
        enum sts_came how;
        uint32_t status;
        const char *type;
        enum tlsrpt_result result;
    } rows[] = {
        {STS_CAME, 200, "text/plain", TLSRPT_SUCCESS},
        {STS_CAME, 200, "Text/Plain ;charset=x", TLSRPT_SUCCESS},
        {STS_CAME, 200, "text/html", TLSRPT_STS_INVALID},
        {STS_CAME, 200, "text/plainer", TLSRPT_STS_INVALID},
        {STS_CAME, 200, "", TLSRPT_STS_INVALID},
        {STS_CAME, 201, "text/plain", TLSRPT_STS_FETCH},
        {STS_CAME, 301, "text/plain", TLSRPT_STS_FETCH},
        {STS_CAME, 404, "text/plain", TLSRPT_STS_FETCH},
        {STS_CAME_NOT, 200, "text/plain", TLSRPT_STS_FETCH},
        {STS_CAME_UNPROVEN, 200, "text/plain", TLSRPT_STS_UNTRUSTED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sts_cache *c = sts_cache_new(1);
        struct sts_answer a = ask(c, START, "1");
        struct sts_fetched f = {rows[i].how, rows[i].status, slice_of(rows[i].type),
                                SLICE(POLICY("enforce", "604800"))};
        const char *why;

        assert_int_equal(sts_learn(c, &a, START, &f, &why), rows[i].result);
        assert_int_equal(why != NULL, rows[i].result != TLSRPT_SUCCESS);
        assert_decided(ask(c, START, "1"), rows[i].result == TLSRPT_SUCCESS);
        sts_cache_free(c);
    }
}

static void
learn_long_policy(struct sts_cache *c, unsigned number)
{
    char domain[32];
    struct sts_answer a;
    struct buf text;

    snprintf(domain, sizeof(domain), "d%u.example", number);
    a = ask_about(c, domain, START, "1");
    assert_int_equal(a.kind, STS_FETCH);
    buf_init(&text, STS_POLICY_MAX);
    buf_put_string(&text, POLICY("enforce", "604800"));
    while (buf_space(&text) > 32)
        buf_put_string(&text, "mx: mx.site.example\n");
    buf_put_byte(&text, '\0');
    assert_int_equal(learn(c, &a, START, (const char *)buf_slice(&text).at), TLSRPT_SUCCESS);
    buf_clear(&text);
}

static void
a_full_cache_forgets_what_was_asked_for_least_recently(void **state)
{
    struct sts_cache *c = make_with(START, "1", POLICY("enforce", "604800"));
    size_t most = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        learn_long_policy(c, i);
        assert_decided(ask(c, START, "1"), true);
        most = sts_cache_count(c) > most ? sts_cache_count(c) : most;
    }
    assert_in_range(most, STS_CACHE_MAX / STS_POLICY_MAX / 2, STS_CACHE_MAX / STS_POLICY_MAX * 2);
    assert_int_equal(ask_about(c, "d0.example", START, "1").kind, STS_FETCH);
    assert_decided(ask_about(c, "d99.example", START, "1"), true);
    sts_cache_free(c);
}

static void
failures_are_bounded_likewise(void **state)
{
    struct sts_cache *c = sts_cache_new(1);

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char domain[32];
        struct sts_answer a;

        snprintf(domain, sizeof(domain), "d%u.example", i);
        a = ask_about(c, domain, START, "1");
        learn(c, &a, START, NULL);
    }
    assert_in_range(sts_cache_count(c), 1000, 10000);
    sts_cache_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_is_asked_about_step_by_step),
        cmocka_unit_test(a_policy_outlives_the_cache_for_who_has_it),
        cmocka_unit_test(what_can_have_no_policy_is_decided_at_once),
        cmocka_unit_test(without_a_record_or_a_policy_nothing_holds),
        cmocka_unit_test(a_fetch_that_failed_rests_for_five_minutes_but_not_for_a_new_id),
        cmocka_unit_test(a_policy_holds_to_its_end_whatever_is_found_meanwhile),
        cmocka_unit_test(a_policy_is_renewed_every_day_and_when_its_id_changes),
        cmocka_unit_test(mode_none_is_as_no_policy_and_is_kept_all_the_same),
        cmocka_unit_test(a_policy_of_no_time_holds_where_it_was_fetched_for),
        cmocka_unit_test(only_a_proven_plain_text_with_200_is_a_policy),
        cmocka_unit_test(a_full_cache_forgets_what_was_asked_for_least_recently),
        cmocka_unit_test(failures_are_bounded_likewise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
