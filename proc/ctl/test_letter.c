/* What sendmail makes of what programs feed it, and the addresses it finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/ensure.h"
#include "letter.h"

#define ADDED                                                                                      \
    "From: \"O'Neill, Ana\" <ana@here.example>\r\n"                                                \
    "Date: Thu, 01 Jan 1970 01:00:00 +0100\r\n"                                                    \
    "Message-ID: <0000000000001@mx.example>\r\n"

static const struct letter_wish wish = {.hostname = "mx.example",
                                        .from = {(const uint8_t *)"ana@here.example", 16},
                                        .name = "O'Neill, Ana",
                                        .offset = 60,
                                        .id = 1};

static void
a_letter_has_what_every_message_needs(void **state)
{
    static const struct {
        const char *why, *typed, *text;
    } rows[] = {
        {"a body alone", "hi\n", ADDED "\r\nhi\r\n"},
        {"nothing", "", ADDED "\r\n"},
        {"no line end at the end", "hi", ADDED "\r\nhi\r\n"},
        {"an empty header", "\nhi\n", ADDED "\r\nhi\r\n"},
        {"a field stays", "Subject: x\n\nhi\n", "Subject: x\r\n" ADDED "\r\nhi\r\n"},
        {"a folded field stays", "Subject: x\n y\n\nhi\n",
         "Subject: x\r\n y\r\n" ADDED "\r\nhi\r\n"},
        {"a header that just stops", "Subject: x\nhi there\n",
         "Subject: x\r\n" ADDED "\r\nhi there\r\n"},
        {"fields that are there are not added", "from: a@b\nDATE: d\nMessage-Id: <i@j>\n\nhi\n",
         "from: a@b\r\nDATE: d\r\nMessage-Id: <i@j>\r\n\r\nhi\r\n"},
        {"Bcc goes, folded as it is", "Bcc: a@b,\n c@d\nSubject: x\n\nhi\n",
         "Subject: x\r\n" ADDED "\r\nhi\r\n"},
        {"Return-Path goes", "Return-Path: <a@b>\n\nhi\n", ADDED "\r\nhi\r\n"},
        {"the first line of an mbox goes", "From a@b Thu Jan  1\nSubject: x\n\nhi\n",
         "Subject: x\r\n" ADDED "\r\nhi\r\n"},
        {"every line end is CR LF", "\na\rb\r\nc\n\rd", ADDED "\r\na\r\nb\r\nc\r\n\r\nd\r\n"},
        {"dots are not stuffed here", "\n.a\n..\n", ADDED "\r\n.a\r\n..\r\n"},
        {"a colon late in a body line", "see http://x\n", ADDED "\r\nsee http://x\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct letter l;

        letter_init(&l, 1 << 16);
        assert_true(letter_make(&l, &wish, slice_of(rows[i].typed)));
        buf_put_byte(&l.text, 0);
        assert_string_equal(buf_slice(&l.text).at, rows[i].text);
        letter_clear(&l);
    }
}

static void
a_dot_alone_ends_a_letter_where_it_is_wished(void **state)
{
    struct letter_wish ends = wish;
    struct letter l;

    (void)state;
    ends.dot_ends = true;
    letter_init(&l, 1 << 16);
    assert_true(letter_make(&l, &ends, SLICE("\na\n.\nb\n")));
    assert_true(slice_eq(buf_slice(&l.text), SLICE(ADDED "\r\na\r\n")));
    buf_reset(&l.text);
    assert_true(letter_make(&l, &wish, SLICE("\na\n.\nb\n")));
    assert_true(slice_eq(buf_slice(&l.text), SLICE(ADDED "\r\na\r\n.\r\nb\r\n")));
    letter_clear(&l);
}

static void
a_name_is_written_as_its_letters_need(void **state)
{
    static const struct {
        const char *why, *name, *from;
    } rows[] = {
        {"none", "", "From: ana@here.example\r\n"},
        {"words", "Ana Neri", "From: Ana Neri <ana@here.example>\r\n"},
        {"a quote", "A \"B\"", "From: \"A \\\"B\\\"\" <ana@here.example>\r\n"},
        {"not ASCII", "Añá", "From: =?UTF-8?B?QcOxw6E=?= <ana@here.example>\r\n"},
        {"a line end", "A\nBcc: x@y", "From: =?UTF-8?B?QQpCY2M6IHhAeQ==?= <ana@here.example>\r\n"},
        {"too long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "From: ana@here.example\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct letter_wish w = wish;
        struct letter l;

        w.name = rows[i].name;
        letter_init(&l, 1 << 16);
        assert_true(letter_make(&l, &w, SLICE("hi\n")));
        assert_true(
            slice_eq(slice_head(buf_slice(&l.text), strlen(rows[i].from)), slice_of(rows[i].from)));
        letter_clear(&l);
    }
}

static void
recipients_come_from_the_header(void **state)
{
    static const struct {
        const char *why, *typed, *recipients;
    } rows[] = {
        {"To, Cc and Bcc", "To: a@b\nCc: c@d\nBcc: e@f\n\n", "a@b\nc@d\ne@f\n"},
        {"folded", "To: a@b,\n\tc@d\n\n", "a@b\nc@d\n"},
        {"Resent- instead", "To: a@b\nResent-To: c@d\n\n", "c@d\n"},
        {"not from the body", "Subject: x\n\nTo: a@b\n", ""},
        {"no others", "From: a@b\nReply-To: c@d\n\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct letter l;

        letter_init(&l, 1 << 16);
        assert_true(letter_make(&l, &wish, slice_of(rows[i].typed)));
        buf_put_byte(&l.recipients, 0);
        assert_string_equal(buf_slice(&l.recipients).at, rows[i].recipients);
        letter_clear(&l);
    }
}

static void
addresses_are_found_in_any_list(void **state)
{
    static const struct {
        const char *why, *list, *addresses;
    } rows[] = {
        {"one", "a@b", "a@b\n"},
        {"none", " , ,", ""},
        {"local", "root", "root\n"},
        {"named", "Ana Neri <a@b>", "a@b\n"},
        {"a name with a comma and a bracket", "\"N, <A>\" <a@b>, c@d", "a@b\nc@d\n"},
        {"comments, nested and escaped", "a@b (x, (y\\)) <z>), (c) c@d", "a@b\nc@d\n"},
        {"a group", "Team: a@b, C <c@d>;, e@f", "a@b\nc@d\ne@f\n"},
        {"an empty group", "undisclosed-recipients:;", ""},
        {"a source route", "<@x,@y:a@b>", "a@b\n"},
        {"a quoted local part", "\"a, b\"@c", "\"a, b\"@c\n"},
        {"a literal", "a@[IPv6:::1], b@c", "a@[IPv6:::1]\nb@c\n"},
        {"spaces around", " a @ b ,\tc@d ", "a@b\nc@d\n"},
        {"text after the bracket", "<a@b> (home) x", "a@b\n"},
        {"an open bracket", "<a@b", "a@b\n"},
        {"an open comment", "a@b (x", "a@b\n"},
        {"an open quote", "a@b, \"x", "a@b\n\"x\n"},
        {"a line end in a quoted string", "\"a\nb\"@c", "@c\n"},
        {"the null path", "<>", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1024);
        assert_true(letter_put_addresses(&out, slice_of(rows[i].list)));
        buf_put_byte(&out, 0);
        assert_string_equal(buf_slice(&out).at, rows[i].addresses);
        buf_clear(&out);
    }
}

static void
what_is_too_large_is_not_a_letter(void **state)
{
    struct letter l;
    size_t n = LETTER_FIELD_MAX + 64;
    uint8_t *big = heap_take(n);

    (void)state;
    letter_init(&l, 64);
    assert_false(letter_make(&l, &wish, SLICE("hi\n")));
    letter_clear(&l);
    memset(big, 'a', n);
    memcpy(big, "To: ", 4);
    letter_init(&l, 4 * n);
    assert_false(letter_make(&l, &wish, slice_make(big, n)));
    memcpy(big + n - 16, "\nCc: a@b\n\nhi\n\n\n", 16); /* also where more fields follow */
    assert_false(letter_make(&l, &wish, slice_make(big, n)));
    letter_clear(&l);
    free(big);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_has_what_every_message_needs),
        cmocka_unit_test(a_dot_alone_ends_a_letter_where_it_is_wished),
        cmocka_unit_test(a_name_is_written_as_its_letters_need),
        cmocka_unit_test(recipients_come_from_the_header),
        cmocka_unit_test(addresses_are_found_in_any_list),
        cmocka_unit_test(what_is_too_large_is_not_a_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
