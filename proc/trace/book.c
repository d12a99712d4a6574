/* The table of events has the fields of trace_event.msg as its columns; every text that an event
 * can be found by is filed in the index (runs.h). What is lost in a power cut is not worth a sync,
 * so there is none: a file that was torn by one is found damaged and moved aside. A kill costs the
 * open transaction. */
#include "book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ensure.h"
#include "key.h"
#include "statement.h"

static const char schema[] = "BEGIN;"
                             "CREATE TABLE events (number INTEGER PRIMARY KEY"
#define MSG(name)
#define FIELD(type, name) ", " #name
#define END(name)         ");"
#include "ipc/trace_event.msg"
#undef FIELD
#undef END
    RUNS_SCHEMA "PRAGMA user_version=3;"
                             "COMMIT;";

static const char *const texts[BOOK_STATEMENTS] = {
    [BOOK_PUT] = "INSERT INTO events VALUES (NULL"
#define FIELD(type, name) ", ?"
#define END(name)         ")",
#include "ipc/trace_event.msg"
#undef MSG
#undef FIELD
#undef END
        [BOOK_GET] = "SELECT * FROM events WHERE number=?1",
};

void
book_name(const struct book *b, const char *tail, char name[BOOK_NAME_MAX])
{
    snprintf(name, BOOK_NAME_MAX, "%llu.db%s", (unsigned long long)b->begun, tail);
}

static struct err
error(struct book *b, int code)
{
    int os = sqlite3_system_errno(b->sqlite);

    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
        return ERR_OK;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR)
        return err_make(ERR_MALFORMED, "a book of the trace");
    return err_os(code == SQLITE_FULL ? ENOSPC : os ? os : EIO, "a book of the trace");
}

/* ---- open and closed ---- */

static int
run(struct book *b, const char *sql)
{
    return sqlite3_exec(b->sqlite, sql, NULL, NULL, NULL);
}

static int
read_version(struct book *b, int *version)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(b->sqlite, "PRAGMA user_version", -1, &s, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW)
        *version = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static int
prepare(struct book *b)
{
    int code = SQLITE_OK;

    for (size_t i = 0; code == SQLITE_OK && i < BOOK_STATEMENTS; i++)
        code = sqlite3_prepare_v3(b->sqlite, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &b->statements[i], NULL);
    return code;
}

static int
begin(struct book *b)
{
    char pragmas[256];
    int version = 0, code;

    snprintf(pragmas, sizeof(pragmas),
             "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY; PRAGMA journal_mode=WAL;"
             "PRAGMA synchronous=OFF; PRAGMA cache_size=-%d; PRAGMA wal_autocheckpoint=%d;",
             BOOK_CACHE_KIB, BOOK_CHECKPOINT_PAGES);
    code = run(b, pragmas);
    if (code == SQLITE_OK)
        code = read_version(b, &version);
    if (code == SQLITE_OK && version == 0)
        code = run(b, schema);
    else if (code == SQLITE_OK && version != BOOK_VERSION)
        code = SQLITE_NOTADB;
    if (code == SQLITE_OK)
        code = prepare(b);
    return code == SQLITE_OK ? runs_open(&b->runs, b->sqlite) : code;
}

struct err
book_open(struct book *b)
{
    char name[BOOK_NAME_MAX];
    struct err e;
    int code;

    if (b->sqlite)
        return ERR_OK;
    book_name(b, "", name);
    code = sqlite3_open_v2(name, &b->sqlite,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = begin(b);
    e = error(b, code);
    if (err_is(e))
        book_close(b);
    return e;
}

void
book_close(struct book *b)
{
    if (b->writing)
        (void)book_commit(b);
    for (size_t i = 0; i < BOOK_STATEMENTS; i++) {
        sqlite3_finalize(b->statements[i]);
        b->statements[i] = NULL;
    }
    runs_close(&b->runs);
    sqlite3_close(b->sqlite); /* folds and removes the -wal */
    b->sqlite = NULL;
}

void
book_measure(struct book *b)
{
    static const char *const tails[] = {"", "-wal"};
    char name[BOOK_NAME_MAX];
    struct stat st;

    b->bytes = 0;
    for (size_t i = 0; i < COUNT(tails); i++) {
        book_name(b, tails[i], name);
        b->bytes += stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
    }
}

void
book_remove(struct book *b)
{
    char name[BOOK_NAME_MAX];

    book_close(b);
    book_name(b, "", name);
    unlink(name);
    book_name(b, "-wal", name);
    unlink(name);
}

struct err
book_move_aside(struct book *b)
{
    char name[BOOK_NAME_MAX];

    book_close(b);
    book_name(b, "-wal", name);
    unlink(name);
    book_name(b, "", name);
    return rename(name, "damaged.db") == 0 || errno == ENOENT
               ? ERR_OK
               : err_os(errno, "moving a damaged book aside");
}

/* ---- events in ---- */

static void
bind_u64(sqlite3_stmt *s, int at, uint64_t n)
{
    sqlite3_bind_int64(s, at, (sqlite3_int64)n);
}

static void
bind_u32(sqlite3_stmt *s, int at, uint32_t n)
{
    sqlite3_bind_int64(s, at, n);
}

static void
bind_slice(sqlite3_stmt *s, int at, struct slice text)
{
    sqlite3_bind_text(s, at, text.len ? (const char *)text.at : "", (int)text.len, SQLITE_STATIC);
}

static int
put_event(struct book *b, const struct trace_event *e)
{
    sqlite3_stmt *s = b->statements[BOOK_PUT];
    int at = 1;

#define MSG(name)
#define FIELD(type, name) bind_##type(s, at++, e->name);
#define END(name)
#include "ipc/trace_event.msg"
#undef MSG
#undef FIELD
#undef END
    return statement_run(s);
}

static void
file_later(struct book *b, const struct trace_event *e)
{
    uint32_t number = (uint32_t)sqlite3_last_insert_rowid(b->sqlite), keys[KEYS_MAX];
    size_t count = keys_of_event(e, keys);

    if (b->filing_count + count > b->filing_room) {
        b->filing_room = 2 * b->filing_room + KEYS_MAX;
        b->filings = heap_grow(b->filings, b->filing_room * sizeof(*b->filings));
    }
    for (size_t i = 0; i < count; i++)
        b->filings[b->filing_count++] = runs_entry(keys[i], number);
}

/* The transaction is over, one way or the other. */
static struct err
end(struct book *b, int code)
{
    struct err e = error(b, code);

    if (b->writing && code != SQLITE_OK) {
        run(b, "ROLLBACK");
        (void)runs_read(&b->runs);
    }
    b->writing = false;
    free(b->filings);
    b->filings = NULL;
    b->filing_count = b->filing_room = 0;
    return e;
}

struct err
book_put(struct book *b, const struct trace_event *e)
{
    int code = b->writing ? SQLITE_OK : run(b, "BEGIN");

    b->writing |= code == SQLITE_OK;
    if (code == SQLITE_OK)
        code = put_event(b, e);
    if (code != SQLITE_OK)
        return end(b, code);
    file_later(b, e);
    return ERR_OK;
}

struct err
book_commit(struct book *b)
{
    int code;

    if (!b->writing)
        return ERR_OK;
    code = b->filing_count ? runs_put(&b->runs, b->filings, b->filing_count) : SQLITE_OK;
    if (code == SQLITE_OK)
        code = run(b, "COMMIT");
    return end(b, code);
}

/* ---- events out ---- */

static uint64_t
take_u64(sqlite3_stmt *s, int at)
{
    return (uint64_t)sqlite3_column_int64(s, at);
}

static uint32_t
take_u32(sqlite3_stmt *s, int at)
{
    return (uint32_t)sqlite3_column_int64(s, at);
}

static struct slice
take_slice(sqlite3_stmt *s, int at)
{
    const void *text = sqlite3_column_blob(s, at);

    return slice_make(text, (size_t)sqlite3_column_bytes(s, at));
}

/* A search, as the index calls back. */
struct reading {
    struct book *book;
    book_fn *fn;
    void *ctx;
    int code;
};

static void
take_event(sqlite3_stmt *s, struct trace_event *e)
{
    int at = 1;

#define MSG(name)
#define FIELD(type, name) e->name = take_##type(s, at++);
#define END(name)
#include "ipc/trace_event.msg"
#undef MSG
#undef FIELD
#undef END
}

static bool
read_event(void *ctx, uint32_t number)
{
    struct reading *r = ctx;
    sqlite3_stmt *s = r->book->statements[BOOK_GET];
    struct trace_event e;
    bool more = true;
    int code;

    bind_u32(s, 1, number);
    code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        take_event(s, &e);
        more = r->fn(r->ctx, number, &e);
    } else if (code != SQLITE_DONE) {
        r->code = code;
        more = false;
    }
    sqlite3_reset(s);
    return more;
}

struct err
book_read(struct book *b, const uint32_t keys[2], uint64_t from, bool newest_first, book_fn *fn,
          void *ctx)
{
    struct reading r = {.book = b, .fn = fn, .ctx = ctx};
    int code = runs_find(&b->runs, keys, from < UINT32_MAX ? (uint32_t)from : UINT32_MAX,
                         newest_first, read_event, &r);

    return error(b, code == SQLITE_OK ? r.code : code);
}
