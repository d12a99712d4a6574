/* What is written travels, and what is read back is what was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mime/decode.h"
#include "mime/encode.h"
#include "mime/value.h"

static struct buf out, back;

static int
set_up(void **state)
{
    (void)state;
    buf_init(&out, 1 << 16);
    buf_init(&back, 1 << 16);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    buf_clear(&out);
    buf_clear(&back);
    return 0;
}

static void
assert_text(const struct buf *got, const char *why, struct slice expected)
{
    if (!slice_eq(buf_slice(got), expected))
        fail_msg("%s: got \"%.*s\"", why, (int)got->len, (const char *)buf_slice(got).at);
}

/* No line has more than 76 octets, all of them printable ASCII; fields may have a space first. */
static void
assert_travels(struct slice text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\r' && i + 1 < text.len && text.at[i + 1] == '\n') {
            column = 0;
            i++;
            continue;
        }
        assert_true((text.at[i] >= ' ' && text.at[i] < 0x7f) || text.at[i] == '\t');
        assert_true(++column <= MIME_LINE_MAX);
    }
}

static void
bodies_are_quoted_printable(void **state)
{
    static const struct {
        const char *why, *text, *expected;
    } rows[] = {
        {"nothing", "", ""},
        {"ASCII is left alone", "Dear Ana,\n\ngo!\n", "Dear Ana,\r\n\r\ngo!\r\n"},
        {"CR LF stays", "a\r\nb", "a\r\nb"},
        {"other bytes are escaped",
         "ma\xc3\xb1"
         "ana = 1\n",
         "ma=C3=B1ana =3D 1\r\n"},
        {"a blank at an end would be lost", "a \nb\t\n", "a=20\r\nb=09\r\n"},
        {"controls", "a\rb\x01\x7f\n", "a=0Db=01=7F\r\n"},
        {"76 octets are a line",
         "1234567890123456789012345678901234567890123456789012345678901234567890123456\n",
         "1234567890123456789012345678901234567890123456789012345678901234567890123456\r\n"},
        {"77 are two",
         "12345678901234567890123456789012345678901234567890123456789012345678901234567\n",
         "123456789012345678901234567890123456789012345678901234567890123456789012345=\r\n67\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(mime_quoted_printable_put(&out, slice_of(rows[i].text)));
        assert_text(&out, rows[i].why, slice_of(rows[i].expected));
        assert_travels(buf_slice(&out));
    }
}

static void
fields_are_encoded_where_they_must_be(void **state)
{
    static const struct {
        const char *why, *text, *expected;
        size_t column;
    } rows[] = {
        {"nothing", "", "", 9},
        {"ASCII is left alone", "Not delivered: Offer", "Not delivered: Offer", 9},
        {"what looks encoded is encoded", "=?x?", "=?utf-8?q?=3D=3Fx=3F?=", 9},
        {"UTF-8",
         "ma\xc3\xb1"
         "ana",
         "=?utf-8?q?ma=C3=B1ana?=", 9},
        {"blanks that folding could lose", "a  b", "=?utf-8?q?a__b?=", 9},
        {"no line end gets in", "a\r\nBcc: b@c", "=?utf-8?q?a=0D=0ABcc=3A_b=40c?=", 9},
        {"folded between words",
         "1234567890 1234567890 1234567890 1234567890 1234567890 1234567890 1234567890",
         "1234567890 1234567890 1234567890 1234567890 1234567890 1234567890\r\n 1234567890", 9},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(mime_unstructured_put(&out, slice_of(rows[i].text), rows[i].column));
        assert_text(&out, rows[i].why, slice_of(rows[i].expected));
    }
    buf_reset(&out);
    assert_true(mime_phrase_put(&out, SLICE("Mail delivery"), 6));
    assert_text(&out, "a name", SLICE("Mail delivery"));
    buf_reset(&out);
    assert_true(mime_phrase_put(&out, SLICE("Mail (example.com)"), 6));
    assert_text(&out, "a name with signs", SLICE("=?utf-8?q?Mail_=28example=2Ecom=29?="));
}

/* Any characters, long enough for many lines. */
static struct slice
make_text(uint8_t *room, size_t size, unsigned seed)
{
    static const char *const characters[] = {
        "a", " ", "=", "?", "_", "\xc3\xb1", "\xe2\x82\xac", "\xf0\x9f\x92\x8c", "Z", "."};
    size_t n = 0;

    for (;;) {
        const char *c = characters[((seed = seed * 1103515245 + 12345) >> 16) % COUNT(characters)];

        if (n + strlen(c) > size)
            return slice_make(room, n);
        memcpy(room + n, c, strlen(c));
        n += strlen(c);
    }
}

static void
what_was_written_is_read_back(void **state)
{
    uint8_t room[1000];

    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        struct slice text = make_text(room, 4 + seed * 3, seed);

        buf_reset(&out);
        buf_reset(&back);
        assert_true(mime_quoted_printable_put(&out, text));
        assert_travels(buf_slice(&out));
        assert_true(mime_decoded_put(&back, buf_slice(&out), MIME_QUOTED_PRINTABLE));
        assert_text(&back, "body", text);
        buf_reset(&out);
        buf_reset(&back);
        for (size_t i = 0; i < seed % 60; i++)
            buf_put_byte(&out, 'x');
        assert_true(mime_phrase_put(&out, text, out.len));
        assert_travels(buf_slice(&out));
        assert_true(mime_words_put(&back, slice_tail(buf_slice(&out), seed % 60)));
        assert_text(&back, "field", text);
    }
}

static void
a_full_buffer_is_told(void **state)
{
    struct buf small;

    (void)state;
    buf_init(&small, 8);
    assert_false(mime_quoted_printable_put(&small, SLICE("longer than that")));
    buf_reset(&small);
    assert_false(mime_unstructured_put(&small, SLICE("\xc3\xb1"), 0));
    buf_clear(&small);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_quoted_printable),
        cmocka_unit_test(fields_are_encoded_where_they_must_be),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_full_buffer_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
