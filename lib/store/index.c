/* SQLite behind a dozen calls. All statements are rows of sql.def, all values are integers, and a
 * failure sticks until the transaction ends, so callers check once. */
#include "store/index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"

static const char *const texts[SQL_COUNT] = {
#define SQL(name, text) [SQL_##name] = (text),
#include "store/sql.def"
#undef SQL
};

static const char schema[] =
    "PRAGMA page_size=4096;"
    "CREATE TABLE mailboxes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL, modseq INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, count INTEGER NOT NULL, low_water INTEGER NOT NULL);"
    "CREATE TABLE messages (key INTEGER PRIMARY KEY, date INTEGER NOT NULL, size INTEGER NOT NULL,"
    " pack INTEGER NOT NULL, offset INTEGER NOT NULL, flags INTEGER NOT NULL,"
    " modseq INTEGER NOT NULL, delivery INTEGER NOT NULL);"
    "CREATE TABLE packs (pack INTEGER PRIMARY KEY, mark INTEGER NOT NULL, end INTEGER NOT NULL,"
    " synced INTEGER NOT NULL, bytes INTEGER NOT NULL, count INTEGER NOT NULL);"
    "CREATE TABLE delivered (id INTEGER PRIMARY KEY);"
    "INSERT INTO mailboxes VALUES (1, 'INBOX', 0, 1, 1, 0, 0, 0);";

/* rc is an extended result code. */
static struct err
error_of(sqlite3 *db, int rc, const char *what)
{
    static const struct {
        int code;
        enum err_kind kind;
        int os;
    } kinds[] = {
        {SQLITE_FULL, ERR_LIMIT, ENOSPC},      {SQLITE_NOMEM, ERR_LIMIT, ENOMEM},
        {SQLITE_CORRUPT, ERR_MALFORMED, 0},    {SQLITE_NOTADB, ERR_MALFORMED, 0},
        {SQLITE_ERROR, ERR_MALFORMED, 0}, /* a table or column of ours is not there */
        {SQLITE_CONSTRAINT, ERR_MALFORMED, 0}, {SQLITE_BUSY, ERR_TEMPORARY, EBUSY},
    };
    int os = db ? sqlite3_system_errno(db) : 0;

    for (size_t i = 0; i < COUNT(kinds); i++)
        if ((rc & 0xff) == kinds[i].code)
            return (struct err){kinds[i].kind, kinds[i].os, what};
    return err_os(os ? os : EIO, what);
}

/* Damage is noted, and for everybody else something that may work later, when it is healed. */
static struct err
error_noted(struct index *ix, int rc, const char *what)
{
    struct err err = error_of(ix->db, rc, what);

    if (err.kind == ERR_MALFORMED) {
        ix->damaged = true;
        err.kind = ERR_TEMPORARY;
    }
    return err;
}

static void
fail(struct index *ix, int rc, const char *what)
{
    if (!err_is(ix->err))
        ix->err = error_noted(ix, rc, what);
}

static int
count_frames(void *arg, sqlite3 *db, const char *name, int frames)
{
    struct index *ix = arg;

    (void)db;
    (void)name;
    ix->wal_frames = frames;
    return SQLITE_OK;
}

void
index_setup(void)
{
    /* No pages in advance (88 KB for each connection) and no statistics (a lock for each
     * allocation). Refused, to no harm, where SQLite is in use already. */
    (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

struct err
index_image(uint8_t **bytes, size_t *len)
{
    /* file format 1.3: write and read version 2 is "uses a WAL" */
    enum { WRITE_VERSION = 18, READ_VERSION = 19, VERSION_WAL = 2 };
    sqlite3 *db = NULL;
    sqlite3_int64 size = 0;
    char version[40];
    int rc = sqlite3_open(":memory:", &db);

    snprintf(version, sizeof(version), "PRAGMA user_version=%d", INDEX_VERSION);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, schema, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, version, NULL, NULL, NULL);
    *bytes = rc == SQLITE_OK ? sqlite3_serialize(db, "main", &size, 0) : NULL;
    sqlite3_close(db);
    if (!*bytes || size <= READ_VERSION)
        return err_make(ERR_PERMANENT, "preparing an empty index");
    (*bytes)[WRITE_VERSION] = (*bytes)[READ_VERSION] = VERSION_WAL;
    *len = (size_t)size;
    return ERR_OK;
}

static int
read_version(sqlite3 *db, int *version)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL);

    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        *version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int
set_up(sqlite3 *db, bool fresh)
{
    char settings[240];

    snprintf(settings, sizeof(settings),
             "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=%d; PRAGMA temp_store=MEMORY;"
             "PRAGMA mmap_size=0; PRAGMA secure_delete=OFF; PRAGMA synchronous=%s;%s",
             INDEX_CACHE_PAGES, fresh ? "OFF" : "NORMAL", fresh ? "" : "PRAGMA journal_mode=WAL;");
    return sqlite3_exec(db, settings, NULL, NULL, NULL);
}

struct err
index_open(struct index *ix, const char *path, bool fresh)
{
    static const char what[] = "opening an index";
    int version = 0, rc;

    *ix = (struct index){.fresh = fresh};
    rc = sqlite3_open_v2(path, &ix->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_extended_result_codes(ix->db, 1);
        sqlite3_db_config(ix->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        rc = set_up(ix->db, fresh);
    }
    if (rc == SQLITE_OK)
        rc = read_version(ix->db, &version);
    sqlite3_wal_hook(ix->db, count_frames, ix);
    if (rc != SQLITE_OK)
        return error_noted(ix, rc, what);
    if (version > INDEX_VERSION)
        return err_make(ERR_PERMANENT, "opening an index that a later valija wrote");
    return version == INDEX_VERSION ? ERR_OK : error_noted(ix, SQLITE_NOTADB, what);
}

void
index_close(struct index *ix)
{
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(ix->stmts[i]);
    sqlite3_close(ix->db);
    *ix = (struct index){0};
}

/* The statement with its arguments bound, or NULL where something failed before or now. */
static sqlite3_stmt *
bind(struct index *ix, enum sql sql, const int64_t *args)
{
    sqlite3_stmt *stmt = ix->stmts[sql];
    int rc = SQLITE_OK;

    if (err_is(ix->err))
        return NULL;
    if (!stmt) {
        rc = sqlite3_prepare_v3(ix->db, texts[sql], -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
        ix->stmts[sql] = stmt;
    }
    for (int i = 0; rc == SQLITE_OK && args && i < sqlite3_bind_parameter_count(stmt); i++)
        rc = sqlite3_bind_int64(stmt, i + 1, args[i]);
    if (rc == SQLITE_OK)
        return stmt;
    fail(ix, rc, "preparing an index statement");
    return NULL;
}

void
index_run(struct index *ix, enum sql sql, const int64_t *args)
{
    sqlite3_stmt *stmt = bind(ix, sql, args);
    int rc;

    if (!stmt)
        return;
    do
        rc = sqlite3_step(stmt);
    while (rc == SQLITE_ROW);
    if (rc != SQLITE_DONE)
        fail(ix, rc, "writing an index");
    sqlite3_reset(stmt);
}

int
index_changes(const struct index *ix)
{
    return err_is(ix->err) ? 0 : sqlite3_changes(ix->db);
}

void
index_begin_rows(struct index *ix, enum sql sql, const int64_t *args)
{
    (void)bind(ix, sql, args); /* a failure sticks */
}

bool
index_next_row(struct index *ix, enum sql sql, int64_t *columns)
{
    sqlite3_stmt *stmt = ix->stmts[sql];
    int rc;

    if (err_is(ix->err))
        return false;
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        int n = sqlite3_column_count(stmt);

        ensure(n <= INDEX_COLUMNS_MAX);
        for (int i = 0; i < n; i++)
            columns[i] = sqlite3_column_int64(stmt, i);
        return true;
    }
    if (rc != SQLITE_DONE)
        fail(ix, rc, "reading an index");
    sqlite3_reset(stmt);
    return false;
}

void
index_end_rows(struct index *ix, enum sql sql)
{
    sqlite3_reset(ix->stmts[sql]);
}

bool
index_row(struct index *ix, enum sql sql, const int64_t *args, int64_t *columns)
{
    bool found;

    index_begin_rows(ix, sql, args);
    found = index_next_row(ix, sql, columns);
    index_end_rows(ix, sql);
    return found;
}

struct err
index_settle(struct index *ix)
{
    struct err err = ix->err;

    ix->err = ERR_OK;
    return err;
}

void
index_begin(struct index *ix)
{
    index_run(ix, SQL_begin, NULL);
}

struct err
index_commit(struct index *ix, struct err also)
{
    if (!err_is(ix->err))
        ix->err = also;
    index_run(ix, SQL_commit, NULL);
    also = index_settle(ix);
    if (!sqlite3_get_autocommit(ix->db)) {
        index_run(ix, SQL_rollback, NULL);
        index_settle(ix); /* what went wrong first is what counts */
    }
    if (ix->fresh && !err_is(also)) {
        ix->fresh = false;
        sqlite3_exec(ix->db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
    }
    return also;
}

struct err
index_fold(struct index *ix, bool empty)
{
    int mode = empty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int rc = sqlite3_wal_checkpoint_v2(ix->db, NULL, mode, NULL, NULL);

    if (rc != SQLITE_OK)
        return error_noted(ix, rc, "folding the WAL into an index");
    ix->wal_frames = 0;
    return ERR_OK;
}

struct err
index_copy(struct index *ix, const char *path)
{
    char sql[200];
    int rc;

    snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", path);
    rc = sqlite3_exec(ix->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : error_noted(ix, rc, "writing an index anew");
}

bool
index_verify(struct index *ix)
{
    sqlite3_stmt *stmt = NULL;
    bool good = false;

    if (sqlite3_prepare_v2(ix->db, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        good = strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    sqlite3_finalize(stmt);
    ix->damaged |= !good;
    return good;
}
