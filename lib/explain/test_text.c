/* Replies joined, the words of others told from those about them, addresses and hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "explain/explain_private.h"

static struct arena *arena;

static int
set_up(void **state)
{
    (void)state;
    arena = arena_new("test", 64 << 20);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void
expect(const char *why, struct slice got, const char *expected)
{
    if (!slice_eq(got, slice_of(expected)))
        fail_msg("%s: \"%.*s\"", why, (int)got.len,
                 (const char *)(got.len ? got.at : (const uint8_t *)""));
}

static void
lines_of_a_reply_become_one(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"550 5.1.1 no", "550 5.1.1 no"},
        {"550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n", "550 5.1.1 no such user"},
        {"550-no\n550 such user", "550 no 550 such user"},
        {"550-no\n550-such\n550 user", "550 no such 550 user"},
        {"550-5.1.1 no 550-5.1.1 such 550 5.1.1 user", "550 5.1.1 no such user"},
        {"no code\n at all ", "no code at all"},
        {"550 5.1.1", "550 5.1.1"},
        {"550", "550"},
        {"", ""},
        {"wait 550 seconds", "wait 550 seconds"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect(rows[i].text, reply_join(slice_of(rows[i].text), arena), rows[i].expected);
}

static void
the_remote_server_is_told_from_who_quotes_it(void **state)
{
    static const struct {
        const char *text, *reply, *remote;
    } rows[] = {
        {"host mx.example.com[192.0.2.1] said: 550 no (in reply to RCPT TO command)", "550 no",
         "mx.example.com"},
        {"192.0.2.1 does not like recipient.\nRemote host said: 550 no\nGiving up on 192.0.2.1.\n",
         "550 no", "192.0.2.1"},
        {"SMTP error from remote mail server after RCPT TO:<a@example.com>:\n"
         "    host mx.example.com [192.0.2.1]: 550 no",
         "550 no", "mx.example.com"},
        {"connect to mx.example.com[192.0.2.1]:25: Connection refused", "", "mx.example.com"},
        {"... while talking to mx.example.com.:\n>>> DATA\n<<< 550 no", "550 no", "mx.example.com"},
        {"host [192.0.2.1] said: 550 no", "550 no", "192.0.2.1"},
        {"host mx.example.com[192.0.2.1] refused to talk to me: 554 no", "554 no",
         "mx.example.com"},
        {"This is the mail system at host mail.example.org.", "", ""},
        {"It went wrong:\n550-no\n550 user\nSorry.", "550-no\n550 user", ""},
        {"--> RCPT To:<a@example.com>\n<-- 550 no\n--> QUIT", "550 no", ""},
        {"nothing of that", "", ""},
        {"", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect(rows[i].text, said_reply(slice_of(rows[i].text)), rows[i].reply);
        expect(rows[i].text, said_remote(slice_of(rows[i].text)), rows[i].remote);
    }
}

static void
addresses_are_found_in_text(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"to <ana@example.com>: no", "ana@example.com"},
        {"to ana@example.com.", "ana@example.com"},
        {"to 'ana@example.com'", "ana@example.com"},
        {"\"a b\"@example.com", "\"a b\"@example.com"},
        {"a+b=c@example.com", "a+b=c@example.com"},
        {"ana@[192.0.2.1] no", "ana@[192.0.2.1]"},
        {"jos\xc3\xa9@ma\xc3\xb1"
         "ana.example",
         "jos\xc3\xa9@ma\xc3\xb1"
         "ana.example"},
        {"\xe6\x94\xb6\xe4\xbb\xb6\xe4\xba\xba\xef\xbc\x9a"
         "ana@example.com\xe3\x80\x82",
         "ana@example.com"},
        {"\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.example",
         "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.example"},
        {"@example.com", ""},
        {"ana@", ""},
        {"@@@@", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice address = {NULL, 0}, rest;

        if (!text_find_address(slice_of(rows[i].text), &address, &rest))
            address = (struct slice){NULL, 0};
        expect(rows[i].text, address, rows[i].expected);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_a_reply_become_one),
        cmocka_unit_test(the_remote_server_is_told_from_who_quotes_it),
        cmocka_unit_test(addresses_are_found_in_text),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
