/* What travels through a server without 8BITMIME reads as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/ensure.h"
#include "mime/seven_bit.h"
#include "mime/walk.h"

enum { OUT_MAX = 32 << 20 };

static struct slice
with_crlf(const char *text, struct buf *room)
{
    buf_reset(room);
    for (; *text; text++) {
        if (*text == '\n')
            buf_put_byte(room, '\r');
        buf_put_byte(room, (uint8_t)*text);
    }
    return buf_slice(room);
}

/* Both with LF alone, as it is easier to read. CR LF is what travels. */
static bool
is(struct slice got, const char *expected)
{
    struct buf room;
    bool same;

    buf_init(&room, OUT_MAX);
    same = slice_eq(got, with_crlf(expected, &room));
    buf_clear(&room);
    if (!same)
        print_error("got:\n%.*s\n", (int)got.len, (const char *)got.at);
    return same;
}

#define MULTI(kind, boundary) "Content-Type: multipart/" kind "; boundary=" boundary "\n"
#define QP                    "Content-Transfer-Encoding: quoted-printable\n"
#define EIGHT                 "Content-Transfer-Encoding: 8bit\n"
#define V                     "MIME-Version: 1.0\n"
#define UTF8                  "Content-Type: text/plain; charset=utf-8\n"

static void
each_part_that_needs_it_is_encoded(void **state) /* rfc6152#3-b rfc2045#6.4-a */
{
    static const struct {
        const char *why, *message, *expected;
    } rows[] = {
        {"ASCII stays as it is", V EIGHT "\na=b \n", V EIGHT "\na=b \n"},
        {"a text",
         V UTF8 EIGHT "Subject: x\n\nma\xc3\xb1"
                      "ana por la tarde\n",
         V UTF8 QP "Subject: x\n\nma=C3=B1ana por la tarde\n"},
        {"without an encoding", V UTF8 "\n\xc3\xb1o no no no\n", V UTF8 QP "\n=C3=B1o no no no\n"},
        {"an encoding in two lines",
         V "content-transfer-encoding:\n 8bit\n" UTF8 "\n\xc3\xb1o no no no\n",
         V QP UTF8 "\n=C3=B1o no no no\n"},
        {"an encoding named twice", V EIGHT UTF8 EIGHT "\n\xc3\xb1o no no no\n",
         V QP UTF8 "\n=C3=B1o no no no\n"},
        {"text of another script is shorter in base 64",
         V "Content-Type: text/plain; charset=koi8-r\n\n\xf0\xd2\xc9\xd7\xc5\xd4\n",
         V "Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n\n"
           "8NLJ18XUDQo=\n"},
        {"what is no text", V "Content-Type: image/x\nContent-Transfer-Encoding: binary\n\nab\xff",
         V "Content-Type: image/x\nContent-Transfer-Encoding: base64\n\nYWL/\n"},
        {"a message from before MIME", "Subject: x\n\nse\xc3\xb1or no no no\n",
         "Subject: x\n" QP V UTF8 "\nse=C3=B1or no no no\n"},
        {"in a charset that nobody named", "Subject: x\n\nse\xf1or no no\n",
         "Subject: x\n" QP V "Content-Type: text/plain; charset=unknown-8bit\n\nse=F1or no no\n"},
        {"without any header", "\nse\xc3\xb1or no no no\n", QP V UTF8 "\nse=C3=B1or no no no\n"},
        {"a header that a line of text ends", "A: 1\nse\xc3\xb1or no no no\n",
         "A: 1\n" QP V UTF8 "\nse=C3=B1or no no no\n"},
        {"one part of two",
         V EIGHT MULTI("mixed", "b") "\n--b\nA: 1\n\nplain\n--b\n" UTF8
                                     "\n\xc3\xb1o no no no\n--b--\n",
         V "Content-Transfer-Encoding: 7bit\n" MULTI(
             "mixed", "b") "\n--b\nA: 1\n\nplain\n--b\n" UTF8 QP "\n=C3=B1o no no no\n--b--\n"},
        {"nested, in a message in the message",
         V MULTI("mixed", "a") "\n--a\nContent-Type: message/rfc822\n" EIGHT "\n" V MULTI(
             "mixed", "b") EIGHT "\n--b\n" UTF8 "\n\xc3\xb1o no no no\n--b--\n--a--\n",
         V MULTI("mixed",
                 "a") "\n--a\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\n" V
             MULTI("mixed", "b") "Content-Transfer-Encoding: 7bit\n\n--b\n" UTF8 QP
                                 "\n=C3=B1o no no no\n--b--\n--a--\n"},
        {"text that is no part is left out",
         V MULTI("mixed", "b") "\nse\xc3\xb1or\nread this\n--b\n\none\n--b--\nadi\xc3\xb3s\nend\n",
         V MULTI("mixed", "b") "\nread this\n--b\n\none\n--b--\nend\n"},
        {"encoded already, but not quite", V UTF8 QP "\nse=C3=B1or \xc3\xb1 =\nx\n",
         V UTF8 QP "\nse=C3=B1or =C3=B1 =\nx\n"},
        {"base 64 with other octets",
         V "Content-Type: image/x\nContent-Transfer-Encoding: base64\n\nYW\xa0L/\n",
         V "Content-Type: image/x\nContent-Transfer-Encoding: base64\n\nYWL/\n"},
        {"a header for programs that know UTF-8",
         V MULTI("report", "b") "\n--b\n\nx\n--b\nContent-Type: message/global-headers\n" EIGHT
                                "\nSubject: ma\xc3\xb1"
                                "ana por la tarde\n--b--\n",
         V MULTI("report", "b") "\n--b\n\nx\n--b\nContent-Type: message/global-headers\n" QP
                                "\nSubject: ma=C3=B1ana por la tarde\n--b--\n"},
        {"a whole message for them",
         V MULTI("mixed", "b") "\n--b\nContent-Type: message/global\n\nSubject: \xc3\xb1\n" UTF8
                               "\nuno dos tres\n--b--\n",
         V MULTI("mixed", "b") "\n--b\nContent-Type: message/global\n" QP
                               "\nSubject: =C3=B1\nContent-Type: "
                               "text/plain; charset=3Dutf-8\n\nuno dos tres\n--b--\n"},
        {"signed, and ASCII, beside what is not",
         V MULTI("mixed", "a") "\n--a\n" MULTI("signed", "b") EIGHT
         "\n--b\n\none\n--b--\n--a\n" UTF8 "\n\xc3\xb1o no no no\n--a--\n",
         V MULTI("mixed", "a") "\n--a\n" MULTI("signed", "b") EIGHT
         "\n--b\n\none\n--b--\n--a\n" UTF8 QP "\n=C3=B1o no no no\n--a--\n"},
    };
    struct buf message, out;

    (void)state;
    buf_init(&message, OUT_MAX);
    buf_init(&out, OUT_MAX);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        if (mime_seven_bit_put(&out, with_crlf(rows[i].message, &message)) != MIME_SEVEN_BIT_OK ||
            !is(buf_slice(&out), rows[i].expected))
            fail_msg("%s", rows[i].why);
    }
    buf_clear(&message);
    buf_clear(&out);
}

static void
what_may_not_be_changed_is_refused(void **state) /* rfc1847#2.1-a rfc2045#6.4-a */
{
    static const struct {
        const char *why, *message;
        enum mime_seven_bit result;
    } rows[] = {
        {"a subject", "Subject: \xc3\xb1\n\nx\n", MIME_SEVEN_BIT_HEADER},
        {"the header of a part",
         MULTI("mixed", "b") "\n--b\nContent-Description: \xc3\xb1\n\nx\n--b--\n",
         MIME_SEVEN_BIT_HEADER},
        {"signed", MULTI("signed", "b") "\n--b\n\n\xc3\xb1\n--b--\n", MIME_SEVEN_BIT_SIGNED},
        {"signed, deeper",
         MULTI("mixed", "a") "\n--a\n" MULTI("SIGNED", "b") "\n--b\n\n\xc3\xb1\n--b--\n--a--\n",
         MIME_SEVEN_BIT_SIGNED},
        {"an encoding nobody knows", "Content-Transfer-Encoding: x-uuencode\n\n\xc3\xb1\n",
         MIME_SEVEN_BIT_SHAPE},
        {"a container without parts", "Content-Type: multipart/mixed\n\n\xc3\xb1\n",
         MIME_SEVEN_BIT_SHAPE},
        {"a container that is encoded", QP MULTI("mixed", "b") "\n--b\n\n\xc3\xb1\n--b--\n",
         MIME_SEVEN_BIT_SHAPE},
        {"a container whose header ends in text",
         V MULTI("mixed", "b") "se\xc3\xb1or\nA: 1\n--b\n\none\n--b--\n", MIME_SEVEN_BIT_SHAPE},
        {"a report", "Content-Type: message/delivery-status\n\nAction: \xc3\xb1\n",
         MIME_SEVEN_BIT_SHAPE},
        {"a part of a message", "Content-Type: message/partial\n\nx\n\xc3\xb1\n",
         MIME_SEVEN_BIT_SHAPE},
        {"a boundary of UTF-8", MULTI("mixed", "*=utf-8''%C3%B1") "\n--x\n\xc3\xb1\n",
         MIME_SEVEN_BIT_SHAPE},
        {"such a boundary between parts",
         "Content-Type: multipart/mixed; "
         "boundary*=utf-8''%C3%B1\n\n--\xc3\xb1\n\nx\n--\xc3\xb1--\n",
         MIME_SEVEN_BIT_SHAPE},
    };
    struct buf message, out;

    (void)state;
    buf_init(&message, OUT_MAX);
    buf_init(&out, OUT_MAX);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (mime_seven_bit_put(&out, with_crlf(rows[i].message, &message)) != rows[i].result)
            fail_msg("%s", rows[i].why);
    buf_clear(&message);
    buf_clear(&out);
}

/* A line that is broken must not become a delimiter. */
static void
no_line_becomes_a_boundary(void **state)
{
    struct mime_part parts[8];
    struct buf message, out;

    (void)state;
    buf_init(&message, OUT_MAX);
    buf_init(&out, OUT_MAX);
    for (size_t before = 60; before < 80; before++) {
        buf_reset(&message);
        buf_reset(&out);
        buf_put_string(&message, MULTI("mixed", "b") "\r\n--b\r\n\r\n\xc3\xb1");
        for (size_t i = 0; i < before; i++)
            buf_put_byte(&message, 'x');
        buf_put_string(&message, "--b\r\n--b--\r\n");
        assert_int_equal(mime_seven_bit_put(&out, buf_slice(&message)), MIME_SEVEN_BIT_OK);
        assert_int_equal(mime_walk(buf_slice(&out), parts, COUNT(parts)), 2);
    }
    buf_clear(&message);
    buf_clear(&out);
}

static void
a_cap_holds_and_four_times_the_length_is_enough(void **state)
{
    const size_t size = 1 << 20;
    uint8_t *bytes = heap_take(size);
    struct buf out;

    (void)state;
    memset(bytes, 0xff, size);
    bytes[0] = '\r';
    bytes[1] = '\n';
    buf_init(&out, size);
    assert_int_equal(mime_seven_bit_put(&out, slice_make(bytes, size)), MIME_SEVEN_BIT_ROOM);
    buf_clear(&out);
    buf_init(&out, 4 * size);
    assert_int_equal(mime_seven_bit_put(&out, slice_make(bytes, size)), MIME_SEVEN_BIT_OK);
    buf_clear(&out);
    free(bytes);
}

static void
more_parts_than_are_looked_at_are_refused(void **state)
{
    struct buf message, out;

    (void)state;
    buf_init(&message, OUT_MAX);
    buf_init(&out, OUT_MAX);
    buf_put_string(&message, MULTI("mixed", "b") "\r\n");
    for (size_t i = 0; i < MIME_PARTS_MAX; i++)
        buf_put_string(&message, "--b\r\n\r\n\xc3\xb1\r\n");
    assert_int_equal(mime_seven_bit_put(&out, buf_slice(&message)), MIME_SEVEN_BIT_SHAPE);
    buf_clear(&message);
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_that_needs_it_is_encoded),
        cmocka_unit_test(what_may_not_be_changed_is_refused),
        cmocka_unit_test(no_line_becomes_a_boundary),
        cmocka_unit_test(a_cap_holds_and_four_times_the_length_is_enough),
        cmocka_unit_test(more_parts_than_are_looked_at_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
