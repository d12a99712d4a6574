/* The journal's contract: what it promises its owner, where room ends, how segments live and die.
 */
#include <pthread.h>

#include "journal/test_book.h"

/* ---- contract ---- */

static void
what_was_committed_comes_back(void **state)
{
    uint64_t envelope_len, body_len;

    (void)state;
    memcpy(bytes, "body", 4);
    put(1, 4);
    put(2, 0);
    put(3, 100);
    change(1, 0, 10);
    change(1, 3, 11);
    change(1, 0, 12);
    finish(2);
    assert_false(err_is(add(4, 5))); /* never committed */
    reopen();
    assert_int_equal(t.messages, 2);
    assert_true(t.came[1] && t.came[3]);
    assert_int_equal(t.when[1][0], 12);
    assert_int_equal(t.when[1][3], 11);
    assert_int_equal(t.when[1][1], 0);
    assert_true(journal_get(t.j, 1, &envelope_len, &body_len));
    assert_int_equal(envelope_len, 8);
    assert_int_equal(body_len, 4);
    assert_false(journal_get(t.j, 2, &envelope_len, &body_len));
}

static void
live_messages_are_read_by_id(void **state)
{
    char room[8] = "";
    uint64_t offset;
    int fd;

    (void)state;
    memcpy(bytes, "the body", 8);
    put(7, 8);
    assert_false(err_is(journal_read_envelope(t.j, 7, 2, room, 3)));
    assert_memory_equal(room, "vel", 3);
    assert_false(err_is(journal_read_body(t.j, 7, 4, room, 4)));
    assert_memory_equal(room, "body", 4);
    assert_true(err_is(journal_read_body(t.j, 7, 4, room, 5)));
    assert_true(err_is(journal_read_body(t.j, 7, UINT64_MAX, room, 2)));
    assert_true(err_is(journal_read_body(t.j, 8, 0, room, 1)));
    assert_false(err_is(journal_open_body(t.j, 7, &fd, &offset)));
    assert_int_equal(pread(fd, room, 8, (off_t)offset), 8);
    assert_memory_equal(room, "the body", 8);
    assert_int_equal(pwrite(fd, room, 8, (off_t)offset), -1); /* read-only */
    close(fd);
    finish(7);
    assert_true(err_is(journal_open_body(t.j, 7, &fd, &offset)));
}

static void
a_commit_is_one_write_and_one_sync(void **state)
{
    (void)state;
    put(1, 10); /* the first may have zeros to write */
    disk.syncs = disk.writes = 0;
    for (uint64_t id = 2; id < 50; id++)
        assert_false(err_is(add(id, 100)));
    change(1, 0, 1);
    journal_done(t.j, 1);
    assert_false(err_is(journal_commit(t.j)));
    assert_int_equal(disk.writes, 1);
    assert_int_equal(disk.syncs, 1);
    assert_false(journal_pending(t.j));
    assert_false(err_is(journal_commit(t.j)));
    assert_int_equal(disk.syncs, 1); /* nothing to do, nothing done */
}

static void
a_body_that_is_too_short_is_refused_alone(void **state)
{
    int fd = memfd_create("body", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(write(fd, "12345", 5), 5);
    assert_false(err_is(add(1, 10)));
    assert_int_equal(journal_add_file(t.j, 2, SLICE("e"), fd, 6).kind, ERR_MALFORMED);
    assert_int_equal(journal_add_file(t.j, 3, SLICE("e"), t.dirfd, 6).kind, ERR_TEMPORARY);
    assert_false(err_is(journal_add_file(t.j, 4, SLICE("e"), fd, 5)));
    assert_false(err_is(add(5, 10)));
    assert_int_equal(journal_batch_messages(t.j), 3);
    assert_false(err_is(journal_commit(t.j)));
    close(fd);
    reopen();
    assert_true(t.came[1] && t.came[4] && t.came[5]);
    assert_int_equal(t.messages, 3);
    assert_int_equal(t.troubles[JOURNAL_DAMAGED] + t.troubles[JOURNAL_TORN], 0);
}

static void
a_large_message_gets_a_segment_of_its_size(void **state)
{
    int fd = memfd_create("body", MFD_CLOEXEC);
    uint8_t last;

    (void)state;
    put(1, 10);
    put(2, sizeof(bytes));
    put(3, 10);
    assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
    assert_false(err_is(journal_add_file(t.j, 4, SLICE("e"), fd, sizeof(bytes))));
    assert_false(err_is(journal_commit(t.j)));
    close(fd);
    assert_int_equal(count_names("segment-"), 4);
    reopen();
    assert_int_equal(t.messages, 4);
    assert_false(err_is(journal_read_body(t.j, 4, sizeof(bytes) - 1, &last, 1)));
    assert_int_equal(last, bytes[sizeof(bytes) - 1]);
    assert_int_equal(add(5, 0).kind, ERR_NONE);
    assert_int_equal(journal_add_file(t.j, 6, SLICE("e"), 0, JOURNAL_BODY_MAX + 1).kind, ERR_LIMIT);
}

static void
a_full_batch_says_commit_first(void **state)
{
    struct err e = ERR_OK;
    uint64_t id = 1;

    (void)state;
    while (!err_is(e = add(id, 1000)))
        id++;
    assert_int_equal(e.kind, ERR_AGAIN);
    assert_false(err_is(journal_commit(t.j)));
    put(id, 1000);
    reopen();
    assert_int_equal(t.messages, id);
}

static void
waiting_changes_are_bounded(void **state)
{
    static const char reason[2 * JOURNAL_REASON_MAX];
    const struct journal_change c = {.when = 5,
                                     .reason = {(const uint8_t *)reason, sizeof(reason)}};
    struct err e = ERR_OK;
    unsigned n = 0;

    (void)state;
    put(1, 1);
    disk.fail_from = disk.now;
    while (!err_is(e = journal_change(t.j, 1, &c)) && n < 100000)
        n++;
    assert_int_equal(e.kind, ERR_LIMIT);
    assert_in_range(n, 10000, 20000);
    assert_true(err_is(journal_commit(t.j)));
    disk.fail_from = DISK_NEVER;
    assert_false(err_is(journal_commit(t.j)));
    reopen();
    assert_int_equal(t.when[1][0], 5);
}

static void
ids_that_are_not_live_are_ignored(void **state)
{
    (void)state;
    change(5, 0, 1);
    journal_done(t.j, 5);
    assert_false(journal_pending(t.j));
    put(1, 1);
    journal_done(t.j, 1);
    journal_done(t.j, 1);
    change(1, 0, 1);
    assert_false(err_is(journal_commit(t.j)));
    reopen();
    assert_int_equal(t.messages, 0);
}

static void
the_folder_belongs_to_one(void **state)
{
    struct journal *first = t.j;

    (void)state;
    assert_int_equal(try_open().kind, ERR_AGAIN);
    assert_null(t.j);
    t.j = first;
    reopen();
}

static void
low_water_counts_what_could_come_back(void **state)
{
    (void)state;
    assert_true(journal_low_water(t.j) == UINT64_MAX);
    assert_false(err_is(add(5, 1)));
    assert_int_equal(journal_low_water(t.j), 5); /* in the batch */
    assert_false(err_is(journal_commit(t.j)));
    put(6, 1);
    journal_done(t.j, 5);
    assert_int_equal(journal_low_water(t.j), 5); /* done, not durably */
    assert_false(err_is(journal_commit(t.j)));
    assert_int_equal(journal_low_water(t.j), 6);
    finish(6);
    assert_true(journal_low_water(t.j) == UINT64_MAX);
    assert_false(err_is(add(7, 1)));
    disk.fail_from = disk.now;
    assert_true(err_is(journal_commit(t.j)));
    assert_int_equal(journal_low_water(t.j), 7); /* refused, nobody wrote so yet */
    assert_true(journal_pending(t.j));
    disk.fail_from = DISK_NEVER;
    assert_false(err_is(journal_commit(t.j)));
    assert_true(journal_low_water(t.j) == UINT64_MAX);
    reopen();
    assert_int_equal(t.messages, 0);
}

/* ---- room ---- */

static void
a_full_disk_refuses_and_recovers_by_itself(void **state)
{
    uint64_t id = 1;

    (void)state;
    disk.failure = DISK_ENOSPC;
    for (; id < 40; id++) {
        struct err e;

        disk.fail_from = id > 5 && id < 35 ? disk.now : DISK_NEVER;
        e = add(id, 30000);
        if (err_is(e)) {
            assert_int_equal(e.kind, ERR_LIMIT);
            t.when[id][0] = 1;
        } else {
            e = journal_commit(t.j);
            t.when[id][0] = err_is(e);
        }
    }
    assert_int_equal(t.when[5][0], 0);
    assert_int_equal(t.when[30][0], 1);
    assert_int_equal(t.when[39][0], 0);
    for (id = 1; id < 40; id++)
        t.when[id][1] = t.when[id][0];
    reopen();
    assert_true(t.came[5] && !t.came[30] && t.came[39]);
}

static void
journal_bytes_is_a_cap_and_finishing_makes_room(void **state)
{
    uint64_t id = 1;
    struct journal_stats stats;

    (void)state;
    t.config.journal_bytes = 4 * JOURNAL_SEGMENT_LEAST;
    reopen();
    while (!err_is(add(id, 20000)) && !err_is(journal_commit(t.j)))
        id++;
    assert_int_equal(journal_room(t.j, 20000).kind, ERR_LIMIT);
    journal_stats_get(t.j, &stats);
    assert_true(stats.bytes <= t.config.journal_bytes);
    assert_in_range(stats.messages, 6, 14);
    for (uint64_t old = 1; old < id; old++) /* a full journal still takes notes */
        change(old, 1, old), journal_done(t.j, old);
    assert_false(err_is(journal_commit(t.j)));
    idle();
    for (uint64_t more = id + 1; more < id + 5; more++)
        put(more, 20000);
}

static void
reserve_bytes_stay_free(void **state)
{
    (void)state;
    t.config.reserve_bytes = 1000000;
    reopen();
    disk.free_bytes = 1000500;
    usleep(110000);
    assert_int_equal(journal_room(t.j, 600).kind, ERR_LIMIT);
    assert_int_equal(add(1, 600).kind, ERR_LIMIT);
    assert_int_equal(journal_room(t.j, 400).kind, ERR_NONE);
    disk.free_bytes = 2000000;
    usleep(110000); /* the answer holds for so long */
    put(2, 600);
}

static void *
write_aside(void *ctx)
{
    journal_commit_write(ctx);
    return NULL;
}

/* What valgrind or a thread sanitizer looks at: the owner goes on while a thread writes. */
static void
a_thread_may_write_while_the_owner_goes_on(void **state)
{
    (void)state;
    t.config.file = &journal_file_system;
    reopen();
    put(1, 100);
    for (uint64_t id = 2; id < 40; id++) {
        char room[8];
        pthread_t thread;

        assert_false(err_is(add(id, 5000)));
        change(1, 0, id);
        assert_true(journal_commit_begin(t.j));
        assert_int_equal(pthread_create(&thread, NULL, write_aside, t.j), 0);
        change(1, 1, id);
        journal_done(t.j, id); /* too early: ignored */
        journal_done(t.j, id - 1 > 1 ? id - 1 : 0);
        assert_false(err_is(journal_read_body(t.j, 1, 0, room, sizeof(room))));
        assert_int_equal(journal_room(t.j, 100).kind, ERR_NONE);
        assert_int_equal(journal_low_water(t.j), 1);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_false(err_is(journal_commit_end(t.j)));
    }
    assert_false(err_is(journal_commit(t.j)));
    reopen();
    assert_int_equal(t.messages, 2);
    assert_int_equal(t.when[1][0], 39);
    assert_int_equal(t.when[1][1], 39);
}

/* ---- lives of segments ---- */

static void
dead_segments_are_used_again_and_few_are_kept(void **state)
{
    struct journal_stats stats;

    (void)state;
    for (uint64_t id = 1; id < 100; id++) {
        put(id, 20000);
        journal_done(t.j, id);
        idle();
    }
    journal_stats_get(t.j, &stats);
    assert_in_range(stats.segments, 1, 3);
    assert_in_range(stats.spares, 0, 2);
    assert_int_equal(count_names("segment-"), stats.segments);
    assert_int_equal(count_names("spare-"), stats.spares);
    reopen();
    assert_int_equal(t.messages, 1); /* the last done was not committed */
    assert_int_equal(t.troubles[JOURNAL_TORN] + t.troubles[JOURNAL_DAMAGED], 0);
}

static void
zeroing_ahead_never_stops_short_of_the_segment(void **state)
{
    struct journal_stats stats;
    unsigned steps = 0;

    (void)state;
    t.config.segment_bytes = 8 << 20;
    folder_empty(t.dirfd);
    reopen();
    journal_stats_get(t.j, &stats);
    assert_in_range(stats.bytes, 1 << 20, 2 << 20); /* a start prepares little */
    while (journal_idle(t.j))
        steps++;
    journal_stats_get(t.j, &stats);
    assert_int_equal(stats.bytes, 8 << 20);
    assert_in_range(steps, 7, 8);
}

static void
notes_outlive_what_they_speak_about(void **state)
{
    (void)state;
    put(1, 20000); /* pins the first segment */
    put(2, 20000);
    put(3, 40000); /* the second begins */
    finish(2);     /* a DONE there, about the first */
    put(4, 40000); /* the third */
    finish(3);
    idle();
    assert_in_range(count_names("segment-"), 3, 4); /* the next one may be prepared */
    reopen();
    assert_true(t.came[1] && !t.came[2] && !t.came[3] && t.came[4]);
    finish(1);
    idle();
    reopen();
    assert_int_equal(t.messages, 1);
}

/* Which file holds it. */
static ino_t
file_of(uint64_t id)
{
    uint64_t offset;
    struct stat st;
    int fd;

    assert_false(err_is(journal_open_body(t.j, id, &fd, &offset)));
    assert_int_equal(fstat(fd, &st), 0);
    close(fd);
    return st.st_ino;
}

/* One of three is copied and finished; the other two keep its first record where it was. The copy's
 * segment is dead and has no notes, yet it must stay: what says DONE speaks about it alone. */
static void
hide_a_record(bool restart)
{
    enum { WHOLE = 3600000 }; /* two of these never share a segment, a third of one neither */
    uint64_t moved = 0, id;
    ino_t home;

    t.config.segment_bytes = 4 << 20;
    t.config.journal_bytes = 47 << 20; /* three quarters full: half empty segments are copied */
    folder_empty(t.dirfd);
    reopen();
    for (id = 1; id < 4; id++)
        put(id, 600000);
    idle();
    home = file_of(1);
    for (; id < 12; id++)
        put(id, WHOLE);
    assert_true(journal_tidy(t.j));
    assert_false(err_is(journal_commit(t.j)));
    for (uint64_t m = 1; m < 4; m++)
        if (file_of(m) != home)
            moved = m;
    assert_in_range(moved, 1, 3);
    put(12, WHOLE);
    finish(moved);
    finish(12);
    put(13, WHOLE);
    if (restart) {
        t.config.journal_bytes = 58 << 20;
        reopen();
    }
    for (int i = 0; i < 2; i++) {
        journal_tidy(t.j);
        assert_false(err_is(journal_commit(t.j)));
        idle();
    }
    reopen();
    assert_false(t.came[moved]);
    assert_int_equal(t.messages, 2 + 8 + 1);
}

static void
a_copy_outlives_its_original(void **state)
{
    (void)state;
    hide_a_record(false);
}

static void
a_copy_outlives_its_original_after_a_start(void **state)
{
    (void)state;
    hide_a_record(true);
}

/* One large message waits for days; what passes meanwhile must not stay because of it, though each
 * segment speaks about the one before. */
static void
a_long_wait_does_not_hold_what_comes_after(void **state)
{
    struct journal_stats stats;
    uint64_t id = 3;

    (void)state;
    put(1, 500000);
    put(2, 10);
    for (int run = 0; run < 3; run++) {
        for (uint64_t last = id + 100; id < last; id++) {
            put(id, 20000);
            journal_done(t.j, id); /* often lands in the next segment */
            change(1, (uint32_t)(id % 4), id);
            if (id % 10 == 0)
                for (int i = 0; i < 20 && (journal_tidy(t.j) || journal_idle(t.j)); i++)
                    assert_false(err_is(journal_commit(t.j)));
            journal_stats_get(t.j, &stats);
            assert_in_range(stats.segments, 1, 20); /* of 100 that passed */
        }
        assert_false(err_is(journal_commit(t.j)));
        reopen();
        assert_true(t.came[1] && t.came[2]);
        assert_int_equal(t.messages, 2);
        for (uint64_t i = 0; i < 4; i++)
            assert_int_equal(t.when[1][(id - 1 - i) % 4], id - 1 - i);
    }
}

static ssize_t
read_nothing(int fd, void *to, size_t n, off_t at)
{
    (void)fd, (void)to, (void)n, (void)at;
    errno = EIO;
    return -1;
}

/* What a DONE says must not be forgotten because the disk was out of reach for a moment. */
static void
a_segment_that_cannot_be_read_is_not_carried(void **state)
{
    static struct journal_file table;

    (void)state;
    table = disk_table;
    t.config.file = &table;
    reopen();
    put(1, 20000); /* pins the first segment */
    put(2, 20000);
    put(3, 40000);
    finish(2); /* a DONE in the second, about the first */
    finish(3);
    for (uint64_t id = 4; id < 10; id++) {
        put(id, 40000);
        finish(id);
    }
    for (int i = 0; i < 10; i++) {
        table.read = read_nothing;
        journal_tidy(t.j);
        table.read = disk_table.read;
        assert_false(err_is(journal_commit(t.j)));
        idle();
    }
    reopen();
    assert_true(t.came[1]);
    assert_int_equal(t.messages, 1);
}

static void
copying_forward_frees_the_oldest(void **state)
{
    uint64_t id = 3;
    struct journal_stats stats;

    (void)state;
    put(1, 3000);
    put(2, 3000);
    change(1, 2, 5);
    change(1, 2, 6);
    change(1, 0, 7);
    for (; id < 40; id++) {
        put(id, 20000);
        journal_done(t.j, id);
    }
    for (int i = 0; i < 100 && (journal_tidy(t.j) || journal_idle(t.j)); i++) {
        change(1, 3, (uint64_t)i + 100); /* at the same time as the copy */
        assert_false(err_is(journal_commit(t.j)));
    }
    journal_stats_get(t.j, &stats);
    assert_in_range(stats.segments, 1, 4);
    assert_int_equal(stats.messages, 2);
    reopen();
    assert_true(t.came[1] && t.came[2]);
    assert_int_equal(t.when[1][2], 6);
    assert_int_equal(t.when[1][0], 7);
    assert_in_range(t.when[1][3], 100, 200);
    assert_int_equal(t.when[1][1], 0);
}

/* The sync fails, the batch goes to the next segment; the first try's records stay void for as
 * long as their file is there. */
static void
a_void_outlives_the_abandoned_segment(void **state)
{
    (void)state;
    put(1, 10); /* keeps the first segment */
    assert_false(err_is(add(2, 10)));
    disk.fail_from = disk.now + 1; /* the sync */
    disk.fail_to = disk.now + 2;
    assert_false(err_is(journal_commit(t.j)));
    disk.fail_from = DISK_NEVER;
    finish(2);
    put(3, 40000);
    put(4, 40000); /* another segment: the one with the VOID could die */
    journal_done(t.j, 3);
    finish(4);
    idle();
    reopen();
    assert_true(t.came[1]);
    assert_int_equal(t.messages, 1);
}

/* The notes do not fit beside the message, but among them is what undoes the failed commit. */
static void
a_commit_that_works_has_undone_the_failed_one(void **state)
{
    (void)state;
    t.config.journal_bytes = 2 * JOURNAL_SEGMENT_LEAST;
    reopen();
    put(1, 10);
    assert_false(err_is(add(2, 10)));
    disk.fail_from = disk.now + 1; /* the sync, and all that follows */
    assert_true(err_is(journal_commit(t.j)));
    disk.fail_from = DISK_NEVER;
    for (uint64_t i = 0; i < 70; i++)
        change(1, 0, i + 1);
    assert_false(err_is(add(3, 60000)));
    if (err_is(journal_commit(t.j)))
        assert_false(err_is(journal_commit(t.j))); /* the notes alone have room */
    assert_int_equal(journal_low_water(t.j), 1);
    reopen();
    assert_true(t.came[1] && !t.came[2]);
}

static void
a_void_is_carried_on(void **state)
{
    (void)state;
    put(1, 40000);
    assert_false(err_is(add(2, 10)));
    disk.fail_from = disk.now + 1; /* the sync */
    disk.fail_to = disk.now + 2;
    assert_false(err_is(journal_commit(t.j)));
    disk.fail_from = DISK_NEVER;
    finish(2);
    for (uint64_t id = 3; id < 10; id++) {
        put(id, 40000);
        finish(id);
    }
    reopen(); /* now nobody knows that the first segment was abandoned */
    for (int i = 0; i < 10 && journal_tidy(t.j); i++) {
        assert_false(err_is(journal_commit(t.j)));
        idle();
    }
    assert_in_range(count_names("segment-"), 2, 5);
    reopen();
    assert_true(t.came[1]);
    assert_int_equal(t.messages, 1);
}

static void
a_failing_disk_is_not_tried_for_ever(void **state)
{
    (void)state;
    put(1, 10);
    disk.fail_from = disk.now;
    for (uint64_t id = 2; id < 100; id++)
        if (!err_is(add(id, 10)))
            assert_true(err_is(journal_commit(t.j)));
    assert_in_range(count_names("segment-"), 1, 20);
    disk.fail_from = DISK_NEVER;
    put(100, 10);
    reopen();
    assert_true(t.came[1] && t.came[100]);
    assert_int_equal(t.messages, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_committed_comes_back),
        TEST(live_messages_are_read_by_id),
        TEST(a_commit_is_one_write_and_one_sync),
        TEST(a_body_that_is_too_short_is_refused_alone),
        TEST(a_large_message_gets_a_segment_of_its_size),
        TEST(a_full_batch_says_commit_first),
        TEST(waiting_changes_are_bounded),
        TEST(ids_that_are_not_live_are_ignored),
        TEST(the_folder_belongs_to_one),
        TEST(low_water_counts_what_could_come_back),
        TEST(a_full_disk_refuses_and_recovers_by_itself),
        TEST(journal_bytes_is_a_cap_and_finishing_makes_room),
        TEST(reserve_bytes_stay_free),
        TEST(a_thread_may_write_while_the_owner_goes_on),
        TEST(dead_segments_are_used_again_and_few_are_kept),
        TEST(zeroing_ahead_never_stops_short_of_the_segment),
        TEST(notes_outlive_what_they_speak_about),
        TEST(a_copy_outlives_its_original),
        TEST(a_copy_outlives_its_original_after_a_start),
        TEST(a_long_wait_does_not_hold_what_comes_after),
        TEST(a_segment_that_cannot_be_read_is_not_carried),
        TEST(copying_forward_frees_the_oldest),
        TEST(a_void_outlives_the_abandoned_segment),
        TEST(a_commit_that_works_has_undone_the_failed_one),
        TEST(a_void_is_carried_on),
        TEST(a_failing_disk_is_not_tried_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
