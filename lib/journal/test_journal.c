/* The journal's contract, and docs/journal.md row by row: what each state of the disk means to a
 * start. test_crash.c has the power cuts and the failing calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "journal/journal.h"
#include "journal/live.h"
#include "journal/record.h"
#include "journal/test_disk.h"

enum { IDS = 3000, RECIPIENTS = 8 };

/* A folder, the journal in it, and what its last start said. */
static struct {
    char path[32];
    int dirfd;
    struct journal *j;
    struct journal_config config;
    bool came[IDS];
    uint64_t when[IDS][RECIPIENTS]; /* 0: nothing was said */
    unsigned messages, troubles[JOURNAL_ASIDE + 1];
    struct journal_trouble trouble; /* the last one; its name is gone */
} t;

static void
on_message(void *ctx, const struct journal_message *m)
{
    (void)ctx;
    assert_in_range(m->id, 1, IDS - 1);
    assert_false(t.came[m->id]);
    t.came[m->id] = true;
    t.messages++;
}

static void
on_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    (void)ctx;
    assert_true(t.came[id]);
    assert_in_range(c->recipient, 0, RECIPIENTS - 1);
    assert_int_equal(t.when[id][c->recipient], 0);
    t.when[id][c->recipient] = c->when;
}

static void
on_trouble(void *ctx, const struct journal_trouble *trouble)
{
    (void)ctx;
    t.troubles[trouble->kind]++;
    t.trouble = *trouble;
}

static struct err
try_open(void)
{
    const struct journal_replay replay = {NULL, on_message, on_change, on_trouble};

    memset(t.came, 0, sizeof(t.came));
    memset(t.when, 0, sizeof(t.when));
    memset(t.troubles, 0, sizeof(t.troubles));
    t.messages = 0;
    return journal_open(&t.j, t.dirfd, &t.config, &replay);
}

static void
reopen(void)
{
    journal_close(t.j);
    t.j = NULL;
    assert_false(err_is(try_open()));
}

static int
begin(void **state)
{
    (void)state;
    disk_reset();
    memset(&t, 0, sizeof(t));
    t.dirfd = folder_new(t.path);
    t.config = (struct journal_config){
        .segment_bytes = JOURNAL_SEGMENT_LEAST, .tidy_segments = 1, .file = &disk_table};
    return err_is(try_open());
}

static int
end(void **state)
{
    (void)state;
    journal_close(t.j);
    folder_free(t.dirfd, t.path);
    disk_reset();
    return 0;
}

static uint8_t bytes[4 << 20];

static struct err
add(uint64_t id, size_t len)
{
    return journal_add(t.j, id, SLICE("envelope"), slice_make(bytes, len));
}

static void
put(uint64_t id, size_t len)
{
    assert_false(err_is(add(id, len)));
    assert_false(err_is(journal_commit(t.j)));
}

static void
change(uint64_t id, uint32_t recipient, uint64_t when)
{
    const struct journal_change c = {.recipient = recipient, .when = when, .reason = SLICE("why")};

    assert_false(err_is(journal_change(t.j, id, &c)));
}

static void
finish(uint64_t id)
{
    journal_done(t.j, id);
    assert_false(err_is(journal_commit(t.j)));
}

/* The names in the folder that begin so. */
static unsigned
count_names(const char *prefix)
{
    DIR *dir = fdopendir(openat(t.dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    unsigned n = 0;

    for (const struct dirent *d; (d = readdir(dir)) != NULL;)
        n += strncmp(d->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return n;
}

/* The first segment's file, open for a vandal. */
static int
open_first(char name[DISK_NAME])
{
    DIR *dir = fdopendir(openat(t.dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int fd;

    snprintf(name, DISK_NAME, "t");
    for (const struct dirent *d; (d = readdir(dir)) != NULL;)
        if (strncmp(d->d_name, "segment-", 8) == 0 && strcmp(d->d_name, name) < 0)
            snprintf(name, DISK_NAME, "%.63s", d->d_name);
    closedir(dir);
    fd = openat(t.dirfd, name, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* The journal as this one file alone, opened. */
static void
open_only(const char *name, const uint8_t *content, size_t n)
{
    int fd;

    journal_close(t.j);
    folder_empty(t.dirfd);
    fd = openat(t.dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(fd, content, n, 0), n);
    close(fd);
    assert_false(err_is(try_open()));
}

static void
flip(int fd, off_t at)
{
    uint8_t byte;

    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

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
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i >> 8);
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
    while (journal_idle(t.j))
        ;
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

/* ---- lives of segments ---- */

static void
dead_segments_are_used_again_and_few_are_kept(void **state)
{
    struct journal_stats stats;

    (void)state;
    for (uint64_t id = 1; id < 100; id++) {
        put(id, 20000);
        journal_done(t.j, id);
        while (journal_idle(t.j))
            ;
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
    while (journal_idle(t.j))
        ;
    assert_in_range(count_names("segment-"), 3, 4); /* the next one may be prepared */
    reopen();
    assert_true(t.came[1] && !t.came[2] && !t.came[3] && t.came[4]);
    finish(1);
    while (journal_idle(t.j))
        ;
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

static void
idle(void)
{
    while (journal_idle(t.j))
        ;
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
    while (journal_idle(t.j))
        ;
    reopen();
    assert_true(t.came[1]);
    assert_int_equal(t.messages, 1);
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

/* ---- what a start finds ---- */

static void
strangers_are_set_aside(void **state)
{
    static const char *const names[] = {
        "core",           "segment-0000000x-0000000000000000", "segment-00000001", "spare-1",
        "spare-00000000", "segment-ffffffff-0000000000000000"};
    char name[DISK_NAME];

    (void)state;
    put(1, 10);
    for (size_t i = 0; i < COUNT(names); i++)
        close(openat(t.dirfd, names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(mkdirat(t.dirfd, "segment-00000077-0000000000000000", 0700), 0);
    assert_int_equal(symlinkat("/etc/passwd", t.dirfd, "segment-00000078-0000000000000000"), 0);
    assert_int_equal(mkfifoat(t.dirfd, "segment-00000079-0000000000000000", 0600), 0);
    assert_int_equal(mkdirat(t.dirfd, "damaged-leave-me", 0700), 0);
    reopen();
    assert_int_equal(t.troubles[JOURNAL_ASIDE], COUNT(names) + 3);
    assert_true(t.came[1]);
    assert_int_equal(count_names("damaged-"), 1);
    assert_int_equal(count_names("core"), 0);
    reopen();
    assert_int_equal(t.troubles[JOURNAL_ASIDE], 0);
    journal_close(t.j);
    t.j = NULL;
    unlinkat(t.dirfd, "lock", 0);
    assert_int_equal(mkdirat(t.dirfd, "lock", 0700), 0); /* even the lock */
    assert_false(err_is(try_open()));
    assert_true(t.came[1]);
    /* a second copy of a segment, under another nonce: not ours to choose */
    snprintf(name, sizeof(name), "segment-00000001-0123456789abcdef");
    close(openat(t.dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    reopen();
    assert_int_equal(t.troubles[JOURNAL_ASIDE], 1);
}

static void
a_record_inside_a_body_is_only_text(void **state)
{
    struct buf forged;
    char name[DISK_NAME];
    int fd;

    (void)state;
    buf_init(&forged, 10000);
    record_put(&forged, (struct record){.type = RECORD_MESSAGE, .id = 66, .envelope = 2},
               SLICE("me, you"));
    put(1, 100);
    assert_false(err_is(journal_add(t.j, 2, SLICE("12345678"), buf_slice(&forged))));
    assert_false(err_is(journal_commit(t.j)));
    put(3, 100);
    fd = open_first(name);
    flip(fd, (off_t)record_bytes(108) + 3); /* the second header: its body is searched now */
    close(fd);
    buf_clear(&forged);
    reopen();
    assert_true(t.came[1] && !t.came[2] && t.came[3]);
    assert_int_equal(t.messages, 2);
    assert_int_equal(t.troubles[JOURNAL_DAMAGED], 1);
    assert_int_equal(t.trouble.offset, record_bytes(108));
}

/* Cut a small journal at each byte: what is whole stays, the rest is a torn tail or nothing. */
static void
a_file_cut_anywhere_keeps_what_is_whole(void **state)
{
    uint64_t ends[5] = {0};
    static uint8_t file[1200];
    char name[DISK_NAME];
    int fd;

    (void)state;
    for (uint64_t id = 1; id < 5; id++) {
        put(id, id * 50);
        ends[id] = ends[id - 1] + record_bytes(8 + id * 50);
    }
    fd = open_first(name);
    assert_int_equal(pread(fd, file, sizeof(file), 0), sizeof(file));
    close(fd);
    for (size_t cut = 0; cut < sizeof(file); cut++) {
        open_only(name, file, cut);
        for (uint64_t id = 1; id < 5; id++)
            assert_int_equal(t.came[id], ends[id] <= cut);
        assert_int_equal(t.troubles[JOURNAL_DAMAGED], 0);
    }
}

/* Flip a bit at each byte of a small journal: at most the record it is in is lost, and said so. */
static void
a_flipped_bit_costs_at_most_its_record(void **state)
{
    uint64_t ends[5] = {0};
    static uint8_t file[1200];
    char name[DISK_NAME];
    int fd;

    (void)state;
    for (uint64_t id = 1; id < 5; id++) {
        put(id, id * 30);
        ends[id] = ends[id - 1] + record_bytes(8 + id * 30);
    }
    fd = open_first(name);
    assert_int_equal(pread(fd, file, sizeof(file), 0), sizeof(file));
    close(fd);
    for (size_t at = 0; at < sizeof(file); at++) {
        file[at] ^= 0x10;
        open_only(name, file, sizeof(file));
        for (uint64_t id = 1; id < 5; id++) {
            bool hit = at >= ends[id - 1] && at < ends[id - 1] + RECORD_HEADER + 8 + id * 30;
            /* of the last one's header, if its magic or nonce is hit, nothing can be told */
            bool told = id < 4 || at >= ends[3] + 16 || (at >= ends[3] + 4 && at < ends[3] + 8);

            assert_int_equal(t.came[id], !hit);
            if (hit)
                assert_int_equal(t.troubles[id < 4 ? JOURNAL_DAMAGED : JOURNAL_TORN], told);
        }
        file[at] ^= 0x10;
    }
}

static void
after_an_orderly_stop_the_last_batch_cannot_be_torn(void **state)
{
    char name[DISK_NAME];
    int fd;

    (void)state;
    put(1, 100);
    put(2, 100);
    assert_false(err_is(journal_finish(t.j)));
    fd = open_first(name);
    flip(fd, (off_t)record_bytes(108) + 60);
    close(fd);
    reopen();
    assert_true(t.came[1] && !t.came[2]);
    assert_int_equal(t.troubles[JOURNAL_DAMAGED], 1);
    assert_int_equal(t.troubles[JOURNAL_TORN], 0);
    finish(1);
    while (journal_idle(t.j))
        ;
    assert_int_equal(count_names("damaged-"), 1); /* kept for people */
}

static void
a_lost_change_leaves_the_older_ones(void **state)
{
    uint64_t at;
    char name[DISK_NAME];
    int fd;

    (void)state;
    put(1, 100);
    for (uint64_t i = 1; i < 6; i++) {
        change(1, i % 3 ? 0 : 1, i); /* recipient 1 at 3, recipient 0 at 1 2 4 5 */
        assert_false(err_is(journal_commit(t.j)));
    }
    at = record_bytes(108) + 4 * record_bytes(RECORD_CHANGE_HEAD + 3);
    fd = open_first(name);
    flip(fd, (off_t)(at + 5)); /* the newest */
    reopen();
    assert_int_equal(t.when[1][0], 4);
    assert_int_equal(t.when[1][1], 3);
    flip(fd, (off_t)(at + 5));
    at -= record_bytes(RECORD_CHANGE_HEAD + 3);
    flip(fd, (off_t)(at + 5)); /* the one before: the chain is cut */
    reopen();
    assert_int_equal(t.when[1][0], 5);
    assert_int_equal(t.when[1][1], 3);
    assert_int_equal(t.troubles[JOURNAL_DAMAGED], 1);
    assert_false(err_is(journal_commit(t.j))); /* mended from here on */
    memset(t.when, 0, sizeof(t.when));
    assert_false(err_is(journal_changes(t.j, 1, on_change, NULL)));
    assert_int_equal(t.when[1][0], 5);
    assert_int_equal(t.when[1][1], 3);
    close(fd);
}

static ssize_t
read_but_one_page(int fd, void *to, size_t n, off_t at)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    if (st.st_size && at < 8192 && at + (off_t)n > 4096) {
        errno = EIO;
        return -1;
    }
    return pread(fd, to, n, at);
}

static void
an_unreadable_page_costs_what_lies_on_it(void **state)
{
    struct journal_file table = disk_table;

    (void)state;
    put(1, 3000);
    put(2, 3000); /* on the bad page */
    put(3, 3000); /* touches it */
    put(4, 3000);
    table.read = read_but_one_page;
    t.config.file = &table;
    reopen();
    assert_true(t.came[1] && !t.came[2] && !t.came[3] && t.came[4]);
    assert_int_equal(t.troubles[JOURNAL_UNREADABLE], 1);
    t.config.file = &disk_table;
    reopen(); /* it was the cable */
    assert_int_equal(t.messages, 4);
}

/* ---- parts ---- */

static void
headers_no_journal_writes_are_refused(void **state)
{
    static const struct {
        const char *why;
        struct record r;
        bool good;
    } rows[] = {
        {"a message", {RECORD_MESSAGE, 9, 1, 100, 10, 0, 0, 0}, true},
        {"another nonce", {RECORD_MESSAGE, 8, 1, 100, 10, 0, 0, 0}, false},
        {"no such type", {(enum record_type)7, 9, 1, 100, 10, 0, 0, 0}, false},
        {"type nought", {(enum record_type)0, 9, 1, 100, 10, 0, 0, 0}, false},
        {"a message without id", {RECORD_MESSAGE, 9, 0, 100, 10, 0, 0, 0}, false},
        {"more envelope than payload", {RECORD_MESSAGE, 9, 1, 100, 101, 0, 0, 0}, false},
        {"an envelope too large", {RECORD_MESSAGE, 9, 1, 64 << 20, 64 << 20, 0, 0, 0}, false},
        {"a change too short", {RECORD_CHANGE, 9, 1, 31, 0, 0, 0, 0}, false},
        {"a change", {RECORD_CHANGE, 9, 1, 32, 0, 0, 0, 0}, true},
        {"a change too long", {RECORD_CHANGE, 9, 1, 32 + 1025, 0, 0, 0, 0}, false},
        {"half a pair", {RECORD_DONE, 9, 0, 24, 0, 0, 0, 0}, false},
        {"done with an id", {RECORD_DONE, 9, 1, 16, 0, 0, 0, 0}, false},
        {"nothing done", {RECORD_DONE, 9, 0, 0, 0, 0, 0, 0}, false},
        {"half a void", {RECORD_VOID, 9, 0, 24, 0, 0, 0, 0}, false},
        {"an end", {RECORD_END, 9, 0, 0, 0, 0, 0, 0}, true},
        {"an end with more", {RECORD_END, 9, 0, 8, 0, 0, 0, 0}, false},
    };
    uint8_t header[RECORD_HEADER];
    struct record r;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        record_write(&rows[i].r, header);
        if (record_read(header, 9, &r) != rows[i].good)
            fail_msg("%s", rows[i].why);
        header[30] ^= 1;
        assert_false(record_read(header, 9, &r));
    }
}

static void
changes_keep_every_field(void **state)
{
    const struct record_change in = {
        {.recipient = JOURNAL_RECIPIENT_MAX - 1, .state = 255, .when = 1, .reason = SLICE("no")},
        {.segment = 7, .at = UINT64_C(1) << 34}};
    uint8_t room[RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX];
    struct record_change out;
    size_t n = record_change_write(&in, room);

    (void)state;
    assert_true(record_change_read(slice_make(room, n), &out));
    assert_int_equal(out.change.recipient, in.change.recipient);
    assert_int_equal(out.change.state, 255);
    assert_int_equal(out.change.when, 1);
    assert_true(slice_eq(out.change.reason, SLICE("no")));
    assert_int_equal(out.before.segment, 7);
    assert_true(out.before.at == in.before.at);
    room[2] = 0xff; /* a recipient beyond any */
    assert_false(record_change_read(slice_make(room, n), &out));
    assert_false(record_change_read(slice_make(room, RECORD_CHANGE_HEAD - 1), &out));
}

static void
the_table_knows_its_lowest_id(void **state)
{
    struct live_table table = {0};
    uint64_t low = 1, random = 1;

    (void)state;
    for (uint64_t id = 1; id <= 20000; id++) {
        live_put(&table, id);
        random = random * UINT64_C(6364136223846793005) + 1;
        if (random >> 62 && live_get(&table, (random >> 20) % id + 1))
            live_remove(&table, (random >> 20) % id + 1);
        while (low <= id && !live_get(&table, low))
            low++;
        assert_true(live_lowest(&table) == (low <= id ? low : UINT64_MAX));
    }
    while (live_lowest(&table) != UINT64_MAX)
        live_remove(&table, live_lowest(&table));
    assert_int_equal(table.count, 0);
    live_clear(&table);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

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
        TEST(dead_segments_are_used_again_and_few_are_kept),
        TEST(zeroing_ahead_never_stops_short_of_the_segment),
        TEST(notes_outlive_what_they_speak_about),
        TEST(a_copy_outlives_its_original),
        TEST(a_copy_outlives_its_original_after_a_start),
        TEST(a_long_wait_does_not_hold_what_comes_after),
        TEST(copying_forward_frees_the_oldest),
        TEST(a_void_outlives_the_abandoned_segment),
        TEST(a_void_is_carried_on),
        TEST(a_failing_disk_is_not_tried_for_ever),
        TEST(strangers_are_set_aside),
        TEST(a_record_inside_a_body_is_only_text),
        TEST(a_file_cut_anywhere_keeps_what_is_whole),
        TEST(a_flipped_bit_costs_at_most_its_record),
        TEST(after_an_orderly_stop_the_last_batch_cannot_be_torn),
        TEST(a_lost_change_leaves_the_older_ones),
        TEST(an_unreadable_page_costs_what_lies_on_it),
        cmocka_unit_test(headers_no_journal_writes_are_refused),
        cmocka_unit_test(changes_keep_every_field),
        cmocka_unit_test(the_table_knows_its_lowest_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
