/* Trace lines, word for word; and every row of smtp.def held against the rules for replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reason/reason.h"
#include "smtp/received.h"

static bool
says(bool (*write)(struct buf *out, const void *what), const void *what, const char *expected)
{
    struct buf out;
    bool same;

    buf_init(&out, SMTP_TRACE_MAX);
    same = write(&out, what) && slice_eq(buf_slice(&out), slice_of(expected));
    if (!same)
        print_error("%.*s", (int)out.len, (const char *)buf_slice(&out).at);
    buf_clear(&out);
    return same;
}

static bool
write_received(struct buf *out, const void *what)
{
    return smtp_received_put(out, what);
}

static bool
write_return_path(struct buf *out, const void *what)
{
    return smtp_return_path_put(out, slice_of(what));
}

/* rfc5321#4.4-a rfc3848#1-a rfc6531#3.7.3-a */
static void
received_tells_from_whom_how_and_when(void **state)
{
    struct smtp_trace t = {
        .helo = SLICE("client.example"),
        .address = SLICE("192.0.2.1"),
        .host = SLICE("mx.here.example"),
        .id = SLICE("0000000000001"),
        .time = 1763836800,
        .utc_offset_minutes = 60,
    };

    (void)state;
    assert_true(says(write_received, &t,
                     "Received: from client.example ([192.0.2.1])\r\n"
                     "\tby mx.here.example with SMTP\r\n"
                     "\tid 0000000000001;\r\n"
                     "\tSat, 22 Nov 2025 19:40:00 +0100\r\n"));
    t.esmtp = t.tls = t.authenticated = true;
    t.tls_version = SLICE("TLSv1.3");
    t.tls_cipher = SLICE("TLS_AES_256_GCM_SHA384");
    t.address = SLICE("2001:db8::1");
    t.rcpt = SLICE("bob@here.example");
    assert_true(says(write_received, &t,
                     "Received: from client.example ([IPv6:2001:db8::1])\r\n"
                     "\tby mx.here.example with ESMTPSA (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
                     "\tid 0000000000001\r\n"
                     "\tfor <bob@here.example>;\r\n"
                     "\tSat, 22 Nov 2025 19:40:00 +0100\r\n"));
    t.utf8 = true;
    t.tls = t.authenticated = false;
    t.rcpt = (struct slice){0};
    t.address = SLICE("local");
    assert_true(says(write_received, &t,
                     "Received: from client.example (local)\r\n"
                     "\tby mx.here.example with UTF8SMTP\r\n"
                     "\tid 0000000000001;\r\n"
                     "\tSat, 22 Nov 2025 19:40:00 +0100\r\n"));
}

/* rfc5321#4.4-b */
static void
return_path_is_the_sender_in_brackets(void **state)
{
    (void)state;
    assert_true(
        says(write_return_path, "eve@there.example", "Return-Path: <eve@there.example>\r\n"));
    assert_true(says(write_return_path, "", "Return-Path: <>\r\n"));
}

/* The rows of smtp.def, without pop3.def's. */
static const enum reason rows[] = {
#define REASON(name, code, detail, id, text) name,
#include "reason/smtp.def"
#undef REASON
};

/* rfc2034#4-a: the greeting, the answer to EHLO and the 3yz go without. */
static bool
has_no_enhanced_code(enum reason r)
{
    return r == SMTP_GREETING || r == SMTP_HELLO || reason_row(r)->code[0] == '3';
}

static void
row_has_the_enhanced_code_of_its_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct reason_row *row = reason_row(rows[i]);
        struct slice code = slice_of(row->code);

        assert_true(code.len == 3 && code.at[0] >= '2' && code.at[0] <= '5');
        if (has_no_enhanced_code(rows[i]) != (row->detail[0] == '\0'))
            fail_msg("%s: enhanced code where there should be none, or none", row->id);
        if (row->detail[0] && (row->detail[0] != row->code[0] || row->detail[1] != '.'))
            fail_msg("%s: the enhanced code is of another class", row->id);
    }
}

static void
row_is_known_by_an_id_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice id = slice_of(reason_row(rows[i])->id);

        assert_true(id.len > 1 && id.len <= 40);
        for (size_t k = 0; k < id.len; k++)
            assert_true(id.at[k] == '-' || (ascii_lower(id.at[k]) == id.at[k] && id.at[k] > ' '));
        for (unsigned other = 1; other < REASON_COUNT; other++)
            if (other != rows[i] && slice_eq(id, slice_of(reason_row(other)->id)))
                fail_msg("two rows are %s", reason_row(other)->id);
    }
}

/* rfc5321#4.5.3.1.5-a */
static void
row_fits_a_line_whatever_its_argument(void **state)
{
    char long_argument[1000];
    struct buf out;

    (void)state;
    memset(long_argument, 'x', sizeof(long_argument));
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(reason_put(&out, rows[i], slice_make(long_argument, sizeof(long_argument))));
        assert_in_range(out.len, 6, 512);
        for (size_t k = 0; k < out.len - 2; k++)
            assert_in_range(buf_slice(&out).at[k], ' ', '~');
    }
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(received_tells_from_whom_how_and_when),
        cmocka_unit_test(return_path_is_the_sender_in_brackets),
        cmocka_unit_test(row_has_the_enhanced_code_of_its_class),
        cmocka_unit_test(row_is_known_by_an_id_of_its_own),
        cmocka_unit_test(row_fits_a_line_whatever_its_argument),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
