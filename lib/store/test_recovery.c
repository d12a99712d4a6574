/* Walks the table of legal states in docs/store.md: processes killed at any moment, files as a
 * power loss may leave them, and files that disks or hands have damaged. */
#include "store/test_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { ACCOUNTS = 3, IDS = 200000 };

/* ---- a power loss ---- */

/* A whole file; at is NULL where there is none. */
struct file {
    uint8_t *at;
    size_t len;
};

static struct file
file_read(const char *path)
{
    struct file f = {0};
    struct stat s;
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return f;
    ensure(fstat(fd, &s) == 0);
    f.len = (size_t)s.st_size;
    f.at = heap_take(f.len + 1);
    ensure(read(fd, f.at, f.len) == (ssize_t)f.len);
    close(fd);
    return f;
}

static void
file_write(const char *path, const uint8_t *at, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ensure(fd >= 0 && write(fd, at, len) == (ssize_t)len);
    close(fd);
}

static void
shell(const char *command)
{
    ensure(system(command) == 0);
}

/* What a power loss may leave of a file that was `old` at the last sync and `now` after it: any
 * length between, and each page old, now or, where there was none, zero. */
static void
tear_file(const char *path, struct file old, struct file now, unsigned *seed)
{
    enum { PAGE = 4096 };
    size_t low = old.len < now.len ? old.len : now.len, len = low;

    if (!old.at && rand_r(seed) % 4 == 0) {
        unlink(path); /* not even its name arrived */
        return;
    }
    if (now.len > low)
        len = rand_r(seed) % 3 ? now.len : low + (size_t)rand_r(seed) % (now.len - low + 1);
    for (size_t at = 0; at < len; at += PAGE) {
        size_t n = len - at < PAGE ? len - at : PAGE;

        if (rand_r(seed) % 3 != 0)
            continue;
        for (size_t i = at; i < at + n; i++)
            now.at[i] = i < old.len ? old.at[i] : 0;
    }
    file_write(path, now.at, len);
}

static void
tear_account(uint64_t account, unsigned *seed)
{
    char dir[32], path[300], before[310];
    DIR *d;

    snprintf(dir, sizeof(dir), "%02x/%u", (unsigned)account, (unsigned)account);
    d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        struct file old, now;

        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        snprintf(before, sizeof(before), "durable/%s", path);
        old = file_read(before);
        now = file_read(path);
        tear_file(path, old, now, seed);
        free(old.at);
        free(now.at);
    }
    if (d)
        closedir(d);
}

/* Runs fn in a process that ends as if it were killed. */
static void
in_child(struct world *w, void (*fn)(struct world *w, unsigned seed), unsigned seed)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        world_start(w);
        fn(w, seed);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Ids 1..20 are durable; 21..40 are written and never synced. Account 3 is new with the latter. */
static void
deliver_durably(struct world *w, unsigned seed)
{
    for (uint64_t id = 1; id <= 20; id++) {
        deliver(w, 1, id);
        deliver(w, 2, id);
        if ((id + seed) % 5 == 0)
            settle(w);
    }
    settle(w);
    if (seed % 2) { /* so that `synced` is on disk for all of it */
        deliver(w, 1, 20);
        settle(w);
    }
}

static void
deliver_without_sync(struct world *w, unsigned seed)
{
    for (uint64_t id = 21; id <= 40; id++) {
        for (uint64_t account = 1; account <= ACCOUNTS; account++)
            deliver(w, account, id);
        if ((id + seed) % 7 == 0)
            (void)store_flush(w->st, 0);
    }
    (void)store_flush(w->st, 0);
}

static void
replay(struct world *w, uint64_t first, uint64_t last)
{
    for (uint64_t id = first; id <= last; id++)
        for (uint64_t account = 1; account <= ACCOUNTS; account++)
            deliver(w, account, id);
    assert_false(err_is(settle(w)));
    assert_int_equal(w->outcomes[STORE_DELIVERED] + w->outcomes[STORE_DUPLICATE],
                     (last + 1 - first) * ACCOUNTS);
}

static void
assert_once_each(struct world *w, uint64_t account, uint64_t first, uint64_t last)
{
    struct seen s = see(w, account);
    uint8_t *times = heap_take(IDS);

    for (size_t i = 0; i < s.listing.count; i++)
        times[id_of(w, account, &s.entries[i]) % IDS]++;
    for (uint64_t id = first; id <= last; id++)
        if (times[id] != 1)
            fail_msg("account %u holds message %u %u times", (unsigned)account, (unsigned)id,
                     times[id]);
    assert_int_equal(s.listing.count, last + 1 - first);
    free(times);
    seen_clear(&s);
}

/* VALIJA_ROUNDS makes the random tests longer. */
static unsigned
rounds_of(unsigned usual)
{
    const char *given = getenv("VALIJA_ROUNDS");

    return given ? (unsigned)strtoul(given, NULL, 10) : usual;
}

static void
a_power_loss_takes_nothing_that_was_synced_and_doubles_nothing(void **state)
{
    struct world *w = *state;
    unsigned rounds = rounds_of(40);

    store_close(w->st);
    w->st = NULL;
    w->config.pack_bytes = 30000;
    for (unsigned round = 0; round < rounds; round++) {
        unsigned seed = round;

        shell("rm -rf 01 02 03 durable");
        in_child(w, deliver_durably, round);
        shell("mkdir durable && cp -a 01 02 durable");
        in_child(w, deliver_without_sync, round);
        for (uint64_t account = 1; account <= ACCOUNTS; account++)
            tear_account(account, &seed);
        world_start(w);
        replay(w, 21, 40);
        assert_once_each(w, 1, 1, 40);
        assert_once_each(w, 2, 1, 40);
        assert_once_each(w, 3, 21, 40);
        for (uint64_t account = 1; account <= ACCOUNTS; account++)
            assert_false(err_is(store_check(w->st, account, true, count_report, w)));
        world_restart(w);
        settle(w);
        assert_once_each(w, 1, 1, 40);
        assert_once_each(w, 3, 21, 40);
        store_close(w->st);
        w->st = NULL;
    }
    assert_int_not_equal(w->found[STORE_FOUND_message_dropped], 0);
    assert_int_equal(w->found[STORE_FOUND_message_missing], 0);
    assert_int_equal(w->found[STORE_FOUND_message_damaged], 0);
}

static void
a_killed_process_leaves_what_the_queue_may_deliver_again(void **state)
{
    struct world *w = *state;

    store_close(w->st);
    in_child(w, deliver_durably, 1);
    in_child(w, deliver_without_sync, 1);
    world_start(w);
    assert_false(store_settled(w->st, 1)); /* a power loss could still take it */
    replay(w, 1, 40);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 20); /* account 3's first twenty */
    assert_once_each(w, 1, 1, 40);
    assert_sound(w, 1);
}

/* ---- kill -9 ---- */

enum { NEW = 0, TOLD, ACKNOWLEDGED, DELETED };

struct word {
    uint32_t id;
    uint32_t what; /* TOLD: will be delivered; ACKNOWLEDGED: durable; DELETED: will be deleted */
};

static int words = -1; /* the pipe to the parent */

static void
say(uint64_t id, uint32_t what)
{
    struct word word = {(uint32_t)id, what};

    ensure(write(words, &word, sizeof(word)) == sizeof(word));
}

static void
acknowledge(void *ctx, uint64_t account, uint64_t id, enum store_outcome outcome, struct err err)
{
    (void)ctx;
    (void)account;
    (void)err;
    if (outcome == STORE_DELIVERED || outcome == STORE_DUPLICATE)
        say(id, ACKNOWLEDGED);
}

/* Deletes every other message of account 1 and compacts it. */
static void
delete_some(struct world *w)
{
    struct seen s = see(w, 1);
    size_t removed;
    bool began;

    for (size_t i = 0; i < s.listing.count; i += 2) {
        say(id_of(w, 1, &s.entries[i]), DELETED);
        (void)store_expunge(w->st, 1, &s.entries[i].uid, 1, &removed);
    }
    seen_clear(&s);
    (void)store_compact(w->st, 1, &began);
}

static void
work_until_killed(struct world *w, uint64_t id, unsigned seed)
{
    for (;;) {
        struct store_batch *b;

        for (int n = rand_r(&seed) % 10 + 1; n > 0 && id < IDS; n--, id++) {
            say(id, TOLD);
            deliver(w, id % ACCOUNTS + 1, id);
        }
        b = store_flush(w->st, (size_t)rand_r(&seed) % 4);
        (void)store_batch_sync(b);
        (void)store_batch_done(w->st, b, acknowledge, NULL);
        if (rand_r(&seed) % 8 == 0)
            delete_some(w);
    }
}

/* One life: what it said goes into told[]. Returns the first id it did not tell of. */
static uint64_t
live_and_die(struct world *w, uint8_t *told, uint64_t id, unsigned seed)
{
    struct word word;
    int ends[2], status;
    pid_t pid;

    ensure(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        words = ends[1];
        world_start(w);
        work_until_killed(w, id, seed);
    }
    close(ends[1]);
    usleep((useconds_t)rand_r(&seed) % 30000);
    fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
    ensure(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    while (read(ends[0], &word, sizeof(word)) == sizeof(word)) {
        if (word.id < IDS && word.what > told[word.id])
            told[word.id] = (uint8_t)word.what;
        if (word.what == TOLD)
            id = word.id + 1;
    }
    close(ends[0]);
    return id;
}

static void
whoever_is_killed_at_whatever_moment_keeps_what_was_acknowledged(void **state)
{
    struct world *w = *state;
    unsigned lives = rounds_of(40);
    uint8_t *told = heap_take(IDS);
    uint64_t end = 1;

    store_close(w->st);
    w->st = NULL;
    w->config.pack_bytes = 50000;
    for (unsigned life = 0; life < lives; life++)
        end = live_and_die(w, told, end, life + 1);
    world_start(w);
    for (uint64_t id = 1; id < end; id++)
        if (told[id] == TOLD)
            deliver(w, id % ACCOUNTS + 1, id);
    assert_false(err_is(settle(w)));
    for (uint64_t account = 1; account <= ACCOUNTS; account++) {
        struct seen s = see(w, account);
        uint8_t *times = heap_take(IDS);

        for (size_t i = 0; i < s.listing.count; i++)
            times[id_of(w, account, &s.entries[i])]++;
        assert_int_equal(times[0], 0);
        for (uint64_t id = 1; id < end; id++)
            if (id % ACCOUNTS + 1 == account)
                assert_in_range(times[id], told[id] == DELETED ? 0 : 1, 1);
        free(times);
        seen_clear(&s);
        assert_false(err_is(store_check(w->st, account, false, count_report, w)));
    }
    /* What was being written at a kill is garbage; nothing else is wrong. */
    w->found[STORE_FOUND_pack_garbage] = 0;
    for (size_t i = 0; i < STORE_FINDING_COUNT; i++)
        assert_int_equal(w->found[i], 0);
    print_message("%u messages in %u lives\n", (unsigned)end - 1, lives);
    free(told);
}

/* ---- damaged files ---- */

static void
fill(struct world *w)
{
    for (uint64_t id = 1; id <= 30; id++)
        deliver(w, 1, id);
    settle(w);
    deliver(w, 1, 31); /* writes what is known to be synced */
    settle(w);
    store_close(w->st);
    w->st = NULL;
}

static void
open_again(struct world *w)
{
    memset(w->found, 0, sizeof(w->found));
    world_start(w);
    if (!store_settled(w->st, 1))
        settle(w);
}

static void
a_lost_or_broken_index_is_built_again(void **state)
{
    static const struct {
        const char *why, *command;
        enum store_finding finding;
    } rows[] = {
        {"no index", "rm 01/1/index.db*", STORE_FOUND_index_missing},
        {"only its WAL", "rm 01/1/index.db", STORE_FOUND_index_missing},
        {"empty", ": > 01/1/index.db; rm 01/1/index.db-wal", STORE_FOUND_index_missing},
        {"another file", "echo hello > 01/1/index.db", STORE_FOUND_index_damaged},
        {"head gone",
         "dd if=/dev/zero of=01/1/index.db bs=4096 count=1 conv=notrunc 2>&-; "
         "rm 01/1/index.db-wal",
         STORE_FOUND_index_damaged},
        {"no tables",
         "rm 01/1/index.db*; sqlite3 01/1/index.db 'create table x(y);"
         "pragma user_version=1'",
         STORE_FOUND_index_damaged},
        {"no INBOX", "sqlite3 01/1/index.db 'delete from mailboxes'", STORE_FOUND_index_damaged},
    };
    struct world *w = *state;

    store_close(w->st);
    for (size_t i = 0; i < COUNT(rows); i++) {
        shell("rm -rf 01");
        world_start(w);
        fill(w);
        shell(rows[i].command);
        memset(w->found, 0, sizeof(w->found));
        world_start(w);
        replay(w, 31, 31);
        assert_holds(w, 1, 1, 31);
        if (w->found[rows[i].finding] != 1)
            fail_msg("%s: not reported", rows[i].why);
        assert_sound(w, 1);
        store_close(w->st);
    }
    world_start(w);
    assert_int_equal(system("ls 01/1/index.db.damaged-* >/dev/null"), 0);
}

static void
a_rebuilt_index_has_another_uidvalidity(void **state)
{
    struct world *w = *state;
    struct seen before, after;

    fill(w);
    open_again(w);
    before = see(w, 1);
    store_close(w->st);
    shell("rm 01/1/index.db*");
    sleep(1); /* it is a time in seconds */
    open_again(w);
    after = see(w, 1);
    assert_true(after.listing.uidvalidity > before.listing.uidvalidity);
    seen_clear(&before);
    seen_clear(&after);
}

static void
an_index_found_broken_in_use_is_built_again(void **state)
{
    struct world *w = *state;
    struct store_listing l;
    struct file f;

    for (uint64_t id = 1; id <= 3000; id++)
        deliver(w, 1, id);
    settle(w);
    store_close(w->st);
    shell("sqlite3 01/1/index.db 'pragma wal_checkpoint(truncate)' > /dev/null");
    f = file_read("01/1/index.db");
    memset(f.at + 9 * 4096, 0x55, 20 * 4096); /* leaves of messages and delivered, not the roots */
    file_write("01/1/index.db", f.at, f.len);
    free(f.at);
    world_start(w);
    settle(w);
    if (!err_is(store_mailbox_open(w->st, 1, &l)))
        close(l.fd);
    assert_false(store_settled(w->st, 1)); /* it was built again, and is not synced yet */
    settle(w);
    assert_once_each(w, 1, 1, 3000);
    assert_int_not_equal(w->found[STORE_FOUND_index_damaged], 0);
    assert_sound(w, 1);
}

static void
a_wal_cut_anywhere_loses_no_message(void **state)
{
    struct world *w = *state;
    struct file wal, index;

    fill(w);
    wal = file_read("01/1/index.db-wal");
    index = file_read("01/1/index.db");
    assert_int_not_equal(wal.len, 0);
    for (size_t cut = 0; cut < wal.len; cut += wal.len / 50 + 1) {
        file_write("01/1/index.db-wal", wal.at, cut);
        file_write("01/1/index.db", index.at, index.len);
        open_again(w);
        assert_once_each(w, 1, 1, 31);
        assert_sound(w, 1);
        store_close(w->st);
        w->st = NULL;
    }
    free(wal.at);
    free(index.at);
    world_start(w);
}

static void
an_older_index_learns_what_is_newer(void **state)
{
    struct world *w = *state;

    fill(w);
    shell("cp -a 01/1 old");
    world_start(w);
    for (uint64_t id = 32; id <= 40; id++)
        deliver(w, 1, id);
    settle(w);
    store_close(w->st);
    shell("cp old/index.db* 01/1");
    open_again(w);
    assert_once_each(w, 1, 1, 40);
}

static void
any_byte_of_the_index_may_flip(void **state)
{
    enum { FLIPS = 100 };
    struct world *w = *state;
    struct file index;
    unsigned seed = 1;

    fill(w);
    shell("sqlite3 01/1/index.db 'pragma wal_checkpoint(truncate)' > /dev/null; cp -a 01/1 good");
    index = file_read("01/1/index.db");
    for (unsigned i = 0; i < FLIPS; i++) {
        size_t at = (size_t)rand_r(&seed) % index.len;
        struct store_listing l = {.fd = -1};
        struct err err;

        shell("rm -rf 01/1 && cp -a good 01/1");
        index.at[at] ^= (uint8_t)(1 << i % 8);
        file_write("01/1/index.db", index.at, index.len);
        index.at[at] ^= (uint8_t)(1 << i % 8);
        world_start(w);
        settle(w);
        err = store_mailbox_open(w->st, 1, &l);
        if (l.fd >= 0)
            close(l.fd);
        /* Once repaired it is sound and takes mail; only a later version is not touched. */
        err = store_check(w->st, 1, true, count_report, w);
        if (err.kind != ERR_PERMANENT) {
            (void)store_check(w->st, 1, true, count_report, w);
            assert_sound(w, 1);
            deliver(w, 1, 1000);
            settle(w);
            assert_int_equal(w->outcomes[STORE_DELIVERED], 1);
        }
        store_close(w->st);
        w->st = NULL;
    }
    free(index.at);
    world_start(w);
}

static void
a_flipped_byte_of_a_message_is_reported_and_kept(void **state)
{
    struct world *w = *state;
    struct file pack;
    struct seen s;

    fill(w);
    pack = file_read("01/1/pack-1");
    pack.at[16 + 32 + 20] ^= 1;
    file_write("01/1/pack-1", pack.at, pack.len);
    free(pack.at);
    open_again(w);
    assert_false(err_is(store_check(w->st, 1, true, count_report, w)));
    assert_int_equal(w->found[STORE_FOUND_message_damaged], 1);
    assert_int_equal(w->found[STORE_FOUND_pack_garbage], 1);
    s = see(w, 1);
    assert_int_equal(s.listing.count, 31);
    assert_int_equal(id_of(w, 1, &s.entries[0]), 0);
    assert_int_equal(id_of(w, 1, &s.entries[1]), 2);
    seen_clear(&s);
}

static void
a_pack_without_its_head_is_read_with_the_index_and_mended(void **state)
{
    struct world *w = *state;
    struct file pack;

    fill(w);
    pack = file_read("01/1/pack-1");
    memset(pack.at, 0, 16);
    file_write("01/1/pack-1", pack.at, pack.len);
    free(pack.at);
    open_again(w);
    assert_once_each(w, 1, 1, 31);
    assert_false(err_is(store_check(w->st, 1, true, count_report, w)));
    assert_int_equal(w->found[STORE_FOUND_pack_garbage], 1);
    store_close(w->st);
    shell("rm 01/1/index.db*");
    open_again(w);
    assert_once_each(w, 1, 1, 31);
}

static void
damage_in_a_pack_costs_one_message_of_a_rebuilt_index(void **state)
{
    struct world *w = *state;
    struct file pack;

    fill(w);
    pack = file_read("01/1/pack-1");
    pack.at[16 + 26] ^= 1; /* the first entry's length */
    file_write("01/1/pack-1", pack.at, pack.len);
    free(pack.at);
    shell("rm 01/1/index.db*");
    open_again(w);
    assert_once_each(w, 1, 2, 31);
}

static void
a_pack_cut_short_costs_what_was_behind_the_cut(void **state)
{
    struct world *w = *state;
    struct seen s;

    fill(w);
    open_again(w);
    s = see(w, 1);
    store_close(w->st);
    assert_int_equal(truncate("01/1/pack-1", (off_t)s.entries[20].offset + 5), 0);
    open_again(w);
    assert_false(err_is(store_check(w->st, 1, true, count_report, w)));
    assert_int_equal(w->found[STORE_FOUND_message_missing],
                     11 - w->found[STORE_FOUND_message_dropped]);
    assert_once_each(w, 1, 1, 20);
    assert_false(err_is(store_check(w->st, 1, true, count_report, w)));
    deliver(w, 1, 50);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 1);
    seen_clear(&s);
}

static void
repair_finds_a_row_its_message_again(void **state)
{
    struct world *w = *state;

    fill(w);
    shell("sqlite3 01/1/index.db 'update messages set offset=offset+1 where delivery=7;"
          "update messages set pack=9 where delivery=8; update packs set count=5;"
          "delete from messages where delivery=9; delete from delivered where id=9;"
          "update mailboxes set bytes=1'");
    open_again(w);
    assert_false(err_is(store_check(w->st, 1, false, count_report, w)));
    assert_int_equal(w->found[STORE_FOUND_message_missing], 2);
    assert_int_equal(w->found[STORE_FOUND_message_orphan], 1);
    assert_true(w->found[STORE_FOUND_index_differs] > 0);
    assert_false(err_is(store_check(w->st, 1, true, count_report, w)));
    assert_int_equal(w->found[STORE_FOUND_message_saved], 3);
    settle(w);
    assert_once_each(w, 1, 1, 31);
    assert_sound(w, 1);
}

static void
what_is_not_understood_is_left_alone(void **state)
{
    struct world *w = *state;
    struct store_listing l;

    fill(w);
    shell("sqlite3 01/1/index.db 'pragma user_version=2'");
    shell("mkdir -p 02/2 && echo strange > 02/2/pack-5");
    world_start(w);
    assert_int_equal(store_mailbox_open(w->st, 1, &l).kind, ERR_PERMANENT);
    deliver(w, 1, 50);
    deliver(w, 2, 50);
    settle(w);
    assert_int_equal(w->outcomes[STORE_FAILED], 1);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 1); /* one account's trouble is its own */
    assert_int_equal(system("test $(cat 02/2/pack-5) = strange"), 0);
    assert_int_equal(access("02/2/pack-6", F_OK), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_free)
    const struct CMUnitTest tests[] = {
        TEST(a_power_loss_takes_nothing_that_was_synced_and_doubles_nothing),
        TEST(a_killed_process_leaves_what_the_queue_may_deliver_again),
        TEST(whoever_is_killed_at_whatever_moment_keeps_what_was_acknowledged),
        TEST(a_lost_or_broken_index_is_built_again),
        TEST(a_rebuilt_index_has_another_uidvalidity),
        TEST(an_index_found_broken_in_use_is_built_again),
        TEST(a_wal_cut_anywhere_loses_no_message),
        TEST(an_older_index_learns_what_is_newer),
        TEST(any_byte_of_the_index_may_flip),
        TEST(a_flipped_byte_of_a_message_is_reported_and_kept),
        TEST(a_pack_without_its_head_is_read_with_the_index_and_mended),
        TEST(damage_in_a_pack_costs_one_message_of_a_rebuilt_index),
        TEST(a_pack_cut_short_costs_what_was_behind_the_cut),
        TEST(repair_finds_a_row_its_message_again),
        TEST(what_is_not_understood_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
