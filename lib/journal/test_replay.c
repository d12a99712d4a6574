/* docs/journal.md section 5: what a start makes of what it finds; and the parts that read it.
 * test_crash.c has the power cuts and the failing calls. */
#include "journal/test_book.h"

#include "journal/live.h"
#include "journal/record.h"

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
    close(openat(t.dirfd, "more", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(renameat(t.dirfd, "aside", t.dirfd, "damaged-aside"), 0);
    close(openat(t.dirfd, "aside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); /* no folder any more */
    reopen();
    assert_int_equal(count_names("aside-more-"), 1);
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
    idle();
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

static off_t bad_page;

static ssize_t
read_but_one_page(int fd, void *to, size_t n, off_t at)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    if (st.st_size && at < bad_page + 4096 && at + (off_t)n > bad_page) {
        errno = EIO;
        return -1;
    }
    return pread(fd, to, n, at);
}

static void
an_unreadable_page_costs_what_lies_on_it(void **state)
{
    static struct journal_file table;

    (void)state;
    put(1, 3000);
    put(2, 3000); /* on the bad page */
    put(3, 3000); /* touches it */
    put(4, 3000);
    table = disk_table;
    table.read = read_but_one_page;
    bad_page = 4096;
    t.config.file = &table;
    reopen();
    assert_true(t.came[1] && !t.came[2] && !t.came[3] && t.came[4]);
    assert_int_equal(t.troubles[JOURNAL_UNREADABLE], 1);
    t.config.file = &disk_table;
    reopen(); /* it was the cable */
    assert_int_equal(t.messages, 4);
}

/* A commit of which power took the second half, and all that would have followed. */
static void
cut_the_commit(void)
{
    assert_true(journal_pending(t.j));
    disk.fail_from = disk.now;
    assert_true(err_is(journal_commit(t.j)));
    disk.fail_from = DISK_NEVER;
    reopen();
}

/* The first half of a set is a chain that looks as if it were all: it must lead on. */
static void
a_set_of_changes_that_is_not_whole_leaves_the_older_ones(void **state)
{
    (void)state;
    put(1, 20000);
    put(2, 50000); /* the second segment, where the changes go */
    for (uint32_t i = 0; i < 4; i++)
        change(1, i, i + 1);
    finish(2);
    for (uint64_t id = 3; id < 8; id++) {
        put(id, 50000);
        finish(id);
    }
    assert_true(journal_tidy(t.j)); /* carries them */
    for (int i = 0; i < 2; i++) {
        cut_the_commit();
        for (uint32_t k = 0; k < 4; k++)
            assert_int_equal(t.when[1][k], k + 1);
        change(1, 4, 5); /* if nothing is retold */
    }
}

/* A segment with one record, and with a message that lives on. */
static void
forge(uint32_t number, struct record r, struct slice payload, uint64_t live)
{
    char name[DISK_NAME];
    struct buf file;
    int fd;

    r.nonce = number;
    buf_init(&file, JOURNAL_SEGMENT_LEAST);
    record_put(&file, r, payload);
    if (live)
        record_put(&file, (struct record){.type = RECORD_MESSAGE, .nonce = number, .id = live},
                   slice_make(bytes, 20000));
    snprintf(name, sizeof(name), "segment-%08x-%016x", number, number);
    fd = openat(t.dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(fd, file.at, file.len, 0), file.len);
    assert_int_equal(ftruncate(fd, JOURNAL_SEGMENT_LEAST), 0);
    close(fd);
    buf_clear(&file);
}

/* Message 1 in the first segment, what a crash left of a batch in the second, a DONE in the third.
 */
static void
what_is_finished_stays_so_whatever_a_crash_left(void **state)
{
    static const struct {
        const char *why;
        struct record left;
        uint64_t named; /* by the DONE */
        uint32_t lives; /* the segment with a live message */
    } rows[] = {
        {"a copy that was never acknowledged", {.type = RECORD_COPY, .id = 1, .origin = 1}, 1, 2},
        {"a first try without its VOID", {.type = RECORD_MESSAGE, .id = 1}, 2, 1},
        {"a DONE without the COPY of its batch", {.type = RECORD_END}, 3, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows) * 2; i++) {
        const size_t row = i / 2;
        struct buf done;

        journal_close(t.j);
        folder_empty(t.dirfd);
        buf_init(&done, 16);
        record_pair_put(&done, (struct record_pair){1, rows[row].named});
        forge(1, (struct record){.type = RECORD_MESSAGE, .id = 1}, SLICE(""),
              rows[row].lives == 1 ? 2 : 0);
        forge(2, rows[row].left, SLICE(""), rows[row].lives == 2 ? 2 : 0);
        forge(3, (struct record){.type = RECORD_DONE}, buf_slice(&done), 0);
        buf_clear(&done);
        assert_false(err_is(try_open()));
        for (int k = 0; k < 5; k++) {
            if (t.messages != 1 || t.came[1])
                fail_msg("%s", rows[row].why);
            for (size_t steps = 1 + i % 2; steps-- > 0; idle()) {
                journal_tidy(t.j);
                assert_false(err_is(journal_commit(t.j)));
            }
            reopen();
        }
    }
}

/* A segment whose only records the disk does not give looks like one never written to. */
static void
an_unreadable_segment_is_kept_and_never_written_again(void **state)
{
    static struct journal_file table;

    (void)state;
    put(1, 3000);
    table = disk_table;
    table.read = read_but_one_page;
    bad_page = 0;
    t.config.file = &table;
    reopen();
    assert_false(t.came[1]);
    put(2, 3000);
    idle();
    assert_int_equal(count_names("damaged-"), 1);
    t.config.file = &disk_table;
    reopen();
    assert_true(t.came[2]);
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
        {.segment = 7, .at = UINT64_C(1) << 34},
        3};
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
    assert_int_equal(out.whole, 3);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strangers_are_set_aside),
        TEST(a_record_inside_a_body_is_only_text),
        TEST(a_file_cut_anywhere_keeps_what_is_whole),
        TEST(a_flipped_bit_costs_at_most_its_record),
        TEST(after_an_orderly_stop_the_last_batch_cannot_be_torn),
        TEST(a_lost_change_leaves_the_older_ones),
        TEST(a_set_of_changes_that_is_not_whole_leaves_the_older_ones),
        TEST(what_is_finished_stays_so_whatever_a_crash_left),
        TEST(an_unreadable_page_costs_what_lies_on_it),
        TEST(an_unreadable_segment_is_kept_and_never_written_again),
        cmocka_unit_test(headers_no_journal_writes_are_refused),
        cmocka_unit_test(changes_keep_every_field),
        cmocka_unit_test(the_table_knows_its_lowest_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
