/* A folder with a journal in it and what its last start said: what the unit tests of this room
 * begin with. */
#ifndef JOURNAL_TEST_BOOK_H
#define JOURNAL_TEST_BOOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/journal.h"
#include "journal/test_disk.h"

enum { IDS = 3000, RECIPIENTS = 8 };

/* A folder, the journal in it, and what its last start said. */
static struct {
    char path[32];
    int dirfd;
    struct journal *j;
    struct journal_config config;
    bool came[IDS];
    uint64_t when[IDS][RECIPIENTS]; /* 0: nothing was said */
    unsigned messages, troubles[JOURNAL_ASIDE + 1];
    struct journal_trouble trouble; /* the last one; its name is gone */
} t;

/* What bodies are made of; nothing a lost page could look like. */
static uint8_t bytes[4 << 20];

static void
on_message(void *ctx, const struct journal_message *m)
{
    (void)ctx;
    assert_in_range(m->id, 1, IDS - 1);
    assert_false(t.came[m->id]);
    t.came[m->id] = true;
    t.messages++;
}

static void
on_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    (void)ctx;
    assert_true(t.came[id]);
    assert_in_range(c->recipient, 0, RECIPIENTS - 1);
    assert_int_equal(t.when[id][c->recipient], 0);
    t.when[id][c->recipient] = c->when;
}

static void
on_trouble(void *ctx, const struct journal_trouble *trouble)
{
    (void)ctx;
    t.troubles[trouble->kind]++;
    t.trouble = *trouble;
}

static struct err
try_open(void)
{
    const struct journal_replay replay = {NULL, on_message, on_change, on_trouble};

    memset(t.came, 0, sizeof(t.came));
    memset(t.when, 0, sizeof(t.when));
    memset(t.troubles, 0, sizeof(t.troubles));
    t.messages = 0;
    return journal_open(&t.j, t.dirfd, &t.config, &replay);
}

static void
reopen(void)
{
    journal_close(t.j);
    t.j = NULL;
    assert_false(err_is(try_open()));
}

static int
begin(void **state)
{
    (void)state;
    disk_reset();
    memset(&t, 0, sizeof(t));
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i >> 8 | 1);
    t.dirfd = folder_new(t.path);
    t.config = (struct journal_config){
        .segment_bytes = JOURNAL_SEGMENT_LEAST, .tidy_segments = 1, .file = &disk_table};
    return err_is(try_open());
}

static int
end(void **state)
{
    (void)state;
    journal_close(t.j);
    folder_free(t.dirfd, t.path);
    disk_reset();
    return 0;
}

static struct err
add(uint64_t id, size_t len)
{
    return journal_add(t.j, id, SLICE("envelope"), slice_make(bytes, len));
}

static void
put(uint64_t id, size_t len)
{
    assert_false(err_is(add(id, len)));
    assert_false(err_is(journal_commit(t.j)));
}

static void
change(uint64_t id, uint32_t recipient, uint64_t when)
{
    const struct journal_change c = {.recipient = recipient, .when = when, .reason = SLICE("why")};

    assert_false(err_is(journal_change(t.j, id, &c)));
}

static void
finish(uint64_t id)
{
    journal_done(t.j, id);
    assert_false(err_is(journal_commit(t.j)));
}

/* The names in the folder that begin so. */
static unsigned
count_names(const char *prefix)
{
    DIR *dir = fdopendir(openat(t.dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    unsigned n = 0;

    for (const struct dirent *d; (d = readdir(dir)) != NULL;)
        n += strncmp(d->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return n;
}

static void
idle(void)
{
    while (journal_idle(t.j))
        ;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
