/* Open accounts: made, opened, healed on the way, and closed again when too many are open. */
#include "store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"

void
account_path(char path[STORE_PATH_MAX], uint64_t account, const char *file)
{
    int n = snprintf(path, STORE_PATH_MAX, "%02x/%llu%s%s", (unsigned)(account % STORE_BUCKETS),
                     (unsigned long long)account, *file ? "/" : "", file);

    ensure(n > 0 && n < STORE_PATH_MAX);
}

void
pack_path(char path[STORE_PATH_MAX], uint64_t account, uint32_t pack)
{
    char name[24];

    snprintf(name, sizeof(name), "pack-%u", pack);
    account_path(path, account, name);
}

/* ---- packs ---- */

struct pack *
account_pack(struct account *a, uint32_t number)
{
    for (size_t i = a->pack_count; i-- > 0;)
        if (a->packs[i].number == number)
            return &a->packs[i];
    return NULL;
}

uint32_t
account_pack_next(const struct account *a)
{
    return a->last_pack + 1;
}

struct pack *
account_pack_add(struct account *a, uint32_t number, uint64_t mark)
{
    size_t at = a->pack_count;

    if (a->pack_count == a->pack_room) {
        a->pack_room = a->pack_room ? a->pack_room * 2 : 4;
        a->packs = heap_grow(a->packs, a->pack_room * sizeof(*a->packs));
    }
    for (; at > 0 && a->packs[at - 1].number > number; at--)
        a->packs[at] = a->packs[at - 1];
    a->packs[at] = (struct pack){.number = number, .mark = mark};
    a->pack_count++;
    if (number > a->last_pack)
        a->last_pack = number;
    return &a->packs[at];
}

struct pack *
account_pack_begin(struct account *a)
{
    uint64_t mark;
    struct pack *p;

    account_pack_end(a);
    random_fill(&mark, sizeof(mark));
    p = account_pack_add(a, account_pack_next(a), mark | 1); /* never 0: zeros are no entries */
    p->gone = true;                                          /* until its first bytes are written */
    a->append = p->number;
    return p;
}

void
account_pack_end(struct account *a)
{
    if (a->append_fd >= 0)
        close(a->append_fd);
    a->append_fd = -1;
    a->append = 0;
}

void
account_packs_unlink(struct account *a)
{
    for (size_t i = 0; i < a->pack_count; i++) {
        struct pack *p = &a->packs[i];
        char path[STORE_PATH_MAX];

        if (p->count > 0 || p->gone || p->number == a->append)
            continue;
        pack_path(path, a->id, p->number);
        if (unlink(path) == 0 || errno == ENOENT)
            p->gone = p->dirty = true; /* its row goes with the next transaction */
    }
}

static void
save_pack(struct account *a, struct pack *p)
{
    bool last = p == &a->packs[a->pack_count - 1]; /* stays, so that its number is not used again */

    if (p->gone && p->count == 0 && !last)
        index_run(&a->index, SQL_pack_drop, (int64_t[]){p->number});
    else
        index_run(&a->index, SQL_pack_set,
                  (int64_t[]){p->number, (int64_t)p->mark, (int64_t)p->end, (int64_t)p->synced,
                              (int64_t)p->bytes, (int64_t)p->count});
    p->dirty = p->gone && last; /* its row goes once there is a later one */
}

void
account_save(struct account *a)
{
    struct mailbox *m = &a->inbox;

    for (size_t i = 0; i < a->pack_count; i++)
        if (a->packs[i].dirty)
            save_pack(a, &a->packs[i]);
    index_run(&a->index, SQL_inbox_set,
              (int64_t[]){m->uidvalidity, m->uidnext, (int64_t)m->modseq, (int64_t)m->bytes,
                          (int64_t)m->count, (int64_t)m->low_water});
}

void
account_committed(struct account *a)
{
    a->written = ++a->st->seq;
}

/* ---- opening ---- */

static struct err
write_image(struct store *st, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct iovec all = {st->image, st->image_len};
    struct err err;

    if (fd < 0)
        return err_os(errno, "creating an index");
    err = pack_write(fd, &all, 1, 0);
    if (err_is(err))
        unlink(path);
    close(fd);
    return err;
}

static struct err
make_folder(uint64_t id)
{
    char path[STORE_PATH_MAX];

    account_path(path, id, "");
    if (mkdir(path, 0700) == 0)
        return ERR_OK;
    if (errno == ENOENT) {
        path[2] = '\0'; /* its bucket first */
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return err_os(errno, "creating a bucket of accounts");
        path[2] = '/';
        if (mkdir(path, 0700) == 0)
            return ERR_OK;
    }
    return errno == EEXIST ? ERR_OK : err_os(errno, "creating an account's folder");
}

static struct err
rename_file(uint64_t id, const char *from, const char *to)
{
    char old[STORE_PATH_MAX], new[STORE_PATH_MAX];

    account_path(old, id, from);
    account_path(new, id, to);
    if (rename(old, new) != 0 && errno != ENOENT)
        return err_os(errno, "moving a damaged index aside");
    return ERR_OK;
}

/* A damaged index keeps existing under a name nobody reads, with its WAL. */
static struct err
move_aside(struct store *st, uint64_t id)
{
    unsigned long long now = clock_now_us() / 1000000;
    char name[64], wal[64];
    struct err err;

    snprintf(name, sizeof(name), "index.db.damaged-%llu", now);
    snprintf(wal, sizeof(wal), "index.db.damaged-%llu-wal", now);
    report(st, &(struct store_report){
                   .finding = STORE_FOUND_index_damaged, .account = id, .file = name});
    /* The WAL first: an index must never meet another index's WAL. */
    err = rename_file(id, "index.db-wal", wal);
    return err_is(err) ? err : rename_file(id, "index.db", name);
}

static void
load_packs(struct account *a)
{
    int64_t c[INDEX_COLUMNS_MAX];

    index_begin_rows(&a->index, SQL_packs_get, NULL);
    while (index_next_row(&a->index, SQL_packs_get, c)) {
        struct pack *p = account_pack_add(a, (uint32_t)c[0], (uint64_t)c[1]);
        char path[STORE_PATH_MAX];

        p->end = (uint64_t)c[2];
        p->synced = (uint64_t)c[3];
        p->bytes = (uint64_t)c[4];
        p->count = (uint64_t)c[5];
        pack_path(path, a->id, p->number);
        p->gone = access(path, F_OK) != 0;
        p->dirty = p->gone && p->count == 0;
    }
}

static struct err
load(struct account *a)
{
    int64_t c[INDEX_COLUMNS_MAX] = {0};

    if (!index_row(&a->index, SQL_inbox_get, NULL, c) && !err_is(a->index.err)) {
        a->index.damaged = true;
        return err_make(ERR_TEMPORARY, "opening an index without INBOX");
    }
    a->inbox = (struct mailbox){(uint32_t)c[0], (uint32_t)c[1], (uint64_t)c[2],
                                (uint64_t)c[3], (uint64_t)c[4], (uint64_t)c[5]};
    if (a->inbox.uidvalidity == 0)
        a->inbox.uidvalidity = (uint32_t)(clock_now_us() / 1000000);
    index_row(&a->index, SQL_others_get, NULL, c);
    a->other_bytes = (uint64_t)c[0];
    a->other_count = (uint64_t)c[1];
    load_packs(a);
    return index_settle(&a->index);
}

/* New entries go on in the last pack, unless it is full, all dead or not to be trusted. */
static void
choose_append(struct account *a)
{
    struct pack *p = a->pack_count ? &a->packs[a->pack_count - 1] : NULL;

    if (p && p->count > 0 && !p->gone && p->end < a->st->config.pack_bytes)
        a->append = p->number;
}

static void
forget(struct account *a)
{
    account_pack_end(a);
    index_close(&a->index);
    free(a->packs);
    a->packs = NULL;
    a->pack_count = a->pack_room = 0;
}

static void
discard(struct account *a)
{
    forget(a);
    free(a);
}

/* One attempt. a->index.damaged tells where another, with a new index, is worth it. */
static struct err
try_open(struct account *a, const struct folder *f, bool fresh)
{
    char path[STORE_PATH_MAX];
    struct err err;

    account_path(path, a->id, "index.db");
    err = index_open(&a->index, path, fresh);
    if (!err_is(err))
        err = load(a);
    if (!err_is(err) && a->written <= a->st->synced)
        a->shown = a->inbox.uidnext; /* what recovery adds waits for a sync */
    if (!err_is(err))
        err = recover_account(a, f);
    if (!err_is(err))
        choose_append(a);
    return err;
}

static struct err
begin_index(struct account *a)
{
    char path[STORE_PATH_MAX];

    account_path(path, a->id, "index.db-wal"); /* an older index's, if a crash left it alone */
    if (unlink(path) != 0 && errno != ENOENT)
        return err_os(errno, "creating an index");
    account_path(path, a->id, "index.db");
    return write_image(a->st, path);
}

/* rebuild: what is there was found to be damaged while it was open. */
static struct err
open_files(struct account *a, const struct folder *f, bool rebuild)
{
    bool fresh = !f->index;
    struct err err = ERR_OK;

    if (fresh && f->pack_count > 0)
        report(a->st, &(struct store_report){
                          .finding = STORE_FOUND_index_missing, .account = a->id, .file = ""});
    for (int attempt = 0; attempt < 2; attempt++) {
        if (rebuild)
            err = move_aside(a->st, a->id);
        if (!err_is(err) && (fresh || rebuild))
            err = begin_index(a);
        if (err_is(err))
            return err;
        err = try_open(a, f, fresh);
        if (!err_is(err) || !a->index.damaged)
            return err;
        forget(a);
        rebuild = true;
    }
    return err;
}

static struct account *
account_new(struct store *st, uint64_t id)
{
    struct account *a = heap_take(sizeof(*a));

    a->st = st;
    a->id = id;
    a->append_fd = -1;
    a->serial = ++st->serial;
    a->written = map_get(&st->unsynced, id) ? st->closed : 1;
    list_init(&a->link);
    return a;
}

static struct err
open_account(struct store *st, uint64_t id, bool create, bool rebuild, struct account **out)
{
    struct folder f = {0};
    struct account *a;
    struct err err = folder_read(id, &f, NULL, NULL);

    *out = NULL;
    if (err.os == ENOENT && !create)
        return ERR_OK;
    if (err.os == ENOENT)
        err = make_folder(id);
    if (err_is(err))
        return err;
    a = account_new(st, id);
    err = open_files(a, &f, rebuild);
    folder_clear(&f);
    if (err_is(err)) {
        discard(a);
        return err;
    }
    *out = a;
    return ERR_OK;
}

static void
enlist(struct store *st, struct account *a)
{
    map_put(&st->opened, a->id, a);
    list_append(&st->accounts, &a->link);
    st->opened_count++;
}

/* Deliveries of before a failed sync come out first; that leaves a new index, to be opened. */
static struct err
settle_doubt(struct store *st, struct account **a)
{
    uint64_t id = (*a)->id;
    struct doubt *d = map_get(&st->doubts, id);
    struct err err = doubt_renew(*a, d);

    if (err_is(err) && (*a)->index.damaged) {
        discard(*a);
        err = open_account(st, id, false, true, a);
        if (!err_is(err) && *a)
            err = doubt_renew(*a, d);
    }
    if (!*a)
        return err; /* not even its folder is there any more */
    discard(*a);
    *a = NULL;
    if (!err_is(err))
        err = doubt_replace(id);
    if (err_is(err))
        return err;
    map_take(&st->doubts, id);
    doubt_free(d);
    err = open_account(st, id, false, false, a);
    if (!err_is(err) && *a)
        account_pack_end(*a); /* doubtful packs get no more entries */
    return err;
}

struct err
account_get(struct store *st, uint64_t id, bool create, struct account **out)
{
    struct account *a = map_get(&st->opened, id);
    bool rebuild = a && a->index.damaged;
    struct err err = ERR_OK;

    if (rebuild)
        account_close(a);
    if (!a || rebuild) {
        if (st->opened_count >= st->config.open_accounts)
            store_make_room(st, st->config.open_accounts - 1);
        err = open_account(st, id, create, rebuild, &a);
        if (!err_is(err) && a && map_get(&st->doubts, id))
            err = settle_doubt(st, &a);
        if (!err_is(err) && a)
            enlist(st, a);
    }
    *out = err_is(err) ? NULL : a;
    if (*out) {
        list_remove(&a->link);
        list_append(&st->accounts, &a->link);
    }
    return err;
}

void
account_close(struct account *a)
{
    struct store *st = a->st;

    if (a->move)
        move_drop(a);
    if (a->written > st->synced) {
        st->closed = a->written > st->closed ? a->written : st->closed;
        doubt_in(&st->unsynced, a->id);
    }
    map_take(&st->opened, a->id);
    list_remove(&a->link);
    st->opened_count--;
    discard(a);
}

struct err
account_fold(struct account *a)
{
    struct err err = index_fold(&a->index, false);

    if (err_is(err) && !a->index.damaged && err.os != ENOSPC)
        doubt_account(a, err);
    return err;
}
