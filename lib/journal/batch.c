/* What waits for the next commit. A message gets its place in the active segment when it is put, so
 * that one that does not fit is refused alone; everything small gets its place at the commit. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/ensure.h"
#include "journal/journal_private.h"

void
batch_init(struct batch *b)
{
    *b = (struct batch){0};
    b->messages = heap_take(JOURNAL_BATCH_MESSAGES * sizeof(*b->messages));
    buf_init(&b->heads, JOURNAL_BATCH_BYTES);
    buf_init(&b->retold, SIZE_MAX); /* what a replay found */
    buf_init(&b->copied, SIZE_MAX); /* journal_tidy stops after a few messages */
    buf_init(&b->carried, SIZE_MAX);
    buf_init(&b->carried_voids, SIZE_MAX);
    buf_init(&b->changes, SIZE_MAX); /* journal_change has the cap */
    buf_init(&b->notes, SIZE_MAX);
}

void
batch_clear(struct batch *b)
{
    free(b->messages);
    free(b->done);
    buf_clear(&b->heads);
    buf_clear(&b->retold);
    buf_clear(&b->copied);
    buf_clear(&b->carried);
    buf_clear(&b->carried_voids);
    buf_clear(&b->changes);
    buf_clear(&b->notes);
}

/* Would `bytes` more leave less free than reserve_bytes? Asks the system now and then. */
static bool
disk_is_low(struct journal *j, uint64_t bytes)
{
    uint64_t now = clock_steady_ms();
    struct statvfs space;

    if (j->config.reserve_bytes == 0)
        return false;
    if (j->space_ms == 0 || now - j->space_ms >= JOURNAL_SPACE_MS ||
        j->space_taken >= JOURNAL_SPACE_BYTES) {
        j->space_free = UINT64_MAX; /* where nobody can say, the write itself will */
        if (j->file->space(j->dirfd, &space) == 0)
            j->space_free = (uint64_t)space.f_bavail * space.f_frsize;
        j->space_ms = now ? now : 1;
        j->space_taken = 0;
    }
    return j->space_free < j->config.reserve_bytes ||
           j->space_free - j->config.reserve_bytes < j->space_taken + bytes;
}

/* Where messages must end, so that notes still fit. */
static uint64_t
message_end(const struct journal *j)
{
    return j->config.segment_bytes - j->config.segment_bytes / JOURNAL_NOTES_SHARE;
}

static bool
fits_active(const struct journal *j, uint64_t bytes)
{
    uint64_t used;

    if (!j->active)
        return false;
    used = j->active->end + j->batch.bytes;
    return used == 0 || used + bytes <= message_end(j);
}

struct err
journal_room(struct journal *j, uint64_t bytes)
{
    bool in_file =
        fits_active(j, bytes) && j->active->ready >= j->active->end + j->batch.bytes + bytes;

    if (bytes > JOURNAL_BODY_MAX)
        return err_make(ERR_LIMIT, "put a message: too large for the journal");
    if (disk_is_low(j, bytes))
        return err_make(ERR_LIMIT, "put a message: the disk is nearly full");
    if (!in_file && !j->next && !j->spare_count && j->config.journal_bytes &&
        j->bytes + bytes > j->config.journal_bytes)
        return err_make(ERR_LIMIT, "put a message: the journal is full");
    return ERR_OK;
}

/* A place for `bytes` in the active segment, behind the batch so far. */
static struct err
find_room(struct journal *j, uint64_t bytes)
{
    struct batch *b = &j->batch;
    struct err e;

    if (!fits_active(j, bytes)) {
        if (b->count)
            return err_make(ERR_AGAIN, "put a message: commit first");
        e = segment_rotate(j);
        if (err_is(e))
            return e;
    }
    e = segment_prepare(j, j->active, j->active->end + b->bytes + bytes);
    if (err_is(e) && e.kind != ERR_LIMIT) {
        b->spoiled = true; /* the commit will use another segment */
        return ERR_OK;
    }
    return e;
}

struct err
batch_put(struct journal *j, struct batch_message m, struct slice envelope)
{
    static const uint8_t header[RECORD_HEADER];
    struct batch *b = &j->batch;
    uint64_t bytes = record_bytes(envelope.len + m.body_len);
    struct err e;

    if (envelope.len > JOURNAL_ENVELOPE_MAX || m.body_len > JOURNAL_BODY_MAX)
        return err_make(ERR_LIMIT, "put a message: too large for the journal");
    if (b->count == JOURNAL_BATCH_MESSAGES || RECORD_HEADER + envelope.len > buf_space(&b->heads))
        return err_make(ERR_AGAIN, "put a message: commit first");
    e = find_room(j, bytes);
    if (err_is(e))
        return e;
    m.at = j->active->end + b->bytes;
    m.head = b->heads.len;
    m.envelope_len = (uint32_t)envelope.len;
    m.crc = crc32c(0, envelope);
    buf_put(&b->heads, slice_make(header, sizeof(header)));
    buf_put(&b->heads, envelope);
    ensure(!b->heads.full);
    if (m.body) {
        m.crc = crc32c(m.crc, slice_make(m.body, (size_t)m.body_len));
    } else if (m.body_len) {
        e = batch_stream(j, &m);
        if (err_is(e)) {
            buf_cut(&b->heads, m.head);
            return e;
        }
    }
    b->messages[b->count++] = m;
    b->copies += m.copy;
    b->bytes += bytes;
    j->space_taken += bytes;
    return ERR_OK;
}

bool
journal_has(const struct journal *j, uint64_t id)
{
    return live_get(&j->live, id) != NULL;
}

static struct err
add(struct journal *j, const struct batch_message *m, struct slice envelope)
{
    struct err e = journal_room(j, m->body_len);
    struct live *entry;

    ensure(m->id != 0 && !journal_has(j, m->id) && !j->batch.flying);
    if (!err_is(e))
        e = batch_put(j, *m, envelope);
    if (err_is(e))
        return e;
    entry = live_put(&j->live, m->id);
    entry->state = LIVE_PENDING;
    return ERR_OK;
}

struct err
journal_add(struct journal *j, uint64_t id, struct slice envelope, struct slice body)
{
    struct batch_message m = {
        .id = id, .body = body.len ? body.at : NULL, .body_len = body.len, .fd = -1};

    return add(j, &m, envelope);
}

struct err
journal_add_file(struct journal *j, uint64_t id, struct slice envelope, int body_fd,
                 uint64_t body_len)
{
    struct batch_message m = {.id = id, .body_len = body_len, .fd = body_fd};

    ensure(body_fd >= 0);
    return add(j, &m, envelope);
}

void
batch_put_change(struct buf *out, uint64_t id, const struct journal_change *c)
{
    uint8_t payload[RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX];
    struct record_change change = {.change = *c};
    size_t n = record_change_write(&change, payload);

    record_put(out, (struct record){.type = RECORD_CHANGE, .id = id}, slice_make(payload, n));
}

struct err
journal_change(struct journal *j, uint64_t id, const struct journal_change *c)
{
    const struct live *e = live_get(&j->live, id);

    ensure(c->recipient < JOURNAL_RECIPIENT_MAX);
    if (!e || e->state != LIVE_LIVE)
        return ERR_OK;
    if (j->batch.changes.len >= JOURNAL_CHANGES_BYTES)
        return err_make(ERR_LIMIT, "note a recipient's change: too many wait for the disk");
    batch_put_change(&j->batch.changes, id, c);
    return ERR_OK;
}

void
batch_put_done(struct journal *j, struct live *e)
{
    struct batch *b = &j->batch;

    e->state = LIVE_DONE;
    if (b->done_count == b->done_room) {
        b->done_room = b->done_room ? b->done_room * 2 : 256;
        b->done = heap_grow(b->done, b->done_room * sizeof(*b->done));
    }
    b->done[b->done_count++] = e->id;
}

void
journal_done(struct journal *j, uint64_t id)
{
    struct live *e = live_get(&j->live, id);

    if (e && e->state == LIVE_LIVE)
        batch_put_done(j, e);
}

bool
journal_pending(const struct journal *j)
{
    const struct batch *b = &j->batch;

    return b->count || b->retold.len || b->copied.len || b->carried.len || b->carried_voids.len ||
           b->changes.len || b->done_count || b->end || j->voids_due;
}

size_t
journal_batch_messages(const struct journal *j)
{
    return j->batch.count - j->batch.copies;
}
