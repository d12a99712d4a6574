/* Messages for servers that take 7 bits only, and those that cannot be sent there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seven.h"

#define VERSION "MIME-Version: 1.0\r\n"

/* rfc6152#3-b, rfc2045#6.4-a; expected NULL: it cannot be done */
static const struct row {
    const char *why, *message, *expected;
} rows[] = {
    {"a text",
     VERSION "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
             "Ma\xc3\xb1"
             "ana = bueno\r\n.\r\n",
     VERSION "Content-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: quoted-printable\r\n\r\nMa=C3=B1ana =3D bueno\r\n.\r\n"},
    {"nobody named its encoding", VERSION "Content-Type: text/plain\r\nSubject: x\r\n\r\n\xe9\r\n",
     VERSION "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n"
             "Subject: x\r\n\r\n=E9\r\n"},
    {"other octets", VERSION "Content-Type: image/png\r\n\r\n\x89PNG\r\n",
     VERSION "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K"},
    {"only the part that needs it",
     VERSION
     "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
     "before\r\n--b\r\n\r\n\xc3\xa9\r\n--b\r\nContent-Type: text/html\r\n\r\nplain\r\n--b--\r\n"
     "after\r\n",
     VERSION "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
             "before\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9\r\n--b\r\n"
             "Content-Type: text/html\r\n\r\nplain\r\n--b--\r\nafter\r\n"},
    {"a message in the message",
     VERSION "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" VERSION
             "Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe9\r\n",
     VERSION
     "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" VERSION
     "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n"},
    {"nothing to do", "Subject: x\r\n\r\nplain\r\n", "Subject: x\r\n\r\nplain\r\n"},
    {"nothing at all", "", ""},
    /* What has no name cannot be given one. */
    {"no MIME", "Subject: x\r\n\r\n\xe9\r\n", NULL},
    {"a type, and no MIME", "Content-Type: text/plain\r\n\r\n\xe9\r\n", NULL},
    {"a header field", VERSION "Content-Type: text/plain\r\nSubject: \xe9\r\n\r\nplain\r\n", NULL},
    {"a field of a part",
     VERSION "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-ID: \xe9\r\n\r\nx\r\n"
             "--b--\r\n",
     NULL},
    {"between the parts",
     VERSION "Content-Type: multipart/mixed; boundary=b\r\n\r\n\xe9\r\n--b\r\n\r\nx\r\n--b--\r\n",
     NULL},
    {"what is signed",
     VERSION "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xe9\r\n--b\r\n"
             "Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n",
     NULL},
    {"an encoding that has no such octets",
     VERSION "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n\xe9\r\n", NULL},
    {"an encoding nobody knows",
     VERSION "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-own\r\n\r\n\xe9\r\n", NULL},
    {"a report", VERSION "Content-Type: message/delivery-status\r\n\r\nAction: \xe9\r\n", NULL},
    {"a message in the message that is no MIME",
     VERSION "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n\xe9\r\n", NULL},
    {"parts without a boundary", VERSION "Content-Type: multipart/mixed\r\n\r\n\xe9\r\n", NULL},
    {"a body without a blank line before it",
     VERSION "Content-Type: text/plain\r\n\xe9 no field\r\n", NULL},
};

static void
messages_are_said_in_seven_bits(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        bool done;

        buf_reset(&out);
        done = seven_bit_put(&out, slice_of(r->message));
        if (done != (r->expected != NULL) ||
            (done && !slice_eq(buf_slice(&out), slice_of(r->expected))))
            fail_msg("%s: %.*s", r->why, (int)out.len, (const char *)buf_slice(&out).at);
    }
    buf_clear(&out);
}

static void
base64_comes_in_lines(void **state)
{
    struct buf in, out;

    (void)state;
    buf_init(&in, 4096);
    buf_init(&out, 4096);
    buf_put_string(&in, VERSION "Content-Type: a/b\r\n\r\n");
    for (int i = 0; i < 120; i++)
        buf_put_byte(&in, 0xff);
    assert_true(seven_bit_put(&out, buf_slice(&in)));
    for (struct slice rest = buf_slice(&out), line; slice_cut(&rest, '\n', &line);)
        assert_true(line.len <= 77);
    buf_clear(&in);
    buf_clear(&out);
}

static void
what_does_not_fit_is_not_sent(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 60);
    assert_false(seven_bit_put(&out, slice_of(rows[0].message)));
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_said_in_seven_bits),
        cmocka_unit_test(base64_comes_in_lines),
        cmocka_unit_test(what_does_not_fit_is_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
