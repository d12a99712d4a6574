/* What POP3 asks of a mailbox: what is in it, deletes, its size; and its end. */
#include "store/store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ensure.h"

bool
store_settled(struct store *st, uint64_t account)
{
    struct account *a;

    if (map_get(&st->line_of, account))
        return false;
    /* Opening it may find deliveries of before a crash. */
    if (err_is(account_get(st, account, false, &a)) || !a)
        return true;
    return a->written <= st->synced;
}

/* ---- listing ---- */

enum { LISTING_CHUNK = 2048 }; /* entries per write, 64 KiB */

struct lister {
    int fd;
    struct err err;
    size_t count; /* in entries */
    struct store_entry *entries;
};

static void
write_chunk(struct lister *l)
{
    const uint8_t *at = (const uint8_t *)l->entries;
    size_t left = l->count * sizeof(*l->entries);

    while (left > 0 && !err_is(l->err)) {
        ssize_t wrote = write(l->fd, at, left);

        if (wrote < 0 && errno != EINTR)
            l->err = err_os(errno, "writing a listing");
        if (wrote > 0) {
            at += wrote;
            left -= (size_t)wrote;
        }
    }
    l->count = 0;
}

static void
list_messages(struct account *a, struct lister *l, struct store_listing *out)
{
    const int64_t range[] = {message_key(STORE_INBOX, 0), message_key(STORE_INBOX, a->shown)};
    int64_t c[INDEX_COLUMNS_MAX]; /* key, size, pack, flags, offset */

    index_begin_rows(&a->index, SQL_messages_list, range);
    while (index_next_row(&a->index, SQL_messages_list, c)) {
        l->entries[l->count++] = (struct store_entry){
            .uid = message_uid(c[0]),
            .size = (uint64_t)c[1],
            .pack = (uint32_t)c[2],
            .flags = (uint32_t)c[3],
            .offset = (uint64_t)c[4],
        };
        out->count++;
        out->bytes += (uint64_t)c[1];
        if (l->count == LISTING_CHUNK)
            write_chunk(l);
    }
    write_chunk(l);
}

struct err
store_mailbox_open(struct store *st, uint64_t account, struct store_listing *out)
{
    struct lister l = {.err = ERR_OK};
    struct account *a;
    struct err err = account_get(st, account, false, &a);

    *out = (struct store_listing){.fd = -1};
    if (err_is(err))
        return err;
    l.fd = memfd_create("listing", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (l.fd < 0)
        return err_os(errno, "making a listing");
    if (a) {
        if (a->written <= st->synced)
            a->shown = a->inbox.uidnext;
        l.entries = heap_take(LISTING_CHUNK * sizeof(*l.entries));
        list_messages(a, &l, out);
        free(l.entries);
        err = index_settle(&a->index);
        out->uidvalidity = a->inbox.uidvalidity;
    }
    if (!err_is(err))
        err = l.err;
    if (!err_is(err) &&
        fcntl(l.fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        err = err_os(errno, "sealing a listing");
    if (err_is(err))
        close(l.fd);
    else
        out->fd = l.fd;
    return err;
}

struct err
store_pack_open_read(struct store *st, uint64_t account, uint32_t pack, int *fd)
{
    char path[STORE_PATH_MAX];

    (void)st;
    pack_path(path, account, pack);
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd < 0 ? err_os(errno, "opening a pack") : ERR_OK;
}

/* ---- deleting ---- */

/* All in memory that a transaction changes, to go back to where it fails. */
struct before {
    struct mailbox inbox;
    struct pack *packs;
};

static struct before
remember(const struct account *a)
{
    size_t bytes = a->pack_count * sizeof(*a->packs);
    struct before b = {a->inbox, heap_take(bytes ? bytes : 1)};

    if (bytes)
        memcpy(b.packs, a->packs, bytes);
    return b;
}

struct err
store_expunge(struct store *st, uint64_t account, const uint64_t *uids, size_t n, size_t *removed)
{
    struct account *a;
    struct healing h;
    struct before before;
    struct err err = account_get(st, account, false, &a);
    uint64_t had;

    *removed = 0;
    if (err_is(err) || !a)
        return err;
    before = remember(a);
    had = a->inbox.count;
    heal_init(&h, a);
    for (size_t i = 0; i < n; i++)
        if (uids[i] > 0 && uids[i] < a->shown) /* what no listing showed cannot be meant */
            heal_drop(&h, message_key(STORE_INBOX, (uint32_t)uids[i]), 0);
    err = heal_end(&h);
    if (err_is(err)) {
        a->inbox = before.inbox;
        memcpy(a->packs, before.packs, a->pack_count * sizeof(*a->packs));
    } else {
        const struct pack *p = a->append ? account_pack(a, a->append) : NULL;

        *removed = (size_t)(had - a->inbox.count);
        if (p && p->count == 0)
            account_pack_end(a); /* so that it can be unlinked */
    }
    free(before.packs);
    return err;
}

/* ---- the account as a whole ---- */

struct err
store_usage(struct store *st, uint64_t account, uint64_t *bytes, uint64_t *count)
{
    const struct line *l = map_get(&st->line_of, account);
    struct account *a;
    struct err err = account_get(st, account, false, &a);

    *bytes = *count = 0;
    if (err_is(err))
        return err;
    if (a) {
        *bytes = account_bytes(a);
        *count = a->inbox.count + a->other_count;
    }
    if (l) {
        *bytes += l->bytes;
        *count += l->count;
    }
    return ERR_OK;
}

static struct err
remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct err err = ERR_OK;

    if (!dir)
        return err_os(errno, "deleting an account");
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.' && unlinkat(dirfd(dir), e->d_name, 0) != 0 && !err_is(err))
            err = err_os(errno, "deleting an account");
    closedir(dir);
    if (!err_is(err) && rmdir(path) != 0)
        err = err_os(errno, "deleting an account");
    return err;
}

struct err
store_remove(struct store *st, uint64_t account)
{
    struct line *l = map_get(&st->line_of, account);
    struct account *a = map_get(&st->opened, account);
    struct doubt *d = map_take(&st->doubts, account);
    char path[STORE_PATH_MAX], gone[STORE_PATH_MAX + 8];
    struct err err;

    if (l)
        line_fail(st, l, err_make(ERR_PERMANENT, "delivering to an account that was deleted"));
    if (a)
        account_close(a);
    if (d)
        doubt_free(d);
    account_path(path, account, "");
    snprintf(gone, sizeof(gone), "%s.removed", path);
    err = remove_folder(gone); /* of an earlier removal that was cut short */
    if (err_is(err) && err.os != ENOENT)
        return err;
    if (rename(path, gone) != 0)
        return errno == ENOENT ? ERR_OK : err_os(errno, "deleting an account");
    return remove_folder(gone);
}
