/* Entries lie on disk as the numbers of this machine: a book is not carried to another. */
#include "runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "statement.h"

static const char *const texts[RUNS_STATEMENTS] = {
    [RUNS_LIST] = "SELECT run, level, leaves FROM runs ORDER BY run",
    [RUNS_PUT] = "INSERT INTO runs VALUES (?1, ?2, ?3)",
    [RUNS_DROP] = "DELETE FROM runs WHERE run>=?1",
    [RUNS_PUT_LEAF] = "INSERT INTO leaves VALUES (?1, ?2)",
    [RUNS_GET_LEAF] = "SELECT entries FROM leaves WHERE number=?1",
    [RUNS_DROP_LEAVES] = "DELETE FROM leaves WHERE number>=?1",
};

static int64_t
leaf_number(uint64_t run, uint32_t place)
{
    return (int64_t)(run << RUNS_LEAVES_BITS | place);
}

/* ---- what there is ---- */

static void
add(struct runs *r, struct run run)
{
    if (r->count == r->room) {
        r->room = 2 * r->room + RUNS_FAN;
        r->at = heap_grow(r->at, r->room * sizeof(*r->at));
    }
    r->at[r->count++] = run;
}

int
runs_read(struct runs *r)
{
    sqlite3_stmt *s = r->statements[RUNS_LIST];
    int code;

    r->count = 0;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        int64_t level = sqlite3_column_int64(s, 1), leaves = sqlite3_column_int64(s, 2);

        if (level < 0 || level > UINT32_MAX || leaves < 1 || leaves > RUNS_LEAVES_MAX) {
            code = SQLITE_CORRUPT;
            break;
        }
        add(r,
            (struct run){(uint64_t)sqlite3_column_int64(s, 0), (uint32_t)level, (uint32_t)leaves});
    }
    sqlite3_reset(s);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int
runs_open(struct runs *r, sqlite3 *sqlite)
{
    int code = SQLITE_OK;

    *r = (struct runs){.at = NULL};
    for (size_t i = 0; code == SQLITE_OK && i < RUNS_STATEMENTS; i++)
        code = sqlite3_prepare_v3(sqlite, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &r->statements[i], NULL);
    return code == SQLITE_OK ? runs_read(r) : code;
}

void
runs_close(struct runs *r)
{
    for (size_t i = 0; i < RUNS_STATEMENTS; i++)
        sqlite3_finalize(r->statements[i]);
    free(r->at);
    *r = (struct runs){.at = NULL};
}

/* A leaf's entries into `entries`, which has room for RUNS_LEAF; *count is 0 after an error. */
static int
get_leaf(const struct runs *r, const struct run *run, uint32_t place, uint64_t *entries,
         size_t *count)
{
    sqlite3_stmt *s = r->statements[RUNS_GET_LEAF];
    int code;
    size_t bytes;

    sqlite3_bind_int64(s, 1, leaf_number(run->number, place));
    code = sqlite3_step(s);
    bytes = code == SQLITE_ROW ? (size_t)sqlite3_column_bytes(s, 0) : 0;
    if (code == SQLITE_DONE || bytes % sizeof(*entries) || bytes > RUNS_LEAF * sizeof(*entries))
        code = SQLITE_CORRUPT;
    *count = code == SQLITE_ROW ? bytes / sizeof(*entries) : 0;
    if (*count)
        memcpy(entries, sqlite3_column_blob(s, 0), bytes);
    sqlite3_reset(s);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* ---- in ---- */

static int
compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static int
put_leaf(const struct runs *r, int64_t number, const uint64_t *entries, size_t count)
{
    sqlite3_stmt *s = r->statements[RUNS_PUT_LEAF];

    sqlite3_bind_int64(s, 1, number);
    sqlite3_bind_blob(s, 2, entries, (int)(count * sizeof(*entries)), SQLITE_STATIC);
    return statement_run(s);
}

/* Behind all others. */
static int
put_run(struct runs *r, uint32_t level, uint64_t *entries, size_t count)
{
    sqlite3_stmt *s = r->statements[RUNS_PUT];
    struct run run = {.number = r->count ? r->at[r->count - 1].number + 1 : 0, .level = level};
    int code = SQLITE_OK;

    qsort(entries, count, sizeof(*entries), compare);
    for (size_t i = 0; code == SQLITE_OK && i < count; i += RUNS_LEAF)
        code = put_leaf(r, leaf_number(run.number, run.leaves++), entries + i,
                        count - i < RUNS_LEAF ? count - i : RUNS_LEAF);
    if (code != SQLITE_OK)
        return code;
    ensure(run.leaves <= RUNS_LEAVES_MAX);
    sqlite3_bind_int64(s, 1, (int64_t)run.number);
    sqlite3_bind_int64(s, 2, run.level);
    sqlite3_bind_int64(s, 3, run.leaves);
    add(r, run);
    return statement_run(s);
}

static int
drop_from(const struct runs *r, uint64_t run)
{
    int code;

    sqlite3_bind_int64(r->statements[RUNS_DROP], 1, (int64_t)run);
    sqlite3_bind_int64(r->statements[RUNS_DROP_LEAVES], 1, leaf_number(run, 0));
    code = statement_run(r->statements[RUNS_DROP]);
    return code == SQLITE_OK ? statement_run(r->statements[RUNS_DROP_LEAVES]) : code;
}

static bool
has_enough_to_merge(const struct runs *r)
{
    const struct run *last = r->at + r->count - 1;

    return r->count >= RUNS_FAN && last[1 - RUNS_FAN].level == last->level;
}

/* The last RUNS_FAN runs become one. */
static int
merge(struct runs *r)
{
    const struct run *first = r->at + r->count - RUNS_FAN;
    size_t leaves = 0, count = 0, got;
    int code = SQLITE_OK;
    uint64_t *entries;

    for (size_t i = 0; i < RUNS_FAN; i++)
        leaves += first[i].leaves;
    entries = heap_grow(NULL, leaves * RUNS_LEAF * sizeof(*entries));
    for (size_t i = 0; i < RUNS_FAN; i++)
        for (uint32_t place = 0; code == SQLITE_OK && place < first[i].leaves; place++) {
            code = get_leaf(r, &first[i], place, entries + count, &got);
            count += got;
        }
    if (code == SQLITE_OK)
        code = drop_from(r, first->number);
    if (code == SQLITE_OK) {
        uint32_t level = first->level + 1;

        r->count -= RUNS_FAN;
        code = put_run(r, level, entries, count);
    }
    free(entries);
    return code;
}

int
runs_put(struct runs *r, uint64_t *entries, size_t count)
{
    int code = put_run(r, 0, entries, count);

    while (code == SQLITE_OK && has_enough_to_merge(r))
        code = merge(r);
    return code;
}

/* ---- out ---- */

/* A place in a run, from which events of one key are read in one direction. */
struct cursor {
    const struct runs *runs;
    const struct run *run;
    uint32_t key, place; /* of the leaf that is loaded; UINT32_MAX: none is */
    size_t count;        /* entries of that */
    int64_t at;          /* the next one, counted through the whole run */
    int code;
    uint64_t leaf[RUNS_LEAF];
};

static bool
load(struct cursor *c, uint32_t place)
{
    if (place == c->place)
        return true;
    c->code = get_leaf(c->runs, c->run, place, c->leaf, &c->count);
    c->place = place;
    if (c->code == SQLITE_OK && c->count == 0)
        c->code = SQLITE_CORRUPT;
    return c->code == SQLITE_OK;
}

/* The first entry that is not below `entry`; all leaves but the last are full. */
static void
seek(struct cursor *c, uint64_t entry)
{
    uint32_t low = 0, high = c->run->leaves;
    size_t i = 0;

    while (high - low > 1) { /* the leaf that could have it begins below it, the next does not */
        uint32_t middle = low + (high - low) / 2;

        if (!load(c, middle))
            return;
        if (c->leaf[0] < entry)
            low = middle;
        else
            high = middle;
    }
    if (!load(c, low))
        return;
    while (i < c->count && c->leaf[i] < entry)
        i++;
    c->at = (int64_t)low * RUNS_LEAF + (int64_t)i;
}

/* The event of the key at the cursor; false: there is none. */
static bool
peek(struct cursor *c, uint32_t *event)
{
    size_t i = (size_t)(c->at % RUNS_LEAF);

    if (c->code != SQLITE_OK || c->at < 0 || c->at / RUNS_LEAF >= c->run->leaves ||
        !load(c, (uint32_t)(c->at / RUNS_LEAF)) || i >= c->count || c->leaf[i] >> 32 != c->key)
        return false;
    *event = (uint32_t)c->leaf[i];
    return true;
}

static void
begin(struct cursor *c, const struct runs *r, const struct run *run, uint32_t key, uint32_t from,
      bool newest_first)
{
    c->runs = r;
    c->run = run;
    c->key = key;
    c->place = UINT32_MAX;
    c->at = -1;
    c->code = SQLITE_OK;
    seek(c, newest_first ? runs_entry(key, from) : runs_entry(key, from) + 1);
    if (newest_first)
        c->at--;
}

/* Which of two cursors has the event that comes first. */
static size_t
first_of(const bool has[2], const uint32_t events[2], bool newest_first)
{
    if (!has[0] || !has[1])
        return has[1];
    return newest_first ? events[1] > events[0] : events[1] < events[0];
}

/* Both keys' events of one run, each once. *more: fn wants to go on. */
static int
find_in(const struct runs *r, const struct run *run, const uint32_t keys[2], uint32_t from,
        bool newest_first, runs_fn *fn, void *ctx, bool *more)
{
    static struct cursor cursors[2]; /* large, and used by one search at a time */
    int64_t step_by = newest_first ? -1 : 1;

    for (size_t i = 0; i < 2; i++)
        begin(&cursors[i], r, run, keys[i], from, newest_first);
    while (*more) {
        uint32_t events[2], next;
        bool has[2] = {peek(&cursors[0], &events[0]), peek(&cursors[1], &events[1])};

        if (!has[0] && !has[1])
            break;
        next = events[first_of(has, events, newest_first)];
        for (size_t i = 0; i < 2; i++)
            if (has[i] && events[i] == next)
                cursors[i].at += step_by;
        *more = fn(ctx, next);
    }
    return cursors[0].code != SQLITE_OK ? cursors[0].code : cursors[1].code;
}

int
runs_find(struct runs *r, const uint32_t keys[2], uint32_t from, bool newest_first, runs_fn *fn,
          void *ctx)
{
    int code = SQLITE_OK;
    bool more = true;

    for (size_t i = 0; more && code == SQLITE_OK && i < r->count; i++)
        code = find_in(r, &r->at[newest_first ? r->count - 1 - i : i], keys, from, newest_first, fn,
                       ctx, &more);
    return code;
}
