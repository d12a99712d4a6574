/* What becomes of a target: in memory, as a CHANGE in the journal, in the trace and in the log, in
 * one place, so that they agree. */
#include "base/log.h"
#include "commit.h"
#include "reasons.h"
#include "role/tell.h"
#include "smtp/envelope.h"

enum { SAID_LEAST = 200 }; /* bytes of another server's words that are kept in any case */

/* ---- noting ---- */

/* The outcome as the journal keeps it; words that do not fit are cut. */
static struct slice
encode(const struct target *t, const struct queue_outcome *o, struct buf *room)
{
    struct queue_outcome noted = *o;

    noted.attempts = t->attempts;
    noted.warned = t->warned;
    if (!msg_items_put(room, MSG_queue_outcome, &noted)) {
        buf_reset(room);
        noted.said = slice_head(o->said, SAID_LEAST);
        noted.remote = slice_head(o->remote, SAID_LEAST);
        msg_items_put(room, MSG_queue_outcome, &noted);
    }
    return buf_slice(room);
}

/* Lost, it is only tried again sooner, or told once more. */
static void
note(struct queue *q, struct message *m, uint32_t index, uint64_t when,
     const struct queue_outcome *o)
{
    const struct target *t = &m->targets[index];
    uint8_t bytes[JOURNAL_REASON_MAX];
    struct buf room = {.at = bytes, .room = sizeof(bytes), .cap = sizeof(bytes)};
    struct journal_change change = {index, t->state, when, encode(t, o, &room)};

    (void)journal_change(q->journal, m->id, &change);
    m->noted = commit_next(q);
    commit_lazily(q);
}

static void
tell(struct queue *q, const struct message *m, const struct target *t, enum trace_kind kind,
     const struct attempt *a)
{
    struct trace_event e = {.kind = kind,
                            .message = m->id,
                            .account = t->account,
                            .size = m->size,
                            .recipient = a->address,
                            .tls = a->tls,
                            .reason = a->outcome.reason,
                            .reply = a->outcome.said,
                            .next = t->state == TARGET_DEFERRED ? t->next : 0,
                            .remote = a->outcome.remote,
                            .stage = a->stage};

    tell_event(q->role, &e);
}

static void
log_outcome(const struct message *m, const struct target *t, enum log_event event,
            const struct attempt *a)
{
    char id[ID_TEXT_LEN + 1];

    id_format(m->id, id);
    log_write(event, slice_of(id),
              (const struct log_pair[]){
                  log_slice("to", a->address), log_number("account", t->account),
                  log_slice("reason", a->outcome.reason), log_number("attempts", t->attempts),
                  log_slice("remote", a->outcome.remote), log_slice("said", a->outcome.said),
                  (struct log_pair){0}});
}

static void
log_sent(const struct message *m, const struct attempt *a)
{
    char id[ID_TEXT_LEN + 1];

    id_format(m->id, id);
    LOG(sent, slice_of(id), log_slice("to", a->address), log_slice("remote", a->outcome.remote),
        log_slice("tls", a->tls), log_slice("said", a->outcome.said));
}

static void
count_attempt(struct target *t, const struct attempt *a)
{
    if (t->attempts < UINT8_MAX)
        t->attempts++;
    t->reason = reasons_number(a->outcome.reason);
}

/* ---- what becomes of it ---- */

void
target_defer(struct queue *q, struct message *m, uint32_t index, const struct attempt *a,
             uint32_t next)
{
    struct target *t = &m->targets[index];

    count_attempt(t, a);
    t->state = TARGET_DEFERRED;
    t->next = next;
    t->person = a->retry == CATALOGUE_RETRY_no && t->account == 0;
    q->deferrals++;
    note(q, m, index, next, &a->outcome);
    tell(q, m, t, TRACE_deferred, a);
    log_outcome(m, t, LOG_defer, a);
}

void
target_hold(struct queue *q, struct message *m, uint32_t index, const struct attempt *a,
            bool by_command)
{
    struct target *t = &m->targets[index];

    if (!by_command)
        count_attempt(t, a);
    t->state = TARGET_HELD;
    t->by_command = by_command;
    note(q, m, index, by_command, &a->outcome);
    tell(q, m, t, TRACE_held, a);
    log_outcome(m, t, LOG_hold, a);
    if (!by_command)
        notice_owe(q, m);
}

void
target_release(struct queue *q, struct message *m, uint32_t index, const struct attempt *a)
{
    struct target *t = &m->targets[index];

    t->state = TARGET_OPEN;
    t->by_command = false;
    note(q, m, index, 0, &a->outcome);
    tell(q, m, t, TRACE_released, a);
}

/* rfc3461#5.2-a: a failure is told where nothing else was asked for, and never to nobody. */
static bool
wants_failure(const struct message *m, const struct target *t)
{
    return m->sender[0] && (t->notify == 0 || t->notify & SMTP_NOTIFY_FAILURE);
}

bool
target_fail(struct queue *q, struct message *m, uint32_t index, const struct attempt *a,
            bool expired)
{
    struct target *t = &m->targets[index];

    if (!expired)
        count_attempt(t, a);
    t->state = TARGET_FAILED;
    t->expired = expired;
    q->failed++;
    tell(q, m, t, TRACE_failed, a);
    log_outcome(m, t, LOG_bounce, a);
    if (!wants_failure(m, t))
        return message_settle(q, m, index);
    note(q, m, index, expired, &a->outcome);
    notice_owe(q, m);
    return false;
}

bool
target_arrive(struct queue *q, struct message *m, uint32_t index, const struct attempt *a,
              bool relayed)
{
    struct target *t = &m->targets[index];

    tell(q, m, t, t->account ? TRACE_delivered : TRACE_sent, a);
    q->delivered += t->account != 0;
    if (t->account == 0) {
        log_sent(m, a);
        q->sent++;
        commit_lazily(q); /* until it is durable, a crash would send it again */
    }
    if (!(t->notify & SMTP_NOTIFY_SUCCESS) || !m->sender[0] || (t->account == 0 && !relayed))
        return message_settle(q, m, index);
    t->state = TARGET_RELAYED;
    t->relayed = relayed;
    note(q, m, index, relayed, &a->outcome);
    notice_owe(q, m);
    return false;
}

void
target_note_warned(struct queue *q, struct message *m, uint32_t index,
                   const struct queue_outcome *o)
{
    m->targets[index].warned = true;
    note(q, m, index, m->targets[index].next, o);
}

/* ---- reading back ---- */

struct outcomes {
    struct queue_outcome *of;
    uint32_t count;
    struct arena *arena;
};

static void
keep_outcome(void *ctx, uint64_t id, const struct journal_change *c)
{
    struct outcomes *all = ctx;
    struct slice items = arena_copy(all->arena, c->reason);
    struct queue_outcome o;

    (void)id;
    if (c->recipient < all->count && msg_items_take(&items, MSG_queue_outcome, &o))
        all->of[c->recipient] = o;
}

const struct queue_outcome *
target_outcomes(struct queue *q, const struct message *m, struct arena *a)
{
    struct outcomes all = {arena_take(a, m->count * sizeof(*all.of)), m->count, a};

    if (!all.of || err_is(journal_changes(q->journal, m->id, keep_outcome, &all)))
        return NULL;
    return all.of;
}

struct queue_outcome
target_outcome(const struct target *t, const struct queue_outcome *all, uint32_t index)
{
    struct queue_outcome o = all[index];
    const struct site *site = t->job ? t->job->site : NULL;
    struct slice items;

    if (o.reason.len == 0 && site && site->outcome) {
        items = slice_make(site->outcome, site->outcome_len);
        msg_items_take(&items, MSG_queue_outcome, &o);
    }
    if (o.reason.len == 0) /* nothing was ever tried */
        o = (struct queue_outcome){
            .ours = 1, .reason = SLICE("expired"), .status = SLICE("4.4.7"), .said = SLICE("")};
    return o;
}
