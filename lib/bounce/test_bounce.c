/* Notices of whatever strangers may say, and what comes back of the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/ensure.h"
#include "bounce/bounce_private.h"
#include "test/bounce/notice.h"

enum { NOTICE_MAX = 16 << 20, MANY = 200 };

static struct catalogue *catalogue;
static struct buf out;

static int
set_up(void **state)
{
    (void)state;
    catalogue = catalogue_built_in();
    buf_init(&out, NOTICE_MAX);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    buf_clear(&out);
    catalogue_free(catalogue);
    return 0;
}

static struct bounce_recipient
ana(void)
{
    return (struct bounce_recipient){
        .address = SLICE("ana@example.com"),
        .status = SLICE("5.1.1"),
        .reason = SLICE("no-mailbox"),
        .said = SLICE("550 5.1.1 no such user"),
        .remote = SLICE("mx.example.com"),
    };
}

static struct bounce
notice_to(const struct bounce_recipient *r, size_t count)
{
    return (struct bounce){
        .host = SLICE("mail.here.example"),
        .domain = SLICE("here.example"),
        .sender = SLICE("luis@here.example"),
        .reference = SLICE("7KQ2M9"),
        .recipients = r,
        .count = count,
        .languages = {SLICE("es"), SLICE("en")},
        .original = SLICE("From: luis@here.example\r\nSubject: Roofs\r\n\r\nDear Ana\r\n"),
        .id = 1,
        .now = 1795383605,
    };
}

static struct slice
made(const struct bounce *b, const char *why)
{
    const char *fault;

    buf_reset(&out);
    assert_true(bounce_put(&out, catalogue, b));
    fault = notice_fault(buf_slice(&out), b->count);
    if (fault)
        fail_msg("%s: %s", why, fault);
    return buf_slice(&out);
}

static bool
holds(struct slice text, const char *part)
{
    return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

static struct slice
repeated(const char *piece, size_t times)
{
    size_t len = strlen(piece);
    uint8_t *at = heap_take(len * times + 1);

    for (size_t i = 0; i < times; i++)
        memcpy(at + i * len, piece, len);
    return slice_make(at, len * times);
}

/* rfc6522#3-a rfc3464#2.1-a */
static void
whatever_is_said_the_notice_is_well_formed(void **state)
{
    static const struct {
        const char *why, *piece;
        size_t times;
    } rows[] = {
        {"nothing", "", 1},
        {"line ends", "\r\n", 500},
        {"a field", "550 no\r\nAction: delivered\r\n\r\nFinal-Recipient: rfc822; eve@x\r\n", 3},
        {"a field after CR", "550 no\rAction: delivered\r\rBcc: eve@x\r", 3},
        {"a boundary", "550 no\r\n--=_0_0000000000001\r\nContent-Type: text/html\r\n\r\nx", 1},
        {"the last boundary", "\n--=_0_0000000000001--\n", 2},
        {"10,000 octets without a space", "x", 10000},
        {"10,000 spaces", " ", 10000},
        {"10,000 octets of UTF-8", "\xc3\xb1", 5000},
        {"Latin-1", "550 5.1.1 No existe, ma\xf1\x61na ser\xe1 otro d\xed\x61", 20},
        {"malformed UTF-8", "\xc3\xc3\xff\xfe\xed\xa0\x80\xf0\x9f", 300},
        {"escapes for a terminal", "\x1b]0;x\x07\x9b", 100},
        {"encoded words", "=?utf-8?b?DQpCY2M6IGVAeA==?=", 50},
        {"what ends quoted-printable", "=\r\n=", 50},
        {"dots", "\r\n.\r\n", 50},
        {"From", "\r\nFrom eve@x\r\n", 50},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice bytes = repeated(rows[i].piece, rows[i].times);
        struct bounce_recipient r = ana();
        struct bounce b = notice_to(&r, 1);

        r.said = bytes;
        made(&b, rows[i].why);
        r.remote = bytes;
        r.orcpt = r.status = r.reason = bytes;
        b.envid = b.reference = bytes;
        if (bytes.len) {
            b.sender = b.host = b.domain = r.address = r.written = slice_head(bytes, 200);
            b.languages[0] = b.languages[1] = bytes;
        }
        made(&b, rows[i].why);
        b.original = bytes;
        b.wants_whole = true;
        made(&b, rows[i].why);
        free((void *)(uintptr_t)bytes.at);
    }
}

static void
a_nul_is_no_end(void **state)
{
    struct bounce_recipient r = ana();
    struct bounce b = notice_to(&r, 1);

    (void)state;
    r.said = SLICE("550 a\0b");
    b.original = SLICE("Subject: a\0b\r\n\r\nbody\0\r\n");
    b.wants_whole = true;
    made(&b, "NUL");
    assert_true(holds(buf_slice(&out), "550 a?b"));
    assert_true(holds(buf_slice(&out), "Subject: a=00b")); /* no message with NUL travels whole */
}

/* rfc3464#4.2-a */
static void
a_hidden_target_does_not_show(void **state)
{
    static const struct {
        const char *said, *remote;
    } rows[] = {
        {"", ""},
        {"552 5.2.2 <ana.hush@secret.example>: full", "mx.secret.example"},
        {"552 5.2.2 ANA.HUSH is over quota", ""},
        {"550 see https://secret.example/?u=ana%2Ehush", "192.0.2.7"},
        {"", "mx.secret.example"},
    };
    static const char *const secrets[] = {"secret", "hush", "HUSH", "192.0.2.7"};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bounce_recipient r = ana();
        struct bounce b = notice_to(&r, 1);

        r.address = SLICE("ana.hush@secret.example");
        r.written = SLICE("sales@here.example");
        r.is_hidden = true;
        r.said = slice_of(rows[i].said);
        r.remote = slice_of(rows[i].remote);
        for (int ours = 0; ours < 2; ours++) {
            r.is_ours = ours;
            made(&b, rows[i].said);
            for (size_t s = 0; s < COUNT(secrets); s++)
                assert_false(holds(buf_slice(&out), secrets[s]));
            assert_true(holds(buf_slice(&out), "Final-Recipient: rfc822; sales@here.example"));
        }
    }
}

static void
a_status_that_is_none_is_replaced(void **state)
{
    static const struct {
        const char *status;
        enum bounce_action action;
        const char *expected;
    } rows[] = {
        {"5.1.1", BOUNCE_failed, "Status: 5.1.1\r\n"},
        {"4.4.1", BOUNCE_failed, "Status: 4.4.1\r\n"},
        {"", BOUNCE_failed, "Status: 5.0.0\r\n"},
        {"", BOUNCE_delayed, "Status: 4.0.0\r\n"},
        {"", BOUNCE_relayed, "Status: 2.0.0\r\n"},
        {"5.1", BOUNCE_failed, "Status: 5.0.0\r\n"},
        {"5.1.", BOUNCE_failed, "Status: 5.0.0\r\n"},
        {"5.1.1.1", BOUNCE_failed, "Status: 5.0.0\r\n"},
        {"5.1.1234", BOUNCE_failed, "Status: 5.0.0\r\n"},
        {"3.1.1", BOUNCE_failed, "Status: 5.0.0\r\n"},
        {"55.1.1", BOUNCE_failed, "Status: 5.0.0\r\n"},
        {"5.1.1\r\nX: y", BOUNCE_failed, "Status: 5.0.0\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bounce_recipient r = ana();
        struct bounce b = notice_to(&r, 1);

        r.status = slice_of(rows[i].status);
        r.action = rows[i].action;
        made(&b, rows[i].status);
        assert_true(holds(buf_slice(&out), rows[i].expected));
    }
}

/* rfc3461#4-b rfc6533#3-a */
static void
parameters_are_decoded(void **state)
{
    static const struct {
        const char *why, *text, *plain, *address;
    } rows[] = {
        {"nothing", "", "", ""},
        {"as it is", "ana@example.com", "ana@example.com", "ana@example.com"},
        {"xtext", "a+2Bb+3Dc", "a+b=c", "a+b=c"},
        {"small digits", "a+2bb", "a+b", "a+b"},
        {"no digits", "a+zz+", "a+zz+", "a+zz+"},
        {"cut short", "a+2", "a+2", "a+2"},
        {"a character", "mar\\x{ED}a", "mar\\x{ED}a",
         "mar\xc3\xad"
         "a"},
        {"a large one", "\\x{1F48C}", "\\x{1F48C}", "\xf0\x9f\x92\x8c"},
        {"none", "\\x{}\\x{110000}\\x{D800}", "\\x{}\\x{110000}\\x{D800}",
         "\\x{}\xef\xbf\xbd\xef\xbf\xbd"},
        {"too many digits", "\\x{0000041}", "\\x{0000041}", "\\x{0000041}"},
        {"no end", "\\x{41", "\\x{41", "\\x{41"},
        {"no digit", "\\x{4g}", "\\x{4g}", "\\x{4g}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        xtext_put(&out, slice_of(rows[i].text));
        if (!slice_eq(buf_slice(&out), slice_of(rows[i].plain)))
            fail_msg("%s", rows[i].why);
        buf_reset(&out);
        xtext_put_address(&out, slice_of(rows[i].text));
        if (!slice_eq(buf_slice(&out), slice_of(rows[i].address)))
            fail_msg("%s, of an address", rows[i].why);
    }
}

static void
assert_returned(const struct bounce *b, const char *why, const char *type, const char *encoding)
{
    struct mime_part parts[NOTICE_PARTS];
    size_t own, count = notice_parts(made(b, why), parts, &own);
    char kind[64];
    struct slice value;

    if (!type) {
        if (own != 2)
            fail_msg("%s: something came back", why);
        return;
    }
    assert_true(count > 3 && own == 3);
    snprintf(kind, sizeof(kind), "%.*s/%.*s", (int)parts[3].type.len,
             (const char *)parts[3].type.at, (int)parts[3].subtype.len,
             (const char *)parts[3].subtype.at);
    mime_field_find(parts[3].header, SLICE("Content-Transfer-Encoding"), &value);
    if (strcmp(kind, type) != 0 || !slice_eq(value.len ? value : SLICE("7bit"), slice_of(encoding)))
        fail_msg("%s: %s, %.*s", why, kind, (int)value.len, (const char *)value.at);
}

/* rfc3461#4.3-b rfc6522#4-a rfc6533#5-a rfc6533#5-b */
static void
as_much_of_the_message_comes_back_as_can(void **state)
{
    static const struct {
        const char *why, *original;
        bool wants_whole;
        enum bounce_action action;
        const char *type, *encoding;
    } rows[] = {
        {"it is gone", "", true, BOUNCE_failed, NULL, NULL},
        {"its header", "Subject: a\r\n\r\nb\r\n", false, BOUNCE_failed, "text/rfc822-headers",
         "7bit"},
        {"all of it", "Subject: a\r\n\r\nb\r\n", true, BOUNCE_failed, "message/rfc822", "7bit"},
        {"its header where nothing failed", "Subject: a\r\n\r\nb\r\n", true, BOUNCE_delayed,
         "text/rfc822-headers", "7bit"},
        {"there is but a header", "Subject: a\r\n", true, BOUNCE_failed, "text/rfc822-headers",
         "7bit"},
        {"no header", "\r\nb\r\n", false, BOUNCE_failed, NULL, NULL},
        {"a body of 8 bits", "Subject: a\r\n\r\n\xf1\r\n", true, BOUNCE_failed, "message/rfc822",
         "8bit"},
        {"a header in UTF-8", "Subject: \xc3\xb1\r\n\r\nb\r\n", false, BOUNCE_failed,
         "message/global-headers", "8bit"},
        {"and all of it", "Subject: \xc3\xb1\r\n\r\nb\r\n", true, BOUNCE_failed, "message/global",
         "8bit"},
        {"a header in Latin-1", "Subject: \xf1\r\n\r\nb\r\n", false, BOUNCE_failed,
         "text/rfc822-headers", "quoted-printable"},
        {"and all of it", "Subject: \xf1\r\n\r\nb\r\n", true, BOUNCE_failed, "message/rfc822",
         "8bit"},
        {"a CR alone cannot travel", "Subject: a\r\n\r\nb\rc\r\n", true, BOUNCE_failed,
         "text/rfc822-headers", "7bit"},
        {"a CR alone in the header", "Subject: a\rb\r\n\r\nc\r\n", true, BOUNCE_failed,
         "text/rfc822-headers", "quoted-printable"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bounce_recipient r = ana();
        struct bounce b = notice_to(&r, 1);

        r.action = rows[i].action;
        b.original = slice_of(rows[i].original);
        b.wants_whole = rows[i].wants_whole;
        assert_returned(&b, rows[i].why, rows[i].type, rows[i].encoding);
    }
}

static void
what_is_too_large_comes_back_in_part(void **state)
{
    static const struct {
        const char *why, *head, *piece;
        size_t times;
        const char *type, *encoding;
    } rows[] = {
        {"the largest", "Subject: a\r\n\r\n", "1234567\n", BOUNCE_WHOLE_MAX / 8 - 2,
         "message/rfc822", "7bit"},
        {"larger", "Subject: a\r\n\r\n", "1234567\n", BOUNCE_WHOLE_MAX / 8, "text/rfc822-headers",
         "7bit"},
        {"a line that is too long", "Subject: a\r\n\r\n", "x", 999, "text/rfc822-headers", "7bit"},
        {"one in the header", "Subject: a", "x", 999, "text/rfc822-headers", "quoted-printable"},
        {"a large header", "", "X: 34567\r\n", BOUNCE_HEADER_MAX / 8, "text/rfc822-headers",
         "7bit"},
        {"a large field", "X: ", "y", BOUNCE_HEADER_MAX, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bounce_recipient r = ana();
        struct bounce b = notice_to(&r, 1);
        struct slice rest = repeated(rows[i].piece, rows[i].times);
        struct buf original;

        buf_init(&original, NOTICE_MAX);
        buf_put_string(&original, rows[i].head);
        buf_put(&original, rest);
        b.original = buf_slice(&original);
        b.wants_whole = true;
        assert_returned(&b, rows[i].why, rows[i].type, rows[i].encoding);
        assert_true(out.len < BOUNCE_WHOLE_MAX * 3 / 2);
        buf_clear(&original);
        free((void *)(uintptr_t)rest.at);
    }
}

/* The boundary is one that the original does not hold; where it holds all of them it stays away. */
static void
an_original_is_not_torn_by_its_own_lines(void **state)
{
    struct bounce_recipient r = ana();
    struct bounce b = notice_to(&r, 1);
    struct buf original;

    (void)state;
    buf_init(&original, 10000);
    buf_put_string(&original, "Subject: a\r\n\r\n");
    b.wants_whole = true;
    for (unsigned i = 0; i < 8; i++) {
        buf_put_format(&original, "--=_%u_0000000000001\r\n", i);
        b.original = buf_slice(&original);
        assert_returned(&b, "boundaries", i < 7 ? "message/rfc822" : NULL, "7bit");
    }
    buf_clear(&original);
}

static void
of_many_recipients_some_are_named(void **state)
{
    struct bounce_recipient r[MANY];
    struct bounce b = notice_to(r, MANY);

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        r[i] = ana();
    b.languages[0] = SLICE("en");
    b.languages[1] = SLICE("");
    made(&b, "many");
    assert_true(holds(buf_slice(&out), "\r\n    ... and 150 more\r\n"));
    for (size_t i = 0; i < MANY; i++)
        r[i].said = slice_head(SLICE("550 5.1.1 no such user here or anywhere"), 10 + i % 20);
    made(&b, "many that heard something else");
    assert_true(holds(buf_slice(&out), "There is more of this in the part of this notice"));
    assert_true(out.len < MANY * 1000);
}

/* rfc3834#3.1.6-a rfc3834#5-a rfc3464#2-a rfc3464#2-b */
static void
the_header_says_what_it_is(void **state)
{
    static const struct {
        const char *why, *original, *part;
        bool is_there;
    } rows[] = {
        {"answers", "Message-ID: <1@x>\r\n\r\n", "In-Reply-To: <1@x>\r\nReferences: <1@x>\r\n",
         true},
        {"no id", "Message-ID: 1@x\r\n\r\n", "In-Reply-To", false},
        {"two ids", "Message-ID: <1@x> <2@x>\r\n\r\n", "In-Reply-To", false},
        {"an empty one", "Message-ID: <>\r\n\r\n", "In-Reply-To", false},
        {"a subject", "Subject: =?utf-8?q?Roofs?=\r\n\r\n",
         "Subject: No entregado / Not delivered: Roofs\r\n", true},
        {"a reply is no mail of a person", "", "\r\nAuto-Submitted: auto-replied\r\n", true},
        {"who writes", "", "From: Entrega de correo <MAILER-DAEMON@here.example>\r\n", true},
        {"who reads answers", "", "\r\nReply-To: <postmaster@here.example>\r\n", true},
        {"to whom", "", "\r\nTo: <luis@here.example>\r\n", true},
        {"as what", "", "Content-Type: multipart/report; report-type=delivery-status;\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bounce_recipient r = ana();
        struct bounce b = notice_to(&r, 1);

        b.original = slice_of(rows[i].original);
        made(&b, rows[i].why);
        if (holds(slice_head(buf_slice(&out), 700), rows[i].part) != rows[i].is_there)
            fail_msg("%s", rows[i].why);
    }
}

static void
a_language_that_nobody_speaks_is_english(void **state)
{
    struct bounce_recipient r = ana();
    struct bounce b = notice_to(&r, 1);

    (void)state;
    b.languages[0] = SLICE("tlh");
    b.languages[1] = SLICE("");
    made(&b, "Klingon");
    assert_true(holds(buf_slice(&out), "Subject: Not delivered: Roofs\r\n"));
    assert_true(holds(buf_slice(&out), "\r\nWhat happened\r\n"));
}

static void
a_full_buffer_is_told_at_any_length(void **state)
{
    struct bounce_recipient r = ana();
    struct bounce b = notice_to(&r, 1);
    size_t whole = made(&b, "all").len;

    (void)state;
    for (size_t cap = 0; cap <= whole; cap += cap + 40 < whole ? 37 : 1) {
        struct buf small;

        buf_init(&small, cap);
        assert_int_equal(bounce_put(&small, catalogue, &b), cap == whole);
        buf_clear(&small);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_said_the_notice_is_well_formed),
        cmocka_unit_test(a_nul_is_no_end),
        cmocka_unit_test(a_hidden_target_does_not_show),
        cmocka_unit_test(a_status_that_is_none_is_replaced),
        cmocka_unit_test(parameters_are_decoded),
        cmocka_unit_test(as_much_of_the_message_comes_back_as_can),
        cmocka_unit_test(what_is_too_large_comes_back_in_part),
        cmocka_unit_test(an_original_is_not_torn_by_its_own_lines),
        cmocka_unit_test(of_many_recipients_some_are_named),
        cmocka_unit_test(the_header_says_what_it_is),
        cmocka_unit_test(a_language_that_nobody_speaks_is_english),
        cmocka_unit_test(a_full_buffer_is_told_at_any_length),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
