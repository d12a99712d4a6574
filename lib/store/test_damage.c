/* Files that disks or hands have damaged: states 13 to 16 of docs/store.md, and worse. */
#include "store/test_store.h"

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
        deliver(w, 1, 31);
        assert_false(err_is(settle(w)));
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
