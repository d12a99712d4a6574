/* From an edge into memory: a frame becomes a submit, which commit.c makes durable and answers. */
#include <unistd.h>

#include "base/ensure.h"
#include "commit.h"

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
    static const enum role_id edges[] = {ROLE_mx, ROLE_access, ROLE_courier};

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

/* A notice settles what it tells of: no process that speaks with strangers may write one. */
static struct message *
make_message(struct queue *q, const struct submit *s, const struct queue_submit *m)
{
    struct message *made = envelope_message(q, m->id, s->envelope, m->body_size);

    if (made && made->is_notice && s->role != ROLE_courier) {
        message_free(q, made);
        return NULL;
    }
    return made;
}

static void
on_submit(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct queue *q = ((struct role *)ctx)->state;
    const struct queue_submit *m = &any->queue_submit;
    struct submit *s = take_bytes(m, call);

    if (s && find_asker(q, s) && is_own_new_id(q, s, m->id))
        s->message = make_message(q, s, m);
    if (s && s->message) {
        commit_take(q, s);
        return;
    }
    chan_answer(call, MSG_queue_submitted, &(struct queue_submitted){QUEUE_BAD}, -1);
    if (s)
        submit_free(s);
}

const struct chan_handler submit_handlers[] = {{MSG_queue_submit, on_submit}, {MSG_NONE, NULL}};
