/* Sessions are counted and freed; logins wait their time; tables keep their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delay.h"
#include "session.h"

static void
addresses_count_together_that_one_client_has(void **state)
{
    static const struct {
        const char *why, *a, *b;
        bool same;
    } rows[] = {
        {"the same", "192.0.2.1", "192.0.2.1", true},
        {"a neighbour", "192.0.2.1", "192.0.2.2", false},
        {"mapped into IPv6", "192.0.2.1", "::ffff:192.0.2.1", true},
        {"another mapped one", "192.0.2.1", "::ffff:192.0.2.2", false},
        {"one network of 64 bits", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
        {"another network", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"another spelling", "2001:DB8::1", "2001:db8:0:0:0:0:0:1", true},
        {"with and without its interface", "fe80::1%eth0", "fe80::2", true},
        {"loopbacks of two families", "127.0.0.1", "::1", false},
        {"no address at all", "local", "local", true},
        {"no address, another text", "local", "elsewhere", false},
        {"no address and an address", "local", "::1", false},
        {"nothing", "", "", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t a = session_key(slice_of(rows[i].a)), b = session_key(slice_of(rows[i].b));

        assert_true(a != 0 && b != 0);
        if (rows[i].same != (a == b))
            fail_msg("%s: %s %s", rows[i].why, rows[i].a, rows[i].b);
    }
}

static void
sessions_stop_at_each_limit(void **state)
{
    struct sessions s = {0};

    (void)state;
    assert_int_equal(sessions_open(&s, 0, 7, 3, 2), GUARD_OK);
    assert_int_equal(sessions_open(&s, 1, 7, 3, 2), GUARD_OK);
    assert_int_equal(sessions_open(&s, 2, 7, 3, 2), GUARD_MANY_FROM_ADDRESS);
    assert_int_equal(sessions_open(&s, 0, 8, 3, 2), GUARD_OK);
    assert_int_equal(sessions_open(&s, 0, 9, 3, 2), GUARD_MANY_SESSIONS);
    assert_int_equal(s.open, 3);
    assert_int_equal(s.refused, 2);
    sessions_close(&s, 1, 7);
    assert_int_equal(sessions_open(&s, 0, 9, 3, 2), GUARD_OK);
    assert_int_equal(s.addresses.count, 3);
    sessions_clear(&s);
    assert_int_equal(s.open, 0);
}

static void
a_session_is_closed_only_by_the_edge_that_opened_it(void **state)
{
    struct sessions s = {0};

    (void)state;
    assert_int_equal(sessions_open(&s, 0, 7, 10, 10), GUARD_OK);
    sessions_close(&s, 1, 7);
    sessions_close(&s, 0, 8);
    assert_int_equal(s.open, 1);
    sessions_close(&s, 0, 7);
    sessions_close(&s, 0, 7);
    assert_int_equal(s.open, 0);
    assert_int_equal(s.addresses.count, 0);
    sessions_clear(&s);
}

static void
the_end_of_an_edge_frees_its_sessions_and_no_others(void **state)
{
    struct sessions s = {0};

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(sessions_open(&s, 0, 1 + i % 10, 5000, 5000), GUARD_OK);
        assert_int_equal(sessions_open(&s, SESSION_EDGES_MAX - 1, 1 + i, 5000, 5000), GUARD_OK);
    }
    sessions_forget(&s, 0);
    assert_int_equal(s.open, 1000);
    assert_int_equal(s.addresses.count, 1000);
    assert_int_equal(sessions_open(&s, 0, 1, 5000, 2), GUARD_OK);
    assert_int_equal(sessions_open(&s, 0, 1, 5000, 2), GUARD_MANY_FROM_ADDRESS);
    sessions_forget(&s, SESSION_EDGES_MAX - 1);
    sessions_forget(&s, SESSION_EDGES_MAX - 1);
    assert_int_equal(s.open, 1);
    sessions_clear(&s);
}

static void
a_login_waits_until_its_delay_is_over(void **state)
{
    static const struct {
        const char *why;
        uint64_t account, now_ms;
        uint32_t seconds, wait;
    } rows[] = {
        {"the first", 1, 1000, 60, 0},
        {"another account", 2, 1000, 60, 0},
        {"at once", 1, 1000, 60, 60},
        {"a part of a second counts whole", 1, 1001, 60, 60},
        {"a second before", 1, 60000, 60, 1},
        {"just over", 1, 61000, 60, 0},
        {"which began it anew", 1, 61001, 60, 60},
        {"no delay asked for", 1, 61002, 0, 0},
        {"and that forgot it", 1, 61003, 60, 0},
        {"the longest", 3, 61003, UINT32_MAX, 0},
        {"long after", 3, 61003 + UINT64_C(1000) * UINT32_MAX - 1, 1, 1},
    };
    struct delays d;

    (void)state;
    delays_init(&d, 100);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (delays_login(&d, rows[i].account, rows[i].seconds, rows[i].now_ms) != rows[i].wait)
            fail_msg("%s", rows[i].why);
    delays_clear(&d);
}

static void
delays_are_bounded_and_expire(void **state)
{
    struct delays d;

    (void)state;
    delays_init(&d, 100);
    for (uint64_t i = 1; i <= 1000; i++)
        assert_int_equal(delays_login(&d, i, 60, i), 0);
    assert_int_equal(d.accounts.count, 100);
    assert_int_equal(delays_login(&d, 1000, 60, 1001), 60);
    assert_int_equal(delays_login(&d, 1, 60, 1001), 0); /* the oldest were let go */
    assert_int_equal(delays_login(&d, 5000, 60, 100000000), 0);
    assert_int_equal(d.accounts.count, 1);
    delays_clear(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_count_together_that_one_client_has),
        cmocka_unit_test(sessions_stop_at_each_limit),
        cmocka_unit_test(a_session_is_closed_only_by_the_edge_that_opened_it),
        cmocka_unit_test(the_end_of_an_edge_frees_its_sessions_and_no_others),
        cmocka_unit_test(a_login_waits_until_its_delay_is_over),
        cmocka_unit_test(delays_are_bounded_and_expire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
