/* Statements and rows. A failure sticks until db_settle, so that callers check once, at their end.
 */
#include "db.h"

#include <errno.h>
#include <limits.h>

#include "base/ensure.h"

static const char *const texts[SQL_COUNT] = {
#define SQL(name, text) [SQL_##name] = (text),
#include "sql.def"
#undef SQL
};

static void
fail(struct db *db, int code, const char *what)
{
    int os = sqlite3_system_errno(db->sqlite);

    if (err_is(db->err))
        return;
    db->err = err_os(code == SQLITE_FULL ? ENOSPC : os ? os : EIO, what);
    db->damaged |= code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

static int
bind_value(sqlite3_stmt *s, int at, const struct db_value *v)
{
    ensure(v->bytes.len <= INT_MAX);
    switch (v->kind) {
    case DB_NULL:
        return sqlite3_bind_null(s, at);
    case DB_NUMBER:
        return sqlite3_bind_int64(s, at, v->number);
    case DB_BLOB:
        return sqlite3_bind_blob(s, at, v->bytes.at, (int)v->bytes.len, SQLITE_STATIC);
    case DB_TEXT: /* of no bytes: "", not NULL */
        return sqlite3_bind_text(s, at, v->bytes.len ? (const char *)v->bytes.at : "",
                                 (int)v->bytes.len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

void
db_begin(struct db *db, enum sql sql, const struct db_value *values)
{
    sqlite3_stmt *s = db->statements[sql];
    int code = SQLITE_OK;

    if (err_is(db->err))
        return;
    if (!s) {
        code = sqlite3_prepare_v3(db->sqlite, texts[sql], -1, SQLITE_PREPARE_PERSISTENT, &s, NULL);
        db->statements[sql] = s;
    }
    for (int i = 0; code == SQLITE_OK && values && i < sqlite3_bind_parameter_count(s); i++)
        code = bind_value(s, i + 1, &values[i]);
    if (code != SQLITE_OK)
        fail(db, code, "preparing a statement on the directory");
}

bool
db_next(struct db *db, enum sql sql)
{
    int code;

    if (err_is(db->err))
        return false;
    code = sqlite3_step(db->statements[sql]);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        fail(db, code, "reading or writing the directory");
    db_end(db, sql);
    return false;
}

void
db_end(struct db *db, enum sql sql)
{
    sqlite3_reset(db->statements[sql]); /* its code is that of the last step, which was seen */
}

bool
db_first(struct db *db, enum sql sql, const struct db_value *values)
{
    db_begin(db, sql, values);
    return db_next(db, sql);
}

int
db_run(struct db *db, enum sql sql, const struct db_value *values)
{
    db_begin(db, sql, values);
    while (db_next(db, sql))
        ;
    return err_is(db->err) ? 0 : sqlite3_changes(db->sqlite);
}

uint64_t
db_get_number(struct db *db, enum sql sql, int column)
{
    return (uint64_t)sqlite3_column_int64(db->statements[sql], column);
}

uint64_t
db_get_number_or(struct db *db, enum sql sql, int column, uint64_t fallback)
{
    return db_is_null(db, sql, column) ? fallback : db_get_number(db, sql, column);
}

struct slice
db_get_slice(struct db *db, enum sql sql, int column)
{
    const void *at = sqlite3_column_blob(db->statements[sql], column);

    return slice_make(at, (size_t)sqlite3_column_bytes(db->statements[sql], column));
}

bool
db_is_null(struct db *db, enum sql sql, int column)
{
    return sqlite3_column_type(db->statements[sql], column) == SQLITE_NULL;
}

struct err
db_settle(struct db *db)
{
    struct err e = db->err;

    db->err = ERR_OK;
    return e;
}
