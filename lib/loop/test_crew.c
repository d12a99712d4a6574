/* Work beside the loop: all of it is done once, its end is told on the loop's thread, and the loop
 * lives as long as some is on its way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "loop/loop.h"

enum { WORKS = 1000 };

struct tally {
    struct loop *loop;
    pthread_t here;
    atomic_uint ran;
    unsigned done, again;
    bool strange; /* something ran on the wrong thread */
};

static void
run(void *ctx)
{
    struct tally *t = ctx;

    atomic_fetch_add(&t->ran, 1);
    if (pthread_equal(pthread_self(), t->here))
        t->strange = true;
}

static void
done(void *ctx)
{
    struct tally *t = ctx;

    t->done++;
    if (!pthread_equal(pthread_self(), t->here))
        t->strange = true;
    if (t->again && t->again--)
        loop_work(t->loop, run, done, t);
}

static void
all_work_is_done_once_and_then_the_loop_ends(void **state)
{
    struct tally t = {.loop = loop_new(), .here = pthread_self(), .again = WORKS};

    (void)state;
    for (unsigned i = 0; i < WORKS; i++)
        loop_work(t.loop, run, done, &t);
    loop_run(t.loop);
    assert_int_equal(t.done, 2 * WORKS);
    assert_int_equal(t.ran, 2 * WORKS);
    assert_false(t.strange);
    loop_free(t.loop);
}

static void
a_loop_that_is_freed_waits_for_what_runs_and_drops_the_rest(void **state)
{
    struct tally t = {.loop = loop_new(), .here = pthread_self()};

    (void)state;
    for (unsigned i = 0; i < WORKS; i++)
        loop_work(t.loop, run, done, &t);
    loop_free(t.loop);
    assert_true(t.ran <= WORKS);
    assert_int_equal(t.done, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_work_is_done_once_and_then_the_loop_ends),
        cmocka_unit_test(a_loop_that_is_freed_waits_for_what_runs_and_drops_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
