/* A start: take the folder, read everything, tell the owner what is live. Segments are read from
 * the newest to the oldest, so that what was voided, finished or copied is known before its first
 * record is seen; within the table the order makes no difference. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "journal/journal_private.h"

struct replay {
    struct journal *j;
    const struct journal_replay *to;
    struct record_pair *voids; /* nonce, end */
    size_t void_count;
    struct map broken; /* ids whose chain is cut: struct map of recipients to places */
};

static void
on_trouble(void *ctx, const struct journal_trouble *t)
{
    const struct replay *r = ctx;

    if (r->to->on_trouble)
        r->to->on_trouble(r->to->ctx, t);
}

static void
take_void(struct replay *r, struct slice note)
{
    struct record_pair p;

    while (record_pair_take(&note, &p)) {
        r->voids = heap_grow(r->voids, (r->void_count + 1) * sizeof(*r->voids));
        r->voids[r->void_count++] = p;
    }
}

/* The first record seen is the newest, and hides all others, whatever they are called: also where
 * the message is finished, because the DONE may speak about the newest alone. */
static void
take_message(struct journal *j, const struct segment *s, uint64_t at, const struct record *record)
{
    struct live *e = live_put(&j->live, record->id);

    if (e->segment && e->segment != s->number)
        segment_hides(segment_of(j, e->segment), s->number);
    if (e->segment)
        return;
    if (e->state == LIVE_UNSEEN)
        e->state = LIVE_LIVE;
    e->segment = s->number;
    e->at = (uint32_t)(at / RECORD_ALIGN);
    e->envelope_len = record->envelope & LIVE_ENVELOPE_MASK;
    e->body_len = record->size - record->envelope;
}

static void
take_change(struct journal *j, const struct segment *s, uint64_t at, uint64_t id)
{
    struct live *e = live_put(&j->live, id);

    if (s->number < e->change_segment || e->state == LIVE_FINISHED)
        return;
    e->change_segment = s->number;
    e->change_at = (uint32_t)(at / RECORD_ALIGN);
}

static void
take_done(struct journal *j, const struct record_pair *p)
{
    struct live *e = live_put(&j->live, p->first);

    if (e->state != LIVE_FINISHED)
        e->change_segment = 0;
    e->state = LIVE_FINISHED;
    if (p->second > e->change_segment)
        e->change_segment = (uint32_t)p->second;
}

static void
on_record(void *ctx, struct segment *s, uint64_t at, const struct record *record, struct slice note)
{
    struct replay *r = ctx;
    struct journal *j = r->j;
    struct record_change c;
    struct record_pair p;

    if (record_is_message(record))
        take_message(j, s, at, record);
    else if (record->type == RECORD_CHANGE && record_change_read(note, &c))
        take_change(j, s, at, record->id);
    else if (record->type == RECORD_VOID)
        take_void(r, note);
    if (record->type == RECORD_COPY)
        segment_hides(s, record->origin);
    while (record->type == RECORD_DONE && record_pair_take(&note, &p))
        if (p.first)
            take_done(j, &p);
}

static struct err
read_segments(struct replay *r)
{
    const struct scan scan = {.ctx = r, .on_record = on_record, .on_trouble = on_trouble};
    struct journal *j = r->j;
    struct err e = ERR_OK;

    for (size_t i = j->segment_count; i-- > 0 && !err_is(e);) {
        struct segment *s = j->segments[i];
        bool ends = false;
        int fd;

        for (size_t v = 0; v < r->void_count; v++)
            if (r->voids[v].first == s->nonce) {
                ends = true;
                s->end = r->voids[v].second;
            }
        e = segment_reader(j, s, &fd);
        if (!err_is(e) && err_is(file_sync(j, fd)))
            j->doubt = true;
        if (!err_is(e))
            e = scan_segment(j, s, ends, &scan);
    }
    return e;
}

/* A DONE is kept as long as the segment it names. Where a crash took the COPY but not the DONE of
 * its batch, or left a COPY that was never acknowledged, it names another than the message's newest
 * record is in: so it is said again, about that one. */
static void
finish_misnamed(struct journal *j)
{
    size_t at = 0;

    for (struct live *e; (e = live_next(&j->live, &at)) != NULL;)
        if (e->state == LIVE_FINISHED && e->segment && e->change_segment != e->segment) {
            e->change_segment = 0;
            batch_put_done(j, e);
        }
}

static void
count_live(struct journal *j)
{
    size_t at = 0;

    finish_misnamed(j);
    live_sweep(&j->live);
    for (const struct live *e; (e = live_next(&j->live, &at)) != NULL;) {
        struct segment *s = segment_of(j, e->segment);

        s->live++;
        s->live_bytes += live_bytes(e);
        j->messages++;
    }
}

/* The newest segments, where nothing was ever written to them, go on as what they were. */
static void
reuse_prepared(struct journal *j)
{
    size_t first = j->segment_count;

    while (first && j->segments[first - 1]->virgin)
        first--;
    for (size_t i = first; i < j->segment_count && !j->next; i++) {
        struct segment *s = j->segments[i];
        char name[JOURNAL_NAME];

        segment_name(s, name);
        if (err_is(file_open(j, name, O_RDWR, &s->write_fd)))
            continue;
        s->inherited = false;
        s->state = j->active ? SEGMENT_PREPARED : SEGMENT_ACTIVE;
        *(j->active ? &j->next : &j->active) = s;
    }
}

static void
free_places(struct map *places)
{
    map_clear(places);
    free(places);
}

static void
on_lost_change(void *ctx, struct segment *s, uint64_t at, const struct record *record,
               struct slice note)
{
    const struct replay *r = ctx;
    struct map *places = map_get(&r->broken, record->id);
    struct record_change c;

    if (record->type == RECORD_CHANGE && places && record_change_read(note, &c))
        changes_note(places, c.change.recipient, (struct record_place){s->number, at});
}

static void
retell_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    struct replay *r = ctx;

    if (r->to->on_change)
        r->to->on_change(r->to->ctx, id, c);
    batch_put_change(&r->j->batch.retold, id, c);
}

/* Told, and into the next commit as a whole set; no segment dies before that. */
static void
retell(struct replay *r, struct live *e, const struct map *places)
{
    size_t before = r->j->batch.retold.len;

    (void)changes_tell(r->j, e, places, retell_change, r); /* what is lost was reported */
    if (r->j->batch.retold.len == before)
        e->change_segment = 0;
}

/* Chains that damage or a crash cut: the changes are found by reading everything once more, oldest
 * first. */
static struct err
mend(struct replay *r)
{
    const struct scan scan = {.ctx = r, .on_record = on_lost_change};
    struct journal *j = r->j;
    struct err e = ERR_OK;
    struct live *message;

    for (size_t i = 0; i < j->segment_count && r->broken.count && !err_is(e); i++)
        e = scan_segment(j, j->segments[i], true, &scan);
    for (size_t at = 0; r->broken.count && (message = live_next(&j->live, &at)) != NULL;) {
        struct map *places = map_take(&r->broken, message->id);

        if (!places)
            continue;
        retell(r, message, places);
        free_places(places);
    }
    return e;
}

static int
compare_places(const void *a, const void *b)
{
    const struct live *x = *(struct live *const *)a, *y = *(struct live *const *)b;

    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The newest changes lie in their message's segment and newer ones, so that a segment that nothing
 * live is left in can die. Not so where a crash kept a copy, but not all of the changes after it in
 * its batch: those are retold. */
static struct err
tell_message(struct replay *r, struct live *e, uint8_t *room)
{
    struct journal_message m = {e->id, slice_make(room, e->envelope_len), e->body_len};
    struct map places = {0};
    struct err err = journal_read_envelope(r->j, e->id, 0, room, e->envelope_len);

    if (err_is(err))
        return err;
    if (r->to->on_message)
        r->to->on_message(r->to->ctx, &m);
    if (err_is(changes_find(r->j, e, &places))) {
        struct map *broken = heap_take(sizeof(*broken));

        map_put(&r->broken, e->id, broken);
    } else if (changes_oldest(&places) < e->segment) {
        retell(r, e, &places);
    } else if (r->to->on_change) {
        (void)changes_tell(r->j, e, &places, r->to->on_change, r->to->ctx);
    }
    map_clear(&places);
    return ERR_OK;
}

/* In the order of the disk, which is that of arrival but for what was copied forward. */
static struct err
tell_all(struct replay *r)
{
    struct journal *j = r->j;
    struct live **order = heap_take(j->live.count * sizeof(struct live *));
    uint8_t *room = NULL;
    size_t count = 0, at = 0, room_len = 0;
    struct err e = ERR_OK;

    for (struct live *entry; (entry = live_next(&j->live, &at)) != NULL;)
        if (entry->state == LIVE_LIVE)
            order[count++] = entry;
    qsort(order, count, sizeof(*order), compare_places);
    for (size_t i = 0; i < count && !err_is(e); i++) {
        if (!room || order[i]->envelope_len > room_len)
            room = heap_grow(room, room_len = order[i]->envelope_len);
        e = tell_message(r, order[i], room);
    }
    free(room);
    free(order);
    return e;
}

static struct err
replay_all(struct replay *r)
{
    struct journal *j = r->j;
    struct err e = folder_read(j, on_trouble, r);

    if (!err_is(e))
        e = read_segments(r);
    if (err_is(e))
        return e;
    count_live(j);
    e = tell_all(r);
    if (!err_is(e))
        e = mend(r);
    reuse_prepared(j);
    /* a disk that is full or failing must not stop the start: each message will try again */
    if (!err_is(e) && (j->active || !err_is(segment_rotate(j))))
        (void)segment_prepare(j, j->active, RECORD_ALIGN);
    return e;
}

static void
set_config(struct journal *j, const struct journal_config *config)
{
    j->config = *config;
    j->file = config->file ? config->file : &journal_file_system;
    if (j->config.segment_bytes == 0)
        j->config.segment_bytes = JOURNAL_SEGMENT_DEFAULT;
    if (j->config.segment_bytes < JOURNAL_SEGMENT_LEAST)
        j->config.segment_bytes = JOURNAL_SEGMENT_LEAST;
    if (j->config.tidy_segments == 0)
        j->config.tidy_segments = JOURNAL_TIDY_DEFAULT;
}

struct err
journal_open(struct journal **out, int dirfd, const struct journal_config *config,
             const struct journal_replay *replay)
{
    struct journal *j = heap_take(sizeof(*j));
    struct replay r = {.j = j, .to = replay};
    struct map *places;
    struct err e = ERR_OK;

    *out = NULL;
    set_config(j, config);
    j->lock_fd = -1;
    j->refused_low = UINT64_MAX;
    j->chunk = heap_take(JOURNAL_CHUNK);
    batch_init(&j->batch);
    j->dirfd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->dirfd < 0)
        e = err_os(errno, "open the journal's folder");
    if (!err_is(e))
        e = file_lock(j);
    if (!err_is(e))
        e = replay_all(&r);
    for (size_t at = 0; (places = map_next(&r.broken, &at)) != NULL;)
        free_places(places);
    map_clear(&r.broken);
    free(r.voids);
    if (err_is(e))
        journal_close(j);
    else
        *out = j;
    return e;
}
