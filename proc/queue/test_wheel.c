/* The wheel of alarms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wheel.h"

enum { BEGIN = 1000000 };

struct rung {
    struct wheel *wheel;
    struct alarm *again; /* set anew when it rings */
    uint32_t again_at;
    unsigned count;
    uint32_t last;
};

static void
ring(void *ctx, struct alarm *a)
{
    struct rung *r = ctx;

    r->count++;
    r->last = a->at;
    if (a == r->again)
        wheel_set(r->wheel, a, r->again_at);
}

static struct wheel wheel;

static int
begin(void **state)
{
    (void)state;
    wheel_init(&wheel, BEGIN);
    return 0;
}

static void
an_alarm_rings_once_in_its_second(void **state)
{
    struct rung r = {.wheel = &wheel};
    struct alarm a;

    (void)state;
    alarm_init(&a, 0);
    wheel_set(&wheel, &a, BEGIN + 3);
    wheel_turn(&wheel, BEGIN + 2, ring, &r);
    assert_int_equal(r.count, 0);
    wheel_turn(&wheel, BEGIN + 3, ring, &r);
    wheel_turn(&wheel, BEGIN + 9, ring, &r);
    assert_int_equal(r.count, 1);
    assert_false(alarm_is_set(&a));
}

static void
one_further_away_than_a_turn_waits_for_its_own(void **state)
{
    struct rung r = {.wheel = &wheel};
    struct alarm a;

    (void)state;
    alarm_init(&a, 0);
    wheel_set(&wheel, &a, BEGIN + 3 * WHEEL_SLOTS + 5);
    for (uint32_t now = BEGIN; now < BEGIN + 3 * WHEEL_SLOTS + 5; now += 100)
        wheel_turn(&wheel, now, ring, &r);
    assert_int_equal(r.count, 0);
    wheel_turn(&wheel, BEGIN + 3 * WHEEL_SLOTS + 5, ring, &r);
    assert_int_equal(r.count, 1);
}

static void
a_past_time_is_the_next_second(void **state)
{
    struct rung r = {.wheel = &wheel};
    struct alarm a;

    (void)state;
    alarm_init(&a, 0);
    wheel_set(&wheel, &a, 5);
    wheel_turn(&wheel, BEGIN + 1, ring, &r);
    assert_int_equal(r.count, 1);
}

static void
an_alarm_that_is_set_again_while_it_rings_rings_later(void **state)
{
    struct alarm a;
    struct rung r = {.wheel = &wheel, .again = &a, .again_at = BEGIN + 1 + WHEEL_SLOTS};

    (void)state;
    alarm_init(&a, 0);
    wheel_set(&wheel, &a, BEGIN + 1);
    wheel_turn(&wheel, BEGIN + 1, ring, &r);
    assert_int_equal(r.count, 1);
    wheel_turn(&wheel, BEGIN + WHEEL_SLOTS, ring, &r);
    assert_int_equal(r.count, 1);
    wheel_turn(&wheel, BEGIN + 1 + WHEEL_SLOTS, ring, &r);
    assert_int_equal(r.count, 2);
}

static void
a_cancelled_alarm_is_silent_and_a_long_sleep_rings_everything(void **state)
{
    struct rung r = {.wheel = &wheel};
    struct alarm alarms[100];

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        alarm_init(&alarms[i], 0);
        wheel_set(&wheel, &alarms[i], BEGIN + 1 + 97 * i);
    }
    alarm_cancel(&alarms[50]);
    wheel_turn(&wheel, BEGIN + 10 * WHEEL_SLOTS, ring, &r);
    assert_int_equal(r.count, 99);
}

static void
a_clock_that_goes_back_rings_nothing_twice(void **state)
{
    struct rung r = {.wheel = &wheel};
    struct alarm a;

    (void)state;
    alarm_init(&a, 0);
    wheel_set(&wheel, &a, BEGIN + 1);
    wheel_turn(&wheel, BEGIN - 100, ring, &r);
    assert_int_equal(r.count, 0);
    wheel_turn(&wheel, BEGIN + 1, ring, &r);
    wheel_turn(&wheel, BEGIN, ring, &r);
    assert_int_equal(r.count, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_alarm_rings_once_in_its_second, begin),
        cmocka_unit_test_setup(one_further_away_than_a_turn_waits_for_its_own, begin),
        cmocka_unit_test_setup(a_past_time_is_the_next_second, begin),
        cmocka_unit_test_setup(an_alarm_that_is_set_again_while_it_rings_rings_later, begin),
        cmocka_unit_test_setup(a_cancelled_alarm_is_silent_and_a_long_sleep_rings_everything,
                               begin),
        cmocka_unit_test_setup(a_clock_that_goes_back_rings_nothing_twice, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
