/* What is put is found by each of its names; what is too much, too old or damaged goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/verdict.h"
#include "key.h"
#include "shelf.h"

enum { DAY = 86400, NOW = 1800000000 };
#define SESSION UINT64_C(217000000000000001)
#define MESSAGE UINT64_C(217000000000000002)

static char folder[32];

static void
remove_files(void)
{
    DIR *here = opendir(".");
    const struct dirent *e;

    while (here && (e = readdir(here)))
        unlink(e->d_name);
    if (here)
        closedir(here);
}

static int
enter(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/valija-test-XXXXXX");
    ensure(mkdtemp(folder) && chdir(folder) == 0);
    return 0;
}

static int
leave(void **state)
{
    (void)state;
    remove_files();
    return chdir("/") || rmdir(folder);
}

static void
open_shelf(struct shelf *s)
{
    *s = (struct shelf){.bytes_max = UINT64_C(1) << 30, .days = 30};
    shelf_open(s);
}

static const struct trace_event received = {
    .time = UINT64_C(1800000000000001),
    .kind = TRACE_received,
    .session = SESSION,
    .message = MESSAGE,
    .client = {(const uint8_t *)"192.0.2.1", 9},
    .sender = {(const uint8_t *)"Ivy@Away.example", 16},
    .recipient = {(const uint8_t *)"ana@here.example", 16},
    .message_id = {(const uint8_t *)"A.1@away.example", 16},
    .account = UINT64_MAX,
};

struct found {
    uint64_t places[4096];
    uint64_t threads[4096];
    size_t count, most;
};

static bool
note(void *ctx, uint64_t place, const struct trace_event *e)
{
    struct found *f = ctx;

    f->places[f->count] = place;
    f->threads[f->count++] = event_thread(e);
    return f->count < f->most;
}

static size_t
find(struct shelf *s, const char *what)
{
    static struct found f;

    f = (struct found){.most = COUNT(f.places)};
    shelf_find(s, slice_of(what), SHELF_NEWEST, note, &f);
    return f.count;
}

static bool
is_whole(void *ctx, uint64_t place, const struct trace_event *e)
{
    (void)place;
    *(bool *)ctx = e->time == received.time && e->kind == received.kind && e->session == SESSION &&
                   e->message == MESSAGE && e->account == UINT64_MAX &&
                   slice_eq(e->sender, received.sender) &&
                   slice_eq(e->message_id, received.message_id) && e->login.len == 0;
    return true;
}

static void
an_event_is_found_by_each_of_its_names_and_comes_back_whole(void **state)
{
    char reference[ID_REFERENCE_LEN + 1], session[ID_TEXT_LEN + 1], message[ID_TEXT_LEN + 1];
    char notice[ID_REFERENCE_LEN + 1];
    const struct {
        const char *why, *what;
        size_t count;
    } rows[] = {
        {"the reference", reference, 1},
        {"the session", session, 1},
        {"the message", message, 1},
        {"the message's own reference, as notices have it", notice, 1},
        {"the sender, in other letters", "ivy@away.EXAMPLE", 1},
        {"the recipient", "ana@here.example", 1},
        {"the Message-ID", "a.1@AWAY.example", 1},
        {"a part of an address", "ana", 0},
        {"nothing", "", 0},
        {"another address", "bob@here.example", 0},
        {"the client is no name", "192.0.2.1", 0},
    };
    struct shelf s;
    bool whole = false;

    (void)state;
    open_shelf(&s);
    id_reference(SESSION, reference);
    id_reference(MESSAGE, notice);
    id_format(SESSION, session);
    id_format(MESSAGE, message);
    for (int reopened = 0; reopened < 2; reopened++) {
        if (!reopened)
            shelf_put(&s, &received, NOW);
        for (size_t i = 0; i < COUNT(rows); i++)
            if (find(&s, rows[i].what) != rows[i].count)
                fail_msg("%s, %d", rows[i].why, reopened);
        shelf_show(&s, MESSAGE, 0, is_whole, &whole);
        assert_true(whole);
        shelf_close(&s);
        open_shelf(&s);
    }
    assert_int_equal(s.count, 1);
    shelf_close(&s);
}

static void
put_many(struct shelf *s, uint64_t first, uint64_t count, uint64_t now)
{
    struct trace_event e = received;

    for (uint64_t i = first; i < first + count; i++) {
        e.message = i;
        shelf_put(s, &e, now);
    }
    shelf_commit(s);
    shelf_tidy(s, now);
}

static void
pages_go_on_where_the_last_one_ended_across_books(void **state)
{
    static struct found f;
    struct shelf s;
    uint64_t before = SHELF_NEWEST, expected = 250;

    (void)state;
    open_shelf(&s);
    for (uint64_t day = 0; day < 5; day++)
        put_many(&s, 1 + 50 * day, 50, NOW + day * DAY);
    assert_int_equal(s.count, 5);
    for (int page = 0; page < 36; page++) {
        f = (struct found){.most = 7};
        shelf_find(&s, received.sender, before, note, &f);
        for (size_t i = 0; i < f.count; i++)
            assert_int_equal(f.threads[i], expected--);
        before = f.places[f.count ? f.count - 1 : 0];
    }
    assert_int_equal(expected, 0);
    shelf_close(&s);
}

/* Forwards and other servers' users have no mailbox, but are found by their addresses too. */
static void
what_became_of_a_message_elsewhere_is_found_from_all_sides(void **state)
{
    const uint64_t notice = MESSAGE + 1;
    const struct trace_event events[] = {
        received,
        {.kind = TRACE_attempt, .message = MESSAGE, .recipient = SLICE("Bob@There.example")},
        {.kind = TRACE_failed, .message = MESSAGE, .recipient = SLICE("Bob@There.example")},
        {.kind = TRACE_notified, .message = MESSAGE, .session = notice},
        {.kind = TRACE_written, .message = notice, .session = MESSAGE},
    };
    char id[ID_TEXT_LEN + 1], reference[ID_REFERENCE_LEN + 1], of_notice[ID_TEXT_LEN + 1];
    const struct {
        const char *why, *what;
        size_t count;
    } rows[] = {
        {"the other server's user", "bob@there.example", 2},
        {"the message: and its notice", id, 5},
        {"its reference: the same", reference, 5},
        {"the notice: and its message", of_notice, 2},
    };
    struct shelf s;

    (void)state;
    open_shelf(&s);
    for (size_t i = 0; i < COUNT(events); i++)
        shelf_put(&s, &events[i], NOW);
    id_format(MESSAGE, id);
    id_reference(MESSAGE, reference);
    id_format(notice, of_notice);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (find(&s, rows[i].what) != rows[i].count)
            fail_msg("%s: %zu", rows[i].why, find(&s, rows[i].what));
    shelf_close(&s);
}

static void
all_of_a_thread_comes_in_order_and_nothing_else(void **state)
{
    static struct found f = {.most = 100};
    struct trace_event delivered = {.kind = TRACE_delivered, .message = MESSAGE};
    struct trace_event refused = {.kind = TRACE_refused, .session = SESSION};
    struct shelf s;

    (void)state;
    open_shelf(&s);
    shelf_put(&s, &refused, NOW);
    shelf_put(&s, &received, NOW);
    shelf_put(&s, &delivered, NOW + 3 * DAY);
    shelf_show(&s, MESSAGE, 0, note, &f);
    assert_int_equal(f.count, 2);
    assert_true(f.places[0] < f.places[1]);
    f.count = 0;
    shelf_show(&s, MESSAGE, f.places[0], note, &f);
    assert_int_equal(f.count, 1);
    f.count = 0;
    shelf_show(&s, SESSION, 0, note, &f);
    assert_int_equal(f.count, 1);
    shelf_close(&s);
}

static void
the_oldest_goes_when_there_is_too_much_or_its_time_is_over(void **state)
{
    struct shelf s;

    (void)state;
    open_shelf(&s);
    s.bytes_max = 4 << 20;
    for (uint64_t i = 0; i < 60; i++)
        put_many(&s, 1 + i * 500, 500, NOW);
    assert_true(s.bytes < (5 << 20) && s.count > 3);
    assert_int_equal(find(&s, "0000000000001"), 0); /* the first message's id */
    assert_true(s.kept == 60 * 500 && s.lost == 0);
    shelf_tidy(&s, NOW + 31 * DAY - 1);
    assert_true(s.count > 3);
    shelf_tidy(&s, NOW + 32 * DAY);
    assert_int_equal(s.count, 0);
    assert_int_equal(s.bytes, 0);
    put_many(&s, 1, 1, NOW + 32 * DAY);
    assert_int_equal(find(&s, "0000000000001"), 1);
    shelf_close(&s);
}

static void
a_clock_that_goes_back_loses_nothing(void **state)
{
    struct shelf s;

    (void)state;
    open_shelf(&s);
    put_many(&s, 1, 10, NOW);
    put_many(&s, 11, 10, NOW - 100 * DAY);
    put_many(&s, 21, 10, NOW + 2 * DAY);
    put_many(&s, 31, 10, NOW);
    assert_int_equal(find(&s, "ana@here.example"), 40);
    shelf_close(&s);
}

static void
write_over(uint64_t begun, const char *text)
{
    char name[32];
    FILE *f;

    snprintf(name, sizeof(name), "%llu.db", (unsigned long long)begun);
    f = fopen(name, "w");
    ensure(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
a_damaged_book_is_moved_aside_and_costs_no_other(void **state)
{
    static const struct {
        const char *why, *bytes;
    } rows[] = {
        {"no database", "this is no database at all, and long enough to be told from one ......."
                        "......................................................................"},
        {"a torn header", "SQLite format 3"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct shelf s;

        open_shelf(&s);
        put_many(&s, 1, 10, NOW);
        put_many(&s, 11, 10, NOW + 2 * DAY);
        put_many(&s, 21, 10, NOW + 4 * DAY);
        shelf_close(&s);
        write_over(NOW + 2 * DAY, rows[i].bytes);
        write_over(NOW + 4 * DAY, rows[i].bytes);
        open_shelf(&s);
        put_many(&s, 31, 1, NOW + 4 * DAY);
        print_message("%s\n", rows[i].why);
        assert_int_equal(find(&s, "ana@here.example"), 11);
        assert_int_equal(s.count, 2);
        assert_int_equal(access("damaged.db", F_OK), 0);
        shelf_close(&s);
        remove_files();
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_found_by_each_of_its_names_and_comes_back_whole,
                                        enter, leave),
        cmocka_unit_test_setup_teardown(pages_go_on_where_the_last_one_ended_across_books, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(what_became_of_a_message_elsewhere_is_found_from_all_sides,
                                        enter, leave),
        cmocka_unit_test_setup_teardown(all_of_a_thread_comes_in_order_and_nothing_else, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(the_oldest_goes_when_there_is_too_much_or_its_time_is_over,
                                        enter, leave),
        cmocka_unit_test_setup_teardown(a_clock_that_goes_back_loses_nothing, enter, leave),
        cmocka_unit_test_setup_teardown(a_damaged_book_is_moved_aside_and_costs_no_other, enter,
                                        leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
