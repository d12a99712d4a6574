/* The index of a book: which events are filed under a key. What is filed in one commit is a sorted
 * run, written at the end of the file; RUNS_FAN runs of one level become one of the next, so there
 * are few to look through. A row for each key in one tree would touch a page each.
 *
 * Runs stand in the order of their events, and no two have events in common. Functions return a
 * code of SQLite's. */
#ifndef TRACE_RUNS_H
#define TRACE_RUNS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RUNS_FAN = 8,
    RUNS_LEAF = 500,       /* entries of a row: a page of 4 KiB */
    RUNS_LEAVES_BITS = 16, /* a row's number is its run's, and its place in that */
    RUNS_LEAVES_MAX = (1 << RUNS_LEAVES_BITS) - 1,
};

/* The tables, for whoever makes the book. */
#define RUNS_SCHEMA                                                                                \
    "CREATE TABLE runs (run INTEGER PRIMARY KEY, level INTEGER NOT NULL, leaves INTEGER NOT "      \
    "NULL);"                                                                                       \
    "CREATE TABLE leaves (number INTEGER PRIMARY KEY, entries BLOB NOT NULL);"

enum runs_statement {
    RUNS_LIST,
    RUNS_PUT,
    RUNS_DROP,
    RUNS_PUT_LEAF,
    RUNS_GET_LEAF,
    RUNS_DROP_LEAVES,
    RUNS_STATEMENTS
};

struct run {
    uint64_t number;
    uint32_t level, leaves;
};

struct runs {
    sqlite3_stmt *statements[RUNS_STATEMENTS];
    struct run *at; /* oldest first */
    size_t count, room;
};

/* An entry. Keys are hashes: what is found may be filed under another text with the same one. */
static inline uint64_t
runs_entry(uint32_t key, uint32_t event)
{
    return (uint64_t)key << 32 | event;
}

int runs_open(struct runs *r, sqlite3 *sqlite);
void runs_close(struct runs *r);

/* Within a transaction; entries, at least one, are of events later than all before, and are sorted
 * here. After an error, and whenever the transaction is rolled back, runs_read says what there is.
 */
int runs_put(struct runs *r, uint64_t *entries, size_t count);
int runs_read(struct runs *r);

/* Events under one of two keys: those below `from` newest first, or those above it oldest first.
 * fn says whether to go on. */
typedef bool runs_fn(void *ctx, uint32_t event);
int runs_find(struct runs *r, const uint32_t keys[2], uint32_t from, bool newest_first, runs_fn *fn,
              void *ctx);

#endif
