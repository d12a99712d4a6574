/* Destinations: windows, turns, and what waits for one that is down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue.h"

enum { NOW = 1000, JOBS = 40, MOST = 100 };

static struct sites sites;
static struct wheel wheel;
static struct list jobs[JOBS];

static int
begin(void **state)
{
    (void)state;
    sites_init(&sites);
    wheel_init(&wheel, NOW);
    for (unsigned i = 0; i < JOBS; i++)
        list_init(&jobs[i]);
    return 0;
}

static struct site *
site_with(const char *domain, unsigned first, unsigned count, unsigned lane)
{
    struct site *t = site_of(&sites, slice_of(domain));

    for (unsigned i = first; i < first + count; i++) {
        site_hold(t);
        site_put(&sites, t, &jobs[i], lane);
    }
    return t;
}

/* The number of the job whose turn it is; -1: none may go. */
static int
next(void)
{
    struct site *t;
    struct list *at = sites_next(&sites, &t, MOST);

    return at ? (int)(at - jobs) : -1;
}

static int
end(void **state)
{
    struct site *t;
    size_t at = 0;

    (void)state;
    for (unsigned i = 0; i < JOBS; i++)
        list_remove(&jobs[i]);
    while ((t = map_next(&sites.by_key, &at))) {
        t->jobs = 1;
        site_let_go(&sites, t);
        at = 0;
    }
    map_clear(&sites.by_key);
    return 0;
}

static void
a_domain_is_one_site_whoever_writes_it(void **state)
{
    struct site *t = site_with("there.example", 0, 1, 0);

    (void)state;
    assert_ptr_equal(site_of_address(&sites, SLICE("bob@There.Example")), t);
    assert_ptr_equal(site_of_address(&sites, SLICE("\"a@b\"@there.example.")), t);
    assert_ptr_not_equal(site_with("other.example", 1, 1, 0), t);
}

static void
destinations_take_turns(void **state)
{
    (void)state;
    site_with("a.example", 0, 3, 0);
    site_with("b.example", 10, 2, 0);
    assert_int_equal(next(), 0);
    assert_int_equal(next(), 10);
    assert_int_equal(next(), 1);
    assert_int_equal(next(), 11);
    assert_int_equal(next(), 2);
    assert_int_equal(next(), -1);
}

static void
senders_of_one_destination_take_turns(void **state)
{
    struct site *t = site_with("a.example", 0, 10, 3);

    (void)state;
    t->window = 100;
    site_with("a.example", 20, 1, 5);
    assert_int_equal(next(), 0);
    assert_int_equal(next(), 20);
    assert_int_equal(next(), 1);
}

static void
no_more_than_its_window_goes_to_a_destination(void **state)
{
    struct site *t = site_with("a.example", 0, 10, 0);

    (void)state;
    for (int i = 0; i < SITE_WINDOW_FIRST; i++)
        assert_int_equal(next(), i);
    assert_int_equal(next(), -1);
    site_came_back(&sites, t);
    assert_int_equal(next(), SITE_WINDOW_FIRST);
    assert_int_equal(next(), -1);
    site_went_well(&sites, t, 20);
    assert_int_equal(next(), SITE_WINDOW_FIRST + 1);
}

static void
a_site_that_is_down_is_tried_by_one_job_later_and_hinders_nobody(void **state)
{
    struct site *t = site_with("dead.example", 0, 20, 0);

    (void)state;
    assert_int_equal(next(), 0);
    site_went_down(&sites, t, &wheel, NOW + 60, 7, SLICE("why"));
    site_put(&sites, t, &jobs[0], 0);
    site_came_back(&sites, t);
    site_with("alive.example", 30, 1, 0);
    assert_int_equal(next(), 30);
    assert_int_equal(next(), -1);
    assert_true(site_is_waiting(t));
    site_open(&sites, t);
    assert_int_equal(next(), 1);
    assert_int_equal(next(), -1);
}

static void
what_is_taken_out_is_not_sent_and_the_site_ends_with_its_last_job(void **state)
{
    struct site *t = site_with("a.example", 0, 2, 0);

    (void)state;
    site_take_out(&sites, t, &jobs[0]);
    site_take_out(&sites, t, &jobs[0]);
    site_let_go(&sites, t);
    assert_int_equal(next(), 1);
    site_came_back(&sites, t);
    site_let_go(&sites, t);
    assert_int_equal(sites.by_key.count, 0);
    assert_int_equal(next(), -1);
}

static void
there_is_a_most_for_all_together(void **state)
{
    struct site *t;

    (void)state;
    site_with("a.example", 0, 2, 0);
    site_with("b.example", 2, 2, 0);
    assert_non_null(sites_next(&sites, &t, 2));
    assert_non_null(sites_next(&sites, &t, 2));
    assert_null(sites_next(&sites, &t, 2));
    site_came_back(&sites, t);
    assert_non_null(sites_next(&sites, &t, 2));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_domain_is_one_site_whoever_writes_it, begin, end),
        cmocka_unit_test_setup_teardown(destinations_take_turns, begin, end),
        cmocka_unit_test_setup_teardown(senders_of_one_destination_take_turns, begin, end),
        cmocka_unit_test_setup_teardown(no_more_than_its_window_goes_to_a_destination, begin, end),
        cmocka_unit_test_setup_teardown(
            a_site_that_is_down_is_tried_by_one_job_later_and_hinders_nobody, begin, end),
        cmocka_unit_test_setup_teardown(
            what_is_taken_out_is_not_sent_and_the_site_ends_with_its_last_job, begin, end),
        cmocka_unit_test_setup_teardown(there_is_a_most_for_all_together, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
