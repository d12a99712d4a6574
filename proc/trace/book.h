/* A book: some of the events, in an SQLite file of its own that is begun, filled, read and one day
 * removed whole. docs/trace.md has the tables. */
#ifndef TRACE_BOOK_H
#define TRACE_BOOK_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/list.h"
#include "ipc/msg.h"
#include "runs.h"

enum {
    BOOK_VERSION = 3,            /* user_version of the format */
    BOOK_CACHE_KIB = 2048,       /* pages kept in memory while it is open */
    BOOK_CHECKPOINT_PAGES = 256, /* of 4 KiB: so large the -wal file grows */
    BOOK_NAME_MAX = 48,
};

enum book_statement { BOOK_PUT, BOOK_GET, BOOK_STATEMENTS };

struct book {
    struct list link;
    uint64_t begun;  /* seconds since 1970: its name too, so no two are the same */
    uint64_t bytes;  /* on disk, when it was last looked at */
    sqlite3 *sqlite; /* NULL: closed */
    sqlite3_stmt *statements[BOOK_STATEMENTS];
    struct runs runs;  /* the index */
    bool writing;      /* a transaction is open */
    uint64_t *filings; /* entries of its events, for the index */
    size_t filing_count, filing_room;
};

/* Open the file, or make it. MALFORMED: damaged, or none of ours. No-op where it is open. */
struct err book_open(struct book *b);
void book_close(struct book *b); /* commits what was put */

/* Put an event; it is on disk, and found, after book_commit. After an error nothing since the last
 * commit is there. */
struct err book_put(struct book *b, const struct trace_event *e);
struct err book_commit(struct book *b);

/* Events filed under one of two keys, with a number below (newest first) or above (oldest first)
 * the given one. fn says whether to go on; its slices live for the call. */
typedef bool book_fn(void *ctx, uint64_t number, const struct trace_event *e);
struct err book_read(struct book *b, const uint32_t keys[2], uint64_t from, bool newest_first,
                     book_fn *fn, void *ctx);

void book_measure(struct book *b);
void book_remove(struct book *b);           /* its files; closes it */
struct err book_move_aside(struct book *b); /* as damaged.db; closes it */
void book_name(const struct book *b, const char *tail, char name[BOOK_NAME_MAX]);

#endif
