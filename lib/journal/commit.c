/* The commit: seal, write, sync; and where that failed, once more in another segment. A failed sync
 * is never tried again on the same file: the kernel may have marked its pages clean.
 *
 * While journal_commit_write runs, perhaps in another thread, nothing it reads changes: the
 * messages, their heads and the sealed notes of the batch, and the active segment's end and
 * descriptor. */
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

static void
seal_head(struct journal *j, const struct batch_message *m)
{
    struct record r = {.type = m->copy ? RECORD_COPY : RECORD_MESSAGE,
                       .nonce = j->active->nonce,
                       .id = m->id,
                       .size = (uint32_t)(m->envelope_len + m->body_len),
                       .envelope = m->envelope_len,
                       .batch = j->active->end,
                       .origin = m->copy ? live_get(&j->live, m->id)->segment : 0,
                       .crc = m->crc};

    record_write(&r, j->batch.heads.at + m->head);
}

static struct err
put_message(struct journal *j, struct run *run, const struct batch_message *m)
{
    static const uint8_t zeros[RECORD_ALIGN];
    const uint8_t *head = j->batch.heads.at + m->head;
    uint64_t head_len = RECORD_HEADER + m->envelope_len;
    uint64_t padding = record_bytes(m->envelope_len + m->body_len) - head_len - m->body_len;
    struct err e;

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

/* Notes may wait for the next commit. Not so where they are about records that move, nor VOIDs:
 * after a commit that worked nothing comes back of one that failed. */
static bool
notes_may_wait(const struct journal *j)
{
    return j->batch.count && !batch_moves_records(&j->batch) && !j->voids_due;
}

/* All that goes to the active segment gets its final form. Where only the notes do not fit, they
 * wait. */
static struct err
prepare(struct journal *j)
{
    struct batch *b = &j->batch;
    struct err e;

    batch_seal_notes(j);
    e = segment_prepare(j, j->active, batch_note_at(j));
    if (err_is(e) && e.kind == ERR_LIMIT && notes_may_wait(j)) {
        batch_unseal_notes(b);
    } else if (err_is(e)) {
        b->spoiled = e.kind != ERR_LIMIT;
        return e;
    }
    for (size_t i = 0; i < b->count; i++)
        seal_head(j, &b->messages[i]);
    b->written = true;
    return ERR_OK;
}

static struct err
write_and_sync(struct journal *j)
{
    struct err e = write_all(j);

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
    e = prepare(j);
    return err_is(e) ? e : write_and_sync(j);
}

/* Notes alone prefer a segment with room; where there is none, they make theirs longer. */
static struct err
find_segment(struct journal *j)
{
    struct batch *b = &j->batch;
    uint64_t notes = b->changes.len + b->retold.len + b->copied.len + b->carried.len +
                     b->carried_voids.len + b->done_count * sizeof(struct record_pair) +
                     RECORD_HEADER;
    struct err e = ERR_OK;

    if (b->count ||
        (j->active && (j->active->end == 0 || j->active->end + notes <= j->config.segment_bytes)))
        return e;
    e = segment_rotate(j);
    return j->active ? ERR_OK : e;
}

bool
journal_commit_begin(struct journal *j)
{
    struct batch *b = &j->batch;

    ensure(!b->flying);
    b->outcome = ERR_OK;
    if (!journal_pending(j))
        return false;
    b->flying = true;
    b->outcome = find_segment(j);
    if (!err_is(b->outcome))
        b->outcome = b->spoiled ? err_make(ERR_TEMPORARY, "write the journal") : prepare(j);
    return !err_is(b->outcome);
}

void
journal_commit_write(struct journal *j)
{
    j->batch.outcome = write_and_sync(j);
}

struct err
journal_commit_end(struct journal *j)
{
    struct batch *b = &j->batch;
    struct err e = b->outcome;
    bool on_disk = false;

    if (!b->flying)
        return ERR_OK;
    b->flying = false;
    if (err_is(e) && (b->written || b->spoiled)) {
        segment_abandon(j);
        on_disk = true;
        b->written = b->spoiled = false;
        e = attempt_anew(j);
        if (err_is(e) && (b->written || b->spoiled))
            segment_abandon(j);
    }
    if (err_is(e))
        batch_refuse(j, on_disk);
    else
        batch_settle(j);
    return e;
}

struct err
journal_commit(struct journal *j)
{
    if (journal_commit_begin(j))
        journal_commit_write(j);
    return journal_commit_end(j);
}
