/* Compaction in two halves, docs/store.md "Syncs": the living messages of one pack are copied into
 * a new one; when that is durable their rows turn to the copies. The old pack, then without
 * messages, is unlinked once the rows are durable too. */
#include "store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/ensure.h"

struct move {
    uint32_t from, to;
    uint64_t mark, end; /* of the new pack */
    uint64_t seq;       /* the copies are durable when store.synced has passed this */
    struct row *rows;   /* what was copied, offsets in the old pack */
    size_t count;
};

uint64_t
move_seq(const struct move *m)
{
    return m->seq;
}

static void
move_free(struct account *a)
{
    free(a->move->rows);
    free(a->move);
    a->move = NULL;
}

void
move_drop(struct account *a)
{
    char path[STORE_PATH_MAX];

    pack_path(path, a->id, a->move->to);
    unlink(path);
    move_free(a);
}

/* Less than half of it lives. */
static bool
is_wasteful(const struct account *a, const struct pack *p)
{
    uint64_t live = p->bytes + p->count * PACK_ENTRY_HEAD;

    return p->number != a->append && !p->gone && p->count > 0 && live * 2 < p->end;
}

/* One entry from the old pack to `end` of the new one, with its checksum made for the new mark and
 * the old one held to. */
static struct err
copy_entry(int in, int out, uint64_t old_mark, const struct move *m, const struct row *row)
{
    uint8_t head[PACK_ENTRY_HEAD], fresh[PACK_ENTRY_HEAD], *bytes;
    uint64_t from = row->offset, to = m->end + PACK_ENTRY_HEAD, left = row->size;
    struct pack_entry e;
    uint32_t old_crc, crc;
    struct err err = pack_read(in, head, sizeof(head), from - PACK_ENTRY_HEAD);

    if (err_is(err) || !pack_entry_read(head, old_mark, &e) || e.size != row->size)
        return err_is(err) ? err : err_make(ERR_MALFORMED, "compacting a damaged pack");
    bytes = heap_take(PACK_READ);
    pack_entry_head(fresh, m->mark, &e);
    old_crc = pack_entry_seed(old_mark, head);
    crc = pack_entry_seed(m->mark, fresh);
    while (left > 0 && !err_is(err)) {
        struct slice s = slice_make(bytes, left < PACK_READ ? (size_t)left : PACK_READ);
        struct iovec iov = {bytes, s.len};

        err = pack_read(in, bytes, s.len, from);
        old_crc = crc32c(old_crc, s);
        crc = crc32c(crc, s);
        if (!err_is(err))
            err = pack_write(out, &iov, 1, to);
        from += s.len;
        to += s.len;
        left -= s.len;
    }
    free(bytes);
    if (!err_is(err) && !pack_entry_sealed(head, old_crc))
        err = err_make(ERR_MALFORMED, "compacting a damaged pack");
    pack_entry_seal(fresh, crc);
    if (!err_is(err))
        err = pack_write(out, &(struct iovec){fresh, sizeof(fresh)}, 1, m->end);
    return err;
}

static struct err
copy_rows(struct account *a, struct move *m, const struct pack *p)
{
    char path[STORE_PATH_MAX];
    uint8_t head[PACK_HEAD];
    struct err err = ERR_OK;
    int in, out;

    pack_path(path, a->id, m->from);
    in = open(path, O_RDONLY | O_CLOEXEC);
    pack_path(path, a->id, m->to);
    out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (in < 0 || out < 0)
        err = err_os(errno, "opening packs to compact");
    pack_head_write(head, m->mark);
    if (!err_is(err))
        err = pack_write(out, &(struct iovec){head, sizeof(head)}, 1, 0);
    m->end = PACK_HEAD;
    for (size_t i = 0; i < m->count && !err_is(err); i++) {
        err = copy_entry(in, out, p->mark, m, &m->rows[i]);
        m->end += PACK_ENTRY_HEAD + m->rows[i].size;
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return err;
}

static struct err
begin_move(struct account *a, const struct pack *p)
{
    struct move *m = heap_take(sizeof(*m));
    struct err err;

    random_fill(&m->mark, sizeof(m->mark));
    m->mark |= 1;
    m->from = p->number;
    m->to = ++a->last_pack;
    a->move = m;
    m->count = rows_of_pack(a, p->number, 0, &m->rows);
    err = index_settle(&a->index);
    if (!err_is(err))
        err = copy_rows(a, m, p);
    if (err_is(err))
        move_drop(a);
    else
        m->seq = ++a->st->seq;
    return err;
}

struct err
store_compact(struct store *st, uint64_t account, bool *began)
{
    struct account *a;
    struct err err = account_get(st, account, false, &a);

    *began = false;
    if (err_is(err) || !a || a->move)
        return err;
    for (size_t i = 0; i < a->pack_count; i++) {
        if (!is_wasteful(a, &a->packs[i]))
            continue;
        err = begin_move(a, &a->packs[i]);
        *began = !err_is(err);
        break;
    }
    return err;
}

/* Where a message was deleted meanwhile its copy is dead from the start. */
static void
turn_rows(struct account *a, const struct move *m, struct pack *to)
{
    struct pack *from = account_pack(a, m->from);
    uint64_t at = PACK_HEAD;

    for (size_t i = 0; i < m->count; i++) {
        const struct row *row = &m->rows[i];

        at += PACK_ENTRY_HEAD;
        index_run(&a->index, SQL_message_move,
                  (int64_t[]){row->key, m->from, m->to, (int64_t)row->offset, (int64_t)at});
        if (index_changes(&a->index) > 0) {
            from->count--;
            from->bytes -= row->size;
            to->count++;
            to->bytes += row->size;
        }
        at += row->size;
    }
    from->dirty = true;
}

void
move_finish(struct account *a)
{
    struct move *m = a->move;
    struct pack *to = account_pack_add(a, m->to, m->mark), before = *account_pack(a, m->from);

    to->end = to->synced = m->end;
    to->dirty = true;
    index_begin(&a->index);
    turn_rows(a, m, to);
    account_save(a);
    if (err_is(index_commit(&a->index, ERR_OK))) {
        *account_pack(a, m->from) = before;
        to->count = to->bytes = 0; /* without messages it is unlinked by and by */
    } else {
        account_committed(a);
    }
    move_free(a);
}
