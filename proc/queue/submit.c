/* From an edge to the journal. All that arrives in one turn of the loop shares one commit; while
 * its sync runs, what arrives meanwhile waits in the channels and is the next batch. */
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "queue.h"

/* A message between journal_add and the answer after journal_commit. */
struct submit {
    struct list link;
    enum role_id role; /* who asked: its channel may be gone when there is an answer */
    unsigned index;
    struct chan *chan;
    uint32_t serial;
    struct message *message;
    struct slice envelope, body; /* in bytes; a body in a descriptor is read back later */
    int fd;
    uint8_t bytes[];
};

static void
answer(const struct queue *q, const struct submit *s, enum queue_verdict verdict)
{
    struct chan_call call = {.chan = s->chan, .serial = s->serial, .fd = -1};

    if (role_peer(q->role, s->role, s->index) == s->chan)
        chan_answer(&call, MSG_queue_submitted, &(struct queue_submitted){verdict}, -1);
}

static enum queue_verdict
verdict_of(struct err e)
{
    if (!err_is(e))
        return QUEUE_KEPT;
    if (e.kind == ERR_LIMIT)
        return QUEUE_DISK_FULL;
    return e.kind == ERR_MALFORMED ? QUEUE_BAD : QUEUE_TEMPORARY;
}

static void
submit_free(struct submit *s)
{
    list_remove(&s->link);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

static void
keep(struct queue *q, struct submit *s)
{
    struct message *m = s->message;

    list_append(&q->all, &m->all);
    map_put(&q->messages, m->id, m);
    q->accepted++;
    send_message(q, m, &s->envelope, s->fd < 0 ? &s->body : NULL);
}

/* The stores get their frames before the edges get their answers, so that a client that was told
 * 250 finds the message when it looks. */
static void
commit(void *ctx)
{
    struct queue *q = ctx;
    struct err e = journal_commit(q->journal);
    enum queue_verdict verdict = verdict_of(e);

    q->commit_due = false;
    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
    LIST_EACH(at, &q->batch)
    {
        struct submit *s = LIST_OF(at, struct submit, link);

        if (verdict == QUEUE_KEPT)
            keep(q, s);
        else
            message_free(s->message);
    }
    send_flush(q);
    LIST_EACH(at, &q->batch)
    {
        struct submit *s = LIST_OF(at, struct submit, link);

        answer(q, s, verdict);
        submit_free(s);
    }
}

void
submit_commit_soon(struct queue *q)
{
    if (q->commit_due)
        return;
    q->commit_due = true;
    loop_later(q->role->loop, commit, q);
}

static struct err
add(struct queue *q, const struct submit *s)
{
    if (s->fd < 0)
        return journal_add(q->journal, s->message->id, s->envelope, s->body);
    return journal_add_file(q->journal, s->message->id, s->envelope, s->fd, s->message->size);
}

/* Body and envelope in memory of our own: the frame's is reused, the descriptor's is the edge's. */
static struct submit *
take_bytes(const struct queue_submit *m, struct chan_call *call)
{
    bool in_frame = m->bytes.len > 0;
    size_t in_memory = in_frame ? m->bytes.len : m->envelope_size;
    struct submit *s;

    if (m->envelope_size > JOURNAL_ENVELOPE_MAX || m->body_size > JOURNAL_BODY_MAX ||
        (in_frame ? m->bytes.len != m->body_size + m->envelope_size : call->fd < 0))
        return NULL;
    s = heap_grow(NULL, sizeof(*s) + in_memory);
    *s = (struct submit){.chan = call->chan, .serial = call->serial, .fd = -1};
    list_init(&s->link);
    if (in_frame) {
        memcpy(s->bytes, m->bytes.at, in_memory);
        s->body = slice_make(s->bytes, m->body_size);
        s->envelope = slice_make(s->bytes + m->body_size, m->envelope_size);
        return s;
    }
    s->fd = call->fd;
    call->fd = -1;
    s->envelope = slice_make(s->bytes, in_memory);
    if (pread(s->fd, s->bytes, in_memory, (off_t)m->body_size) == (ssize_t)in_memory)
        return s;
    submit_free(s);
    return NULL;
}

static bool
find_asker(const struct queue *q, struct submit *s)
{
    static const enum role_id edges[] = {ROLE_mx, ROLE_access};

    for (size_t i = 0; i < COUNT(edges); i++) {
        s->role = edges[i];
        if (role_peer_is(q->role, s->chan, s->role, &s->index))
            return true;
    }
    return false;
}

/* Ids are made when a transaction's DATA begins. One that is too old may have been forgotten by a
 * store already: see queue_low_water. */
static bool
is_own_new_id(const struct queue *q, const struct submit *s, uint64_t id)
{
    return role_message_id_is_from(id, s->role, s->index) && id >= queue_oldest_id(q) &&
           !map_get(&q->messages, id);
}

static void
on_submit(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct queue *q = ((struct role *)ctx)->state;
    const struct queue_submit *m = &any->queue_submit;
    struct submit *s = take_bytes(m, call);
    struct err e = err_make(ERR_MALFORMED, "a submitted message");

    if (s && find_asker(q, s) && is_own_new_id(q, s, m->id))
        s->message = envelope_message(m->id, s->envelope, m->body_size);
    if (s && s->message)
        e = add(q, s);
    if (e.kind == ERR_AGAIN) { /* the batch is full: this one begins the next */
        commit(q);
        e = add(q, s);
    }
    if (!err_is(e)) {
        list_append(&q->batch, &s->link);
        submit_commit_soon(q);
        return;
    }
    chan_answer(call, MSG_queue_submitted, &(struct queue_submitted){verdict_of(e)}, -1);
    if (s && s->message)
        message_free(s->message);
    if (s)
        submit_free(s);
}

const struct chan_handler submit_handlers[] = {{MSG_queue_submit, on_submit}, {MSG_NONE, NULL}};
