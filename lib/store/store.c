/* The store as a whole: its lock, its accounts on disk, its end. */
#include "store/store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"

static const struct finding_row {
    const char *name, *help;
    bool error;
} findings[STORE_FINDING_COUNT] = {
#define ERROR                       true
#define WARN                        false
#define FINDING(name, level, help_) [STORE_FOUND_##name] = {#name, help_, level},
#include "store/finding.def"
#undef FINDING
#undef WARN
#undef ERROR
};

const char *
store_finding_name(enum store_finding finding)
{
    return findings[finding].name;
}

const char *
store_finding_help(enum store_finding finding)
{
    return findings[finding].help;
}

bool
store_finding_is_error(enum store_finding finding)
{
    return findings[finding].error;
}

void
report(struct store *st, const struct store_report *r)
{
    if (st->config.report)
        st->config.report(st->config.ctx, r);
}

void
store_config_init(struct store_config *c)
{
    *c = (struct store_config){
        .index = 0,
        .count = 1,
        .pack_bytes = UINT64_C(64) << 20,
        .open_accounts = 128,
        .pending_bytes = (size_t)32 << 20,
    };
}

/* A byte for each bucket: processes that disagree about their number still cannot share one. */
static struct err
lock_buckets(struct store *st)
{
    st->lock_fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (st->lock_fd < 0)
        return err_os(errno, "opening the store's lock");
    for (unsigned bucket = 0; bucket < STORE_BUCKETS; bucket++) {
        struct flock range = {
            .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)bucket, .l_len = 1};

        if (shard_owner(bucket, st->config.count) != st->config.index)
            continue;
        if (fcntl(st->lock_fd, F_OFD_SETLK, &range) != 0)
            return (struct err){ERR_AGAIN, errno, "locking accounts another process has"};
    }
    return ERR_OK;
}

struct err
store_open(struct store **out, const struct store_config *config)
{
    struct store *st = heap_take(sizeof(*st));
    struct err err;

    ensure(config->count > 0 && config->count <= STORE_BUCKETS && config->index < config->count);
    *out = NULL;
    st->config = *config;
    st->seq = 1;
    st->lock_fd = st->sync_fd = -1;
    list_init(&st->accounts);
    list_init(&st->lines);
    list_init(&st->decided);
    list_init(&st->batches);
    pthread_mutex_init(&st->sync_lock, NULL);
    st->sync_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    index_setup();
    err = st->sync_fd < 0 ? err_os(errno, "opening the store's folder") : lock_buckets(st);
    if (!err_is(err))
        err = index_image(&st->image, &st->image_len);
    if (err_is(err)) {
        store_close(st);
        return err;
    }
    *out = st;
    return ERR_OK;
}

static void
flush_silently(struct store *st)
{
    struct store_batch *b;

    if (list_empty(&st->lines) && st->seq == st->synced)
        return;
    b = store_flush(st, 0);
    (void)store_batch_sync(b);
    (void)store_batch_done(st, b, NULL, NULL);
}

void
store_close(struct store *st)
{
    if (!st)
        return;
    if (st->image)
        flush_silently(st);
    ensure(list_empty(&st->batches)); /* a thread may still be syncing it */
    store_trim(st, 0);
    LIST_EACH(l, &st->accounts)
    account_close(LIST_OF(l, struct account, link)); /* those with a compaction under way */
    doubt_forget(&st->doubts);
    doubt_forget(&st->unsynced);
    map_clear(&st->opened);
    map_clear(&st->line_of);
    sqlite3_free(st->image);
    pthread_mutex_destroy(&st->sync_lock);
    if (st->sync_fd >= 0)
        close(st->sync_fd);
    if (st->lock_fd >= 0)
        close(st->lock_fd);
    free(st);
}

void
store_make_room(struct store *st, size_t keep)
{
    LIST_EACH(l, &st->accounts)
    {
        struct account *a = LIST_OF(l, struct account, link);

        if (st->opened_count <= keep)
            return;
        if (!a->move)
            account_close(a);
    }
}

void
store_trim(struct store *st, size_t keep)
{
    if (st->opened_count <= keep)
        return;
    store_make_room(st, keep);
    malloc_trim(0); /* an index is many small pieces, which free() keeps for the next one */
}

/* Calls fn for each account in one bucket; false if fn did not want more. Ids have one spelling. */
static bool
walk_bucket(DIR *dir, unsigned bucket, bool (*fn)(void *ctx, uint64_t account), void *ctx)
{
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        uint64_t id;

        if (e->d_name[0] == '0' || !slice_to_u64(slice_of(e->d_name), &id) ||
            id % STORE_BUCKETS != bucket)
            continue;
        if (!fn(ctx, id))
            return false;
    }
    return true;
}

struct err
store_each(struct store *st, bool (*fn)(void *ctx, uint64_t account), void *ctx)
{
    for (unsigned bucket = 0; bucket < STORE_BUCKETS; bucket++) {
        char name[3];
        DIR *dir;
        bool more;

        if (shard_owner(bucket, st->config.count) != st->config.index)
            continue;
        snprintf(name, sizeof(name), "%02x", bucket);
        dir = opendir(name);
        if (!dir && errno == ENOENT)
            continue;
        if (!dir)
            return err_os(errno, "reading a bucket of accounts");
        more = walk_bucket(dir, bucket, fn, ctx);
        closedir(dir);
        if (!more)
            break;
    }
    return ERR_OK;
}
