/* What a person decides about what waits: hold, release, retry, remove, bounce. Each is answered
 * once it is durable. */
#include <stdlib.h>

#include "base/ensure.h"
#include "commit.h"
#include "role/tell.h"

/* An answer that waits for its commit. */
struct act {
    struct list link;
    struct chan_call call;
    uint32_t commit;
    struct queue_acted answer;
};

/* What is done with one target, of which this is known; true: the message is no more. */
typedef bool act_fn(struct queue *q, struct message *m, const struct envelope_target *t,
                    const struct queue_outcome *known);

static bool
waits(const struct target *t)
{
    return t->state == TARGET_OPEN || t->state == TARGET_DEFERRED || t->state == TARGET_HELD;
}

static bool
retry(struct queue *q, struct message *m, const struct envelope_target *t,
      const struct queue_outcome *known)
{
    struct target *to = &m->targets[t->index];

    (void)known;
    if (to->state == TARGET_DEFERRED)
        to->state = TARGET_OPEN;
    if (to->job)
        site_open(&q->sites, to->job->site);
    return false;
}

static bool
hold(struct queue *q, struct message *m, const struct envelope_target *t,
     const struct queue_outcome *known)
{
    struct attempt a = {.outcome = *known, .address = t->address};

    if (m->targets[t->index].state != TARGET_HELD && waits(&m->targets[t->index]))
        target_hold(q, m, t->index, &a, true);
    return false;
}

static bool
release(struct queue *q, struct message *m, const struct envelope_target *t,
        const struct queue_outcome *known)
{
    struct attempt a = {.outcome = *known, .address = t->address};

    if (m->targets[t->index].state == TARGET_HELD)
        target_release(q, m, t->index, &a);
    return false;
}

static bool
remove_target(struct queue *q, struct message *m, const struct envelope_target *t,
              const struct queue_outcome *known)
{
    struct target *to = &m->targets[t->index];
    struct trace_event e = {
        .kind = TRACE_removed, .message = m->id, .account = to->account, .recipient = t->address};

    (void)known;
    if (!waits(to))
        return false;
    tell_event(q->role, &e);
    return message_settle(q, m, t->index);
}

static bool
bounce(struct queue *q, struct message *m, const struct envelope_target *t,
       const struct queue_outcome *known)
{
    struct attempt a = {.outcome = {.ours = 1,
                                    .tried = queue_now(),
                                    .reason = SLICE("returned-by-postmaster"),
                                    .status = SLICE("5.0.0")},
                        .address = t->address};

    (void)known;
    return waits(&m->targets[t->index]) && target_fail(q, m, t->index, &a, false);
}

static act_fn *const actions[] = {
    [QUEUE_RETRY] = retry,          [QUEUE_HOLD] = hold,     [QUEUE_RELEASE] = release,
    [QUEUE_REMOVE] = remove_target, [QUEUE_BOUNCE] = bounce,
};

struct acting {
    struct queue *q;
    struct message *message; /* NULL once it is no more */
    act_fn *fn;
    const struct queue_outcome *outcomes;
    bool under_way; /* something of it could not be touched */
};

static void
act_on_target(void *ctx, const struct envelope_target *t)
{
    struct acting *a = ctx;

    if (!a->message || t->index >= a->message->count)
        return;
    a->under_way |= a->message->targets[t->index].state == TARGET_SENT;
    if (a->fn(a->q, a->message, t, &a->outcomes[t->index]))
        a->message = NULL;
}

static void
place(struct queue *q, struct message *m)
{
    local_resume(q, m);
    message_start(q, m);
}

/* False: the journal cannot be read, or all of it is under way. */
static bool
act(struct queue *q, struct message *m, act_fn *fn)
{
    struct arena *arena = arena_new("act", QUEUE_OUTCOMES_BYTES);
    struct acting a = {q, m, fn, target_outcomes(q, m, arena), false};
    struct buf envelope;
    bool read;

    buf_init(&envelope, JOURNAL_ENVELOPE_MAX);
    read = a.outcomes && envelope_read(q, m, &envelope);
    if (read)
        envelope_targets(buf_slice(&envelope), act_on_target, &a);
    buf_clear(&envelope);
    arena_free(arena);
    if (a.message)
        place(q, m);
    return read && !a.under_way;
}

static struct queue_acted
act_on_all(struct queue *q, act_fn *fn)
{
    struct queue_acted done = {QUEUE_DONE, 0};

    LIST_EACH(at, &q->all)
    {
        if (act(q, LIST_OF(at, struct message, all), fn))
            done.count++;
        else
            done.result = QUEUE_NOT_NOW;
    }
    return done;
}

static struct queue_acted
act_on_one(struct queue *q, uint64_t id, act_fn *fn)
{
    struct message *m = map_get(&q->messages, id);

    if (!m)
        return (struct queue_acted){QUEUE_NO_SUCH, 0};
    return act(q, m, fn) ? (struct queue_acted){QUEUE_DONE, 1}
                         : (struct queue_acted){QUEUE_NOT_NOW, 0};
}

void
act_on_ask(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct queue *q = ((struct role *)ctx)->state;
    const struct queue_act *m = &any->queue_act;
    struct act *a = heap_take(sizeof(*a));

    *a = (struct act){.call = *call, .answer = {QUEUE_NO_SUCH, 0}};
    a->call.fd = -1;
    if (m->action < COUNT(actions))
        a->answer =
            m->id ? act_on_one(q, m->id, actions[m->action]) : act_on_all(q, actions[m->action]);
    a->commit = commit_next(q);
    list_append(&q->acted, &a->link);
    local_pump(q);
    out_pump(q);
    commit_soon(q);
}

void
act_answer(struct queue *q, bool failed)
{
    unsigned index;

    LIST_EACH(at, &q->acted)
    {
        struct act *a = LIST_OF(at, struct act, link);

        if (!commit_has_ended(q, a->commit))
            continue;
        if (failed)
            a->answer.result = QUEUE_NOT_NOW;
        if (role_peer_is(q->role, a->call.chan, ROLE_ctl, &index))
            chan_answer(&a->call, MSG_queue_acted, &a->answer, -1);
        list_remove(at);
        free(a);
    }
}
