/* What the store's tests share: a folder of their own, deliveries in a line, mailboxes read back.
 */
#ifndef STORE_TEST_STORE_H
#define STORE_TEST_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ensure.h"
#include "store/store.h"

enum { IDS = 200000 }; /* delivery ids of tests that read mailboxes back are below */

struct world {
    struct store *st;
    struct store_config config;
    char dir[64];
    unsigned outcomes[STORE_FAILED + 1]; /* since the last settle() began */
    unsigned found[STORE_FINDING_COUNT]; /* reported so far */
};

static inline void
count_report(void *ctx, const struct store_report *r)
{
    struct world *w = ctx;

    w->found[r->finding]++;
}

static inline void
count_outcome(void *ctx, uint64_t account, uint64_t id, enum store_outcome outcome, struct err err)
{
    struct world *w = ctx;

    (void)id;
    if (outcome == STORE_FAILED)
        print_message("account %u: %s\n", (unsigned)account, err_text(err));
    w->outcomes[outcome]++;
}

static inline void
world_start(struct world *w)
{
    struct err err = store_open(&w->st, &w->config);

    if (err_is(err))
        fail_msg("%s", err_text(err));
}

static inline void
world_restart(struct world *w)
{
    store_close(w->st);
    world_start(w);
}

static inline int
world_new(void **state)
{
    struct world *w = heap_take(sizeof(*w));

    strcpy(w->dir, "/tmp/valija-store-XXXXXX");
    ensure(mkdtemp(w->dir) && chdir(w->dir) == 0);
    store_config_init(&w->config);
    w->config.report = count_report;
    w->config.ctx = w;
    world_start(w);
    *state = w;
    return 0;
}

static inline int
remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline int
world_free(void **state)
{
    struct world *w = *state;

    store_close(w->st);
    ensure(chdir("/") == 0);
    nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

/* The text of delivery `id`: told apart from every other, and of many sizes. */
static inline struct slice
text_of(uint64_t id)
{
    static char text[9000];
    size_t n =
        (size_t)snprintf(text, sizeof(text), "Subject: %llu\r\n\r\n", (unsigned long long)id);

    for (size_t most = n + id * 37 % 8000; n < most; n++)
        text[n] = (char)('a' + (id + n) % 26);
    return slice_make(text, n);
}

static inline enum store_answer
deliver_more(struct world *w, uint64_t account, uint64_t id, uint64_t low_water, uint64_t quota)
{
    struct store_body *body = store_body_copy(text_of(id));
    struct store_delivery d = {.account = account,
                               .id = id,
                               .low_water = low_water,
                               .date_us = id,
                               .quota_bytes = quota,
                               .prefix = SLICE("Delivered-To: x\r\n"),
                               .body = body};
    enum store_answer answer = store_deliver(w->st, &d);

    store_body_put(body);
    return answer;
}

static inline void
deliver(struct world *w, uint64_t account, uint64_t id)
{
    assert_int_equal(deliver_more(w, account, id, 0, 0), STORE_PENDING);
}

/* Flush, sync, done. */
static inline struct err
settle(struct world *w)
{
    struct store_batch *b = store_flush(w->st, 0);

    memset(w->outcomes, 0, sizeof(w->outcomes));
    (void)store_batch_sync(b);
    return store_batch_done(w->st, b, count_outcome, w);
}

/* A mailbox as its owner sees it. */
struct seen {
    struct store_listing listing;
    struct store_entry *entries;
};

static inline struct seen
see(struct world *w, uint64_t account)
{
    struct seen s;
    struct err err = store_mailbox_open(w->st, account, &s.listing);
    size_t bytes;

    if (err_is(err))
        fail_msg("%s", err_text(err));
    bytes = s.listing.count * sizeof(*s.entries);
    s.entries = heap_take(bytes + 1);
    assert_int_equal(pread(s.listing.fd, s.entries, bytes + 1, 0), bytes);
    close(s.listing.fd);
    return s;
}

static inline void
seen_clear(struct seen *s)
{
    free(s->entries);
}

/* The delivery id a message says it has; 0 where its bytes are not what was delivered. */
static inline uint64_t
id_of(struct world *w, uint64_t account, const struct store_entry *e)
{
    static const char prefix[] = "Delivered-To: x\r\n";
    char *text = heap_take(e->size + 1);
    unsigned long long id = 0;
    size_t skip = strlen(prefix);
    int fd = -1;

    if (!err_is(store_pack_open_read(w->st, account, e->pack, &fd)) &&
        pread(fd, text, e->size, (off_t)e->offset) == (ssize_t)e->size && e->size > skip &&
        memcmp(text, prefix, skip) == 0 && sscanf(text + skip, "Subject: %llu", &id) == 1 &&
        !slice_eq(text_of(id), slice_make(text + skip, e->size - skip)))
        id = 0;
    if (fd >= 0)
        close(fd);
    free(text);
    return id;
}

/* How often the message of delivery id is in the mailbox. */
static inline unsigned
times_seen(struct world *w, uint64_t account, const struct seen *s, uint64_t id)
{
    unsigned times = 0;

    for (size_t i = 0; i < s->listing.count; i++)
        times += id_of(w, account, &s->entries[i]) == id;
    return times;
}

/* That the mailbox holds deliveries first..last, once each and in this order, and nothing else. */
static inline void
assert_holds(struct world *w, uint64_t account, uint64_t first, uint64_t last)
{
    struct seen s = see(w, account);
    uint64_t bytes = 0, usage, count;

    assert_int_equal(s.listing.count, last + 1 - first);
    for (size_t i = 0; i < s.listing.count; i++) {
        assert_int_equal(id_of(w, account, &s.entries[i]), first + i);
        bytes += s.entries[i].size;
    }
    assert_int_equal(s.listing.bytes, bytes);
    assert_false(err_is(store_usage(w->st, account, &usage, &count)));
    assert_int_equal(usage, bytes);
    assert_int_equal(count, s.listing.count);
    seen_clear(&s);
}

static inline void
assert_sound(struct world *w, uint64_t account)
{
    unsigned found[STORE_FINDING_COUNT];

    memcpy(found, w->found, sizeof(found));
    assert_false(err_is(store_check(w->st, account, false, count_report, w)));
    for (size_t i = 0; i < STORE_FINDING_COUNT; i++)
        if (w->found[i] != found[i])
            fail_msg("check found %s", store_finding_name((enum store_finding)i));
}

/* Ids first..last once each, in whatever order, and nothing else. */
static inline void
assert_once_each(struct world *w, uint64_t account, uint64_t first, uint64_t last)
{
    struct seen s = see(w, account);
    uint8_t *times = heap_take(IDS);

    for (size_t i = 0; i < s.listing.count; i++)
        times[id_of(w, account, &s.entries[i]) % IDS]++;
    for (uint64_t id = first; id <= last; id++)
        if (times[id] != 1)
            fail_msg("account %u holds message %u %u times", (unsigned)account, (unsigned)id,
                     times[id]);
    assert_int_equal(s.listing.count, last + 1 - first);
    free(times);
    seen_clear(&s);
}

/* ---- files ---- */

/* A whole file; at is NULL where there is none. */
struct file {
    uint8_t *at;
    size_t len;
};

static inline struct file
file_read(const char *path)
{
    struct file f = {0};
    struct stat s;
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return f;
    ensure(fstat(fd, &s) == 0);
    f.len = (size_t)s.st_size;
    f.at = heap_take(f.len + 1);
    ensure(read(fd, f.at, f.len) == (ssize_t)f.len);
    close(fd);
    return f;
}

static inline void
file_write(const char *path, const uint8_t *at, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ensure(fd >= 0 && write(fd, at, len) == (ssize_t)len);
    close(fd);
}

static inline void
shell(const char *command)
{
    ensure(system(command) == 0);
}

#endif
