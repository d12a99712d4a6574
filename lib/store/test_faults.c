/* Disks that are full or fail, at every single system call of a scenario in turn. The functions
 * below stand in front of the C library's, for this room and for SQLite. */
#include "store/test_store.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* ---- the faulty disk ---- */

enum { SHORT_WRITE = -1 }; /* in place of an errno: half of it is written */

static struct {
    unsigned countdown; /* the call that fails; 0: none */
    int os;
    bool lasting; /* all that follow fail too */
    bool only_sync;
    unsigned struck;
} fault;

static bool
strikes(bool sync)
{
    if (fault.countdown == 0 || (fault.only_sync && !sync))
        return false;
    if (fault.countdown > 1) {
        fault.countdown--;
        return false;
    }
    fault.countdown = fault.lasting;
    fault.struck++;
    errno = fault.os;
    return true;
}

ssize_t
pwrite(int fd, const void *at, size_t n, off_t offset)
{
    if (strikes(false)) {
        if (fault.os != SHORT_WRITE)
            return -1;
        n = (n + 1) / 2;
    }
    return syscall(SYS_pwrite64, fd, at, n, offset);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
    if (strikes(false)) {
        if (fault.os != SHORT_WRITE)
            return -1;
        return syscall(SYS_pwrite64, fd, iov[0].iov_base, (iov[0].iov_len + 1) / 2, offset);
    }
    return syscall(SYS_pwritev, fd, iov, n, offset, 0);
}

int
ftruncate(int fd, off_t len)
{
    return strikes(false) && fault.os != SHORT_WRITE ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int
rename(const char *from, const char *to)
{
    return strikes(false) && fault.os != SHORT_WRITE ? -1 : (int)syscall(SYS_rename, from, to);
}

int
mkdir(const char *path, mode_t mode)
{
    return strikes(false) && fault.os != SHORT_WRITE ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

int
syncfs(int fd)
{
    return strikes(true) && fault.os != SHORT_WRITE ? -1 : (int)syscall(SYS_syncfs, fd);
}

int
fsync(int fd)
{
    return strikes(true) && fault.os != SHORT_WRITE ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
    return strikes(true) && fault.os != SHORT_WRITE ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static void
heal_disk(void)
{
    fault.countdown = 0;
}

static void
fail_nth(unsigned n, int os, bool lasting)
{
    fault.countdown = n;
    fault.os = os;
    fault.lasting = lasting;
    fault.only_sync = false;
    fault.struck = 0;
}

static void
fail_next_sync(void)
{
    fail_nth(1, EIO, false);
    fault.only_sync = true;
}

/* ---- scenarios ---- */

static const struct {
    const char *why;
    int os;
    bool lasting;
} disks[] = {
    {"full for a moment", ENOSPC, false}, {"full", ENOSPC, true},
    {"one bad write", EIO, false},        {"dead", EIO, true},
    {"short", SHORT_WRITE, false},
};

static void
restart_on(struct world *w, const char *copy)
{
    char command[100];

    store_close(w->st);
    w->st = NULL;
    snprintf(command, sizeof(command), "rm -rf 01 02; cp -a %s/. . 2>&-; true", copy);
    shell(command);
    world_start(w);
}

static bool delivered[3][200]; /* account and id: told to the queue as done */

static void
note_outcome(void *ctx, uint64_t account, uint64_t id, enum store_outcome outcome, struct err err)
{
    struct world *w = ctx;

    if (outcome <= STORE_DUPLICATE)
        delivered[account][id] = true;
    else if (err.kind != ERR_TEMPORARY && err.kind != ERR_LIMIT)
        fail_msg("for good: %s", err_text(err)); /* the queue would bounce it */
    w->outcomes[outcome]++;
}

static void
settle_noting(struct world *w)
{
    struct store_batch *b = store_flush(w->st, 0);

    (void)store_batch_sync(b);
    (void)store_batch_done(w->st, b, note_outcome, w);
}

static void
deliver_until_done(struct world *w, uint64_t first, uint64_t last)
{
    for (unsigned turn = 0; turn < 3; turn++) {
        for (uint64_t account = 1; account <= 2; account++)
            for (uint64_t id = first; id <= last; id++)
                if (!delivered[account][id])
                    deliver(w, account, id);
        settle_noting(w);
    }
}

static void
assert_all_there(struct world *w, uint64_t account, uint64_t first, uint64_t last)
{
    struct seen s;

    if (!store_settled(w->st, account))
        settle_noting(w);
    s = see(w, account);
    for (uint64_t id = first; id <= last; id++)
        if (times_seen(w, account, &s, id) != 1)
            fail_msg("account %u has message %u %u times after fault %d at call %u",
                     (unsigned)account, (unsigned)id, times_seen(w, account, &s, id), fault.os,
                     fault.struck);
    seen_clear(&s);
    assert_sound(w, account);
}

static void
every_fault_while_delivering_leaves_each_message_once(void **state)
{
    struct world *w = *state;

    for (uint64_t id = 1; id <= 5; id++)
        deliver(w, 1, id);
    settle(w);
    store_close(w->st);
    w->st = NULL;
    shell("mkdir before && cp -a 01 before");
    for (size_t d = 0; d < COUNT(disks); d++)
        for (unsigned n = 1;; n++) {
            bool struck;

            restart_on(w, "before");
            memset(delivered, 0, sizeof(delivered));
            fail_nth(n, disks[d].os, disks[d].lasting);
            for (uint64_t id = 6; id <= 9; id++) { /* account 2 is new */
                deliver(w, 1, id);
                deliver(w, 2, id);
                if (id % 2)
                    settle_noting(w);
            }
            heal_disk();
            struck = fault.struck > 0;
            deliver_until_done(w, 6, 9);
            assert_all_there(w, 1, 1, 9);
            assert_all_there(w, 2, 6, 9);
            world_restart(w);
            assert_all_there(w, 1, 1, 9);
            assert_all_there(w, 2, 6, 9);
            if (!struck) {
                print_message("%s: %u calls\n", disks[d].why, n - 1);
                break;
            }
        }
}

/* Deletes 1..8 of 12 messages that lie in small packs, compacts, folds. */
static void
delete_and_compact(struct world *w)
{
    size_t removed;
    bool began;

    (void)store_expunge(w->st, 1, (uint64_t[]){1, 2, 3, 4, 5, 6, 7, 8}, 8, &removed);
    settle_noting(w);
    (void)store_compact(w->st, 1, &began);
    settle_noting(w);
    deliver(w, 1, 13);
    settle_noting(w);
    settle_noting(w);
}

static void
every_fault_while_deleting_and_compacting_keeps_the_rest(void **state)
{
    struct world *w = *state;

    store_close(w->st);
    w->config.pack_bytes = 3000;
    world_start(w);
    for (uint64_t id = 1; id <= 12; id++) {
        deliver(w, 1, id);
        settle(w);
    }
    for (unsigned i = 0; i < 80; i++) { /* a WAL that is about to be folded */
        deliver(w, 1, 12);
        settle(w);
    }
    store_close(w->st);
    w->st = NULL;
    shell("mkdir before && cp -a 01 before");
    for (size_t d = 0; d < COUNT(disks); d++)
        for (unsigned n = 1;; n++) {
            bool struck;

            restart_on(w, "before");
            memset(delivered, 0, sizeof(delivered));
            fail_nth(n, disks[d].os, disks[d].lasting);
            delete_and_compact(w);
            heal_disk();
            struck = fault.struck > 0;
            if (!delivered[1][13])
                deliver(w, 1, 13);
            settle_noting(w);
            delete_and_compact(w); /* a duplicate of 13, the rest as if nothing had been */
            assert_all_there(w, 1, 9, 13);
            world_restart(w);
            assert_all_there(w, 1, 9, 13);
            if (!struck) {
                print_message("%s: %u calls\n", disks[d].why, n - 1);
                break;
            }
        }
}

/* ---- failed syncs ---- */

static ino_t
index_inode(void)
{
    struct stat s;

    ensure(stat("01/1/index.db", &s) == 0);
    return s.st_ino;
}

static void
a_failed_sync_gives_everything_back_and_is_not_repeated(void **state)
{
    struct world *w = *state;
    ino_t before;
    struct seen s;

    deliver(w, 1, 1);
    settle(w);
    before = index_inode();
    deliver(w, 1, 2);
    deliver(w, 2, 2);
    fail_next_sync();
    assert_int_equal(settle(w).kind, ERR_TEMPORARY);
    heal_disk();
    assert_int_equal(w->outcomes[STORE_FAILED], 2);
    assert_false(store_settled(w->st, 1)); /* taking 2 out is to be synced itself */
    settle(w);
    assert_holds(w, 1, 1, 1);
    assert_int_not_equal(index_inode(), before); /* written anew */
    assert_int_equal(w->found[STORE_FOUND_index_doubtful], 1);
    deliver(w, 1, 2);
    deliver(w, 2, 2);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 2);
    s = see(w, 1);
    assert_int_equal(s.listing.count, 2);
    assert_int_equal(s.entries[1].uid, 3); /* 2 is not given again */
    seen_clear(&s);
    assert_sound(w, 1);
    assert_sound(w, 2);
}

static void
a_failed_sync_fails_the_batches_under_way_too(void **state)
{
    struct world *w = *state;
    struct store_batch *first, *second, *third;

    deliver(w, 1, 1);
    first = store_flush(w->st, 0);
    deliver(w, 1, 2);
    second = store_flush(w->st, 0);
    fail_next_sync();
    assert_true(err_is(store_batch_sync(first)));
    assert_true(err_is(store_batch_sync(second)));
    deliver(w, 1, 3);
    third = store_flush(w->st, 0); /* began after the failure, written before it was known */
    assert_false(err_is(store_batch_sync(third)));
    assert_true(err_is(store_batch_done(w->st, third, count_outcome, w)));
    assert_true(err_is(store_batch_done(w->st, second, count_outcome, w)));
    deliver(w, 1, 4); /* written after: not concerned */
    assert_true(err_is(store_batch_done(w->st, first, count_outcome, w)));
    assert_int_equal(w->outcomes[STORE_FAILED], 3);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 1);
    assert_holds(w, 1, 4, 4);
    for (uint64_t id = 1; id <= 3; id++)
        deliver(w, 1, id);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 3);
    assert_sound(w, 1);
}

static void
an_account_whose_index_cannot_be_renewed_answers_later(void **state)
{
    struct world *w = *state;
    struct store_listing l;

    deliver(w, 1, 1);
    settle(w);
    deliver(w, 1, 2);
    fail_next_sync();
    settle(w);
    fail_nth(1, EIO, true);
    fault.only_sync = true;
    assert_true(err_is(store_mailbox_open(w->st, 1, &l)));
    heal_disk();
    assert_false(err_is(settle(w)));
    deliver(w, 1, 2);
    settle(w);
    assert_holds(w, 1, 1, 2);
    assert_sound(w, 1);
}

static void
a_doubtful_index_that_is_damaged_too_is_built_again(void **state)
{
    struct world *w = *state;

    deliver(w, 1, 1);
    settle(w);
    deliver(w, 1, 2);
    fail_next_sync();
    settle(w);
    heal_disk();
    shell("rm 01/1/index.db-wal; echo no index > 01/1/index.db");
    assert_false(store_settled(w->st, 1));
    settle(w);
    assert_holds(w, 1, 1, 1); /* 2 was given back to the queue */
    deliver(w, 1, 2);
    settle(w);
    assert_holds(w, 1, 1, 2);
    assert_sound(w, 1);
}

static void
a_doubtful_account_that_is_gone_is_forgotten(void **state)
{
    struct world *w = *state;

    deliver(w, 1, 1);
    fail_next_sync();
    settle(w);
    heal_disk();
    shell("rm -rf 01");
    deliver(w, 1, 1);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 1);
    assert_holds(w, 1, 1, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_free)
    const struct CMUnitTest tests[] = {
        TEST(every_fault_while_delivering_leaves_each_message_once),
        TEST(every_fault_while_deleting_and_compacting_keeps_the_rest),
        TEST(a_failed_sync_gives_everything_back_and_is_not_repeated),
        TEST(a_failed_sync_fails_the_batches_under_way_too),
        TEST(a_doubtful_index_that_is_damaged_too_is_built_again),
        TEST(a_doubtful_account_that_is_gone_is_forgotten),
        TEST(an_account_whose_index_cannot_be_renewed_answers_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
