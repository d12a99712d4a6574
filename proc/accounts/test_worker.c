/* A few at a time, one of each user at a time, lanes in turn, and no more waiting than allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/slice.h"
#include "worker.h"

struct probe {
    struct job job;
    bool settled, ran;
    int order;
};

static struct loop *loop;
static int finished, wanted, busy, busy_most;

static bool
is_settled(struct job *j)
{
    return LIST_OF(j, struct probe, job)->settled;
}

static void
run(struct job *j)
{
    int now = __atomic_add_fetch(&busy, 1, __ATOMIC_SEQ_CST);

    if (now > busy_most)
        busy_most = now;
    usleep(500);
    LIST_OF(j, struct probe, job)->ran = true;
    __atomic_sub_fetch(&busy, 1, __ATOMIC_SEQ_CST);
}

static void
done(struct job *j)
{
    LIST_OF(j, struct probe, job)->order = ++finished;
    if (finished == wanted)
        loop_stop(loop);
}

static void
prepare(struct probe *probes, int n)
{
    finished = busy = busy_most = 0;
    wanted = n;
    for (int i = 0; i < n; i++)
        probes[i] = (struct probe){
            .job = {.key = (uint64_t)i, .skip = is_settled, .run = run, .done = done}};
}

static void
jobs_of_one_user_run_one_after_the_other(void **state)
{
    struct probe probes[20];
    struct workers w;

    (void)state;
    loop = loop_new();
    workers_init(&w, loop, 4);
    prepare(probes, COUNT(probes));
    for (size_t i = 0; i < COUNT(probes); i++) {
        probes[i].job.key = 7;
        assert_true(workers_put(&w, WORKER_LOGINS, &probes[i].job));
    }
    loop_run(loop);
    assert_int_equal(busy_most, 1);
    for (size_t i = 0; i < COUNT(probes); i++)
        assert_int_equal(probes[i].order, i + 1);
    loop_free(loop);
}

static void
a_user_who_floods_does_not_hold_up_others(void **state)
{
    struct probe probes[51];
    struct workers w;

    (void)state;
    loop = loop_new();
    workers_init(&w, loop, 2);
    prepare(probes, COUNT(probes));
    for (size_t i = 0; i < 50; i++) {
        probes[i].job.key = 7;
        assert_true(workers_put(&w, WORKER_LOGINS, &probes[i].job));
    }
    assert_true(workers_put(&w, WORKER_LOGINS, &probes[50].job));
    loop_run(loop);
    assert_in_range(probes[50].order, 1, 3);
    loop_free(loop);
}

static void
lanes_take_turns(void **state)
{
    struct probe probes[101];
    struct workers w;

    (void)state;
    loop = loop_new();
    workers_init(&w, loop, 1);
    prepare(probes, COUNT(probes));
    for (size_t i = 0; i < 100; i++)
        assert_true(workers_put(&w, WORKER_CHANGES, &probes[i].job));
    assert_true(workers_put(&w, WORKER_LOGINS, &probes[100].job));
    loop_run(loop);
    assert_in_range(probes[100].order, 1, 3);
    loop_free(loop);
}

static void
what_is_settled_meanwhile_is_not_run(void **state)
{
    struct probe probes[3];
    struct workers w;

    (void)state;
    loop = loop_new();
    workers_init(&w, loop, 1);
    prepare(probes, COUNT(probes));
    probes[1].settled = true;
    for (size_t i = 0; i < COUNT(probes); i++)
        assert_true(workers_put(&w, WORKER_LOGINS, &probes[i].job));
    loop_run(loop);
    assert_true(probes[0].ran && !probes[1].ran && probes[2].ran);
    loop_free(loop);
}

static void
what_may_wait_is_bounded(void **state)
{
    static struct probe probes[WORKER_WAITING_MAX + 2];
    struct workers w;

    (void)state;
    loop = loop_new();
    workers_init(&w, loop, 1);
    prepare(probes, COUNT(probes));
    for (size_t i = 0; i < COUNT(probes) - 1; i++) {
        probes[i].settled = i != 0;
        assert_true(workers_put(&w, WORKER_LOGINS, &probes[i].job));
    }
    assert_false(workers_put(&w, WORKER_LOGINS, &probes[COUNT(probes) - 1].job));
    wanted--;
    loop_run(loop);
    loop_free(loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_of_one_user_run_one_after_the_other),
        cmocka_unit_test(a_user_who_floods_does_not_hold_up_others),
        cmocka_unit_test(lanes_take_turns),
        cmocka_unit_test(what_is_settled_meanwhile_is_not_run),
        cmocka_unit_test(what_may_wait_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
