/* The commit: seal, write, sync; and where that failed, once more in another segment. A failed sync
 * is never tried again on the same file: the kernel may have marked its pages clean. */
#include "base/crc32c.h"
#include "base/ensure.h"
#include "journal/journal_private.h"

enum { RUN_PARTS = 1000 }; /* the system takes 1024 */

/* Parts that follow each other in the file, written by one call. */
struct run {
    struct iovec parts[RUN_PARTS];
    int count;
    uint64_t at, bytes;
};

static struct err
flush(struct journal *j, struct run *run)
{
    struct err e = ERR_OK;

    if (run->count)
        e = file_write(j, j->active->write_fd, run->parts, run->count, run->at);
    run->count = 0;
    return e;
}

static struct err
put_part(struct journal *j, struct run *run, uint64_t at, const void *bytes, size_t n)
{
    struct err e = ERR_OK;

    if (n == 0)
        return e;
    if (run->count == RUN_PARTS || (run->count && at != run->at + run->bytes))
        e = flush(j, run);
    if (run->count == 0) {
        run->at = at;
        run->bytes = 0;
    }
    run->parts[run->count++] = (struct iovec){(void *)(uintptr_t)bytes, n};
    run->bytes += n;
    return e;
}

static struct err
put_message(struct journal *j, struct run *run, const struct batch_message *m)
{
    static const uint8_t zeros[RECORD_ALIGN];
    uint8_t *head = j->batch.heads.at + m->head;
    uint64_t head_len = RECORD_HEADER + m->envelope_len;
    uint64_t padding = record_bytes(m->envelope_len + m->body_len) - head_len - m->body_len;
    struct record r = {.type = m->copy ? RECORD_COPY : RECORD_MESSAGE,
                       .nonce = j->active->nonce,
                       .id = m->id,
                       .size = (uint32_t)(m->envelope_len + m->body_len),
                       .envelope = m->envelope_len,
                       .batch = j->active->end,
                       .origin = m->copy ? live_get(&j->live, m->id)->segment : 0,
                       .crc = m->crc};
    struct err e;

    record_write(&r, head);
    e = put_part(j, run, m->at, head, (size_t)head_len);
    if (!err_is(e) && m->body)
        e = put_part(j, run, m->at + head_len, m->body, (size_t)m->body_len);
    if (!err_is(e) && (m->body || m->body_len == 0))
        e = put_part(j, run, m->at + head_len + m->body_len, zeros, (size_t)padding);
    return e;
}

static struct err
write_all(struct journal *j)
{
    static struct run run;
    struct batch *b = &j->batch;
    struct err e = ERR_OK;

    run.count = 0;
    for (size_t i = 0; i < b->count && !err_is(e); i++)
        e = put_message(j, &run, &b->messages[i]);
    if (!err_is(e))
        e = put_part(j, &run, j->active->end + b->bytes, b->notes.at, b->notes.len);
    if (!err_is(e))
        e = flush(j, &run);
    return e;
}

/* The body's bytes and the padding, from its file to its place; the crc goes on from the
 * envelope's. What is written is what was summed, whatever the other side does to its file. */
struct err
batch_stream(struct journal *j, struct batch_message *m)
{
    const struct live *old = m->copy ? live_get(&j->live, m->id) : NULL;
    uint64_t to = m->at + RECORD_HEADER + m->envelope_len, from = 0;
    size_t padding =
        (size_t)(m->at + record_bytes(m->envelope_len + m->body_len) - to - m->body_len);
    int fd = m->fd;
    struct err e = ERR_OK;

    if (old) {
        from = live_place(old).at + RECORD_HEADER + old->envelope_len;
        e = segment_reader(j, segment_of(j, old->segment), &fd);
    }
    for (uint64_t done = 0; done < m->body_len && !err_is(e);) {
        uint64_t left = m->body_len - done;
        size_t n =
            left < JOURNAL_CHUNK - RECORD_ALIGN ? (size_t)left : JOURNAL_CHUNK - RECORD_ALIGN;
        struct iovec part = {j->chunk, n + (n == left ? padding : 0)};
        size_t got;

        e = file_read(j, fd, j->chunk, n, from + done, &got);
        if (err_is(e))
            break;
        if (got < n)
            return err_make(ERR_MALFORMED, "read a message's body: it is shorter than was said");
        memset(j->chunk + n, 0, RECORD_ALIGN);
        m->crc = crc32c(m->crc, slice_make(j->chunk, n));
        j->batch.written = true;
        if (!j->batch.spoiled && err_is(file_write(j, j->active->write_fd, &part, 1, to + done)))
            j->batch.spoiled = true;
        done += n;
    }
    return err_is(e) ? (struct err){ERR_TEMPORARY, e.os, "read a message's body"} : ERR_OK;
}

static void
seal(struct journal *j, struct record r, struct slice payload)
{
    r.nonce = j->active->nonce;
    r.batch = j->active->end;
    record_put(&j->batch.notes, r, payload);
}

static uint64_t
note_at(const struct journal *j)
{
    return j->active->end + j->batch.bytes + j->batch.notes.len;
}

/* Each CHANGE names the one before it of the same message: in this batch (`last`), or on disk. A
 * copy of a message begins a chain of its own. */
static void
seal_changes(struct journal *j, const struct buf *changes, struct map *last)
{
    for (size_t i = 0; i < changes->len;) {
        uint8_t payload[RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX];
        struct record_change change;
        struct record r;
        uintptr_t before;

        ensure(record_read(changes->at + i, 0, &r));
        ensure(record_change_read(slice_make(changes->at + i + RECORD_HEADER, r.size), &change));
        i += (size_t)record_bytes(r.size);
        before = (uintptr_t)map_get(last, r.id);
        if (before)
            change.before = (struct record_place){j->active->number, before - 1};
        else if (changes == &j->batch.changes)
            change.before = live_change(live_get(&j->live, r.id));
        map_put(last, r.id, (void *)(uintptr_t)(note_at(j) + 1)); /* 0 is a place, NULL is none */
        seal(j, r, slice_make(payload, record_change_write(&change, payload)));
    }
}

static void
seal_pairs(struct journal *j, enum record_type type, const struct buf *pairs)
{
    for (struct slice rest = buf_slice(pairs); rest.len;) {
        struct slice part = slice_head(rest, RECORD_PAIRS_MAX * sizeof(struct record_pair));

        seal(j, (struct record){.type = type}, part);
        rest = slice_tail(rest, part.len);
    }
}

/* Each id with the segment its message is in, as long as which the DONE is needed. */
static void
seal_dones(struct journal *j)
{
    struct batch *b = &j->batch;
    struct buf pairs;

    buf_init(&pairs, SIZE_MAX);
    for (size_t i = 0; i < b->done_count; i++)
        record_pair_put(&pairs,
                        (struct record_pair){b->done[i], live_get(&j->live, b->done[i])->segment});
    seal_pairs(j, RECORD_DONE, &b->carried);
    seal_pairs(j, RECORD_DONE, &pairs);
    buf_clear(&pairs);
}

static void
seal_voids(struct journal *j)
{
    struct buf pairs;

    buf_init(&pairs, SIZE_MAX);
    for (size_t i = 0; j->voids_due && i < j->segment_count; i++)
        if (j->segments[i]->void_due)
            record_pair_put(&pairs,
                            (struct record_pair){j->segments[i]->nonce, j->segments[i]->end});
    seal_pairs(j, RECORD_VOID, &j->batch.carried_voids);
    seal_pairs(j, RECORD_VOID, &pairs);
    buf_clear(&pairs);
}

static void
seal_notes(struct journal *j)
{
    struct batch *b = &j->batch;
    struct map last = {0};

    buf_reset(&b->notes);
    seal_voids(j);
    seal_changes(j, &b->copied, &last);
    seal_changes(j, &b->changes, &last);
    map_clear(&last);
    seal_dones(j);
    if (b->end)
        seal(j, (struct record){.type = RECORD_END}, (struct slice){NULL, 0});
}

/* Has journal_tidy put something that must not be parted from its notes? */
static bool
moves_records(const struct batch *b)
{
    return b->copies || b->copied.len || b->carried.len || b->carried_voids.len;
}

/* One try in the active segment. Where only the notes do not fit, they wait. */
static struct err
attempt(struct journal *j)
{
    struct batch *b = &j->batch;
    struct err e;

    seal_notes(j);
    e = segment_prepare(j, j->active, note_at(j));
    if (err_is(e) && e.kind == ERR_LIMIT && b->count && !moves_records(b)) {
        buf_reset(&b->notes);
    } else if (err_is(e)) {
        b->spoiled = e.kind != ERR_LIMIT;
        return e;
    }
    b->written = true;
    e = write_all(j);
    return err_is(e) ? e : file_sync(j, j->active->write_fd);
}

/* The whole batch anew, in a new segment. */
static struct err
attempt_anew(struct journal *j)
{
    struct batch *b = &j->batch;
    struct err e = segment_rotate(j);
    uint64_t at;

    if (!err_is(e))
        e = segment_prepare(j, j->active, b->bytes);
    if (err_is(e))
        return e;
    at = j->active->end;
    for (size_t i = 0; i < b->count; i++) {
        struct batch_message *m = &b->messages[i];

        m->at = at;
        at += record_bytes(m->envelope_len + m->body_len);
        if (m->body || m->body_len == 0)
            continue;
        m->crc = crc32c(0, slice_make(b->heads.at + m->head + RECORD_HEADER, m->envelope_len));
        e = batch_stream(j, m);
        if (err_is(e) || b->spoiled)
            return err_make(ERR_TEMPORARY, "write the journal: failed in two segments");
    }
    return attempt(j);
}

static void
settle_message(struct journal *j, const struct batch_message *m)
{
    struct live *e = live_get(&j->live, m->id);
    struct segment *s = j->active;

    if (m->copy) {
        struct segment *old = segment_of(j, e->segment);

        old->live--;
        old->live_bytes -= live_bytes(e);
        segment_hides(s, old->number);
        e->copying = false;
        e->change_segment = 0;
    } else {
        e->state = LIVE_LIVE;
        e->envelope_len = m->envelope_len & ((1 << 26) - 1);
        e->body_len = (uint32_t)m->body_len;
        j->messages++;
    }
    e->segment = s->number;
    e->at = (uint32_t)(m->at / RECORD_ALIGN);
    s->live++;
    s->live_bytes += live_bytes(e);
}

static void
settle_done(struct journal *j, uint64_t id)
{
    const struct live *e = live_get(&j->live, id);
    struct segment *s = segment_of(j, e->segment);

    s->live--;
    s->live_bytes -= live_bytes(e);
    j->messages--;
    live_remove(&j->live, id);
}

/* One sealed note, at `at`, is durable now. */
static void
settle_note(struct journal *j, const struct record *r, struct slice payload, uint64_t at)
{
    struct record_pair p;

    if (r->type == RECORD_CHANGE) {
        struct live *e = live_get(&j->live, r->id);

        segment_about(j->active, e->segment);
        e->change_segment = j->active->number;
        e->change_at = (uint32_t)(at / RECORD_ALIGN);
    }
    while (r->type == RECORD_DONE && record_pair_take(&payload, &p))
        segment_about(j->active, (uint32_t)p.second);
    while (r->type == RECORD_VOID && record_pair_take(&payload, &p)) {
        struct segment *s = segment_of_nonce(j, p.first);

        if (s) {
            segment_about(j->active, s->number);
            segment_void_settled(j, s);
        }
    }
}

static void
end_carrying(struct journal *j, bool worked)
{
    for (size_t i = 0; i < j->segment_count; i++) {
        if (j->segments[i]->carrying && worked)
            segment_carried(j->segments[i]);
        j->segments[i]->carrying = false;
    }
}

static void
settle_notes(struct journal *j)
{
    struct batch *b = &j->batch;
    uint64_t start = j->active->end + b->bytes;
    struct record r;

    for (size_t i = 0; i < b->notes.len; i += (size_t)record_bytes(r.size)) {
        ensure(record_read(b->notes.at + i, j->active->nonce, &r));
        settle_note(j, &r, slice_make(b->notes.at + i + RECORD_HEADER, r.size), start + i);
    }
    for (size_t i = 0; i < b->done_count; i++)
        settle_done(j, b->done[i]);
    buf_reset(&b->changes);
    b->done_count = 0;
    b->end = false;
}

static void
reset_batch(struct journal *j, bool worked)
{
    struct batch *b = &j->batch;

    if (moves_records(b))
        end_carrying(j, worked);
    buf_reset(&b->heads);
    buf_reset(&b->copied);
    buf_reset(&b->carried);
    buf_reset(&b->carried_voids);
    b->count = b->copies = 0;
    b->bytes = 0;
    b->written = b->spoiled = false;
}

static void
settle(struct journal *j)
{
    struct batch *b = &j->batch;

    for (size_t i = 0; i < b->count; i++)
        settle_message(j, &b->messages[i]);
    if (b->notes.len)
        settle_notes(j);
    j->active->end += b->bytes + b->notes.len;
    j->commits++;
    reset_batch(j, true);
}

/* Forget the messages; where records of theirs may be on disk, not their lowest id. */
static void
refuse(struct journal *j, bool on_disk)
{
    struct batch *b = &j->batch;

    for (size_t i = 0; i < b->count; i++) {
        const struct batch_message *m = &b->messages[i];

        if (m->copy) {
            live_get(&j->live, m->id)->copying = false;
            continue;
        }
        if (on_disk && j->voids_due && m->id < j->refused_low)
            j->refused_low = m->id;
        live_remove(&j->live, m->id);
    }
    j->failures++;
    reset_batch(j, false);
}

/* Notes alone prefer a segment with room; where there is none, they make theirs longer. */
static struct err
find_segment(struct journal *j)
{
    struct batch *b = &j->batch;
    uint64_t notes = b->changes.len + b->copied.len + b->carried.len + b->carried_voids.len +
                     b->done_count * sizeof(struct record_pair) + RECORD_HEADER;
    struct err e = ERR_OK;

    if (b->count ||
        (j->active && (j->active->end == 0 || j->active->end + notes <= j->config.segment_bytes)))
        return e;
    e = segment_rotate(j);
    return j->active ? ERR_OK : e;
}

struct err
journal_commit(struct journal *j)
{
    struct batch *b = &j->batch;
    bool on_disk = false;
    struct err e;

    if (!journal_pending(j))
        return ERR_OK;
    e = find_segment(j);
    if (!err_is(e))
        e = b->spoiled ? err_make(ERR_TEMPORARY, "write the journal") : attempt(j);
    if (err_is(e) && (b->written || b->spoiled)) {
        segment_abandon(j);
        on_disk = true;
        b->written = b->spoiled = false;
        e = attempt_anew(j);
        if (err_is(e) && (b->written || b->spoiled))
            segment_abandon(j);
    }
    if (err_is(e))
        refuse(j, on_disk);
    else
        settle(j);
    return e;
}
