/* The files of the directory: opened under the lock, verified, moved aside when damaged, replaced
 * from the copy. Invariant: a -wal file only ever lies beside the database it belongs to, because
 * SQLite would play it into any other. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "db.h"

#define DB_FILE   "directory.db"
#define NEW_FILE  "directory.db.new"
#define COPY_FILE "directory.db.copy"
#define COPY_NEW  "directory.db.copy.new"
#define LOCK_FILE "directory.lock"

enum { LOCK_POLL_MS = 20 };

static uint64_t
now_seconds(void)
{
    return clock_now_us() / 1000000;
}

static struct err
take_lock(struct db *db)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    uint64_t end = clock_steady_ms() + DB_LOCK_MS;

    db->lock = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (db->lock < 0)
        return err_os(errno, "opening the directory's lock");
    while (fcntl(db->lock, F_OFD_SETLK, &whole) != 0) {
        if (errno != EAGAIN && errno != EACCES)
            return err_os(errno, "locking the directory");
        if (clock_steady_ms() >= end)
            return err_make(ERR_AGAIN, "the directory is in use by another process");
        nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000}, NULL);
    }
    return ERR_OK;
}

static struct err
sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct err e = ERR_OK;

    if (fd < 0 || fsync(fd) != 0)
        e = err_os(errno, "syncing a file of the directory");
    if (fd >= 0)
        close(fd);
    return e;
}

static struct err
put_in_place(const char *from, const char *to)
{
    struct err e = sync_path(from);

    if (!err_is(e) && rename(from, to) != 0)
        e = err_os(errno, "renaming a file of the directory");
    return err_is(e) ? e : sync_path(".");
}

/* Database first: were the -wal to go first, a crash would leave a database that looks whole. A
 * -wal that stays behind goes at the next start, before anything takes the database's place. */
static struct err
move_aside(const char *path)
{
    static const char *const tails[] = {"", "-wal"};
    char from[64], to[96];
    unsigned long long now = now_seconds();

    for (size_t i = 0; i < COUNT(tails); i++) {
        snprintf(from, sizeof(from), "%s%s", path, tails[i]);
        snprintf(to, sizeof(to), "%s.damaged-%llu%s", path, now, tails[i]);
        if (rename(from, to) == 0)
            LOG(salvage, SLICE(""), log_string("file", from), log_string("now", to));
        else if (errno != ENOENT)
            return err_os(errno, "moving a damaged directory aside");
    }
    return sync_path(".");
}

bool
db_lies_aside(void)
{
    DIR *here = opendir(".");
    bool found = false;

    for (const struct dirent *e; here && !found && (e = readdir(here)) != NULL;)
        found = slice_take_prefix(&(struct slice){(const uint8_t *)e->d_name, strlen(e->d_name)},
                                  SLICE("directory.db.damaged-"));
    if (here)
        closedir(here);
    return found;
}

static int
read_number(sqlite3 *sqlite, const char *pragma, int *value)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(sqlite, pragma, -1, &s, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW)
        *value = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* SQLite's own quick check answers with one row that says "ok". */
static int
verify(sqlite3 *sqlite)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(sqlite, "PRAGMA quick_check(1)", -1, &s, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW)
        code = slice_eq(slice_of((const char *)sqlite3_column_text(s, 0)), SLICE("ok"))
                   ? SQLITE_OK
                   : SQLITE_CORRUPT;
    sqlite3_finalize(s);
    return code;
}

/* Only what SQLite cannot read counts as damaged: a database that is busy or a disk that fails must
 * never cost the directory. */
static struct err
open_error(sqlite3 *sqlite, int code)
{
    int os = sqlite3_system_errno(sqlite);

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR)
        return err_make(ERR_MALFORMED, "opening the directory");
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return err_make(ERR_TEMPORARY, "another program has the directory open");
    return err_os(os ? os : EIO, "opening the directory");
}

/* Opens an existing database. MALFORMED: damaged, or none of ours. */
static struct err
open_file(const char *path, sqlite3 **sqlite)
{
    static const char first[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY;";
    char then[160];
    struct stat st;
    int application = 0, version = 0;
    int code = sqlite3_open_v2(path, sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    snprintf(then, sizeof(then),
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
             "PRAGMA secure_delete=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-%d;",
             DB_CACHE_KIB);
    if (code == SQLITE_OK)
        code = sqlite3_exec(*sqlite, first, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = read_number(*sqlite, "PRAGMA application_id", &application);
    if (code == SQLITE_OK)
        code = read_number(*sqlite, "PRAGMA user_version", &version);
    if (code == SQLITE_OK && application == DB_APPLICATION && version > DB_VERSION)
        return err_make(ERR_PERMANENT, "opening a directory that a later valija wrote");
    if (code == SQLITE_OK && (application != DB_APPLICATION || version < 1))
        return err_make(ERR_MALFORMED, "opening the directory");
    if (code == SQLITE_OK)
        code = sqlite3_exec(*sqlite, then, NULL, NULL, NULL);
    if (code == SQLITE_OK && stat(path, &st) == 0 && st.st_size <= DB_VERIFY_BYTES_MAX)
        code = verify(*sqlite);
    return code == SQLITE_OK ? db_schema_upgrade(*sqlite, version) : open_error(*sqlite, code);
}

static void
close_file(sqlite3 **sqlite)
{
    sqlite3_close(*sqlite);
    *sqlite = NULL;
}

/* Ids go on from the time: whatever was lost, no id of it is given again. */
static struct err
renew_ids(sqlite3 *sqlite)
{
    char text[120];

    snprintf(text, sizeof(text),
             "UPDATE sqlite_sequence SET seq=max(seq, %llu) WHERE name='accounts'",
             (unsigned long long)now_seconds());
    if (sqlite3_exec(sqlite, text, NULL, NULL, NULL) != SQLITE_OK)
        return err_os(sqlite3_system_errno(sqlite), "preparing the directory");
    return ERR_OK;
}

static struct err
make_empty(void)
{
    sqlite3 *sqlite = NULL;
    int code = sqlite3_open(NEW_FILE, &sqlite);
    struct err e =
        code == SQLITE_OK ? db_schema_make(sqlite) : err_os(EIO, "writing a new directory");

    sqlite3_close(sqlite);
    return e;
}

/* The copy stays: it is all there is until the next one is written. */
static struct err
copy_of_copy(void)
{
    int from = open(COPY_FILE, O_RDONLY | O_CLOEXEC);
    int to = open(NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct err e = from < 0 || to < 0 ? err_os(errno, "opening the directory's copy") : ERR_OK;
    char room[65536];

    for (ssize_t got = 1; !err_is(e) && got > 0;) {
        got = read(from, room, sizeof(room));
        if (got < 0)
            e = err_os(errno, "reading the directory's copy");
        else if (got > 0 && write(to, room, (size_t)got) != got)
            e = err_os(ENOSPC, "restoring the directory's copy");
    }
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return e;
}

static bool
exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* There is no directory.db: its copy becomes it where that is whole, or else an empty one. */
static struct err
begin_anew(struct db *db)
{
    bool from_copy = false;
    struct err e = ERR_OK;

    if (exists(DB_FILE "-wal"))
        e = move_aside(DB_FILE);
    unlink(NEW_FILE);
    unlink(NEW_FILE "-wal");
    unlink(NEW_FILE "-journal");
    if (!err_is(e) && exists(COPY_FILE)) {
        e = copy_of_copy();
        if (!err_is(e))
            e = open_file(NEW_FILE, &db->sqlite);
        close_file(&db->sqlite); /* folds and removes the -wal */
        from_copy = !err_is(e);
        if (e.kind == ERR_MALFORMED)
            e = move_aside(COPY_FILE);
        if (!err_is(e) && !from_copy && unlink(NEW_FILE) != 0)
            e = err_os(errno, "removing a damaged copy");
    }
    if (!err_is(e) && !from_copy)
        e = make_empty();
    if (!err_is(e))
        e = put_in_place(NEW_FILE, DB_FILE);
    if (!err_is(e))
        e = open_file(DB_FILE, &db->sqlite);
    if (!err_is(e))
        e = renew_ids(db->sqlite);
    if (!err_is(e) && from_copy)
        LOG(salvage, SLICE(""), log_string("file", COPY_FILE), log_string("now", DB_FILE));
    return e;
}

static struct err
open_or_begin(struct db *db)
{
    struct err e;

    if (!exists(DB_FILE))
        return begin_anew(db);
    e = open_file(DB_FILE, &db->sqlite);
    if (e.kind != ERR_MALFORMED)
        return e;
    close_file(&db->sqlite);
    e = move_aside(DB_FILE);
    return err_is(e) ? e : begin_anew(db);
}

struct err
db_open(struct db *db)
{
    struct err e;

    *db = (struct db){.lock = -1};
    e = take_lock(db);
    return err_is(e) ? e : open_or_begin(db);
}

static void
end_copy(struct db *db)
{
    if (db->backup)
        sqlite3_backup_finish(db->backup);
    db->backup = NULL;
    close_file(&db->copy);
}

static void
close_sqlite(struct db *db)
{
    end_copy(db);
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(db->statements[i]);
        db->statements[i] = NULL;
    }
    close_file(&db->sqlite);
}

void
db_close(struct db *db)
{
    close_sqlite(db);
    if (db->lock >= 0)
        close(db->lock);
    *db = (struct db){.lock = -1};
}

struct err
db_replace(struct db *db)
{
    struct err e;

    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    close_sqlite(db);
    db->damaged = false;
    db->err = ERR_OK;
    e = move_aside(DB_FILE);
    return err_is(e) ? e : begin_anew(db);
}

static struct err
begin_copy(struct db *db)
{
    unlink(COPY_NEW);
    unlink(COPY_NEW "-journal");
    if (sqlite3_open(COPY_NEW, &db->copy) != SQLITE_OK)
        return err_os(sqlite3_system_errno(db->copy), "opening a copy of the directory");
    sqlite3_exec(db->copy, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF", NULL, NULL, NULL);
    db->backup = sqlite3_backup_init(db->copy, "main", db->sqlite, "main");
    return db->backup ? ERR_OK : err_make(ERR_TEMPORARY, "beginning a copy of the directory");
}

struct err
db_copy_step(struct db *db)
{
    struct err e = ERR_OK;
    int code;

    if (!db->backup)
        e = begin_copy(db);
    code = err_is(e) ? SQLITE_ABORT : sqlite3_backup_step(db->backup, DB_COPY_PAGES);
    if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return err_make(ERR_AGAIN, "copying the directory");
    end_copy(db);
    if (!err_is(e) && code != SQLITE_DONE) {
        db->damaged |= code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
        e = err_os(code == SQLITE_FULL ? ENOSPC : EIO, "copying the directory");
    }
    return err_is(e) ? e : put_in_place(COPY_NEW, COPY_FILE);
}
