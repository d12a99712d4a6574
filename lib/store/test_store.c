/* The store when nothing goes wrong: delivering, listing, deleting, compacting, limits. */
#include "store/test_store.h"

#include <fcntl.h>
#include <time.h>

static void
what_was_delivered_is_read_back(void **state)
{
    struct world *w = *state;

    for (uint64_t id = 1; id <= 50; id++)
        deliver(w, 7, id);
    assert_false(err_is(settle(w)));
    assert_int_equal(w->outcomes[STORE_DELIVERED], 50);
    assert_holds(w, 7, 1, 50);
    world_restart(w);
    assert_false(err_is(settle(w)));
    assert_holds(w, 7, 1, 50);
    assert_sound(w, 7);
}

static void
an_empty_message_is_one_too(void **state)
{
    struct world *w = *state;
    struct store_body *body = store_body_copy(SLICE(""));
    struct seen s;

    assert_int_equal(
        store_deliver(w->st, &(struct store_delivery){.account = 1, .id = 1, .body = body}),
        STORE_PENDING);
    store_body_put(body);
    settle(w);
    s = see(w, 1);
    assert_int_equal(s.listing.count, 1);
    assert_int_equal(s.entries[0].size, 0);
    seen_clear(&s);
    assert_sound(w, 1);
}

static void
an_account_without_mail_lists_as_empty_and_is_not_made(void **state)
{
    struct world *w = *state;
    struct seen s = see(w, 99);
    uint64_t bytes = 1, count = 1;

    assert_int_equal(s.listing.count, 0);
    assert_int_equal(s.listing.uidvalidity, 0);
    assert_false(err_is(store_usage(w->st, 99, &bytes, &count)));
    assert_int_equal(bytes + count, 0);
    assert_int_not_equal(access("63/99", F_OK), 0);
    seen_clear(&s);
}

static void
release_once(void *ctx)
{
    ++*(int *)ctx;
}

static void
one_body_serves_many_accounts(void **state)
{
    struct world *w = *state;
    int released = 0;
    struct store_body *body = store_body_borrow(SLICE("the same"), release_once, &released);

    for (uint64_t account = 1; account <= 300; account++)
        assert_int_equal(
            store_deliver(w->st,
                          &(struct store_delivery){.account = account, .id = 5, .body = body}),
            STORE_PENDING);
    store_body_put(body);
    assert_int_equal(released, 0);
    settle(w); /* more accounts than are kept open */
    assert_int_equal(released, 1);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 300);
    for (uint64_t account = 1; account <= 300; account++) {
        struct seen s = see(w, account);

        assert_int_equal(s.listing.count, 1);
        assert_int_equal(s.entries[0].size, 8);
        seen_clear(&s);
    }
}

static void
a_delivery_is_refused_the_second_time(void **state)
{
    struct world *w = *state;
    size_t removed;

    deliver(w, 1, 10);
    deliver(w, 1, 10);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 1);
    assert_int_equal(w->outcomes[STORE_DUPLICATE], 1);
    deliver(w, 1, 10);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DUPLICATE], 1);
    assert_false(err_is(store_expunge(w->st, 1, (uint64_t[]){1}, 1, &removed)));
    assert_int_equal(removed, 1);
    deliver(w, 1, 10);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DUPLICATE], 1);
    world_restart(w);
    deliver(w, 1, 10);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DUPLICATE], 1);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 0);
}

static void
ids_below_the_low_water_mark_are_forgotten(void **state)
{
    struct world *w = *state;

    deliver(w, 1, 10);
    settle(w);
    deliver_more(w, 1, 20, 15, 0);
    settle(w);
    deliver(w, 1, 10); /* the queue promised not to; the store does not remember */
    deliver(w, 1, 20);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 1);
    assert_int_equal(w->outcomes[STORE_DUPLICATE], 1);
}

static void
the_quota_counts_what_is_pending(void **state)
{
    struct world *w = *state;
    uint64_t one = text_of(26).len + strlen("Delivered-To: x\r\n"), bytes, count;

    deliver_more(w, 1, 26, 0, one * 2);
    deliver_more(w, 1, 8026, 0, one * 2); /* about as long */
    assert_false(err_is(store_usage(w->st, 1, &bytes, &count)));
    assert_int_equal(count, 2);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 1);
    assert_int_equal(w->outcomes[STORE_OVER_QUOTA], 1);
    deliver_more(w, 1, 26, 0, 1); /* full or not, it was delivered */
    deliver_more(w, 1, 8026, 0, 0);
    settle(w);
    assert_int_equal(w->outcomes[STORE_DUPLICATE], 1);
    assert_int_equal(w->outcomes[STORE_DELIVERED], 1);
}

static void
a_full_memory_says_busy_until_it_is_flushed(void **state)
{
    struct world *w = *state;
    uint64_t id = 0;

    w->config.pending_bytes = 100000;
    world_restart(w);
    do
        id++;
    while (deliver_more(w, id % 5 + 1, id, 0, 0) == STORE_PENDING);
    assert_in_range(store_pending(w->st), 90000, 100000);
    settle(w);
    assert_int_equal(store_pending(w->st), 0);
    assert_int_equal(w->outcomes[STORE_DELIVERED], id - 1);
    assert_int_equal(deliver_more(w, 1, id, 0, 0), STORE_PENDING);
}

static void
a_flush_can_be_held_to_some_accounts(void **state)
{
    struct world *w = *state;
    struct store_batch *first, *second;

    for (uint64_t account = 1; account <= 10; account++)
        deliver(w, account, 1);
    first = store_flush(w->st, 4);
    second = store_flush(w->st, 4);
    assert_false(err_is(store_batch_sync(first)));
    assert_false(err_is(store_batch_sync(second)));
    assert_false(err_is(store_batch_done(w->st, first, count_outcome, w)));
    assert_int_equal(w->outcomes[STORE_DELIVERED], 4);
    assert_false(err_is(store_batch_done(w->st, second, count_outcome, w)));
    assert_int_equal(w->outcomes[STORE_DELIVERED], 8);
    assert_true(store_settled(w->st, 8));
    assert_false(store_settled(w->st, 9));
}

static void
what_is_not_synced_is_not_listed(void **state)
{
    struct world *w = *state;
    struct store_batch *b;
    struct seen s;
    size_t removed;

    deliver(w, 1, 1);
    settle(w);
    deliver(w, 1, 2);
    b = store_flush(w->st, 0);
    assert_false(store_settled(w->st, 1));
    s = see(w, 1);
    assert_int_equal(s.listing.count, 1);
    seen_clear(&s);
    assert_false(err_is(store_expunge(w->st, 1, (uint64_t[]){2}, 1, &removed)));
    assert_int_equal(removed, 0);
    store_batch_sync(b);
    store_batch_done(w->st, b, NULL, NULL);
    assert_true(store_settled(w->st, 1));
    assert_holds(w, 1, 1, 2);
    deliver(w, 1, 3);
    assert_false(store_settled(w->st, 1));
}

static void
uids_outlive_restarts_and_are_not_used_again(void **state)
{
    struct world *w = *state;
    struct seen before, after;
    size_t removed;

    for (uint64_t id = 1; id <= 3; id++)
        deliver(w, 1, id);
    settle(w);
    before = see(w, 1);
    assert_false(err_is(store_expunge(w->st, 1, (uint64_t[]){3, 77}, 2, &removed)));
    assert_int_equal(removed, 1);
    world_restart(w);
    deliver(w, 1, 4);
    settle(w);
    after = see(w, 1);
    assert_int_equal(after.listing.uidvalidity, before.listing.uidvalidity);
    assert_int_equal(after.listing.count, 3);
    assert_int_equal(after.entries[1].uid, before.entries[1].uid);
    assert_int_equal(after.entries[2].uid, 4);
    seen_clear(&before);
    seen_clear(&after);
}

static void
a_pack_without_messages_goes_after_the_sync(void **state)
{
    struct world *w = *state;
    struct seen s;
    size_t removed;
    char byte;
    int fd;

    deliver(w, 1, 1);
    deliver(w, 1, 2);
    settle(w);
    s = see(w, 1);
    assert_false(err_is(store_pack_open_read(w->st, 1, 1, &fd)));
    assert_false(err_is(store_expunge(w->st, 1, (uint64_t[]){1, 2}, 2, &removed)));
    assert_int_equal(access("01/1/pack-1", F_OK), 0);
    settle(w);
    assert_int_not_equal(access("01/1/pack-1", F_OK), 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)s.entries[0].offset), 1);
    close(fd);
    seen_clear(&s);
    deliver(w, 1, 3);
    settle(w);
    assert_int_equal(access("01/1/pack-2", F_OK), 0);
    world_restart(w);
    settle(w);
    assert_holds(w, 1, 3, 3);
    assert_sound(w, 1);
}

static void
compaction_keeps_every_message(void **state)
{
    struct world *w = *state;
    uint64_t uids[100];
    size_t n = 0, removed;
    unsigned rounds;
    struct seen s;
    bool began;

    w->config.pack_bytes = 100000;
    world_restart(w);
    for (uint64_t id = 1; id <= 100; id++) {
        deliver(w, 1, id);
        settle(w);
    }
    for (uint64_t id = 1; id <= 100; id++)
        if (id % 10)
            uids[n++] = id;
    assert_false(err_is(store_expunge(w->st, 1, uids, n, &removed)));
    settle(w);
    for (rounds = 0;; rounds++) {
        assert_false(err_is(store_compact(w->st, 1, &began)));
        if (!began)
            break;
        assert_true(rounds < 10);
        if (rounds == 0) /* deleted between the two halves */
            assert_false(err_is(store_expunge(w->st, 1, (uint64_t[]){10}, 1, &removed)));
        deliver(w, 1, 101 + rounds);
        settle(w);
        assert_sound(w, 1);
    }
    assert_in_range(rounds, 1, 9);
    settle(w);
    assert_int_not_equal(access("01/1/pack-1", F_OK), 0);
    world_restart(w);
    settle(w);
    assert_sound(w, 1);
    s = see(w, 1);
    for (uint64_t id = 1; id <= 100; id++)
        assert_int_equal(times_seen(w, 1, &s, id), id % 10 || id == 10 ? 0 : 1);
    assert_int_equal(s.listing.count, 9 + rounds);
    seen_clear(&s);
}

static void
a_removed_account_begins_anew(void **state)
{
    struct world *w = *state;

    deliver(w, 1, 1);
    settle(w);
    deliver(w, 1, 2);
    assert_false(err_is(store_remove(w->st, 1)));
    assert_int_not_equal(access("01/1", F_OK), 0);
    settle(w);
    assert_int_equal(w->outcomes[STORE_FAILED], 1);
    assert_false(err_is(store_remove(w->st, 1)));
    deliver(w, 1, 1);
    settle(w);
    assert_holds(w, 1, 1, 1);
}

static void
accounts_of_a_living_process_are_locked(void **state)
{
    struct world *w = *state;
    struct store_config other;
    struct store *st = NULL;

    store_config_init(&other);
    assert_int_equal(store_open(&st, &other).kind, ERR_AGAIN);
    store_close(w->st);
    w->config.count = 2;
    w->config.index = 0;
    world_start(w);
    other.count = 2;
    other.index = 1;
    assert_false(err_is(store_open(&st, &other)));
    store_close(st);
    other.count = 3; /* a process that believes in another number */
    assert_int_equal(store_open(&st, &other).kind, ERR_AGAIN);
}

static bool
add_account(void *ctx, uint64_t account)
{
    *(uint64_t *)ctx += account;
    return true;
}

static void
all_accounts_are_walked_and_strange_files_left(void **state)
{
    struct world *w = *state;
    uint64_t sum = 0;

    for (uint64_t account = 250; account <= 260; account++)
        deliver(w, account, 1);
    settle(w);
    assert_int_equal(mkdir("fa/0250", 0700), 0);
    close(open("fa/250/README", O_CREAT | O_WRONLY, 0600));
    assert_false(err_is(store_each(w->st, add_account, &sum)));
    assert_int_equal(sum, 255 * 11);
    assert_false(err_is(store_check(w->st, 250, true, count_report, w)));
    assert_int_equal(w->found[STORE_FOUND_file_unknown], 1);
    assert_int_equal(access("fa/250/README", F_OK), 0);
}

static uint64_t
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
two_hundred_thousand_messages_list_at_once(void **state)
{
    enum { MESSAGES = 200000, A_TURN = 20000 };
    struct world *w = *state;
    struct store_body *body = store_body_copy(SLICE("Subject: x\r\n\r\n"));
    uint64_t began, *uids = heap_take(MESSAGES * sizeof(*uids));
    struct seen s;
    size_t removed;

    for (uint64_t id = 1; id <= MESSAGES; id++) {
        uids[id - 1] = id;
        assert_int_equal(store_deliver(w->st,
                                       &(struct store_delivery){
                                           .account = 1, .id = id, .low_water = id, .body = body}),
                         STORE_PENDING);
        if (id % A_TURN == 0)
            settle(w);
    }
    store_body_put(body);
    world_restart(w);
    settle(w);
    began = now_us();
    s = see(w, 1);
    print_message("200,000 messages listed in %u ms\n", (unsigned)((now_us() - began) / 1000));
    assert_int_equal(s.listing.count, MESSAGES);
    for (size_t i = 0; i < MESSAGES; i++)
        assert_int_equal(s.entries[i].uid, i + 1);
    seen_clear(&s);
    began = now_us();
    assert_false(err_is(store_expunge(w->st, 1, uids, MESSAGES, &removed)));
    print_message("200,000 messages deleted in %u ms\n", (unsigned)((now_us() - began) / 1000));
    assert_int_equal(removed, MESSAGES);
    free(uids);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_free)
    const struct CMUnitTest tests[] = {
        TEST(what_was_delivered_is_read_back),
        TEST(an_empty_message_is_one_too),
        TEST(an_account_without_mail_lists_as_empty_and_is_not_made),
        TEST(one_body_serves_many_accounts),
        TEST(a_delivery_is_refused_the_second_time),
        TEST(ids_below_the_low_water_mark_are_forgotten),
        TEST(the_quota_counts_what_is_pending),
        TEST(a_full_memory_says_busy_until_it_is_flushed),
        TEST(a_flush_can_be_held_to_some_accounts),
        TEST(what_is_not_synced_is_not_listed),
        TEST(uids_outlive_restarts_and_are_not_used_again),
        TEST(a_pack_without_messages_goes_after_the_sync),
        TEST(compaction_keeps_every_message),
        TEST(a_removed_account_begins_anew),
        TEST(accounts_of_a_living_process_are_locked),
        TEST(all_accounts_are_walked_and_strange_files_left),
        TEST(two_hundred_thousand_messages_list_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
