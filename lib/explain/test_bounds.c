/* Inputs made to cost much: the work stays linear, the memory under its cap, and what is left out
 * is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "explain/explain.h"

enum { SMALL = 1 << 17, TIMES = 8, INPUT_ROOM = 24 << 20 };

/* Eight times as much may cost this many times as much; caches and luck are in it. */
static const double most_growth = 24, least_seconds = 0.02;

static struct catalogue *catalogue;
static struct explain *explain;

static int
set_up(void **state)
{
    (void)state;
    catalogue = catalogue_built_in();
    explain = explain_new(catalogue, NULL, NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    explain_free(explain);
    catalogue_free(catalogue);
    return 0;
}

static void
fill(struct buf *b, const char *head, const char *again, size_t size)
{
    buf_reset(b);
    buf_put_string(b, head);
    while (b->len < size)
        buf_put_string(b, again);
}

static double
seconds_of(struct slice input)
{
    struct arena *a = arena_new("test", EXPLAIN_MEMORY_MAX);
    clock_t begin = clock();
    struct explain_answer answer = explain_input(explain, input, a);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;

    assert_true(answer.count > 0);
    arena_free(a);
    return seconds;
}

static const struct {
    const char *why, *head, *again;
} hard[] = {
    {"one word", "", "mailbox "},
    {"letters without an end", "", "a"},
    {"words that many patterns have", "", "user mailbox not found full the rejected "},
    {"signs of addresses", "", "@"},
    {"quotes and addresses", "", "\"@"},
    {"addresses", "", "a@b.example "},
    {"recipients", "Hi. This is the qmail-send program\n", "<a@b.example>:\nno\n"},
    {"open tags", "From: <mailer-daemon@x.example>\nSubject: x\nContent-Type: text/html\n\n",
     "<a "},
    {"open styles", "From: <mailer-daemon@x.example>\nSubject: x\nContent-Type: text/html\n\n",
     "<style><"},
    {"ampersands", "From: <mailer-daemon@x.example>\nSubject: x\nContent-Type: text/html\n\n", "&"},
    {"codes", "", "550 5.1.1 "},
    {"digits", "", "5"},
    {"lines of a reply", "", "550-5.1.1 user\n"},
    {"groups of a report", "", "Final-Recipient: rfc822; a@b.example\nAction: failed\n\n"},
    {"a folded field", "Final-Recipient: rfc822; a@b.example\nDiagnostic-Code: smtp;\n",
     " 550 x\n"},
    {"lines of a log", "",
     "Nov 16 10:00:00 m postfix/smtp[1]: A: to=<a@b.example>, status=sent (ok)\n"},
    {"deliveries of qmail", "", "starting delivery 1: msg 1 to remote a@b.example\n"},
    {"header lines", "From: a@b.example\nTo: c@d.example\n", "X: y\n"},
    {"failed recipients",
     "From: mailer-daemon@x.example\nTo: c@d.example\nX-Failed-Recipients: ", "a@b.example,\n "},
    {"boundaries",
     "From: a@b.example\nTo: c@d.example\nContent-Type: multipart/mixed; boundary=b\n\n",
     "--b\n\nx\n"},
    {"messages within messages", "From: a@b.example\nTo: c@d.example\n",
     "Content-Type: message/rfc822\n\nFrom: a@b.example\nTo: c@d.example\n"},
    {"a transcript", "   ----- Transcript of session follows -----\n",
     ">>> RCPT To:<a@b.example>\n<<< 550 no\n"},
    {"brackets", "550 ", "[a "},
    {"combining marks", "", "a\xcc\x81"},
    {"ligatures of many letters", "", "\xef\xb7\xba"},
    {"bytes that are no UTF-8", "", "\xff"},
    {"line ends", "", "\n"},
    {"blanks", "550", " "},
};

static void
work_is_linear(void **state)
{
    struct buf b;
    bool fine = true;

    (void)state;
    buf_init(&b, INPUT_ROOM);
    for (size_t i = 0; i < COUNT(hard); i++) {
        double small, large;

        fill(&b, hard[i].head, hard[i].again, SMALL);
        small = seconds_of(buf_slice(&b));
        fill(&b, hard[i].head, hard[i].again, SMALL * TIMES);
        large = seconds_of(buf_slice(&b));
        if (large > most_growth * (small > least_seconds ? small : least_seconds)) {
            fprintf(stderr, "%s: %.3f s, eight times as much %.3f s\n", hard[i].why, small, large);
            fine = false;
        }
    }
    buf_clear(&b);
    assert_true(fine);
}

static void
memory_stays_under_its_cap_and_what_is_left_out_is_said(void **state)
{
    struct arena *a = arena_new("test", EXPLAIN_MEMORY_MAX);
    struct buf b;

    (void)state;
    buf_init(&b, INPUT_ROOM);
    for (size_t i = 0; i < COUNT(hard); i++) {
        struct explain_answer answer;

        fill(&b, hard[i].head, hard[i].again, EXPLAIN_INPUT_MAX + 1000);
        answer = explain_input(explain, buf_slice(&b), a);
        assert_true(answer.truncated);
        assert_true(answer.count > 0 && answer.count <= EXPLAIN_RECIPIENTS_MAX);
        arena_clear(a);
    }
    buf_clear(&b);
    arena_free(a);
}

static void
many_recipients_are_all_answered(void **state)
{
    struct arena *a = arena_new("test", EXPLAIN_MEMORY_MAX);
    struct explain_answer answer;
    struct buf b;

    (void)state;
    buf_init(&b, INPUT_ROOM);
    buf_put_string(&b, "Hi. This is the qmail-send program at example.org.\n\n");
    for (unsigned i = 0; i < EXPLAIN_RECIPIENTS_MAX + 5u; i++)
        buf_put_format(&b, "<a%u@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n",
                       i);
    answer = explain_input(explain, buf_slice(&b), a);
    assert_int_equal(answer.kind, EXPLAIN_bounce);
    assert_int_equal(answer.count, EXPLAIN_RECIPIENTS_MAX);
    assert_true(answer.truncated);
    assert_true(slice_eq(answer.of[99999].recipient, SLICE("a99999@example.com")));
    assert_true(slice_eq(answer.of[99999].reason->id, SLICE("no-mailbox")));
    buf_clear(&b);
    arena_free(a);
}

static void
a_small_cap_gives_a_part(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, INPUT_ROOM);
    fill(&b, "Hi. This is the qmail-send program\n", "<a@b.example>:\nmailbox full\n", 4000);
    for (size_t cap = 0; cap < 40000; cap += 97) {
        struct arena *a = arena_new("test", cap);
        struct explain_answer answer = explain_input(explain, buf_slice(&b), a);

        assert_true(answer.count > 0 || answer.truncated);
        arena_free(a);
    }
    buf_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_linear),
        cmocka_unit_test(memory_stays_under_its_cap_and_what_is_left_out_is_said),
        cmocka_unit_test(many_recipients_are_all_answered),
        cmocka_unit_test(a_small_cap_gives_a_part),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
