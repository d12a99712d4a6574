/* The tables of docs/directory.md: what each interruption and each kind of damage leaves, and what
 * a start makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "directory.h"
#include "test_folder.h"

static int
enter(void **state)
{
    (void)state;
    test_folder_enter();
    return 0;
}

static int
leave(void **state)
{
    (void)state;
    test_folder_leave();
    return 0;
}

static void
add_domain(struct directory *d, const char *name)
{
    union msg_any m = {.directory_domain_add = {slice_of(name)}};
    struct outcome o;

    directory_begin(d);
    directory_change(d, MSG_directory_domain_add, &m, NULL, &o);
    assert_int_equal(o.result, DIRECTORY_OK);
    assert_false(err_is(directory_commit(d)));
}

static void
copy_whole(struct directory *d)
{
    struct err e;

    do
        e = db_copy_step(&d->db);
    while (e.kind == ERR_AGAIN);
    assert_false(err_is(e));
}

static uint64_t
count_domains(struct directory *d)
{
    return directory_totals(d).domains;
}

/* Overwrite, or make, a file. */
static void
spoil(const char *path, long offset, const char *bytes, size_t n)
{
    FILE *f = fopen(path, offset ? "r+" : "w");

    assert_non_null(f);
    assert_int_equal(fseek(f, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void
spoil_pages(const char *path)
{
    static char noise[4096 * 8];
    struct stat st;

    memset(noise, 0xa5, sizeof(noise));
    assert_int_equal(stat(path, &st), 0);
    spoil(path, 4096, noise,
          (size_t)st.st_size - 4096 < sizeof(noise) ? (size_t)st.st_size - 4096 : sizeof(noise));
}

static void
a_new_directory_is_empty_and_its_ids_begin_from_the_time(void **state)
{
    struct directory d;
    uint8_t salt[32];
    struct name n;
    struct account who;

    (void)state;
    assert_false(err_is(directory_open(&d)));
    assert_int_equal(count_domains(&d), 0);
    assert_int_equal(directory_secret(&d, "salt", salt).len, 32);
    add_domain(&d, "example.com");
    assert_true(name_parse(&n, SLICE("postmaster@example.com")));
    assert_true(directory_account_get(&d, &n, &who));
    assert_true(who.id >= clock_now_us() / 1000000 - 60);
    directory_close(&d);
    assert_int_equal(test_folder_count("directory.db.damaged", false), 0);
}

/* A child commits and dies without a word; what it committed is there. */
static void
what_was_committed_survives_a_kill(void **state)
{
    struct directory d;
    pid_t child = fork();
    int how;

    (void)state;
    if (child == 0) {
        if (err_is(directory_open(&d)))
            _exit(1);
        add_domain(&d, "example.com");
        directory_begin(&d);
        db_run(&d.db, SQL_domain_put, DB_VALUES(db_text(SLICE("lost.example")), db_number(1)));
        kill(getpid(), SIGKILL);
    }
    waitpid(child, &how, 0);
    assert_true(WIFSIGNALED(how));
    assert_false(err_is(directory_open(&d)));
    assert_int_equal(count_domains(&d), 1);
    directory_close(&d);
    assert_int_equal(test_folder_count("directory.db.damaged", false), 0);
}

static void
a_second_process_waits_and_then_says_so(void **state)
{
    struct directory d, second;
    struct err e;
    int lock;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    (void)state;
    assert_false(err_is(directory_open(&d)));
    /* another descriptor of this process stands for another process: OFD locks tell them apart */
    lock = open("directory.lock", O_RDWR);
    assert_int_equal(fcntl(lock, F_OFD_SETLK, &whole), -1);
    close(lock);
    e = directory_open(&second);
    assert_int_equal(e.kind, ERR_AGAIN);
    directory_close(&second);
    directory_close(&d);
    assert_false(err_is(directory_open(&d)));
    directory_close(&d);
}

static void
make_one_with_copy(void)
{
    struct directory d;

    assert_false(err_is(directory_open(&d)));
    add_domain(&d, "example.com");
    copy_whole(&d);
    assert_int_equal(access("directory.db.copy.new", F_OK), -1);
    add_domain(&d, "later.example");
    directory_close(&d);
}

static void
a_damaged_database_gives_way_to_its_copy(void **state)
{
    static const struct {
        const char *why;
        long offset; /* -1: pages throughout */
        const char *bytes;
        size_t n;
    } rows[] = {
        {"no database", 0, "hello", 5},
        {"empty", 0, "", 0},
        {"pages overwritten", -1, NULL, 0},
        {"its schema overwritten", 101, "\xff\xff\xff\xff\xff\xff\xff\xff", 8},
        {"another application's", 68, "\0\0\0\1", 4},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct directory d;
        uint64_t before = clock_now_us() / 1000000;
        struct name n;
        struct account who;

        test_folder_count("", true);
        make_one_with_copy();
        if (rows[i].offset < 0)
            spoil_pages("directory.db");
        else
            spoil("directory.db", rows[i].offset, rows[i].bytes, rows[i].n);
        if (err_is(directory_open(&d)))
            fail_msg("%s: does not open", rows[i].why);
        if (count_domains(&d) != 1)
            fail_msg("%s: %u domains", rows[i].why, (unsigned)count_domains(&d));
        add_domain(&d, "new.example"); /* its account has an id that none can have had */
        name_parse(&n, SLICE("postmaster@new.example"));
        assert_true(directory_account_get(&d, &n, &who));
        assert_true(who.id > before);
        directory_close(&d);
        assert_int_equal(test_folder_count("directory.db.damaged", false), 1);
        assert_int_equal(test_folder_count("directory.db.new", false), 0);
    }
}

static void
a_damaged_copy_is_moved_aside_too(void **state)
{
    struct directory d;

    (void)state;
    make_one_with_copy();
    spoil_pages("directory.db");
    spoil("directory.db.copy", 0, "hello", 5);
    assert_false(err_is(directory_open(&d)));
    assert_int_equal(count_domains(&d), 0);
    directory_close(&d);
    assert_int_equal(test_folder_count("directory.db.damaged", false), 1);
    assert_int_equal(test_folder_count("directory.db.copy.damaged", false), 1);
}

static void
left_overs_of_a_crash_do_no_harm(void **state)
{
    static const char *const files[] = {"directory.db.new", "directory.db.copy.new",
                                        "directory.db.copy.new-journal", "directory.db.new-wal"};
    struct directory d;

    (void)state;
    make_one_with_copy();
    for (size_t i = 0; i < COUNT(files); i++)
        spoil(files[i], 0, "hello", 5);
    assert_false(err_is(directory_open(&d)));
    assert_int_equal(count_domains(&d), 2);
    copy_whole(&d);
    directory_close(&d);
    /* moved aside, and killed before its -wal was: that must not be played into the copy */
    spoil("directory.db-wal", 0, "hello", 5);
    assert_int_equal(rename("directory.db", "directory.db.damaged-1"), 0);
    assert_false(err_is(directory_open(&d)));
    assert_int_equal(count_domains(&d), 2);
    directory_close(&d);
    assert_int_equal(test_folder_count("directory.db.damaged", false), 2);
}

static void
damage_met_while_running_is_replaced_while_running(void **state)
{
    struct directory d;

    (void)state;
    assert_false(err_is(directory_open(&d)));
    add_domain(&d, "example.com");
    copy_whole(&d);
    d.db.damaged = true;
    assert_false(err_is(db_replace(&d.db)));
    assert_false(d.db.damaged);
    assert_int_equal(count_domains(&d), 1);
    add_domain(&d, "new.example");
    directory_close(&d);
    assert_int_equal(test_folder_count("directory.db.damaged", false), 2); /* -wal */
}

static void
a_later_version_is_left_alone(void **state)
{
    struct directory d;
    struct err e;

    (void)state;
    make_one_with_copy();
    spoil("directory.db", 60, "\0\0\0\x09", 4);
    e = directory_open(&d);
    assert_int_equal(e.kind, ERR_PERMANENT);
    directory_close(&d);
    assert_int_equal(test_folder_count("directory.db.damaged", false), 0);
    assert_int_equal(access("directory.db", F_OK), 0);
}

static void
a_database_that_is_busy_is_not_damaged(void **state)
{
    sqlite3 *other = NULL;
    struct directory d;
    struct err e;

    (void)state;
    make_one_with_copy();
    assert_int_equal(sqlite3_open("directory.db", &other), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL),
        SQLITE_OK);
    e = directory_open(&d);
    assert_int_equal(e.kind, ERR_TEMPORARY);
    directory_close(&d);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_false(err_is(directory_open(&d)));
    assert_int_equal(count_domains(&d), 2);
    directory_close(&d);
    assert_int_equal(test_folder_count("directory.db.damaged", false), 0);
}

static void
a_copy_made_amid_changes_is_whole(void **state)
{
    struct directory d;
    char name[40];
    int steps = 0;

    (void)state;
    assert_false(err_is(directory_open(&d)));
    directory_begin(&d);
    for (int i = 0; i < 8000; i++) {
        union msg_any m = {.directory_domain_add = {slice_of(name)}};
        struct outcome o;

        snprintf(name, sizeof(name), "domain-%05d.a-rather-long.example", i);
        m.directory_domain_add.name = slice_of(name);
        directory_change(&d, MSG_directory_domain_add, &m, NULL, &o);
    }
    assert_false(err_is(directory_commit(&d)));
    while (db_copy_step(&d.db).kind == ERR_AGAIN) {
        snprintf(name, sizeof(name), "amid-%d.example", steps++);
        add_domain(&d, name);
    }
    assert_true(steps >= 2);
    directory_close(&d);
    unlink("directory.db");
    assert_false(err_is(directory_open(&d)));
    assert_int_equal(count_domains(&d), 8000 + steps);
    directory_close(&d);
}

/* As the first version made it, with an account, an alias and a secret. */
static void
make_version_1(const char *path, const char *more)
{
    static const char text[] =
        "PRAGMA application_id=1986096196; PRAGMA user_version=1;"
        "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE domains (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        " suspended INTEGER NOT NULL DEFAULT 0, accounts INTEGER NOT NULL DEFAULT 0,"
        " aliases INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL);"
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " domain TEXT NOT NULL REFERENCES domains (name), local TEXT NOT NULL,"
        " suspended INTEGER NOT NULL DEFAULT 0, hash TEXT, scram_salt BLOB,"
        " scram_iterations INTEGER, scram_stored BLOB, scram_server BLOB, apop TEXT,"
        " quota INTEGER, login_delay INTEGER, language TEXT NOT NULL DEFAULT '',"
        " bytes INTEGER NOT NULL DEFAULT 0, messages INTEGER NOT NULL DEFAULT 0,"
        " created INTEGER NOT NULL, UNIQUE (domain, local));"
        "CREATE TABLE aliases (domain TEXT NOT NULL REFERENCES domains (name),"
        " local TEXT NOT NULL, target TEXT NOT NULL,"
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
        "INSERT INTO sqlite_sequence VALUES ('accounts', 1700000000);"
        "INSERT INTO secrets VALUES ('salt', x'00112233445566778899aabbccddeeff"
        "00112233445566778899aabbccddeeff');"
        "INSERT INTO domains (name, created) VALUES ('example.com', 1700000000);"
        "INSERT INTO accounts (domain, local, hash, quota, language, bytes, created)"
        " VALUES ('example.com', 'ana', '$y$x', 500, 'es', 100, 1700000001);"
        "INSERT INTO aliases VALUES ('example.com', 'postmaster', 'ana@example.com');"
        "INSERT INTO aliases VALUES ('example.com', '', 'ana@example.com');";
    sqlite3 *sqlite;

    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, more, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

static void
has_all_of_version_1(struct directory *d)
{
    static struct expansion x;
    uint8_t salt[DIRECTORY_SECRET_MAX];
    struct account who;
    struct name n;

    assert_true(name_parse(&n, SLICE("ana@example.com")));
    assert_true(directory_account_get(d, &n, &who));
    assert_true(who.id == 1700000001);
    assert_string_equal(who.credentials.hash, "$y$x");
    assert_int_equal(directory_secret(d, "salt", salt).len, 32);
    assert_int_equal(salt[1], 0x11);
    directory_expand(d, SLICE("mx.example.com"), SLICE("anything@example.com"), SLICE(""), &x);
    assert_int_equal(x.verdict, ACCOUNTS_OK);
    assert_int_equal(x.room, 400);
    assert_string_equal(x.language, "es");
    assert_int_equal(directory_totals(d).aliases, 2);
}

/* Columns as SQLite lists them, tables by name. */
static void
list_columns(const struct directory *d, char *text, size_t size)
{
    sqlite3_stmt *s;

    assert_int_equal(
        sqlite3_prepare_v2(d->db.sqlite,
                           "SELECT group_concat(t.name || '.' || c.name || ' ' || c.type || ' ' ||"
                           " c.\"notnull\" || ' ' || coalesce(c.dflt_value, '-'), char(10))"
                           " FROM (SELECT name FROM sqlite_schema WHERE type='table'"
                           " ORDER BY name) t, pragma_table_info(t.name) c",
                           -1, &s, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_true(snprintf(text, size, "%s", (const char *)sqlite3_column_text(s, 0)) < (int)size);
    sqlite3_finalize(s);
}

static void
a_directory_of_the_first_version_is_upgraded_in_place(void **state)
{
    static char upgraded[4096], made[4096];
    struct directory d;
    uint8_t key[DIRECTORY_SECRET_MAX];

    (void)state;
    assert_false(err_is(directory_open(&d)));
    list_columns(&d, made, sizeof(made));
    directory_close(&d);
    test_folder_count("", true);
    make_version_1("directory.db", "");
    for (int again = 0; again < 2; again++) {
        assert_false(err_is(directory_open(&d)));
        has_all_of_version_1(&d);
        assert_int_equal(directory_secret(&d, "srs", key).len, 32);
        list_columns(&d, upgraded, sizeof(upgraded));
        assert_string_equal(upgraded, made);
        directory_close(&d);
    }
    assert_int_equal(test_folder_count("directory.db.damaged", false), 0);
}

static void
a_copy_of_the_first_version_is_upgraded_when_it_is_needed(void **state)
{
    struct directory d;

    (void)state;
    make_version_1("directory.db.copy", "");
    assert_false(err_is(directory_open(&d)));
    has_all_of_version_1(&d);
    directory_close(&d);
}

/* A step fails at its second statement, as a full disk might make it: the directory is neither
 * changed nor called damaged, and the next start tries again. */
static void
an_upgrade_that_fails_changes_nothing(void **state)
{
    struct directory d;
    sqlite3 *sqlite;
    struct err e;

    (void)state;
    make_version_1("directory.db", "ALTER TABLE domains ADD COLUMN lifetime INTEGER");
    e = directory_open(&d);
    assert_true(err_is(e) && e.kind != ERR_MALFORMED);
    directory_close(&d);
    assert_int_equal(test_folder_count("directory.db.damaged", false), 0);
    assert_int_equal(sqlite3_open("directory.db", &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, "SELECT language FROM domains", NULL, NULL, NULL),
                     SQLITE_ERROR);
    assert_int_equal(
        sqlite3_exec(sqlite, "ALTER TABLE domains DROP COLUMN lifetime", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
    assert_false(err_is(directory_open(&d)));
    has_all_of_version_1(&d);
    directory_close(&d);
}

static void
a_folder_that_cannot_be_written_is_an_error_and_no_loss(void **state)
{
    struct directory d;
    struct err e;

    (void)state;
    if (geteuid() == 0)
        skip();
    make_one_with_copy();
    assert_int_equal(chmod("directory.db", 0), 0);
    e = directory_open(&d);
    assert_true(err_is(e) && e.kind != ERR_MALFORMED);
    directory_close(&d);
    assert_int_equal(chmod("directory.db", 0600), 0);
    assert_false(err_is(directory_open(&d)));
    assert_int_equal(count_domains(&d), 2);
    directory_close(&d);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(a_new_directory_is_empty_and_its_ids_begin_from_the_time),
        TEST(what_was_committed_survives_a_kill),
        TEST(a_second_process_waits_and_then_says_so),
        TEST(a_damaged_database_gives_way_to_its_copy),
        TEST(a_damaged_copy_is_moved_aside_too),
        TEST(left_overs_of_a_crash_do_no_harm),
        TEST(damage_met_while_running_is_replaced_while_running),
        TEST(a_later_version_is_left_alone),
        TEST(a_database_that_is_busy_is_not_damaged),
        TEST(a_copy_made_amid_changes_is_whole),
        TEST(a_directory_of_the_first_version_is_upgraded_in_place),
        TEST(a_copy_of_the_first_version_is_upgraded_when_it_is_needed),
        TEST(an_upgrade_that_fails_changes_nothing),
        TEST(a_folder_that_cannot_be_written_is_an_error_and_no_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
