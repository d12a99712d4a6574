/* After a sync that failed: docs/store.md, "A sync that failed". The kernel may have dropped what
 * it could not write and call the pages clean, so nothing written since the last good sync is
 * believed: deliveries go back to the queue, indexes are written anew in new files. */
#include "store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"

struct doubt *
doubt_in(struct map *m, uint64_t account)
{
    struct doubt *d = map_get(m, account);

    if (!d) {
        d = heap_take(sizeof(*d));
        d->account = account;
        map_put(m, account, d);
    }
    return d;
}

void
doubt_free(struct doubt *d)
{
    free(d->ids);
    free(d);
}

void
doubt_forget(struct map *m)
{
    struct doubt *d;
    size_t at = 0;

    while ((d = map_next(m, &at)) != NULL)
        doubt_free(d);
    map_clear(m);
}

static void
add_id(struct doubt *d, uint64_t id)
{
    if (d->count == d->room) {
        d->room = d->room ? d->room * 2 : 16;
        d->ids = heap_grow(d->ids, d->room * sizeof(*d->ids));
    }
    d->ids[d->count++] = id;
}

/* Those of one account, or of all where account is 0. */
static void
fail_deliveries(struct store *st, struct list *deliveries, uint64_t account, struct err err)
{
    LIST_EACH(at, deliveries)
    {
        struct delivery *d = LIST_OF(at, struct delivery, link);

        if ((account && d->account != account) || d->outcome > STORE_DUPLICATE)
            continue;
        if (d->outcome == STORE_DELIVERED)
            add_id(doubt_in(&st->doubts, d->account), d->id);
        d->outcome = STORE_FAILED;
        d->err = err;
    }
}

static void
fail_all_deliveries(struct store *st, uint64_t account, struct err err)
{
    fail_deliveries(st, &st->decided, account, err);
    LIST_EACH(at, &st->batches)
    fail_deliveries(st, &LIST_OF(at, struct store_batch, link)->deliveries, account, err);
}

void
doubt_everything(struct store *st)
{
    struct doubt *d;
    size_t at = 0;

    fail_all_deliveries(st, 0, err_make(ERR_TEMPORARY, "syncing the mailboxes"));
    LIST_EACH(l, &st->batches)
    LIST_OF(l, struct store_batch, link)->doubted = true;
    LIST_EACH(l, &st->accounts)
    {
        struct account *a = LIST_OF(l, struct account, link);

        if (a->move)
            move_drop(a); /* its copies are no better */
        if (a->written > st->synced)
            account_close(a); /* which makes it one of the unsynced */
    }
    while ((d = map_next(&st->unsynced, &at)) != NULL)
        doubt_in(&st->doubts, d->account);
}

void
doubt_account(struct account *a, struct err err)
{
    struct store *st = a->st;

    doubt_in(&st->doubts, a->id);
    fail_all_deliveries(st, a->id, err);
    account_close(a);
}

static int
compare_ids(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* Rows of the doubtful deliveries, found in one pass; the caller frees *out. */
static size_t
find_rows(struct account *a, const struct doubt *d, struct row **out)
{
    size_t n = 0;
    int64_t c[INDEX_COLUMNS_MAX];

    *out = heap_take((d->count + 1) * sizeof(**out));
    if (d->count == 0)
        return 0;
    qsort(d->ids, d->count, sizeof(*d->ids), compare_ids);
    index_begin_rows(&a->index, SQL_messages_since, (int64_t[]){(int64_t)d->ids[0]});
    while (index_next_row(&a->index, SQL_messages_since, c)) {
        uint64_t id = (uint64_t)c[1];

        if (n < d->count && bsearch(&id, d->ids, d->count, sizeof(*d->ids), compare_ids))
            (*out)[n++] = (struct row){.key = c[0], .delivery = id};
    }
    return n;
}

static struct err
undeliver(struct account *a, const struct doubt *d)
{
    struct row *rows;
    struct healing h;
    size_t n = find_rows(a, d, &rows);

    heal_init(&h, a);
    for (size_t i = 0; i < n; i++)
        heal_drop(&h, rows[i].key, rows[i].delivery);
    free(rows);
    return heal_end(&h);
}

static struct err
sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct err err = ERR_OK;

    if (fd < 0 || fsync(fd) != 0)
        err = (struct err){ERR_TEMPORARY, errno, "syncing an index written anew"};
    if (fd >= 0)
        close(fd);
    return err;
}

struct err
doubt_renew(struct account *a, const struct doubt *d)
{
    char fresh[STORE_PATH_MAX];
    struct err err = undeliver(a, d);

    account_path(fresh, a->id, "index.db.new");
    if (!err_is(err))
        err = index_fold(&a->index, true); /* so that no frame is left for the new index to meet */
    if (!err_is(err))
        err = index_copy(&a->index, fresh);
    if (!err_is(err))
        err = sync_file(fresh);
    if (err_is(err))
        unlink(fresh);
    else
        report(a->st, &(struct store_report){
                          .finding = STORE_FOUND_index_doubtful, .account = a->id, .file = ""});
    return err;
}

struct err
doubt_replace(uint64_t account)
{
    char index[STORE_PATH_MAX], fresh[STORE_PATH_MAX], wal[STORE_PATH_MAX];

    account_path(index, account, "index.db");
    account_path(wal, account, "index.db-wal");
    account_path(fresh, account, "index.db.new");
    if (unlink(wal) != 0 && errno != ENOENT)
        return err_os(errno, "removing an index's WAL");
    return rename(fresh, index) == 0 ? ERR_OK : err_os(errno, "replacing an index");
}
