/* What was told to a queue that died is known to the next one, and to that one only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lately.h"

static const struct finding done = {.verdict = COURIER_RELAYED,
                                    .stage = "body",
                                    .tls = "TLSv1.3 dane",
                                    .status = {(const uint8_t *)"2.0.0", 5},
                                    .remote = {(const uint8_t *)"mx.example [192.0.2.1]", 22},
                                    .said = {(const uint8_t *)"250 ok", 6}};

static void
only_a_later_queue_is_told(void **state)
{
    struct finding f;

    (void)state;
    assert_false(lately_find(7, 0, 1, &f));
    lately_put(7, 0, 0, &done);
    assert_false(lately_find(7, 0, 0, &f));
    assert_false(lately_find(7, 1, 1, &f));
    assert_false(lately_find(8, 0, 1, &f));
    assert_true(lately_find(7, 0, 1, &f));
    assert_int_equal(f.verdict, COURIER_RELAYED);
    assert_string_equal(f.stage, "body");
    assert_string_equal(f.tls, "TLSv1.3 dane");
    assert_true(slice_eq(f.status, done.status) && slice_eq(f.remote, done.remote) &&
                slice_eq(f.said, done.said));
    assert_int_equal(f.reason.len, 0);
}

static void
the_oldest_are_forgotten(void **state)
{
    struct finding f;

    (void)state;
    for (uint64_t id = 1; id <= LATELY_MAX + 10; id++)
        lately_put(id, 3, 0, &done);
    for (uint64_t id = 1; id <= LATELY_MAX + 10; id++)
        assert_int_equal(lately_find(id, 3, 1, &f), id > 10);
}

static void
one_that_is_put_again_counts_as_it_was_last(void **state)
{
    struct finding f;

    (void)state;
    lately_put(9, 0, 4, &done);
    lately_put(9, 0, 5, &done);
    assert_false(lately_find(9, 0, 5, &f));
    assert_true(lately_find(9, 0, 6, &f));
    for (uint64_t id = 1000; id < 1000 + LATELY_MAX - 1; id++) /* the first row of 9 goes */
        lately_put(id, 0, 4, &done);
    assert_true(lately_find(9, 0, 6, &f));
}

static void
long_words_are_cut(void **state)
{
    static const uint8_t words[LATELY_TEXT_MAX * 2] = {'x'};
    struct finding long_one = done, f;

    (void)state;
    long_one.said = long_one.remote = slice_make(words, sizeof(words));
    lately_put(5, 0, 0, &long_one);
    assert_true(lately_find(5, 0, 1, &f));
    assert_int_equal(f.said.len, LATELY_TEXT_MAX);
    assert_int_equal(f.remote.len, LATELY_TEXT_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_later_queue_is_told),
        cmocka_unit_test(the_oldest_are_forgotten),
        cmocka_unit_test(one_that_is_put_again_counts_as_it_was_last),
        cmocka_unit_test(long_words_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
