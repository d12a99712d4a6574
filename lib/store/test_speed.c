/* What the store costs. The bounds are far above what a quiet machine needs: they catch a wrong
 * turn, not a slow day (ext4 takes its time to give inodes out again that were freed a minute ago).
 * The numbers are printed. */
#include "store/test_store.h"

#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"

static uint64_t
cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

struct measure {
    uint64_t wall, cpu;
};

static struct measure
begin(void)
{
    return (struct measure){clock_now_us(), cpu_us()};
}

static void
end(struct measure m, const char *what, unsigned n, uint64_t most_cpu_us)
{
    uint64_t wall = clock_now_us() - m.wall, cpu = cpu_us() - m.cpu;

    print_message("%s: %.1f us and %.1f us of CPU each, %.0f/s\n", what, (double)wall / n,
                  (double)cpu / n, n * 1e6 / (double)(wall ? wall : 1));
    assert_in_range(cpu / n, 0, most_cpu_us);
}

/* Delivers n messages of `size` bytes round `accounts` accounts, flushing every `turn` bytes. */
static void
pour(struct world *w, unsigned n, unsigned accounts, size_t size, size_t turn)
{
    static uint64_t id;
    uint8_t *bytes = heap_take(size);
    struct store_body *body;
    struct store_delivery d = {.prefix = SLICE("Return-Path: <a@b.example>\r\n")};

    memset(bytes, 'x', size);
    body = store_body_copy(slice_make(bytes, size));
    d.body = body;
    for (unsigned i = 0; i < n; i++) {
        d.account = i % accounts + 1;
        d.id = ++id;
        d.low_water = id > 5000 ? id - 5000 : 0;
        assert_int_equal(store_deliver(w->st, &d), STORE_PENDING);
        if (store_pending(w->st) >= turn)
            settle(w);
    }
    settle(w);
    store_body_put(body);
    free(bytes);
}

static void
deliveries_into_a_hundred_accounts(void **state)
{
    enum { N = 30000 };
    struct world *w = *state;
    struct measure m;

    pour(w, 100, 100, 4096, SIZE_MAX);
    m = begin();
    pour(w, N, 100, 4096, (size_t)8 << 20);
    end(m, "4 KB into 100 accounts, flush every 8 MB", N, 250);
}

static void
deliveries_into_many_accounts(void **state)
{
    enum { N = 5000, ACCOUNTS = 500 };
    struct world *w = *state;
    struct measure m = begin();

    pour(w, ACCOUNTS, ACCOUNTS, 4096, (size_t)8 << 20);
    end(m, "first message of 500 new accounts, synced", ACCOUNTS, 20000);
    m = begin();
    pour(w, N, ACCOUNTS, 4096, (size_t)8 << 20);
    end(m, "4 KB into 500 accounts, 128 of them open", N, 5000);
}

static void
new_accounts_without_a_sync(void **state)
{
    enum { N = 300 };
    struct world *w = *state;
    struct store_body *body = store_body_copy(SLICE("x"));
    struct measure m;
    struct store_batch *b;

    for (uint64_t account = 1; account <= N; account++)
        store_deliver(w->st, &(struct store_delivery){.account = account, .id = 1, .body = body});
    store_body_put(body);
    m = begin();
    b = store_flush(w->st, 0);
    end(m, "creating an account with a message, unsynced", N, 20000);
    store_batch_sync(b);
    store_batch_done(w->st, b, NULL, NULL);
}

static void
small_mailboxes_polled(void **state)
{
    enum { N = 5000 };
    struct world *w = *state;
    struct measure m;

    pour(w, 1000, 100, 1000, SIZE_MAX);
    m = begin();
    for (unsigned i = 0; i < N; i++) {
        struct seen s = see(w, i % 100 + 1);

        seen_clear(&s);
    }
    end(m, "listing a mailbox of 10", N, 1000);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_free)
    const struct CMUnitTest tests[] = {
        TEST(new_accounts_without_a_sync),
        TEST(deliveries_into_a_hundred_accounts),
        TEST(deliveries_into_many_accounts),
        TEST(small_mailboxes_polled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
