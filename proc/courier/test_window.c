/* rfc5321#4.5.4.1-d: few connections at first, more as it goes well, half of them when it does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "window.h"

static void
grow(struct window *w, unsigned messages, unsigned most)
{
    while (messages--)
        window_grow(w, most);
}

static void
it_grows_by_one_with_each_message_up_to_the_limit(void **state)
{
    struct window w;

    (void)state;
    window_init(&w);
    assert_int_equal(w.size, WINDOW_FIRST);
    grow(&w, 3, 20);
    assert_int_equal(w.size, WINDOW_FIRST + 3);
    grow(&w, 100, 20);
    assert_int_equal(w.size, 20);
    grow(&w, 1, 5); /* a reload */
    assert_int_equal(w.size, 5);
}

static void
a_trouble_halves_it_and_there_is_always_one(void **state)
{
    static const unsigned sizes[] = {10, 5, 2, 1, 1};
    struct window w;

    (void)state;
    window_init(&w);
    grow(&w, 100, 20);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        window_shrink(&w, 1000 + i * WINDOW_PAUSE_MS);
        assert_int_equal(w.size, sizes[i]);
    }
}

static void
troubles_that_come_together_are_one(void **state)
{
    struct window w;

    (void)state;
    window_init(&w);
    grow(&w, 100, 20);
    for (uint64_t ms = 5; ms < 5 + WINDOW_PAUSE_MS; ms += 100)
        window_shrink(&w, ms);
    assert_int_equal(w.size, 10);
}

static void
after_a_trouble_it_takes_many_messages_to_have_one_more(void **state)
{
    struct window w;

    (void)state;
    window_init(&w);
    grow(&w, 2, 20);
    window_shrink(&w, 1);
    assert_int_equal(w.size, 2);
    grow(&w, 2 * WINDOW_CARE - 1, 20);
    assert_int_equal(w.size, 2);
    grow(&w, 1, 20);
    assert_int_equal(w.size, 3);
    grow(&w, 3 * WINDOW_CARE - 1, 20);
    assert_int_equal(w.size, 3);
    grow(&w, 1, 20);
    assert_int_equal(w.size, 4);
}

static void
a_server_that_takes_no_further_one_is_asked_again_after_many_messages(void **state)
{
    struct window w;

    (void)state;
    window_init(&w);
    grow(&w, 4, 20);
    window_stop(&w, 5);
    assert_int_equal(w.size, 5);
    grow(&w, 5 * WINDOW_CARE - 1, 20);
    assert_int_equal(w.size, 5);
    grow(&w, 1, 20);
    assert_int_equal(w.size, 6);
    window_stop(&w, 9); /* others are still on their way */
    assert_int_equal(w.size, 6);
    window_stop(&w, 0);
    assert_int_equal(w.size, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_by_one_with_each_message_up_to_the_limit),
        cmocka_unit_test(a_trouble_halves_it_and_there_is_always_one),
        cmocka_unit_test(troubles_that_come_together_are_one),
        cmocka_unit_test(a_server_that_takes_no_further_one_is_asked_again_after_many_messages),
        cmocka_unit_test(after_a_trouble_it_takes_many_messages_to_have_one_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
