/* Law 1 lives here: an answer follows the sync of what it is about. All that arrived while the disk
 * was busy shares the next sync. While a thread waits for the disk this one takes further frames
 * apart and answers for the commit before, so that the disk never waits for us. */
#include "commit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

/* So few messages are committed without the thread: handing them over costs two switches between
 * threads, which only a larger batch earns back (bench/README.md). */
enum { COMMIT_ALONE_MAX = 16 };

void
submit_free(struct submit *s)
{
    list_remove(&s->link);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

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
refuse(struct queue *q, struct submit *s, struct err e)
{
    answer(q, s, verdict_of(e));
    message_free(q, s->message);
    submit_free(s);
}

static void
keep_notice(struct queue *q, const struct submit *s)
{
    struct queue_envelope e;

    if (envelope_decode(s->envelope, &e))
        notice_kept(q, &e);
}

static void
keep(struct queue *q, struct submit *s)
{
    struct message *m = s->message;

    list_append(&q->all, &m->all);
    map_put(&q->messages, m->id, m);
    q->accepted++;
    if (m->is_notice)
        keep_notice(q, s);
    if (m->has_local)
        local_send(q, m, &s->envelope, s->fd < 0 ? &s->body : NULL);
    message_start(q, m);
}

/* The stores get their frames before the edges get their answers, so that a client that was told
 * 250 finds the message when it looks. */
static void
settle(struct queue *q, struct list *batch, struct err e, uint32_t number)
{
    q->ended = number;
    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
    LIST_EACH(at, batch)
    {
        struct submit *s = LIST_OF(at, struct submit, link);

        if (err_is(e))
            refuse(q, s, e);
        else
            keep(q, s);
    }
    local_flush(q);
    LIST_EACH(at, batch)
    {
        struct submit *s = LIST_OF(at, struct submit, link);

        answer(q, s, QUEUE_KEPT);
        submit_free(s);
    }
    act_answer(q, err_is(e));
    out_pump(q);
}

static struct err
add(struct queue *q, const struct submit *s)
{
    if (journal_has(q->journal, s->message->id))
        return err_make(ERR_MALFORMED, "a message's id that is in use");
    if (s->fd < 0)
        return journal_add(q->journal, s->message->id, s->envelope, s->body);
    return journal_add_file(q->journal, s->message->id, s->envelope, s->fd, s->message->size);
}

/* What has arrived goes into the journal's batch, as far as that has room. */
static void
fill(struct queue *q)
{
    LIST_EACH(at, &q->arrived)
    {
        struct submit *s = LIST_OF(at, struct submit, link);
        struct err e = add(q, s);

        if (e.kind == ERR_AGAIN)
            return;
        list_remove(&s->link);
        if (err_is(e))
            refuse(q, s, e);
        else
            list_append(&q->batch, &s->link);
    }
}

static void
take_all(struct list *to, struct list *from)
{
    list_init(to);
    LIST_EACH(at, from)
    {
        list_remove(at);
        list_append(to, at);
    }
}

static void on_written(void *ctx);

static void
write_batch(void *ctx)
{
    struct queue *q = ctx;

    journal_commit_write(q->journal);
}

/* False: nothing was begun, as it is not worth a thread. */
static bool
begin_aside(struct queue *q)
{
    if (journal_batch_messages(q->journal) <= COMMIT_ALONE_MAX)
        return false;
    q->committing = true;
    q->begun++;
    if (journal_commit_begin(q->journal))
        loop_work(q->role->loop, write_batch, on_written, q);
    else
        loop_later(q->role->loop, on_written, q); /* which tries another segment */
    return true;
}

static void
housekeep(struct queue *q)
{
    if (q->idle_due)
        timer_restart(q->idle, journal_idle(q->journal) ? QUEUE_IDLE_MS : QUEUE_TICK_MS);
    if (q->tidy_due && (journal_tidy(q->journal) || journal_pending(q->journal)))
        commit_soon(q);
    q->idle_due = q->tidy_due = false;
}

/* Everything by this thread alone. */
static void
commit_alone(struct queue *q)
{
    struct list batch;
    struct err e = journal_commit(q->journal);

    q->begun++;
    take_all(&batch, &q->batch);
    settle(q, &batch, e, q->begun);
}

static void
finish(struct queue *q)
{
    while (!list_empty(&q->arrived)) {
        fill(q);
        commit_alone(q);
    }
    q->on_finished(q);
}

/* The next batch goes to the disk before the last one's answers are written. */
static void
on_written(void *ctx)
{
    struct queue *q = ctx;
    struct list batch;
    struct err e = journal_commit_end(q->journal);
    uint32_t number = q->begun;

    q->committing = false;
    take_all(&batch, &q->batch);
    housekeep(q);
    fill(q);
    if (!begin_aside(q))
        commit_soon(q);
    settle(q, &batch, e, number);
    if (q->on_finished && !q->committing)
        finish(q);
}

static void
commit(void *ctx)
{
    struct queue *q = ctx;

    q->commit_due = false;
    if (q->committing || !q->journal)
        return;
    fill(q);
    if (!begin_aside(q))
        commit_alone(q);
    if (!list_empty(&q->arrived))
        commit_soon(q);
}

void
commit_soon(struct queue *q)
{
    if (q->commit_due || q->committing)
        return;
    q->commit_due = true;
    loop_later(q->role->loop, commit, q);
}

void
commit_lazily(struct queue *q)
{
    if (!q->lazy_set)
        timer_restart(q->lazy, QUEUE_LAZY_MS);
    q->lazy_set = true;
}

void
commit_on_lazy(void *ctx)
{
    struct queue *q = ctx;

    q->lazy_set = false;
    if (q->journal && journal_pending(q->journal))
        commit_soon(q);
}

void
commit_take(struct queue *q, struct submit *s)
{
    list_append(&q->arrived, &s->link);
    commit_soon(q);
}

void
commit_idle(struct queue *q)
{
    q->idle_due = true;
    if (!q->committing)
        housekeep(q);
}

void
commit_tidy(struct queue *q)
{
    q->tidy_due = true;
    if (!q->committing)
        housekeep(q);
}

void
commit_finish(struct queue *q, void (*fn)(struct queue *q))
{
    q->on_finished = fn;
    if (!q->committing)
        finish(q);
}
