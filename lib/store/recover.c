/* Opening an account after anything: docs/store.md, "Legal states". Two passes over what the last
 * syncs may not have covered: rows whose bytes never arrived go, entries without a row get one. */
#include "store/store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ensure.h"

/* ---- the folder ---- */

static void
add_pack(struct folder *f, uint32_t number)
{
    size_t at = f->pack_count;

    if (f->pack_count == f->pack_room) {
        f->pack_room = f->pack_room ? f->pack_room * 2 : 8;
        f->packs = heap_grow(f->packs, f->pack_room * sizeof(*f->packs));
    }
    for (; at > 0 && f->packs[at - 1] > number; at--)
        f->packs[at] = f->packs[at - 1];
    f->packs[at] = number;
    f->pack_count++;
}

static bool
is_pack(struct slice name, uint32_t *number)
{
    uint64_t n;

    if (!slice_take_prefix(&name, SLICE("pack-")) || !slice_to_u64(name, &n) || n == 0 ||
        n >= UINT32_MAX || name.at[0] == '0')
        return false;
    *number = (uint32_t)n;
    return true;
}

/* True if it is one of ours that needs no further look. */
static bool
is_ours(struct slice name)
{
    static const char *const names[] = {".", "..", "index.db-wal", "index.db-journal"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (slice_eq(name, slice_of(names[i])))
            return true;
    return slice_take_prefix(&name, SLICE("index.db.damaged-"));
}

static void
see_file(struct folder *f, uint64_t account, const char *file, store_report_fn *fn, void *ctx)
{
    struct slice name = slice_of(file);
    char path[STORE_PATH_MAX];
    uint32_t number;
    struct stat s;

    if (is_pack(name, &number)) {
        add_pack(f, number);
    } else if (slice_eq(name, SLICE("index.db"))) {
        account_path(path, account, "index.db");
        f->index = stat(path, &s) == 0 && s.st_size > 0;
    } else if (slice_eq(name, SLICE("index.db.new"))) {
        account_path(path, account, "index.db.new");
        unlink(path);
    } else if (fn && !is_ours(name)) {
        fn(ctx, &(struct store_report){
                    .finding = STORE_FOUND_file_unknown, .account = account, .file = file});
    }
}

struct err
folder_read(uint64_t account, struct folder *f, store_report_fn *fn, void *ctx)
{
    char path[STORE_PATH_MAX];
    DIR *dir;

    *f = (struct folder){0};
    account_path(path, account, "");
    dir = opendir(path);
    if (!dir)
        return err_os(errno, "reading an account's folder");
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        see_file(f, account, e->d_name, fn, ctx);
    closedir(dir);
    return ERR_OK;
}

void
folder_clear(struct folder *f)
{
    free(f->packs);
    *f = (struct folder){0};
}

/* ---- a healing transaction ---- */

void
heal_init(struct healing *h, struct account *a)
{
    *h = (struct healing){.a = a};
}

void
heal_begin(struct healing *h)
{
    if (h->began)
        return;
    h->began = true;
    index_begin(&h->a->index);
    h->a->inbox.modseq++;
}

struct err
heal_end(struct healing *h)
{
    struct account *a = h->a;
    struct err err;

    if (!h->began)
        return index_settle(&a->index);
    account_save(a);
    err = index_commit(&a->index, ERR_OK);
    if (!err_is(err))
        account_committed(a);
    return err;
}

bool
heal_is_unknown(struct healing *h, const struct pack_entry *e)
{
    int64_t found;

    if (e->delivery == 0 || e->delivery > INT64_MAX || e->delivery < h->a->inbox.low_water)
        return false;
    return !index_row(&h->a->index, SQL_delivered_has, (int64_t[]){(int64_t)e->delivery}, &found);
}

uint32_t
heal_adopt(struct healing *h, struct pack *p, const struct pack_entry *e)
{
    struct account *a = h->a;
    uint32_t uid = a->inbox.uidnext;

    if (uid == STORE_UID_END)
        return 0;
    heal_begin(h);
    index_run(&a->index, SQL_message_put,
              (int64_t[]){message_key(STORE_INBOX, uid), (int64_t)e->date_us, e->size, p->number,
                          (int64_t)e->offset, 0, (int64_t)a->inbox.modseq, (int64_t)e->delivery});
    index_run(&a->index, SQL_delivered_put, (int64_t[]){(int64_t)e->delivery});
    a->inbox.uidnext++;
    a->inbox.count++;
    a->inbox.bytes += e->size;
    p->count++;
    p->bytes += e->size;
    p->dirty = true;
    return uid;
}

void
heal_drop(struct healing *h, int64_t key, uint64_t delivery)
{
    struct account *a = h->a;
    int64_t row[2]; /* size, pack */
    struct pack *p;

    heal_begin(h);
    if (index_row(&a->index, SQL_message_drop, (int64_t[]){key}, row)) {
        a->inbox.count--;
        a->inbox.bytes -= (uint64_t)row[0];
        p = account_pack(a, (uint32_t)row[1]);
        if (p) {
            p->count--;
            p->bytes -= (uint64_t)row[0];
            p->dirty = true;
        }
    }
    if (delivery)
        index_run(&a->index, SQL_delivered_drop, (int64_t[]){(int64_t)delivery});
}

/* ---- rows without bytes ---- */

size_t
rows_of_pack(struct account *a, uint32_t pack, uint64_t offset, struct row **out)
{
    int64_t c[INDEX_COLUMNS_MAX];
    size_t n = 0, room = 0;

    *out = NULL;
    index_begin_rows(&a->index, SQL_messages_of_pack, (int64_t[]){pack, (int64_t)offset});
    while (index_next_row(&a->index, SQL_messages_of_pack, c)) {
        if (n == room) {
            room = room ? room * 2 : 64;
            *out = heap_grow(*out, room * sizeof(**out));
        }
        (*out)[n++] = (struct row){c[0], (uint64_t)c[2], (uint64_t)c[3], (uint32_t)c[1]};
    }
    return n;
}

enum pack_state
row_state(struct pack_reader *r, const struct row *row)
{
    struct pack_entry e = {0};
    enum pack_state state;

    if (row->offset < PACK_HEAD + PACK_ENTRY_HEAD || row->offset > r->end)
        return PACK_MISSING;
    r->at = row->offset - PACK_ENTRY_HEAD;
    r->err = ERR_OK;
    state = pack_reader_look(r, &e);
    if (state == PACK_ERROR)
        return PACK_MISSING;
    if (state != PACK_MISSING && (e.size != row->size || e.delivery != row->delivery))
        return PACK_MISSING;
    return state;
}

static void
drop_bad_rows(struct healing *h, struct pack *p, struct pack_reader *r)
{
    struct row *rows;
    size_t n = rows_of_pack(h->a, p->number, p->synced, &rows);

    for (size_t i = 0; i < n; i++) {
        if (row_state(r, &rows[i]) == PACK_GOOD)
            continue;
        heal_drop(h, rows[i].key, rows[i].delivery);
        report(h->a->st, &(struct store_report){.finding = STORE_FOUND_message_dropped,
                                                .account = h->a->id,
                                                .uid = message_uid(rows[i].key),
                                                .delivery = rows[i].delivery,
                                                .pack = p->number,
                                                .offset = rows[i].offset,
                                                .file = ""});
    }
    free(rows);
}

bool
pack_head_matches(const struct pack *p, int fd)
{
    uint8_t head[PACK_HEAD];
    uint64_t mark;

    return !err_is(pack_read(fd, head, sizeof(head), 0)) &&
           pack_head_read(slice_make(head, sizeof(head)), &mark) && mark == p->mark;
}

/* Where that fails the pack is readable all the same, as long as there is the index. */
void
pack_head_restore(const struct account *a, const struct pack *p)
{
    char path[STORE_PATH_MAX];
    uint8_t head[PACK_HEAD];
    int fd;

    pack_path(path, a->id, p->number);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    pack_head_write(head, p->mark);
    (void)pack_write(fd, &(struct iovec){head, sizeof(head)}, 1, 0);
    close(fd);
}

/* State 5: what lies past `synced` may not have arrived. */
static void
verify_pack(struct healing *h, struct pack *p, int fd, uint64_t size)
{
    uint64_t end = size < p->end ? size : p->end, skipped = 0;
    struct pack_entry e;
    struct pack_reader r;
    bool whole = size >= p->end;

    if (p->synced >= p->end || p->count == 0)
        return;
    pack_reader_init(&r, fd, p->mark, p->synced > PACK_HEAD ? p->synced : PACK_HEAD, end);
    while (pack_reader_next(&r, &e, &skipped))
        whole &= skipped == 0;
    if (!whole || skipped > 0)
        drop_bad_rows(h, p, &r);
    pack_reader_clear(&r);
    if (size < p->end) {
        heal_begin(h);
        p->end = size > p->synced ? size : p->synced;
        p->dirty = true;
    }
}

/* ---- entries without rows ---- */

static void
adopt_tail(struct healing *h, struct pack *p, int fd, uint64_t size)
{
    uint64_t skipped, garbage = 0;
    struct pack_entry e;
    struct pack_reader r;

    pack_reader_init(&r, fd, p->mark, p->end, size);
    while (pack_reader_next(&r, &e, &skipped)) {
        garbage += skipped;
        if (heal_is_unknown(h, &e))
            heal_adopt(h, p, &e);
    }
    garbage += skipped;
    pack_reader_clear(&r);
    heal_begin(h);
    if (garbage > 0)
        report(h->a->st, &(struct store_report){.finding = STORE_FOUND_pack_garbage,
                                                .account = h->a->id,
                                                .pack = p->number,
                                                .offset = p->end,
                                                .file = ""});
    p->end = size;
    p->dirty = true;
}

/* A pack the index has no row of. NULL where its head is not readable: it is then left alone. */
static struct pack *
meet_pack(struct account *a, uint32_t number, int fd)
{
    uint8_t head[PACK_HEAD];
    uint64_t mark;
    struct pack *p;

    if (err_is(pack_read(fd, head, sizeof(head), 0)) ||
        !pack_head_read(slice_make(head, sizeof(head)), &mark)) {
        report(a->st, &(struct store_report){.finding = STORE_FOUND_pack_garbage,
                                             .account = a->id,
                                             .pack = number,
                                             .file = ""});
        return NULL;
    }
    p = account_pack_add(a, number, mark);
    p->end = PACK_HEAD;
    return p;
}

static void
heal_pack(struct healing *h, uint32_t number, bool verify)
{
    struct account *a = h->a;
    struct pack *p = account_pack(a, number);
    char path[STORE_PATH_MAX];
    struct stat s = {0};
    int fd;

    pack_path(path, a->id, number);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &s) != 0)
        s.st_size = 0;
    if (number > a->last_pack)
        a->last_pack = number;
    if (verify && p->synced == 0 && fd >= 0 && !pack_head_matches(p, fd))
        pack_head_restore(a, p);
    if (verify)
        verify_pack(h, p, fd, (uint64_t)s.st_size);
    else if (!p && s.st_size == 0)
        unlink(path);
    else if (fd >= 0 && (p || (p = meet_pack(a, number, fd))) && (uint64_t)s.st_size > p->end)
        adopt_tail(h, p, fd, (uint64_t)s.st_size);
    if (fd >= 0)
        close(fd);
}

struct err
recover_account(struct account *a, const struct folder *f)
{
    struct healing h;

    heal_init(&h, a);
    for (size_t i = 0; i < a->pack_count; i++)
        if (a->packs[i].synced < a->packs[i].end && a->packs[i].count > 0)
            heal_pack(&h, a->packs[i].number, true);
    for (size_t i = 0; i < f->pack_count; i++)
        heal_pack(&h, f->packs[i], false);
    return heal_end(&h);
}
