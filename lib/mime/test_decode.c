/* Transfer encodings and charsets, and what becomes of bytes that are neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mime/decode.h"
#include "mime/utf8.h"

#define REPLACED "\xef\xbf\xbd"
#define NIHON    "\xe6\x97\xa5\xe6\x9c\xac"

static void
check(const char *why, struct slice got, const char *expected)
{
    if (!slice_eq(got, slice_of(expected)))
        fail_msg("%s: <%.*s>, not <%s>", why, (int)got.len, (const char *)got.at, expected);
}

/* rfc2045#6.1-a */
static void
encodings_are_known_by_name(void **state)
{
    (void)state;
    assert_int_equal(mime_encoding_of(SLICE("")), MIME_AS_IS);
    assert_int_equal(mime_encoding_of(SLICE("8Bit")), MIME_AS_IS);
    assert_int_equal(mime_encoding_of(SLICE("BASE64")), MIME_BASE64);
    assert_int_equal(mime_encoding_of(SLICE("Quoted-Printable")), MIME_QUOTED_PRINTABLE);
    assert_int_equal(mime_encoding_of(SLICE("x-uuencode")), MIME_UNKNOWN);
}

/* rfc2045#6-a rfc2045#6.7-b rfc2045#6.7-c rfc2045#6.8-b */
static void
transfer_encodings_are_decoded(void **state)
{
    static const struct {
        const char *why;
        enum mime_encoding encoding;
        const char *text, *expected;
    } rows[] = {
        {"as is", MIME_AS_IS, "a=41\r\n", "a=41\r\n"},
        {"unknown", MIME_UNKNOWN, "a=41\r\n", "a=41\r\n"},

        {"escapes", MIME_QUOTED_PRINTABLE, "a=3D=c3=B1_", "a=\xc3\xb1_"},
        {"soft line ends", MIME_QUOTED_PRINTABLE, "a=\r\nb=\nc= \t\r\nd", "abcd"},
        {"line ends", MIME_QUOTED_PRINTABLE, "a\r\nb\n\r\n", "a\r\nb\n\r\n"},
        {"blanks at line ends", MIME_QUOTED_PRINTABLE, "a \t\r\n b=20\n ", "a\r\n b \n"},
        {"no escapes", MIME_QUOTED_PRINTABLE, "=4 =zz =\xff =", "=4 =zz =\xff "},
        {"8-bit", MIME_QUOTED_PRINTABLE, "\xf1", "\xf1"},
        {"nothing", MIME_QUOTED_PRINTABLE, "", ""},

        {"groups", MIME_BASE64, "YWJjZGVm", "abcdef"},
        {"one byte", MIME_BASE64, "YQ==", "a"},
        {"two bytes", MIME_BASE64, "YWI=", "ab"},
        {"line ends anywhere", MIME_BASE64, "Y\r\nWJ\njZ A==", "abcd"},
        {"rubbish", MIME_BASE64,
         "Y-W*J\xff"
         "j!",
         "abc"},
        {"no padding", MIME_BASE64, "YWJjZA", "abcd"},
        {"padding in the middle", MIME_BASE64, "YQ==YWI=\r\nYw==", "aabc"},
        {"too much padding", MIME_BASE64, "YQ======", "a"},
        {"padding first", MIME_BASE64, "====YQ", "a"},
        {"a sextet left over", MIME_BASE64, "YWJjZ", "abc"},
        {"bits left over", MIME_BASE64, "YR==", "a"},
        {"nothing", MIME_BASE64, "", ""},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(mime_decoded_put(&out, slice_of(rows[i].text), rows[i].encoding));
        check(rows[i].why, buf_slice(&out), rows[i].expected);
    }
    buf_clear(&out);
}

static void
decoding_stops_at_the_cap(void **state)
{
    static const struct {
        enum mime_encoding encoding;
        const char *text;
    } rows[] = {
        {MIME_AS_IS, "abcde"}, {MIME_QUOTED_PRINTABLE, "=61bcde"}, {MIME_BASE64, "YWJjZGVm"}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 4);
        assert_false(mime_decoded_put(&out, slice_of(rows[i].text), rows[i].encoding));
        check(rows[i].text, buf_slice(&out), "abcd");
        buf_clear(&out);
    }
}

static void
charsets_become_utf8(void **state)
{
    static const struct {
        const char *why, *charset, *text, *expected;
    } rows[] = {
        {"ASCII", "US-ASCII", "abc", "abc"},
        {"UTF-8", "utf-8", "se\xc3\xb1or", "se\xc3\xb1or"},
        {"Latin-1", "ISO-8859-1", "se\xf1or \x93x\x94", "se\xc3\xb1or \xe2\x80\x9cx\xe2\x80\x9d"},
        {"Latin-9", "iso8859_15", "\xa4", "\xe2\x82\xac"},
        {"Windows-1251", "Windows-1251", "\xc4\xe0", "\xd0\x94\xd0\xb0"},
        {"KOI8-R", "koi8-r", "\xe4\xc1", "\xd0\x94\xd0\xb0"},
        {"Shift_JIS", "Shift_JIS", "\x93\xfa\x96\x7b\\", NIHON "\\"},
        {"EUC-JP", "x-euc-jp", "\xc6\xfc\xcb\xdc", NIHON},
        {"ISO-2022-JP", "iso-2022-jp", "a\x1b$BF|K\\\x1b(Bb", "a" NIHON "b"},
        {"GB2312", "gb2312", "\xc8\xd5\xb1\xbe", NIHON},
        {"GB18030", "GB18030", "\x81\x30\x84\x36", "\xc2\xa5"},
        {"Big5", "big5", "\xa4\xe9\xa5\xbb", NIHON},
        {"EUC-KR", "ks_c_5601-1987", "\xc7\xd1", "\xed\x95\x9c"},
        {"UTF-7", "utf-7", "+ZeVnLA-!", NIHON "!"},
        {"UTF-16", "utf-16be", "\x65\xe5\x67\x2c", NIHON},

        {"no charset, UTF-8", "", "se\xc3\xb1or", "se\xc3\xb1or"},
        {"no charset, UTF-8 cut", "", "\xc3\xb1\xc3\xb1\xc3", "\xc3\xb1\xc3\xb1" REPLACED},
        {"no charset, none", "unknown-8bit", "se\xf1or", "se\xc3\xb1or"},
        {"ASCII that is not", "us-ascii", "\xfc", "\xc3\xbc"},
        {"unknown", "klingon",
         "a\xf1\xf2"
         "b",
         "a" REPLACED REPLACED "b"},
        {"not for us", "iso-2022-cn-ext", "a\xf1", "a" REPLACED},
        {"a path", "../../evil//TRANSLIT", "a\xf1", "a" REPLACED},
        {"a long name", "utf-8-and-then-very-much-more-than-that", "\xf1", REPLACED},
        {"broken UTF-8", "utf-8",
         "a\xc3"
         "b\xff\xed\xa0\x80"
         "c",
         "a" REPLACED "b" REPLACED REPLACED REPLACED REPLACED "c"},
        {"no such character", "windows-1252",
         "a\x81"
         "b",
         "a" REPLACED "b"},
        {"broken Shift_JIS", "sjis", "\x81\n\x93\xfa", REPLACED "\n\xe6\x97\xa5"},
        {"cut Shift_JIS", "sjis", "a\x93", "a" REPLACED},
        {"broken ISO-2022-JP", "iso-2022-jp", "\x1b$BF|\xff\x1b(Ba", "\xe6\x97\xa5" REPLACED "a"},
        {"cut ISO-2022-JP", "iso-2022-jp", "\x1b$BF|K", "\xe6\x97\xa5" REPLACED},
        {"after it nothing is left over", "iso-2022-jp", "F|", "F|"},
        {"nothing", "sjis", "", ""},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(mime_charset_put(&out, slice_of(rows[i].text), slice_of(rows[i].charset)));
        check(rows[i].why, buf_slice(&out), rows[i].expected);
    }
    buf_clear(&out);
}

/* A row whose converter the C library does not have would read 0xe1 as malformed. */
static void
every_charset_of_the_table_can_be_read(void **state)
{
    static const struct {
        const char *name, *reader;
        bool is_own;
    } rows[] = {
#define LIKE_ASCII                  false
#define OWN_FORM                    true
#define UTF_8                       true
#define NOT_NAMED                   false
#define CHARSET(name, reader, form) {name, reader, form},
#include "mime/charset.def"
#undef CHARSET
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(mime_charset_put(&out, SLICE("\xe1\xe1"), slice_of(rows[i].name)));
        assert_true(utf8_ok(buf_slice(&out)));
        if (!rows[i].is_own && slice_starts_nocase(buf_slice(&out), SLICE(REPLACED)))
            fail_msg("%s: %s is not there", rows[i].name, rows[i].reader);
    }
    buf_clear(&out);
}

static void
charsets_stop_at_the_cap_between_characters(void **state)
{
    static const struct {
        const char *charset, *text;
    } rows[] = {{"utf-8", NIHON}, {"sjis", "\x93\xfa\x96\x7b"}, {"klingon", "\xf1\xf2"}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 5);
        assert_false(mime_charset_put(&out, slice_of(rows[i].text), slice_of(rows[i].charset)));
        assert_int_equal(out.len, 3);
        assert_true(utf8_ok(buf_slice(&out)));
        buf_clear(&out);
    }
}

static void
characters_are_written_by_number(void **state)
{
    static const struct {
        uint32_t code;
        const char *expected;
    } rows[] = {
        {0x41, "A"},          {0xf1, "\xc3\xb1"},     {0x20ac, "\xe2\x82\xac"},
        {0xd800, REPLACED},   {0xdfff, REPLACED},     {0x1f600, "\xf0\x9f\x98\x80"},
        {0x110000, REPLACED}, {UINT32_MAX, REPLACED},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 10);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(mime_utf8_put(&out, rows[i].code));
        check("code", buf_slice(&out), rows[i].expected);
    }
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings_are_known_by_name),
        cmocka_unit_test(transfer_encodings_are_decoded),
        cmocka_unit_test(decoding_stops_at_the_cap),
        cmocka_unit_test(charsets_become_utf8),
        cmocka_unit_test(every_charset_of_the_table_can_be_read),
        cmocka_unit_test(charsets_stop_at_the_cap_between_characters),
        cmocka_unit_test(characters_are_written_by_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
