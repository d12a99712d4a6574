/* The directory's SQLite database: its statements, its errors as ours, and its files: the lock, the
 * copy, what is moved aside. docs/directory.md is the contract. */
#ifndef ACCOUNTS_DB_H
#define ACCOUNTS_DB_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/slice.h"

enum sql {
#define SQL(name, text) SQL_##name,
#include "sql.def"
#undef SQL
    SQL_COUNT
};

enum {
    DB_VERSION = 2,                 /* user_version of the format */
    DB_APPLICATION = 0x76616c44,    /* application_id: "valD" */
    DB_VERIFY_BYTES_MAX = 64 << 20, /* larger files are not verified whole at the start */
    DB_COPY_PAGES = 64,             /* of 4 KiB, in one step of the copy */
    DB_CACHE_KIB = 32768,           /* of pages kept in memory, once they were read */
    DB_LOCK_MS = 5000,              /* how long a predecessor may take to end */
};

struct db {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[SQL_COUNT];
    struct err err; /* the first failure since db_settle: until then calls do nothing */
    bool damaged;   /* SQLite called the file corrupt: see db_replace */
    int lock;       /* descriptor of directory.lock */
    sqlite3 *copy;  /* while a copy is being written */
    sqlite3_backup *backup;
};

/* Files are those of the current directory. Waits for the lock at most DB_LOCK_MS. PERMANENT: the
 * database is of a later version. A damaged one is moved aside and logged, never an error. */
struct err db_open(struct db *db);
void db_close(struct db *db); /* also after a failed open */

/* The format of a new file, and of an older one in place: all of a step or nothing of it. Either
 * has every secret then. */
struct err db_schema_make(sqlite3 *sqlite);
struct err db_schema_upgrade(sqlite3 *sqlite, int version);

/* Moves the database aside as damaged and opens its copy, or an empty one, in its place. */
struct err db_replace(struct db *db);

/* Does a database that was moved aside as damaged lie in the folder? */
bool db_lies_aside(void);

/* A parameter: a number, or bytes as text or blob; NULL where there is none. */
struct db_value {
    enum { DB_NULL, DB_NUMBER, DB_TEXT, DB_BLOB } kind;
    int64_t number;
    struct slice bytes;
};

static inline struct db_value
db_none(void)
{
    return (struct db_value){.kind = DB_NULL};
}

static inline struct db_value
db_number(uint64_t n)
{
    return (struct db_value){.kind = DB_NUMBER, .number = (int64_t)n};
}

static inline struct db_value
db_text(struct slice s)
{
    return (struct db_value){.kind = DB_TEXT, .bytes = s};
}

static inline struct db_value
db_blob(const void *at, size_t len)
{
    return (struct db_value){.kind = DB_BLOB, .bytes = slice_make(at, len)};
}

/* As many values as the statement has parameters; their bytes live until the end of the walk. */
#define DB_VALUES(...) ((const struct db_value[]){__VA_ARGS__})

/* Runs a statement; returns how many rows it changed. */
int db_run(struct db *db, enum sql sql, const struct db_value *values);

/* Rows: begin, then next until it says false. A walk left early is ended with db_end. Texts and
 * blobs live until the next row. */
void db_begin(struct db *db, enum sql sql, const struct db_value *values);
bool db_next(struct db *db, enum sql sql);
void db_end(struct db *db, enum sql sql);
bool db_first(struct db *db, enum sql sql, const struct db_value *values); /* begin and next */

uint64_t db_get_number(struct db *db, enum sql sql, int column); /* NULL: 0 */
uint64_t db_get_number_or(struct db *db, enum sql sql, int column, uint64_t fallback);
struct slice db_get_slice(struct db *db, enum sql sql, int column); /* NULL: empty */
bool db_is_null(struct db *db, enum sql sql, int column);

/* The sticky error, which is then forgotten. */
struct err db_settle(struct db *db);

/* The copy, a step at a time so that nobody waits long: AGAIN while there is more. A copy that
 * failed leaves the last one as it was. */
struct err db_copy_step(struct db *db);

#endif
