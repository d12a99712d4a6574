/* The same question is asked once, everybody is answered once, and nobody waits for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "questions.h"

/* What was begun, and who was told what: "3:found" is serial number 3. */
static struct buf told;
static struct question *begun[QUESTIONS_MAX + 1];
static size_t begun_count;
static bool at_once; /* answers come while they are asked for */

static const struct dns_answer found = {.verdict = DNS_FOUND};

static void
answer(void *ctx, const struct chan_call *call, const struct dns_answer *a)
{
    (void)ctx;
    buf_put_format(&told, "%u:%s ", call->serial, a->verdict == DNS_FOUND ? "found" : "temporary");
}

static void
begin(void *ctx, struct question *q)
{
    begun[begun_count++] = q;
    if (at_once)
        questions_answer(ctx, q, &found);
}

static int
set_up(void **state)
{
    static struct questions qs;

    questions_init(&qs, 7);
    qs.begin = begin;
    qs.answer = answer;
    qs.ctx = &qs;
    buf_init(&told, 1 << 20);
    begun_count = 0;
    at_once = false;
    *state = &qs;
    return 0;
}

/* Everything is freed by answering it. */
static int
tear_down(void **state)
{
    struct questions *qs = *state;
    struct question *q;

    for (size_t at = 0; (q = map_next(&qs->open, &at)); at = 0)
        questions_answer(qs, q, &found);
    assert_int_equal(qs->askers.count, 0);
    assert_true(list_empty(&qs->waiting));
    map_clear(&qs->open);
    map_clear(&qs->askers);
    buf_clear(&told);
    return 0;
}

static void
ask(struct questions *qs, uint64_t asker, uint32_t serial, const char *name, enum dns_type type)
{
    questions_ask(qs, asker, &(struct chan_call){.serial = serial}, name, type, 100 + serial);
}

static void
assert_told(const char *expected)
{
    buf_put_byte(&told, '\0');
    assert_string_equal((const char *)buf_slice(&told).at, expected);
    buf_reset(&told);
}

static void
the_same_question_is_asked_once(void **state)
{
    struct questions *qs = *state;

    ask(qs, 1, 1, "a.example", DNS_A);
    ask(qs, 2, 2, "a.example", DNS_A);
    ask(qs, 1, 3, "a.example", DNS_A);
    ask(qs, 1, 4, "a.example", DNS_AAAA);
    ask(qs, 1, 5, "b.example", DNS_A);
    assert_int_equal(begun_count, 3);
    assert_int_equal(qs->joined, 2);
    questions_answer(qs, begun[0], &found);
    assert_told("1:found 2:found 3:found ");
    ask(qs, 1, 6, "a.example", DNS_A);
    assert_int_equal(begun_count, 4);
}

static void
an_answer_may_come_at_once(void **state)
{
    struct questions *qs = *state;

    at_once = true;
    ask(qs, 1, 1, "a.example", DNS_A);
    ask(qs, 1, 2, "a.example", DNS_A);
    assert_told("1:found 2:found ");
    assert_int_equal(qs->joined, 0);
}

static void
who_waits_too_long_is_told_and_the_question_goes_on(void **state)
{
    struct questions *qs = *state;

    ask(qs, 1, 1, "a.example", DNS_A);
    ask(qs, 1, 9, "a.example", DNS_A);
    assert_int_equal(questions_give_up(qs, 100), 101);
    assert_told("");
    assert_int_equal(questions_give_up(qs, 101), 109);
    assert_told("1:temporary ");
    ask(qs, 2, 20, "a.example", DNS_A);
    assert_int_equal(questions_give_up(qs, 109), 120);
    assert_told("9:temporary ");
    assert_int_equal(questions_give_up(qs, 500), 0);
    assert_told("20:temporary ");
    assert_int_equal(qs->late, 3);
    assert_int_equal(qs->open.count, 1);
    ask(qs, 1, 501, "a.example", DNS_A);
    questions_answer(qs, begun[0], &found);
    assert_told("501:found ");
    assert_int_equal(begun_count, 1);
}

static void
who_is_gone_is_not_answered(void **state)
{
    struct questions *qs = *state;

    ask(qs, 1, 1, "a.example", DNS_A);
    ask(qs, 2, 2, "a.example", DNS_A);
    ask(qs, 1, 3, "b.example", DNS_A);
    questions_forget(qs, 1);
    questions_forget(qs, 1);
    questions_forget(qs, 3);
    questions_answer(qs, begun[0], &found);
    questions_answer(qs, begun[1], &found);
    assert_told("2:found ");
}

static void
one_asker_has_a_fair_number(void **state)
{
    struct questions *qs = *state;

    for (uint32_t i = 1; i <= QUESTIONS_PER_ASKER; i++)
        ask(qs, 1, i, "a.example", DNS_A);
    assert_told("");
    ask(qs, 1, QUESTIONS_PER_ASKER + 1, "b.example", DNS_A);
    assert_told("2049:temporary ");
    ask(qs, 2, 1, "b.example", DNS_A);
    assert_told("");
    assert_int_equal(qs->refused, 1);
}

static void
there_are_so_many_different_ones_and_no_more(void **state)
{
    struct questions *qs = *state;
    char name[32];

    for (uint32_t i = 0; i < QUESTIONS_MAX; i++) {
        snprintf(name, sizeof(name), "n%u.example", i);
        ask(qs, 1 + i / QUESTIONS_PER_ASKER, i, name, DNS_A);
    }
    assert_told("");
    ask(qs, 9, 1, "other.example", DNS_A);
    assert_told("1:temporary ");
    ask(qs, 9, 2, "n5.example", DNS_A);
    assert_told("");
}

static void
questions_are_begun_again(void **state)
{
    struct questions *qs = *state;

    ask(qs, 1, 1, "a.example", DNS_A);
    ask(qs, 1, 2, "b.example", DNS_A);
    begun[1]->held = true;
    questions_begin_again(qs, true);
    assert_int_equal(begun_count, 3);
    assert_ptr_equal(begun[2], begun[1]);
    assert_false(begun[1]->held);
    at_once = true;
    questions_begin_again(qs, false);
    assert_int_equal(begun_count, 5);
    assert_int_equal(qs->open.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_question_is_asked_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_may_come_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_too_long_is_told_and_the_question_goes_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_is_gone_is_not_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_asker_has_a_fair_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_are_so_many_different_ones_and_no_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(questions_are_begun_again, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
