/* Trace lines, word for word; and every SMTP row held against the rules for replies. */
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

static bool
is_smtp(enum reason r)
{
    return ascii_is_digit((uint8_t)reason_row(r)->code[0]);
}

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
    for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        const struct reason_row *row = reason_row(r);

        if (!is_smtp(r))
            continue;
        if (has_no_enhanced_code(r) != (row->detail[0] == '\0'))
            fail_msg("%s: enhanced code where there should be none, or none", row->name);
        if (row->detail[0] && (row->detail[0] != row->code[0] || row->detail[1] != '.'))
            fail_msg("%s: the enhanced code is of another class", row->name);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(received_tells_from_whom_how_and_when),
        cmocka_unit_test(return_path_is_the_sender_in_brackets),
        cmocka_unit_test(row_has_the_enhanced_code_of_its_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
