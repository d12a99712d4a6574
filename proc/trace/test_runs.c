/* The index beside a plain list of the same entries: every search finds the same events in the same
 * order, however the runs came to be merged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/slice.h"
#include "runs.h"

enum { ENTRIES_MAX = 20000, FOUND_MAX = 20000 };

struct world {
    sqlite3 *sqlite;
    struct runs runs;
    uint64_t model[ENTRIES_MAX];
    size_t count;
    uint32_t event;
};

struct found {
    uint32_t events[FOUND_MAX];
    size_t count, most;
};

static int
begin(void **state)
{
    struct world *w = heap_take(sizeof(*w));

    assert_int_equal(sqlite3_open(":memory:", &w->sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(w->sqlite, RUNS_SCHEMA, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(runs_open(&w->runs, w->sqlite), SQLITE_OK);
    *state = w;
    return 0;
}

static int
end(void **state)
{
    struct world *w = *state;

    runs_close(&w->runs);
    sqlite3_close(w->sqlite);
    free(w);
    return 0;
}

/* Some events of one commit, each under `keys_each` of the first `keys` keys. */
static void
put(struct world *w, size_t events, uint32_t keys, uint32_t keys_each)
{
    uint64_t entries[8192] = {0};
    size_t n = 0;

    for (size_t i = 0; i < events; i++) {
        uint32_t event = ++w->event, first = (uint32_t)rand() % keys;

        for (uint32_t k = 0; k < keys_each; k++)
            entries[n++] = runs_entry((first + k) % keys * 0x11111111u, event);
    }
    assert_true(n <= COUNT(entries) && w->count + n <= ENTRIES_MAX);
    memcpy(w->model + w->count, entries, n * sizeof(*entries));
    w->count += n;
    assert_int_equal(runs_put(&w->runs, entries, n), SQLITE_OK);
}

static bool
note(void *ctx, uint32_t event)
{
    struct found *f = ctx;

    assert_true(f->count < f->most);
    f->events[f->count++] = event;
    return f->count < f->most;
}

static void
find_in_model(const struct world *w, const uint32_t keys[2], uint32_t from, bool newest_first,
              struct found *f)
{
    for (uint32_t i = 0; i < w->event && f->count < f->most; i++) {
        uint32_t event = newest_first ? w->event - i : i + 1;
        bool is_there = false;

        if (newest_first ? event >= from : event <= from)
            continue;
        for (size_t at = 0; at < w->count && !is_there; at++)
            is_there = w->model[at] == runs_entry(keys[0], event) ||
                       w->model[at] == runs_entry(keys[1], event);
        if (is_there)
            f->events[f->count++] = event;
    }
}

static void
compare_search(struct world *w, uint32_t a, uint32_t b, uint32_t from, bool newest_first,
               size_t most)
{
    static struct found got, expected;
    uint32_t keys[2] = {a, b};

    got.count = expected.count = 0;
    got.most = expected.most = most;
    assert_int_equal(runs_find(&w->runs, keys, from, newest_first, note, &got), SQLITE_OK);
    find_in_model(w, keys, from, newest_first, &expected);
    assert_int_equal(got.count, expected.count);
    assert_memory_equal(got.events, expected.events, got.count * sizeof(*got.events));
}

static void
every_search_finds_what_a_plain_list_does(void **state)
{
    struct world *w = *state;

    srand(7);
    for (unsigned commits = 0; commits < 70; commits++)
        put(w, 1 + (size_t)rand() % 12, 5, 2);
    for (unsigned i = 0; i < 300; i++)
        compare_search(w, (uint32_t)rand() % 6 * 0x11111111u, (uint32_t)rand() % 6 * 0x11111111u,
                       (uint32_t)rand() % (w->event + 2), rand() % 2, 1 + (size_t)rand() % 400);
    compare_search(w, 0, 0, UINT32_MAX, true, FOUND_MAX);
    compare_search(w, UINT32_MAX, 0, 0, false, FOUND_MAX);
}

/* One key alone fills many leaves, whose ends fall everywhere. */
static void
a_key_may_span_leaves(void **state)
{
    static const size_t sizes[] = {1, RUNS_LEAF - 1, RUNS_LEAF, RUNS_LEAF + 1, 3 * RUNS_LEAF};
    struct world *w = *state;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        put(w, sizes[i], 1, 1);
        compare_search(w, 0, 0, UINT32_MAX, true, FOUND_MAX);
        compare_search(w, 0, 0x11111111u, 0, false, FOUND_MAX);
        for (uint32_t from = w->event; from + 3 > w->event && from > 0; from--) {
            compare_search(w, 0, 0, from, true, FOUND_MAX);
            compare_search(w, 0, 0, from, false, FOUND_MAX);
        }
    }
}

static void
there_are_few_runs_however_many_commits(void **state)
{
    struct world *w = *state;

    for (unsigned commits = 0; commits < 4 * RUNS_FAN * RUNS_FAN * RUNS_FAN; commits++) {
        put(w, 1, 3, 1);
        assert_true(w->runs.count <= 4 * RUNS_FAN);
    }
    compare_search(w, 0, 0x22222222u, 900, true, FOUND_MAX);
}

static void
what_is_rolled_back_was_never_there(void **state)
{
    struct world *w = *state;
    struct world before;

    for (unsigned commits = 0; commits < RUNS_FAN - 1; commits++)
        put(w, 3, 3, 2);
    before = *w;
    sqlite3_exec(w->sqlite, "BEGIN", NULL, NULL, NULL);
    put(w, 3, 3, 2); /* and so all are merged */
    assert_int_equal(w->runs.count, 1);
    sqlite3_exec(w->sqlite, "ROLLBACK", NULL, NULL, NULL);
    assert_int_equal(runs_read(&w->runs), SQLITE_OK);
    assert_int_equal(w->runs.count, RUNS_FAN - 1);
    w->count = before.count;
    w->event = before.event;
    compare_search(w, 0, 0x11111111u, UINT32_MAX, true, FOUND_MAX);
}

static void
a_damaged_leaf_is_said(void **state)
{
    static const char *const damages[] = {
        "UPDATE leaves SET entries=x'00'", "UPDATE leaves SET entries=zeroblob(8000)",
        "UPDATE leaves SET entries=x''",   "DELETE FROM leaves",
        "UPDATE runs SET leaves=4",        "UPDATE runs SET leaves=4000000000",
        "UPDATE runs SET leaves=0",        "UPDATE runs SET level=-1",
    };
    struct world *w = *state;
    uint32_t keys[2] = {0, 0};
    struct found f = {.most = 1};
    int code;

    put(w, 3, 1, 1);
    for (size_t i = 0; i < COUNT(damages); i++) {
        assert_int_equal(sqlite3_exec(w->sqlite, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(w->sqlite, damages[i], NULL, NULL, NULL), SQLITE_OK);
        code = runs_read(&w->runs);
        if (code == SQLITE_OK)
            code = runs_find(&w->runs, keys, UINT32_MAX, true, note, &f);
        assert_int_equal(code, SQLITE_CORRUPT);
        assert_int_equal(sqlite3_exec(w->sqlite, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_search_finds_what_a_plain_list_does, begin, end),
        cmocka_unit_test_setup_teardown(a_key_may_span_leaves, begin, end),
        cmocka_unit_test_setup_teardown(there_are_few_runs_however_many_commits, begin, end),
        cmocka_unit_test_setup_teardown(what_is_rolled_back_was_never_there, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_leaf_is_said, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
