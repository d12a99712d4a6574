/* Reading what is live, housekeeping, and the end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "journal/journal_private.h"

/* NULL: no message of that id whose record is durable. */
static const struct live *
find(const struct journal *j, uint64_t id)
{
    const struct live *e = live_get(&j->live, id);

    return e && (e->state == LIVE_LIVE || e->state == LIVE_DONE) ? e : NULL;
}

bool
journal_get(const struct journal *j, uint64_t id, uint64_t *envelope_len, uint64_t *body_len)
{
    const struct live *e = find(j, id);

    if (!e)
        return false;
    *envelope_len = e->envelope_len;
    *body_len = e->body_len;
    return true;
}

/* n bytes from `offset` on of a part of the payload that begins at `skip` and has `len` bytes. */
static struct err
read_part(struct journal *j, const struct live *e, uint64_t skip, uint64_t len, uint64_t offset,
          void *to, size_t n)
{
    int fd;
    struct err err;

    if (offset > len || n > len - offset)
        return err_make(ERR_PERMANENT, "read a message of the journal: beyond its end");
    err = segment_reader(j, segment_of(j, e->segment), &fd);
    if (err_is(err))
        return err;
    return file_read_exactly(j, fd, to, n, live_place(e).at + RECORD_HEADER + skip + offset);
}

static struct err
nothing_there(void)
{
    return err_make(ERR_PERMANENT, "read a message of the journal: there is none of that id");
}

struct err
journal_read_envelope(struct journal *j, uint64_t id, uint64_t offset, void *to, size_t n)
{
    const struct live *e = find(j, id);

    return e ? read_part(j, e, 0, e->envelope_len, offset, to, n) : nothing_there();
}

struct err
journal_read_body(struct journal *j, uint64_t id, uint64_t offset, void *to, size_t n)
{
    const struct live *e = find(j, id);

    return e ? read_part(j, e, e->envelope_len, e->body_len, offset, to, n) : nothing_there();
}

struct err
journal_open_body(struct journal *j, uint64_t id, int *fd, uint64_t *offset)
{
    const struct live *e = find(j, id);
    struct err err;
    int own;

    *fd = -1;
    if (!e)
        return nothing_there();
    err = segment_reader(j, segment_of(j, e->segment), &own);
    if (err_is(err))
        return err;
    *offset = live_place(e).at + RECORD_HEADER + e->envelope_len;
    *fd = fcntl(own, F_DUPFD_CLOEXEC, 3);
    return *fd >= 0 ? ERR_OK : err_os(errno, "copy a descriptor of the journal");
}

/* Zeros for the next megabyte of a segment, made durable now so that no commit waits for them. */
static bool
zero_ahead(struct journal *j, struct segment *s)
{
    struct err e;

    if (!s || s->not_ahead || s->ready >= j->config.segment_bytes)
        return false;
    e = journal_room(j, JOURNAL_STEP);
    if (err_is(e))
        return false;
    e = segment_prepare_ahead(j, s);
    if (err_is(e) && e.kind == ERR_LIMIT)
        return false;
    if (!err_is(e))
        e = file_sync(j, s->write_fd);
    if (!err_is(e))
        return true;
    s->not_ahead = true;
    if (s == j->active)
        j->batch.spoiled = true; /* that sync's failure may have been about the batch's bytes */
    return false;
}

bool
journal_idle(struct journal *j)
{
    ensure(!j->batch.flying);
    if (segment_retire(j))
        return true;
    if (zero_ahead(j, j->active))
        return true;
    if (!j->active || j->active->end < j->config.segment_bytes / 2)
        return false;
    if (!j->next)
        return !err_is(segment_make_next(j));
    return zero_ahead(j, j->next);
}

uint64_t
journal_low_water(struct journal *j)
{
    uint64_t low = live_lowest(&j->live);

    return j->refused_low < low ? j->refused_low : low;
}

void
journal_stats_get(const struct journal *j, struct journal_stats *stats)
{
    *stats = (struct journal_stats){
        .bytes = j->bytes,
        .messages = j->messages,
        .segments = (unsigned)j->segment_count,
        .spares = (unsigned)j->spare_count,
        .commits = j->commits,
        .failures = j->failures,
    };
    for (size_t i = 0; i < j->segment_count; i++)
        stats->live_bytes += j->segments[i]->live_bytes;
}

/* Two commits: END says that all before it was durable when it was written. */
struct err
journal_finish(struct journal *j)
{
    struct err e = journal_commit(j);

    if (err_is(e) || !j->active || j->active->end == 0)
        return e;
    j->batch.end = true;
    e = journal_commit(j);
    j->batch.end = false;
    return e;
}

void
journal_close(struct journal *j)
{
    if (!j)
        return;
    ensure(!j->batch.flying);
    while (j->segment_count)
        segment_drop(j, j->segments[j->segment_count - 1]);
    free(j->segments);
    live_clear(&j->live);
    batch_clear(&j->batch);
    free(j->chunk);
    file_close(j, &j->lock_fd);
    if (j->dirfd >= 0)
        close(j->dirfd);
    free(j);
}
