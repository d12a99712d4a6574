/* Walks: whole messages, broken ones, and what would cost time or memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "mime/walk.h"

static struct mime_part parts[MIME_PARTS_MAX];

/* A line for each part: its depth as blanks, its type, its body. */
static void
outline(struct slice message, struct buf *out)
{
    size_t n = mime_walk(message, parts, COUNT(parts));

    for (size_t i = 0; i < n; i++) {
        const struct mime_part *p = &parts[i];

        assert_true(p->depth == (i ? parts[p->parent].depth + 1 : 0));
        for (unsigned d = 0; d < p->depth; d++)
            buf_put_byte(out, ' ');
        buf_put(out, p->type);
        buf_put_byte(out, '/');
        buf_put(out, p->subtype);
        buf_put_string(out, " <");
        if (!mime_part_is(p, SLICE("multipart"), SLICE("")) &&
            !mime_part_is(p, SLICE("message"), SLICE("rfc822")))
            buf_put(out, p->body);
        buf_put_string(out, ">\n");
    }
}

#define MULTI(kind, boundary) "Content-Type: multipart/" kind "; boundary=\"" boundary "\"\n\n"

/* rfc2045#5.1-c rfc2045#5.2-a rfc2046#5.1.1-a rfc2046#5.1.1-b rfc2046#5.1.1-c rfc2046#5.1.5-a
 * rfc2046#5.2.1-a */
static const struct {
    const char *why, *message, *expected;
} rows[] = {
    {"a text", "A: 1\n\nbody\n", "text/plain <body\n>\n"},
    {"another type", "content-type: TEXT/Html; charset=x\n\nbody", "TEXT/Html <body>\n"},
    {"two parts", MULTI("mixed", "b") "preamble\n--b\n\none\n--b\nA: 1\n\ntwo\n\n--b--\nepilogue\n",
     "multipart/mixed <>\n text/plain <one>\n text/plain <two\n>\n"},
    {"blanks after a delimiter", MULTI("mixed", "b") "--b \t\n\none\n--b-- \n",
     "multipart/mixed <>\n text/plain <one>\n"},
    {"nested",
     MULTI("mixed", "a") "--a\n" MULTI(
         "alternative", "aa") "--aa\n\none\n--aa\n\ntwo\n--aa--\n\n--a\n\nthree\n--a--\n",
     "multipart/mixed <>\n multipart/alternative <>\n  text/plain <one>\n  text/plain <two>\n"
     " text/plain <three>\n"},
    {"a report",
     MULTI("report; report-type=delivery-status",
           "b") "--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nAction: "
                "failed\n\nStatus: 5\n\n"
                "--b\nContent-Type: message/rfc822\n\nSubject: x\n\nhello\n--b--\n",
     "multipart/report <>\n text/plain <sorry>\n message/delivery-status <Action: failed\n\n"
     "Status: 5\n>\n message/rfc822 <>\n  text/plain <hello>\n"},
    {"a multipart in a message",
     MULTI("mixed", "a") "--a\nContent-Type: message/rfc822\n\n" MULTI(
         "mixed", "b") "--b\n\none\n--b--\n--a\n\ntwo\n--a--\n",
     "multipart/mixed <>\n message/rfc822 <>\n  multipart/mixed <>\n   text/plain <one>\n"
     " text/plain <two>\n"},
    {"a digest",
     MULTI("digest", "b") "--b\n\nSubject: x\n\none\n--b\nContent-Type: text/plain\n\n"
                          "two\n--b--\n",
     "multipart/digest <>\n message/rfc822 <>\n  text/plain <one>\n text/plain <two>\n"},
    {"an empty part", MULTI("mixed", "b") "--b\n\n--b\n\n\n--b--\n",
     "multipart/mixed <>\n text/plain <>\n text/plain <>\n"},
    {"boundary by RFC 2231",
     "Content-Type: multipart/mixed; boundary*0=b; boundary*1=c\n\n"
     "--bc\n\none\n--bc--\n",
     "multipart/mixed <>\n text/plain <one>\n"},

    {"nothing", "", "text/plain <>\n"},
    {"no header", "free text: none\nat all\n", "text/plain <free text: none\nat all\n>\n"},
    {"no body", "Content-Type: text/html\n", "text/html <>\n"},
    {"malformed type", "Content-Type: html\n\nbody", "text/plain <body>\n"},
    {"no end", MULTI("mixed", "b") "--b\n\none\n--b\n\ntwo\n",
     "multipart/mixed <>\n text/plain <one>\n text/plain <two\n>\n"},
    {"no end of what is nested",
     MULTI("mixed", "a") "--a\n" MULTI("mixed", "b") "--b\n\none\n--a\n\ntwo\n--a--\n",
     "multipart/mixed <>\n multipart/mixed <>\n  text/plain <one>\n text/plain <two>\n"},
    {"an end within a header",
     MULTI("mixed", "b") "--b\nContent-Type: text/html\n--b\n\ntwo\n--b--",
     "multipart/mixed <>\n text/html <>\n text/plain <two>\n"},
    {"a delimiter like a field", MULTI("mixed", "b:c") "--b:c\nContent-Type: text/html\n--b:c\n\n2",
     "multipart/mixed <>\n text/html <>\n text/plain <2>\n"},
    {"no blank line in a part",
     MULTI("mixed", "b") "--b\nContent-Type: text/html\none two\n--b--\n",
     "multipart/mixed <>\n text/html <one two>\n"},
    {"no boundary named", "Content-Type: multipart/mixed\n\n--b\n\none\n", "multipart/mixed <>\n"},
    {"an empty boundary", MULTI("mixed", "") "--\n\none\n----\n", "multipart/mixed <>\n"},
    {"no parts", MULTI("mixed", "b") "text", "multipart/mixed <>\n"},
    {"only an end", MULTI("mixed", "b") "--b--\n--b\n\none", "multipart/mixed <>\n"},
    {"the same boundary twice",
     MULTI("mixed", "b") "--b\n" MULTI("mixed", "b") "--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
     "multipart/mixed <>\n multipart/mixed <>\n  text/plain <one>\n text/plain <two>\n"},
    {"more than a boundary", MULTI("mixed", "b") "--b\n\n--bb\n--b-\n--b--\n",
     "multipart/mixed <>\n text/plain <--bb\n--b->\n"},
    {"an encoded message",
     MULTI("mixed", "b") "--b\nContent-Type: message/rfc822\n"
                         "Content-Transfer-Encoding: base64\n\nU3ViamVjdDogeAo=\n--b--\n",
     "multipart/mixed <>\n message/rfc822 <>\n"},
    {"a message without a header", "Content-Type: message/rfc822\n\n\nbody",
     "message/rfc822 <>\n text/plain <body>\n"},
    {"a message without a blank line before it", "Content-Type: message/rfc822\nfree text\n",
     "message/rfc822 <>\n text/plain <free text\n>\n"},
};

static void
put_with_crlf(struct buf *out, struct slice text)
{
    struct slice line;

    while (slice_cut(&text, '\n', &line)) {
        buf_put(out, line);
        buf_put_string(out, "\r\n");
    }
    buf_put(out, line);
}

static void
parts_stand_where_the_boundaries_say(void **state)
{
    struct buf out, message, expected;

    (void)state;
    buf_init(&out, 2000);
    buf_init(&message, 2000);
    buf_init(&expected, 2000);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        outline(slice_of(rows[i].message), &out);
        if (!slice_eq(buf_slice(&out), slice_of(rows[i].expected)))
            fail_msg("%s:\n%.*s", rows[i].why, (int)out.len, (const char *)out.at);

        buf_reset(&out);
        buf_reset(&message);
        buf_reset(&expected);
        put_with_crlf(&message, slice_of(rows[i].message));
        outline(buf_slice(&message), &expected);
        for (size_t k = 0; k < expected.len; k++)
            if (expected.at[k] != '\r')
                buf_put_byte(&out, expected.at[k]);
        if (!slice_eq(buf_slice(&out), slice_of(rows[i].expected)))
            fail_msg("%s, with CR LF:\n%.*s", rows[i].why, (int)out.len, (const char *)out.at);
    }
    buf_clear(&out);
    buf_clear(&message);
    buf_clear(&expected);
}

/* rfc2045#6-a rfc2045#6.1-a */
static void
text_is_decoded_by_encoding_and_charset(void **state)
{
    static const struct {
        const char *message, *expected;
    } texts[] = {
        {"A: 1\n\nse\xf1or\r\n", "se\xc3\xb1or\r\n"},
        {"Content-Type: text/plain; charset=koi8-r\n\n\xe4\n", "\xd0\x94\n"},
        {"Content-Type: text/plain; charset=iso-8859-1\n"
         "Content-Transfer-Encoding: quoted-printable (so)\n\nse=F1=\nor",
         "se\xc3\xb1or"},
        {"Content-Type: text/plain; charset=\"UTF-8\"\nContent-Transfer-Encoding: Base64\n\n"
         "c2XDsW9y",
         "se\xc3\xb1or"},
        {"Content-Transfer-Encoding: nonsense\n\na=41", "a=41"},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(texts); i++) {
        buf_reset(&out);
        assert_int_equal(mime_walk(slice_of(texts[i].message), parts, COUNT(parts)), 1);
        assert_true(mime_text_put(&out, &parts[0]));
        assert_true(slice_eq(buf_slice(&out), slice_of(texts[i].expected)));
    }
    buf_clear(&out);
}

static void
text_stops_at_the_cap(void **state)
{
    struct buf message, out;

    (void)state;
    buf_init(&message, 100000);
    buf_put_string(&message, "Content-Transfer-Encoding: base64\n\n");
    while (message.len < 90000)
        buf_put_string(&message, "YWJj");
    buf_init(&out, 10);
    mime_walk(buf_slice(&message), parts, COUNT(parts));
    assert_false(mime_text_put(&out, &parts[0]));
    assert_true(slice_eq(buf_slice(&out), SLICE("abcabcabca")));
    buf_clear(&out);
    buf_clear(&message);
}

static void
what_is_nested_too_deep_is_one_part(void **state)
{
    struct buf message;
    size_t n;

    (void)state;
    buf_init(&message, 200000);
    for (int i = 0; i < 1000; i++)
        buf_put_format(&message, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
    n = mime_walk(buf_slice(&message), parts, COUNT(parts));
    assert_int_equal(n, MIME_DEPTH_MAX + 1);
    assert_int_equal(parts[n - 1].depth, MIME_DEPTH_MAX);
    assert_true(parts[n - 1].body.at + parts[n - 1].body.len == message.at + message.len);

    buf_reset(&message);
    for (int i = 0; i < 1000; i++)
        buf_put_string(&message, "Content-Type: message/rfc822\n\n");
    assert_int_equal(mime_walk(buf_slice(&message), parts, COUNT(parts)), MIME_DEPTH_MAX + 1);
    buf_clear(&message);
}

static void
parts_beyond_the_room_are_left_out(void **state)
{
    struct slice message =
        SLICE(MULTI("mixed", "b") "--b\n\none\n--b\n\ntwo\n--b\n\nthree\n--b--\n");

    (void)state;
    assert_int_equal(mime_walk(message, parts, 0), 0);
    assert_int_equal(mime_walk(message, parts, 1), 1);
    assert_int_equal(mime_walk(message, parts, 3), 3);
    assert_true(slice_eq(parts[2].body, SLICE("two")));
    assert_true(parts[0].body.at + parts[0].body.len == message.at + message.len);
    assert_int_equal(mime_walk(SLICE("Content-Type: message/rfc822\n\nA: 1\n\nx"), parts, 1), 1);
    assert_true(slice_eq(parts[0].body, SLICE("A: 1\n\nx")));
}

/* The processor's time for a message with a hundred boundaries open and that many bytes of the same
 * line over and over. */
static clock_t
measure(const char *filler, size_t size)
{
    struct buf message;
    clock_t begin;

    buf_init(&message, 2 * size);
    for (int i = 0; i < MIME_DEPTH_MAX; i++)
        buf_put_format(&message, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
    while (message.len < size)
        buf_put_format(&message, "%s\n", filler);
    begin = clock();
    mime_walk(buf_slice(&message), parts, COUNT(parts));
    begin = clock() - begin;
    buf_clear(&message);
    return begin;
}

static void
time_is_linear_in_the_message(void **state)
{
    static const char *const fillers[] = {"--b9", "--b99", "--b99--", "--", "", "A: (", " x"};

    (void)state;
    for (size_t i = 0; i < COUNT(fillers); i++)
        if (measure(fillers[i], 800000) > 10 * measure(fillers[i], 100000) + CLOCKS_PER_SEC)
            fail_msg("%s", fillers[i]); /* quadratic would be 64 times */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_stand_where_the_boundaries_say),
        cmocka_unit_test(text_is_decoded_by_encoding_and_charset),
        cmocka_unit_test(text_stops_at_the_cap),
        cmocka_unit_test(what_is_nested_too_deep_is_one_part),
        cmocka_unit_test(parts_beyond_the_room_are_left_out),
        cmocka_unit_test(time_is_linear_in_the_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
