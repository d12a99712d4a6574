/* Every row there is, held against the rules for reply lines; and what stands behind a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "reason/reason.h"

enum { LINE_MAX_OCTETS = 512 };

static const struct slice reference = {(const uint8_t *)"7KQ2M9", 6};

static bool
ends_with(struct slice line, const char *end)
{
    size_t n = strlen(end);

    return line.len >= n && slice_eq(slice_tail(line, line.len - n), slice_of(end));
}

static void
row_has_an_id_and_a_code_of_its_protocol(void **state)
{
    (void)state;
    for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        const struct reason_row *row = reason_row(r);
        struct slice name = slice_of(row->name), id = slice_of(row->id);

        assert_true(slice_starts_nocase(name, SLICE("SMTP_")) ==
                    (row->code[0] >= '2' && row->code[0] <= '5'));
        assert_true(slice_starts_nocase(name, SLICE("POP3_")) ==
                    (row->code[0] == '+' || row->code[0] == '-'));
        assert_in_range(id.len, 2, 40);
        for (size_t k = 0; k < id.len; k++)
            assert_true(id.at[k] == '-' || (ascii_lower(id.at[k]) == id.at[k] && id.at[k] > ' '));
        assert_int_equal(reason_find(name), r);
    }
    assert_int_equal(reason_find(SLICE("SMTP_NOTHING")), REASON_NONE);
}

/* rfc5321#4.5.3.1.5-a rfc1939#3-c: whatever a client makes us repeat, id and reference stay whole
 */
static void
row_fits_a_line_whatever_its_argument(void **state)
{
    char long_argument[1000], bracket[80];
    struct buf out;

    (void)state;
    memset(long_argument, 'x', sizeof(long_argument));
    buf_init(&out, 1000);
    for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        buf_reset(&out);
        assert_true(
            reason_put(&out, r, slice_make(long_argument, sizeof(long_argument)), reference));
        assert_in_range(out.len, 5, LINE_MAX_OCTETS);
        for (size_t k = 0; k < out.len - 2; k++)
            assert_in_range(buf_slice(&out).at[k], ' ', '~');
        snprintf(bracket, sizeof(bracket), " [%s 7KQ2M9]\r\n", reason_row(r)->id);
        assert_int_equal(ends_with(buf_slice(&out), bracket), reason_is_refusal(r));
    }
    buf_clear(&out);
}

static void
refusal_ends_with_its_id_and_reference(void **state)
{
    static const struct {
        const char *why;
        enum reason reason;
        const char *argument, *reference;
        bool more;
        const char *end;
    } rows[] = {
        {"both", SMTP_NO_MAILBOX, "ana@here.example", "7KQ2M9", false,
         "ana@here.example [no-mailbox 7KQ2M9]\r\n"},
        {"no session known", SMTP_NO_MAILBOX, "ana", "", false, "ana [no-mailbox]\r\n"},
        {"not the last line", SMTP_NO_MAILBOX, "ana", "7KQ2M9", true, "ana\r\n"},
        {"octets of the client", SMTP_NO_MAILBOX, "a\r\n\xc3\xb1", "7KQ2M9", false,
         "a???? [no-mailbox 7KQ2M9]\r\n"},
        {"a positive reply", SMTP_OK, "", "7KQ2M9", false, "Ok\r\n"},
        {"POP3", POP3_NO_MESSAGE, "7", "7KQ2M9", false, "7 [no-such-message 7KQ2M9]\r\n"},
        {"POP3, positive", POP3_BYE, "", "7KQ2M9", false, "Bye\r\n"},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(reason_put_line(&out, rows[i].reason, slice_of(rows[i].argument),
                                    slice_of(rows[i].reference), rows[i].more));
        if (!ends_with(buf_slice(&out), rows[i].end))
            fail_msg("%s: %.*s", rows[i].why, (int)out.len, (const char *)buf_slice(&out).at);
    }
    buf_clear(&out);
}

static void
line_that_does_not_fit_is_not_begun(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 20);
    assert_false(reason_put(&out, SMTP_NO_MAILBOX, SLICE("ana"), reference));
    assert_int_equal(out.len, 0);
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_has_an_id_and_a_code_of_its_protocol),
        cmocka_unit_test(row_fits_a_line_whatever_its_argument),
        cmocka_unit_test(refusal_ends_with_its_id_and_reference),
        cmocka_unit_test(line_that_does_not_fit_is_not_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
