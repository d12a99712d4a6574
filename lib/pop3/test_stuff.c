/* Dots, line ends and TOP, whole and cut at every byte on both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pop3/stuff.h"

/* Sends message in chunks of `in` bytes through an output of `room` bytes, into all. */
static void
send(struct slice message, uint64_t lines, size_t in, size_t room, struct buf *all)
{
    struct pop3_stuff t;
    struct buf out;

    buf_init(&out, room);
    pop3_stuff_init(&t, lines);
    while (message.len && !t.over) {
        size_t taken = pop3_stuff_feed(&t, slice_head(message, in), &out);

        assert_true(taken || out.len || t.over);
        message = slice_tail(message, taken);
        buf_put(all, buf_slice(&out));
        buf_reset(&out);
    }
    assert_true(pop3_stuff_end(&t, &out));
    buf_put(all, buf_slice(&out));
    buf_clear(&out);
}

/* rfc1939#3-d, rfc1939#7-b */
static void
messages_arrive_whole_however_they_are_cut(void **state)
{
    static const struct {
        const char *why, *message;
        uint64_t lines;
        const char *want;
    } rows[] = {
        {"nothing", "", POP3_ALL_LINES, ".\r\n"},
        {"a line", "a\r\n", POP3_ALL_LINES, "a\r\n.\r\n"},
        {"no line end at the end", "a", POP3_ALL_LINES, "a\r\n.\r\n"},
        {"a bare LF", "a\nb\n", POP3_ALL_LINES, "a\r\nb\r\n.\r\n"},
        {"an empty line with a bare LF", "\n\n", POP3_ALL_LINES, "\r\n\r\n.\r\n"},
        {"a bare CR is left alone", "a\rb\r\r\n", POP3_ALL_LINES, "a\rb\r\r\n.\r\n"},
        {"a CR at the end", "a\r", POP3_ALL_LINES, "a\r\r\n.\r\n"},
        {"a dot", ".", POP3_ALL_LINES, "..\r\n.\r\n"},
        {"dots at line starts", ".a\r\n..\r\nb.\r\n.\r\n", POP3_ALL_LINES,
         "..a\r\n...\r\nb.\r\n..\r\n.\r\n"},
        {"a dot after a bare LF", "a\n.\n", POP3_ALL_LINES, "a\r\n..\r\n.\r\n"},
        {"a dot after a bare CR", "a\r.\r\n", POP3_ALL_LINES, "a\r.\r\n.\r\n"},
        {"TOP 0", "h: 1\r\nh: 2\r\n\r\nb1\r\nb2\r\n", 0, "h: 1\r\nh: 2\r\n\r\n.\r\n"},
        {"TOP 1", "h: 1\r\n\r\n.b1\r\nb2\r\n", 1, "h: 1\r\n\r\n..b1\r\n.\r\n"},
        {"TOP 2 of 2", "h: 1\r\n\r\nb1\r\nb2\r\n", 2, "h: 1\r\n\r\nb1\r\nb2\r\n.\r\n"},
        {"TOP of more than there is", "h: 1\r\n\r\nb1", 9, "h: 1\r\n\r\nb1\r\n.\r\n"},
        {"TOP counts blank lines of the body", "h: 1\r\n\r\n\r\n\r\nb\r\n", 2,
         "h: 1\r\n\r\n\r\n\r\n.\r\n"},
        {"TOP without a body", "h: 1\r\n", 1, "h: 1\r\n.\r\n"},
        {"TOP without a header", "\r\nb1\r\nb2\r\n", 1, "\r\nb1\r\n.\r\n"},
        {"TOP with bare LFs", "h: 1\n\nb1\nb2\n", 1, "h: 1\r\n\r\nb1\r\n.\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t in = 1; in < 16; in++) {
            for (size_t room = 5; room < 40; room++) {
                struct buf all;

                buf_init(&all, 1000);
                send(slice_of(rows[i].message), rows[i].lines, in, room, &all);
                if (!slice_eq(buf_slice(&all), slice_of(rows[i].want)))
                    fail_msg("%s, in %zu, room %zu: %.*s", rows[i].why, in, room, (int)all.len,
                             (const char *)all.at);
                buf_clear(&all);
            }
        }
    }
}

static void
top_stops_reading_where_it_has_enough(void **state)
{
    static const char message[] = "h: 1\r\n\r\nb1\r\nb2\r\n";
    struct pop3_stuff t;
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    pop3_stuff_init(&t, 1);
    assert_int_equal(pop3_stuff_feed(&t, slice_of(message), &out), strlen("h: 1\r\n\r\nb1\r\n"));
    assert_true(t.over);
    buf_clear(&out);
}

static void
the_end_waits_for_room(void **state)
{
    struct pop3_stuff t;
    struct buf out;

    (void)state;
    buf_init(&out, 6);
    pop3_stuff_init(&t, POP3_ALL_LINES);
    assert_int_equal(pop3_stuff_feed(&t, SLICE("ab"), &out), 2);
    assert_false(pop3_stuff_end(&t, &out));
    assert_true(slice_eq(buf_slice(&out), SLICE("ab")));
    buf_reset(&out);
    assert_true(pop3_stuff_end(&t, &out));
    assert_true(slice_eq(buf_slice(&out), SLICE("\r\n.\r\n")));
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_whole_however_they_are_cut),
        cmocka_unit_test(top_stops_reading_where_it_has_enough),
        cmocka_unit_test(the_end_waits_for_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
