/* Walks the table of legal states in docs/store.md: processes killed at any moment, files as a
 * power loss may leave them, and files that disks or hands have damaged. */
#include "store/test_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { ACCOUNTS = 3 };

/* ---- a power loss ---- */

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

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_free)
    const struct CMUnitTest tests[] = {
        TEST(a_power_loss_takes_nothing_that_was_synced_and_doubles_nothing),
        TEST(a_killed_process_leaves_what_the_queue_may_deliver_again),
        TEST(whoever_is_killed_at_whatever_moment_keeps_what_was_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
