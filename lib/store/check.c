/* `valija check`: every byte of an account is read, the index held against the packs. A healing
 * transaction takes what repair changes; without repair nothing is begun. */
#include "store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ensure.h"

struct check {
    struct account *a;
    bool repair;
    store_report_fn *fn;
    void *ctx;
    struct healing healing;
    struct row *lost; /* rows whose bytes are not where they should be */
    size_t lost_count, lost_room;
};

static void
tell(struct check *c, enum store_finding finding, struct store_report r)
{
    r.finding = finding;
    r.account = c->a->id;
    r.file = r.file ? r.file : "";
    c->fn(c->ctx, &r);
}

/* ---- one pack ---- */

static int
compare_offsets(const void *key, const void *member)
{
    const uint64_t *offset = key;
    const struct row *row = member;

    return *offset < row->offset ? -1 : *offset > row->offset;
}

static void
meet_orphan(struct check *c, struct pack *p, const struct pack_entry *e)
{
    struct store_report r = {.delivery = e->delivery, .pack = p->number, .offset = e->offset};

    if (!heal_is_unknown(&c->healing, e))
        return; /* deleted mail that was not compacted away yet */
    if (c->repair)
        r.uid = heal_adopt(&c->healing, p, e);
    tell(c, c->repair ? STORE_FOUND_message_saved : STORE_FOUND_message_orphan, r);
}

/* Walks the entries, ticks off the rows they belong to. */
static void
check_entries(struct check *c, struct pack *p, struct pack_reader *r, struct row *rows, size_t n)
{
    struct pack_entry e;
    uint64_t skipped, from = r->at;
    bool more;

    do {
        more = pack_reader_next(r, &e, &skipped);
        if (skipped > 0)
            tell(c, STORE_FOUND_pack_garbage,
                 (struct store_report){.pack = p->number, .offset = from});
        if (more) {
            struct row *row =
                n ? bsearch(&e.offset, rows, n, sizeof(*rows), compare_offsets) : NULL;

            if (!row)
                meet_orphan(c, p, &e);
            else if (row->size == e.size && row->delivery == e.delivery)
                row->key = -row->key; /* ticked off */
        }
        from = r->at;
    } while (more);
}

static void
lose(struct check *c, const struct row *row, uint32_t pack)
{
    tell(c, STORE_FOUND_message_missing,
         (struct store_report){.uid = message_uid(row->key),
                               .delivery = row->delivery,
                               .pack = pack,
                               .offset = row->offset});
    if (c->lost_count == c->lost_room) {
        c->lost_room = c->lost_room ? c->lost_room * 2 : 16;
        c->lost = heap_grow(c->lost, c->lost_room * sizeof(*c->lost));
    }
    c->lost[c->lost_count++] = *row;
}

static void
check_rows(struct check *c, struct pack *p, struct pack_reader *r, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].key < 0)
            continue;
        if (row_state(r, &rows[i]) == PACK_MISSING)
            lose(c, &rows[i], p->number);
        else
            tell(c, STORE_FOUND_message_damaged,
                 (struct store_report){.uid = message_uid(rows[i].key),
                                       .delivery = rows[i].delivery,
                                       .pack = p->number,
                                       .offset = rows[i].offset});
    }
}

static int
open_pack(const struct check *c, const struct pack *p, uint64_t *size)
{
    char path[STORE_PATH_MAX];
    struct stat s = {0};
    int fd;

    pack_path(path, c->a->id, p->number);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    *size = fd >= 0 && fstat(fd, &s) == 0 ? (uint64_t)s.st_size : 0;
    return fd;
}

static void
check_pack(struct check *c, struct pack *p)
{
    struct pack_reader r;
    struct row *rows;
    uint64_t size;
    size_t n;
    int fd;

    if (p->gone && p->count == 0)
        return;
    fd = open_pack(c, p, &size);
    if (fd >= 0 && !pack_head_matches(p, fd)) {
        tell(c, STORE_FOUND_pack_garbage, (struct store_report){.pack = p->number});
        if (c->repair)
            pack_head_restore(c->a, p);
    }
    n = rows_of_pack(c->a, p->number, 0, &rows);
    pack_reader_init(&r, fd, p->mark, PACK_HEAD, size);
    check_entries(c, p, &r, rows, n);
    check_rows(c, p, &r, rows, n);
    pack_reader_clear(&r);
    free(rows);
    if (fd >= 0)
        close(fd);
}

/* ---- rows that lost their bytes ---- */

/* The entry of a lost row, found elsewhere: the row keeps its UID and turns to it. */
static void
relink(struct check *c, const struct pack *p, const struct pack_entry *e)
{
    for (size_t i = 0; i < c->lost_count; i++) {
        struct row *row = &c->lost[i];

        if (row->delivery != e->delivery)
            continue;
        heal_begin(&c->healing);
        index_run(&c->a->index, SQL_message_relink,
                  (int64_t[]){row->key, p->number, (int64_t)e->offset, e->size});
        tell(c, STORE_FOUND_message_saved,
             (struct store_report){.uid = message_uid(row->key),
                                   .delivery = row->delivery,
                                   .pack = p->number,
                                   .offset = e->offset});
        *row = c->lost[--c->lost_count];
        return;
    }
}

static void
find_lost(struct check *c)
{
    for (size_t i = 0; i < c->a->pack_count && c->lost_count > 0; i++) {
        const struct pack *p = &c->a->packs[i];
        struct pack_reader r;
        struct pack_entry e;
        uint64_t size, skipped;
        int fd = open_pack(c, p, &size);

        pack_reader_init(&r, fd, p->mark, PACK_HEAD, size);
        while (c->lost_count > 0 && pack_reader_next(&r, &e, &skipped))
            relink(c, p, &e);
        pack_reader_clear(&r);
        if (fd >= 0)
            close(fd);
    }
    for (size_t i = 0; i < c->lost_count; i++)
        heal_drop(&c->healing, c->lost[i].key, 0);
}

/* ---- the index ---- */

/* Rows of packs the index itself does not know. */
static void
check_strays(struct check *c)
{
    int64_t row[INDEX_COLUMNS_MAX];

    index_begin_rows(&c->a->index, SQL_messages_stray, NULL);
    while (index_next_row(&c->a->index, SQL_messages_stray, row))
        lose(c, &(struct row){.key = row[0], .delivery = (uint64_t)row[1]}, (uint32_t)row[2]);
}

/* True, and told, if the numbers differ; with repair they are set. */
static bool
compare_sums(struct check *c, enum sql sql, const int64_t *args, uint64_t *bytes, uint64_t *count)
{
    int64_t sums[2] = {0};

    if (!index_row(&c->a->index, sql, args, sums) ||
        ((uint64_t)sums[0] == *bytes && (uint64_t)sums[1] == *count))
        return false;
    tell(c, STORE_FOUND_index_differs, (struct store_report){0});
    if (c->repair) {
        heal_begin(&c->healing);
        *bytes = (uint64_t)sums[0];
        *count = (uint64_t)sums[1];
    }
    return c->repair;
}

static void
check_totals(struct check *c)
{
    struct account *a = c->a;

    compare_sums(c, SQL_messages_sum,
                 (int64_t[]){message_key(STORE_INBOX, 0), message_key(STORE_INBOX + 1, 0)},
                 &a->inbox.bytes, &a->inbox.count);
    for (size_t i = 0; i < a->pack_count; i++) {
        struct pack *p = &a->packs[i];

        if (compare_sums(c, SQL_pack_sum, (int64_t[]){p->number}, &p->bytes, &p->count))
            p->dirty = true;
    }
}

/* False, with *err set or all told, where there is no going on. */
static bool
check_index(struct check *c, struct err *err)
{
    if (index_verify(&c->a->index))
        return true;
    tell(c, STORE_FOUND_index_damaged, (struct store_report){0});
    if (!c->repair)
        return false;
    *err = account_get(c->a->st, c->a->id, false, &c->a); /* builds it again */
    return !err_is(*err) && c->a;
}

struct err
store_check(struct store *st, uint64_t account, bool repair, store_report_fn *fn, void *ctx)
{
    struct check c = {.repair = repair, .fn = fn, .ctx = ctx};
    struct folder f;
    struct err err = account_get(st, account, false, &c.a);

    if (err_is(err) || !c.a || !check_index(&c, &err))
        return err;
    if (!err_is(folder_read(account, &f, fn, ctx)))
        folder_clear(&f);
    heal_init(&c.healing, c.a);
    check_strays(&c);
    for (size_t i = 0; i < c.a->pack_count; i++)
        check_pack(&c, &c.a->packs[i]);
    if (repair)
        find_lost(&c);
    free(c.lost);
    check_totals(&c);
    err = heal_end(&c.healing);
    if (err_is(err) && repair)
        account_close(c.a); /* what is in memory is ahead of the index */
    return err;
}
