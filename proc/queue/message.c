/* The life of a message: it starts, waits, warns, and ends with its last target or its time. */
#include <stdlib.h>

#include "base/ensure.h"
#include "commit.h"
#include "smtp/envelope.h"

void
message_free(struct queue *q, struct message *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->targets[i].job)
            job_free(q, m->targets[i].job);
    list_remove(&m->all);
    list_remove(&m->waiting);
    alarm_cancel(&m->local);
    alarm_cancel(&m->message);
    free(m->sender);
    free(m);
}

/* Each job once: with the target its chain begins with. */
static void
place_jobs(struct queue *q, struct message *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->targets[i].job && m->targets[i].job->first == i)
            job_place(q, m->targets[i].job);
}

void
message_start(struct queue *q, struct message *m)
{
    bool elsewhere = false, waits = false;

    for (uint32_t i = 0; i < m->count; i++) {
        elsewhere |= m->targets[i].job != NULL;
        waits |= m->targets[i].state != TARGET_OPEN && m->targets[i].state != TARGET_SENT;
    }
    if (elsewhere)
        place_jobs(q, m);
    if (elsewhere || waits)
        message_watch(q, m);
}

void
message_end(struct queue *q, struct message *m)
{
    journal_done(q->journal, m->id);
    map_take(&q->messages, m->id);
    message_free(q, m);
}

/* A store refuses what it has; another server does not, so that it has it is noted. */
static void
note_done(struct queue *q, const struct message *m, uint32_t index)
{
    struct journal_change change = {index, TARGET_DONE, 0, {NULL, 0}};

    if (m->targets[index].account == 0 && m->open)
        (void)journal_change(q->journal, m->id, &change); /* lost, it may be sent twice */
}

bool
message_settle(struct queue *q, struct message *m, uint32_t index)
{
    struct target *t = &m->targets[index];

    ensure(t->state != TARGET_DONE);
    t->state = TARGET_DONE;
    m->open--;
    note_done(q, m, index);
    if (t->job && --t->job->open == 0 && !t->job->sent)
        job_free(q, t->job);
    if (m->open)
        return false;
    message_end(q, m);
    return true;
}

/* ---- its time ---- */

uint32_t
message_until(const struct queue *q, const struct message *m)
{
    uint64_t lifetime = m->lifetime ? m->lifetime : role_limit(q->role, LIMIT_queue_seconds);

    return (uint32_t)(m->received + lifetime);
}

/* rfc3461#4.1-c: DELAY where it was asked for; a server may where nothing was said. */
static bool
may_warn(const struct message *m, const struct target *t)
{
    bool waits =
        t->state == TARGET_DEFERRED || (t->state == TARGET_HELD && !t->by_command) ||
        (t->state == TARGET_OPEN && (t->attempts || (t->job && site_is_waiting(t->job->site))));

    return waits && !t->warned && m->sender[0] && (t->notify == 0 || t->notify & SMTP_NOTIFY_DELAY);
}

/* When the sender of what waits is told; 0: never. */
static uint32_t
warn_at(const struct queue *q, const struct message *m, bool person)
{
    uint64_t delay = role_limit(q->role, LIMIT_delay_notice_seconds);

    if (person && delay > QUEUE_PERSON_SECONDS)
        delay = QUEUE_PERSON_SECONDS;
    return delay ? (uint32_t)(m->received + delay) : 0;
}

bool
message_must_warn(const struct queue *q, const struct message *m, const struct target *t)
{
    uint32_t at = warn_at(q, m, t->person);

    return at && at <= q->wheel.now && may_warn(m, t);
}

/* The next moment at which a sender may have to be warned; what is not tried yet may wait by then.
 */
static uint32_t
next_warning(const struct queue *q, const struct message *m)
{
    bool now = false, person = false;
    uint32_t at = warn_at(q, m, false);

    for (uint32_t i = 0; i < m->count; i++) {
        bool may = may_warn(m, &m->targets[i]);

        now |= may;
        person |= may && m->targets[i].person;
    }
    if (person)
        at = warn_at(q, m, true);
    return now || at > q->wheel.now ? at : 0;
}

static void
sooner(uint32_t *at, uint32_t other)
{
    if (other && other < *at)
        *at = other;
}

void
message_watch(struct queue *q, struct message *m)
{
    uint32_t at = UINT32_MAX;

    if (m->telling)
        return; /* its answer comes back here */
    for (uint32_t i = 0; i < m->count; i++)
        if (m->targets[i].state != TARGET_DONE && !m->targets[i].by_command)
            sooner(&at, message_until(q, m));
    sooner(&at, m->tell_at);
    if (m->sender[0] && !m->tell_at)
        sooner(&at, next_warning(q, m));
    if (at != UINT32_MAX)
        wheel_set(&q->wheel, &m->message, at);
    else
        alarm_cancel(&m->message);
}

/* ---- its end ---- */

struct expiry {
    struct queue *q;
    struct message *message; /* NULL once it is no more */
    const struct queue_outcome *outcomes;
};

/* What a store or a courier has at this moment comes back first. */
static bool
may_expire(const struct target *t)
{
    return t->state == TARGET_OPEN || t->state == TARGET_DEFERRED ||
           (t->state == TARGET_HELD && !t->by_command);
}

static void
expire_target(void *ctx, const struct envelope_target *t)
{
    struct expiry *x = ctx;
    struct target *to =
        x->message && t->index < x->message->count ? &x->message->targets[t->index] : NULL;
    struct attempt a = {.address = t->address};

    if (!to || !may_expire(to))
        return;
    a.outcome = target_outcome(to, x->outcomes, t->index);
    if (target_fail(x->q, x->message, t->index, &a, true))
        x->message = NULL;
}

/* False: the message is no more. */
static bool
expire(struct queue *q, struct message *m)
{
    struct arena *a = arena_new("expiry", QUEUE_OUTCOMES_BYTES);
    struct expiry x = {q, m, target_outcomes(q, m, a)};
    struct buf envelope;

    buf_init(&envelope, JOURNAL_ENVELOPE_MAX);
    if (x.outcomes && envelope_read(q, m, &envelope))
        envelope_targets(buf_slice(&envelope), expire_target, &x);
    buf_clear(&envelope);
    arena_free(a);
    return x.message != NULL;
}

void
message_attend(struct queue *q, struct message *m)
{
    if (!commit_has_ended(q, m->noted)) {
        wheel_set(&q->wheel, &m->message, q->wheel.now + 1);
        return; /* what was noted last cannot be read before */
    }
    if (message_until(q, m) <= q->wheel.now && !expire(q, m))
        return;
    notice_tell(q, m);
}
