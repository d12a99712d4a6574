/* The format: made for a new directory, and brought from each older version to the next in one
 * transaction. Invariant: whatever was made by the steps is what is made anew. */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "db.h"

enum { SECRET_BYTES = 32, TEXT_MAX = 128 };

static const char schema[] =
    "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE domains (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " suspended INTEGER NOT NULL DEFAULT 0, accounts INTEGER NOT NULL DEFAULT 0,"
    " aliases INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,"
    " language TEXT NOT NULL DEFAULT '', lifetime INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " domain TEXT NOT NULL REFERENCES domains (name), local TEXT NOT NULL,"
    " suspended INTEGER NOT NULL DEFAULT 0, hash TEXT, scram_salt BLOB, scram_iterations INTEGER,"
    " scram_stored BLOB, scram_server BLOB, apop TEXT, quota INTEGER, login_delay INTEGER,"
    " language TEXT NOT NULL DEFAULT '', bytes INTEGER NOT NULL DEFAULT 0,"
    " messages INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,"
    " lifetime INTEGER NOT NULL DEFAULT 0, UNIQUE (domain, local));"
    "CREATE TABLE aliases (domain TEXT NOT NULL REFERENCES domains (name), local TEXT NOT NULL,"
    " target TEXT NOT NULL, kind INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (domain, local, target)) WITHOUT ROWID;"
    "CREATE INDEX aliases_by_target ON aliases (target);"
    "CREATE TRIGGER account_more AFTER INSERT ON accounts BEGIN"
    " UPDATE domains SET accounts=accounts+1 WHERE name=new.domain; END;"
    "CREATE TRIGGER account_less AFTER DELETE ON accounts BEGIN"
    " UPDATE domains SET accounts=accounts-1 WHERE name=old.domain; END;"
    "CREATE TRIGGER alias_more AFTER INSERT ON aliases BEGIN"
    " UPDATE domains SET aliases=aliases+1 WHERE name=new.domain; END;"
    "CREATE TRIGGER alias_less AFTER DELETE ON aliases BEGIN"
    " UPDATE domains SET aliases=aliases-1 WHERE name=old.domain; END;"
    "INSERT INTO sqlite_sequence VALUES ('accounts', 0);";

/* From the version in brackets to the next. */
static const char *const steps[DB_VERSION] = {
    [1] = "ALTER TABLE domains ADD COLUMN language TEXT NOT NULL DEFAULT '';"
          "ALTER TABLE domains ADD COLUMN lifetime INTEGER NOT NULL DEFAULT 0;"
          "ALTER TABLE accounts ADD COLUMN lifetime INTEGER NOT NULL DEFAULT 0;"
          "ALTER TABLE aliases ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;",
};

static int
run(sqlite3 *sqlite, const char *text)
{
    return sqlite3_exec(sqlite, text, NULL, NULL, NULL);
}

static int
set_version(sqlite3 *sqlite, int version)
{
    char text[TEXT_MAX];

    snprintf(text, sizeof(text), "PRAGMA user_version=%d", version);
    return run(sqlite, text);
}

/* One that is there already stays as it is. */
static int
put_secret(sqlite3 *sqlite, const char *name)
{
    uint8_t bytes[SECRET_BYTES];
    sqlite3_stmt *s = NULL;
    int code =
        sqlite3_prepare_v2(sqlite, "INSERT OR IGNORE INTO secrets VALUES (?1, ?2)", -1, &s, NULL);

    random_fill(bytes, sizeof(bytes));
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_blob(s, 2, bytes, sizeof(bytes), SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(s);
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* The text, the secrets and the version's number, all or nothing. */
static struct err
take_step(sqlite3 *sqlite, const char *text, int version, const char *what)
{
    int code = run(sqlite, "BEGIN IMMEDIATE"), os;

    if (code == SQLITE_OK)
        code = run(sqlite, text);
    if (code == SQLITE_OK)
        code = put_secret(sqlite, "salt");
    if (code == SQLITE_OK)
        code = put_secret(sqlite, "srs");
    if (code == SQLITE_OK)
        code = set_version(sqlite, version);
    if (code == SQLITE_OK)
        code = run(sqlite, "COMMIT");
    if (code == SQLITE_OK)
        return ERR_OK;
    os = sqlite3_system_errno(sqlite);
    run(sqlite, "ROLLBACK"); /* where it has not happened by itself */
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return err_make(ERR_MALFORMED, what);
    return err_os(code == SQLITE_FULL ? ENOSPC : os ? os : EIO, what);
}

struct err
db_schema_make(sqlite3 *sqlite)
{
    static const char what[] = "writing a new directory";
    char text[TEXT_MAX];

    snprintf(text, sizeof(text), "PRAGMA page_size=4096; PRAGMA application_id=%d", DB_APPLICATION);
    if (run(sqlite, text) != SQLITE_OK)
        return err_os(sqlite3_system_errno(sqlite), what);
    return take_step(sqlite, schema, DB_VERSION, what);
}

struct err
db_schema_upgrade(sqlite3 *sqlite, int version)
{
    struct err e = ERR_OK;

    for (; version < DB_VERSION && !err_is(e); version++)
        e = take_step(sqlite, steps[version], version + 1, "upgrading the directory");
    return e;
}
