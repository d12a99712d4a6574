/* Headers: where they end, their fields, and what values say, of good mail and of bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mime/header.h"
#include "mime/value.h"

static void
check(const char *why, struct slice got, const char *expected)
{
    if (!slice_eq(got, slice_of(expected)))
        fail_msg("%s: <%.*s>, not <%s>", why, (int)got.len, (const char *)got.at, expected);
}

/* rfc5322#2.1-a rfc5322#2.2-a */
static void
a_header_ends_at_a_blank_line_or_at_what_is_none(void **state)
{
    static const struct {
        const char *why, *message, *header, *body;
    } rows[] = {
        {"CR LF", "A: 1\r\nB: 2\r\n\r\nbody\r\n", "A: 1\r\nB: 2\r\n", "body\r\n"},
        {"LF", "A: 1\nB: 2\n\nbody\n", "A: 1\nB: 2\n", "body\n"},
        {"both", "A: 1\r\nB: 2\n\r\nbody", "A: 1\r\nB: 2\n", "body"},
        {"folded", "A: 1\n 2\n\t3\n\nbody", "A: 1\n 2\n\t3\n", "body"},
        {"no body", "A: 1\r\n", "A: 1\r\n", ""},
        {"no line end", "A: 1", "A: 1", ""},
        {"no header", "\r\nbody", "", "body"},
        {"nothing", "", "", ""},
        {"no blank line", "A: 1\nbody of text\nB: 2\n", "A: 1\n", "body of text\nB: 2\n"},
        {"free text", "Your message could not\nbe delivered: sorry\n", "",
         "Your message could not\nbe delivered: sorry\n"},
        {"folded from the start", " A: 1\n\nbody", "", " A: 1\n\nbody"},
        {"mbox", "From ana Thu Jan 1\nA: 1\n\nbody", "From ana Thu Jan 1\nA: 1\n", "body"},
        {"mbox later", "A: 1\nFrom ana Thu Jan 1\n", "A: 1\n", "From ana Thu Jan 1\n"},
        {"blanks before the colon", "A \t: 1\n\nbody", "A \t: 1\n", "body"},
        {"a name of two words", "A B: 1\n\nbody", "", "A B: 1\n\nbody"},
        {"no name", ": 1\n\nbody", "", ": 1\n\nbody"},
        {"a blank line with blanks is folded", "A: 1\n \nB: 2\n\nbody", "A: 1\n \nB: 2\n", "body"},
        {"a bare CR is no line end", "A: 1\r\rB: 2\n\nbody", "A: 1\r\rB: 2\n", "body"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice header, body;

        mime_header_cut(slice_of(rows[i].message), &header, &body);
        check(rows[i].why, header, rows[i].header);
        check(rows[i].why, body, rows[i].body);
    }
}

static void
groups_of_fields_are_cut_one_by_one(void **state)
{
    struct slice text = SLICE("\r\n\nReporting-MTA: dns; a\r\n\r\n\r\nsome words\nAction: failed\n"
                              "Status: 5.1.1\n\nAction: delayed");
    struct slice group;

    (void)state;
    assert_true(mime_group_take(&text, &group));
    check("first", group, "Reporting-MTA: dns; a\r\n");
    assert_true(mime_group_take(&text, &group));
    check("after rubbish", group, "Action: failed\nStatus: 5.1.1\n");
    assert_true(mime_group_take(&text, &group));
    check("last", group, "Action: delayed");
    assert_false(mime_group_take(&text, &group));
    assert_false(mime_group_take(&text, &group));
}

/* rfc5322#1.2.2-a rfc5322#2.2.3-a rfc5322#4.5-a rfc6532#3.2-a */
static void
fields_are_found_and_unfolded(void **state)
{
    static const char header[] = "From ana\nA:1\r\nrubbish\nB :  two\r\n words \r\nb: again\n"
                                 "C:\r\n\tthree\nD:\nE: se\xc3\xb1or";
    static const struct {
        const char *name, *value; /* NULL: there is none */
    } rows[] = {
        {"a", "1"},  {"B", "two words"}, {"C", "three"}, {"D", ""}, {"E", "se\xc3\xb1or"},
        {"F", NULL}, {"", NULL},         {"From", NULL},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice value;

        assert_int_equal(mime_field_find(slice_of(header), slice_of(rows[i].name), &value),
                         rows[i].value != NULL);
        buf_reset(&out);
        assert_true(mime_unfolded_put(&out, value));
        check(rows[i].name, buf_slice(&out), rows[i].value ? rows[i].value : "");
    }
    buf_clear(&out);
}

/* rfc2047#2-a rfc2047#4.1-a rfc2047#4.2-a rfc2047#6.2-a rfc2047#6.2-b rfc2231#5-a */
static void
encoded_words_are_decoded(void **state)
{
    static const struct {
        const char *why, *value, *expected;
    } rows[] = {
        {"none", "plain text", "plain text"},
        {"Q", "=?iso-8859-1?Q?Se=F1or_=5fx?=", "Se\xc3\xb1or _x"},
        {"B", "=?UTF-8?b?U2XDsW9y?=", "Se\xc3\xb1or"},
        {"language", "=?utf-8*es?q?Se=c3=b1or?=", "Se\xc3\xb1or"},
        {"text around", "a =?utf-8?q?b?= c", "a b c"},
        {"blanks between words go", "=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab"},
        {"no blanks between words", "=?utf-8?q?a?==?utf-8?q?b?=", "ab"},
        {"text between words stays", "=?utf-8?q?a?= - =?utf-8?q?b?=", "a - b"},
        {"a character over two words", "=?utf-8?q?=c3?= =?UTF-8?b?sQ==?=", "\xc3\xb1"},
        {"but not over two charsets",
         "=?utf-8?q?=c3?= =?iso-8859-1?q?=b1?=", "\xef\xbf\xbd\xc2\xb1"},
        {"ISO-2022-JP", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac"},
        {"quoted", "\"=?utf-8?q?a?=\" <b@c>", "\"a\" <b@c>"},
        {"unknown charset", "=?klingon?q?a=ffb?=",
         "a\xef\xbf\xbd"
         "b"},
        {"raw UTF-8", "Se\xc3\xb1or", "Se\xc3\xb1or"},
        {"raw Latin-1", "Se\xf1or", "Se\xc3\xb1or"},
        {"blanks in a word", "=?utf-8?q?a b c?=", "a b c"},
        {"line ends in a word", "=?utf-8?q?a=0d=0ab?=", "a  b"},
        {"folded", "a\r\n b", "a b"},
        {"a word without an end", "=?utf-8?q?abc", "=?utf-8?q?abc"},
        {"no text",
         "=?utf-8?q?"
         "?=",
         ""},
        {"no charset",
         "=?"
         "?q?a?=",
         "=?"
         "?q?a?="},
        {"no such encoding", "=?utf-8?x?a?=", "=?utf-8?x?a?="},
        {"a start in a start", "=?=?utf-8?q?a?=", "=?a"},
        {"bad escape", "=?utf-8?q?a=4?=", "a=4"},
        {"bad base 64", "=?utf-8?b?Y*WI?=", "ab"},
        {"empty", "", ""},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(mime_words_put(&out, slice_of(rows[i].value)));
        check(rows[i].why, buf_slice(&out), rows[i].expected);
    }
    buf_clear(&out);
}

static void
words_stop_at_the_cap_between_characters(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4);
    assert_false(mime_words_put(&out, SLICE("a=?utf-8?q?bc=c3=b1?=")));
    check("cut", buf_slice(&out), "abc");
    buf_clear(&out);
}

/* rfc2045#5.1-a rfc2045#5.1-b rfc2231#3-a rfc2231#4-a rfc2231#4.1-a rfc5322#3.2.2-a */
static void
parameters_are_found_and_decoded(void **state)
{
    static const struct {
        const char *why, *value, *expected; /* of the parameter "name" */
    } rows[] = {
        {"plain", "text/plain; name=a", "a"},
        {"any case", "text/plain; NAME=a", "a"},
        {"quoted", "text/plain; name=\"a; \\\"b\\\\ c\"; x=y", "a; \"b\\ c"},
        {"blanks around all", "text / plain ; name = \"a\" ; x = y", "a"},
        {"comments around all", "text/plain (a; name=x) ; name (b (c\\)) d) = (e) a (f)", "a"},
        {"folded", "text/plain;\r\n\tname=\"a\r\n b\"", "a b"},
        {"second", "x; a=\"name=b\"; name=c", "c"},
        {"the first of two", "x; name=a; name=b", "a"},
        {"empty", "x; name=\"\"", ""},
        {"sections", "x; name*0=a; name*1=\"b c\"; name*2=d", "ab cd"},
        {"sections in any order", "x; name*1=b; name*0=a", "ab"},
        {"a section is missing", "x; name*0=a; name*2=c", "a"},
        {"charset", "x; name*=iso-8859-1'es'se%F1or", "se\xc3\xb1or"},
        {"charset and sections", "x; name*0*=utf-8''se%c3; name*1*=%b1o; name*2=r%20",
         "se\xc3\xb1or%20"},
        {"both spellings", "x; name=senor; name*=utf-8''se%c3%b1or", "se\xc3\xb1or"},

        {"none", "text/plain", NULL},
        {"another", "text/plain; names=a; nam=b", NULL},
        {"in a comment", "text/plain (; name=a)", NULL},
        {"no second semicolon", "text/plain; a=\"b\" name=c", "c"},
        {"no semicolon", "text/plain name=c", "c"},
        {"too many semicolons", "text/plain;; ;name=c;", "c"},
        {"blanks without quotes", "x; name=my file (1).pdf; a=b", "my file"},
        {"brackets without quotes", "x; name=file(1).pdf", "file(1).pdf"},
        {"open quote", "x; name=\"a; b=c", "a"},
        {"open comment", "x; (name=a", NULL},
        {"backslash last", "x; name=\"a\\", "a\\"},
        {"encoded words", "x; name=\"=?utf-8?q?se=c3=b1or?=\"", "se\xc3\xb1or"},
        {"raw Latin-1", "x; name=\"se\xf1or\"", "se\xc3\xb1or"},
        {"charset without quotes", "x; name*=a%20b", "a b"},
        {"unknown charset", "x; name*=klingon''a%ff", "a\xef\xbf\xbd"},
        {"bad escape", "x; name*=utf-8''a%2", "a%2"},
        {"bad numbers", "x; name*x=a; name*100=b; name*-1=c; name*0*0=d", NULL},
        {"rubbish", "=;=\"\\;@/ name=a", "a"},
        {"nothing", "", NULL},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool is_there;

        buf_reset(&out);
        is_there = mime_param_put(&out, slice_of(rows[i].value), SLICE("name"));
        if (is_there != (rows[i].expected != NULL))
            fail_msg("%s", rows[i].why);
        check(rows[i].why, buf_slice(&out), rows[i].expected ? rows[i].expected : "");
    }
    buf_clear(&out);
}

static void
tokens_and_signs_are_taken_in_turn(void **state)
{
    struct slice value = SLICE("(a) dns (b)\r\n ; mx.example"), token;

    (void)state;
    assert_false(mime_sign_take(&value, ';'));
    assert_true(mime_token_take(&value, &token));
    check("type", token, "dns");
    assert_false(mime_token_take(&value, &token));
    assert_true(mime_sign_take(&value, ';'));
    assert_true(mime_token_take(&value, &token));
    check("name", token, "mx.example");
    assert_false(mime_token_take(&value, &token));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_ends_at_a_blank_line_or_at_what_is_none),
        cmocka_unit_test(groups_of_fields_are_cut_one_by_one),
        cmocka_unit_test(fields_are_found_and_unfolded),
        cmocka_unit_test(encoded_words_are_decoded),
        cmocka_unit_test(words_stop_at_the_cap_between_characters),
        cmocka_unit_test(parameters_are_found_and_decoded),
        cmocka_unit_test(tokens_and_signs_are_taken_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
