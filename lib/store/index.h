/* One account's SQLite database: its settings, its prepared statements, its errors as ours. */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/slice.h"

enum sql {
#define SQL(name, text) SQL_##name,
#include "store/sql.def"
#undef SQL
    SQL_COUNT
};

enum {
    INDEX_VERSION = 1,      /* user_version of the format in docs/store.md */
    INDEX_COLUMNS_MAX = 8,  /* of any statement's row */
    INDEX_CACHE_PAGES = 32, /* of 4 KiB, for each open index */
};

struct index {
    sqlite3 *db;
    sqlite3_stmt *stmts[SQL_COUNT];
    struct err
        err; /* the first failure since index_settle or index_commit: until then calls do nothing */
    bool damaged;   /* not a database of ours, or corrupt: it must be built again */
    bool fresh;     /* nothing was ever written to the WAL: the next commit needs no sync */
    int wal_frames; /* since the WAL was last folded */
};

void index_setup(void); /* SQLite's settings for the whole process, before its first use */

/* The bytes of a database with empty tables: a new account's index.db. The caller frees them with
 * sqlite3_free. */
struct err index_image(uint8_t **bytes, size_t *len);

/* PERMANENT: of a later version. Damage is told by ix->damaged, here as everywhere. */
struct err index_open(struct index *ix, const char *path, bool fresh);
void index_close(struct index *ix); /* does not fold the WAL; also after a failed open */

/* args: as many as the statement has parameters; NULL where it has none. */
void index_run(struct index *ix, enum sql sql, const int64_t *args);
int index_changes(const struct index *ix); /* rows the last index_run changed */

/* Rows: begin, then next until it says false. A walk left early is ended with index_end. */
void index_begin_rows(struct index *ix, enum sql sql, const int64_t *args);
bool index_next_row(struct index *ix, enum sql sql, int64_t *columns);
void index_end_rows(struct index *ix, enum sql sql);

/* The first row alone; false where there is none. */
bool index_row(struct index *ix, enum sql sql, const int64_t *args, int64_t *columns);

/* The sticky error, which is then forgotten. */
struct err index_settle(struct index *ix);

void index_begin(struct index *ix);
/* Commits, or rolls back where anything failed or `also` is an error; says which. */
struct err index_commit(struct index *ix, struct err also);

/* The WAL into the database, with SQLite's syncs. empty: also gives the WAL's room back. */
struct err index_fold(struct index *ix, bool empty);

struct err index_copy(struct index *ix, const char *path); /* VACUUM INTO a new, synced file */
bool index_verify(struct index *ix); /* SQLite's own quick check; false: damaged */

#endif
