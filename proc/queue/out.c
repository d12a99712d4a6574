/* To the couriers and back. A transaction under way is a flight: it keeps what was sent, as nothing
 * of it is in memory otherwise. A courier that dies may have brought some of its flights to their
 * end; they are sent again, as nobody can know (counted as `doubtful`). */
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "queue.h"
#include "reasons.h"
#include "schedule.h"

enum {
    RCPTS_MAX = 50,           /* of one transaction: their outcomes must fit a frame */
    RCPTS_BYTES = 20 * 1024,  /* and they beside the body */
    LOST_PAUSE_SECONDS = 10,  /* after a courier died with it: it may have been its doing */
    WINDOW_OF_CONNECTION = 2, /* a connection is given its next message while it brings one */
};

struct flight {
    struct queue *q;
    struct job *job; /* NULL once it is back */
    struct site *site;
    uint64_t id;      /* of the message, which may end with any outcome */
    struct buf rcpts; /* courier_rcpt */
};

/* ---- there ---- */

/* A flight being put together: the recipients that travel with one reverse-path. */
struct loading {
    struct flight *flight;
    struct slice sender; /* the envelope's */
    struct slice from;   /* that this one travels with */
    unsigned count;
};

static bool
may_load(const struct loading *l, const struct target *t, struct slice from)
{
    return t->job == l->flight->job && t->state == TARGET_OPEN && l->count < RCPTS_MAX &&
           (l->count == 0 || slice_eq(l->from, from));
}

static void
load(void *ctx, const struct envelope_target *t)
{
    struct loading *l = ctx;
    struct message *m = l->flight->job->message;
    struct slice from = t->to.flags & QUEUE_FORWARD ? t->to.sender : l->sender;
    struct courier_rcpt r = {t->index, t->address, t->recipient.orcpt, t->recipient.notify};
    size_t before = l->flight->rcpts.len;

    if (t->index >= m->count || !may_load(l, &m->targets[t->index], from))
        return;
    if (!msg_items_put(&l->flight->rcpts, MSG_courier_rcpt, &r)) {
        buf_cut(&l->flight->rcpts, before);
        l->flight->rcpts.full = false;
        return;
    }
    m->targets[t->index].state = TARGET_SENT;
    l->from = from;
    l->count++;
}

static void
unload(const struct flight *f)
{
    struct slice rcpts = buf_slice(&f->rcpts);
    struct target *targets = f->job->message->targets;
    struct courier_rcpt r;

    while (msg_items_take(&rcpts, MSG_courier_rcpt, &r))
        if (targets[r.index].state == TARGET_SENT)
            targets[r.index].state = TARGET_OPEN;
}

static void
free_flight(struct flight *f)
{
    buf_clear(&f->rcpts);
    free(f);
}

static struct chan *
courier_of(const struct queue *q, const struct site *t)
{
    unsigned count = role_peer_count(q->role, ROLE_courier);

    return count ? role_peer(q->role, ROLE_courier, (unsigned)(t->key % count)) : NULL;
}

static void on_sent(void *ctx, const union msg_any *answer, int fd);

static bool
ask(struct flight *f, struct slice envelope)
{
    static struct buf body_room = {.cap = QUEUE_OUT_INLINE_MAX};
    const struct message *m = f->job->message;
    struct chan *c = courier_of(f->q, f->site);
    struct loading l = {.flight = f};
    struct queue_envelope e;
    struct courier_send s = {
        .id = m->id, .domain = slice_of(f->site->domain), .body_size = m->size};
    struct found_body body;

    buf_reset(&body_room);
    if (!c || !envelope_decode(envelope, &e) ||
        !body_find(f->q, m, QUEUE_OUT_INLINE_MAX, &body_room, &body))
        return false;
    l.sender = e.sender;
    if (envelope_targets(envelope, load, &l) && l.count) {
        s.sender = l.from;
        s.envid = e.envid;
        s.ret = e.ret;
        s.flags = e.flags;
        s.recipients = buf_slice(&f->rcpts);
        s.body = body.bytes;
        s.offset = body.offset;
        f->job->sent = true;
        site_hold(f->site);
        chan_ask(c, MSG_courier_send, &s, body.fd, MSG_courier_sent, on_sent, f);
    }
    if (body.fd >= 0)
        close(body.fd);
    return l.count > 0;
}

/* False: nothing can be sent at present. */
static bool
send_job(struct queue *q, struct job *j)
{
    static struct buf envelope = {.cap = JOURNAL_ENVELOPE_MAX};
    struct flight *f = heap_take(sizeof(*f));

    *f = (struct flight){.q = q, .job = j, .site = j->site, .id = j->message->id};
    buf_init(&f->rcpts, RCPTS_BYTES);
    buf_reset(&envelope);
    if (envelope_read(q, j->message, &envelope) && ask(f, buf_slice(&envelope)))
        return true;
    unload(f);
    free_flight(f);
    site_came_back(&q->sites, j->site);
    job_place(q, j);
    return false;
}

void
out_pump(struct queue *q)
{
    struct list *at;
    struct site *t;

    while ((at = sites_next(&q->sites, &t, QUEUE_OUT_MAX)))
        if (!send_job(q, LIST_OF(at, struct job, link)))
            return; /* until the next tick */
}

/* ---- and back ---- */

static struct schedule
schedule_of(const struct queue *q)
{
    struct schedule s = {(uint32_t)role_limit(q->role, LIMIT_retry_first_seconds),
                         (uint32_t)role_limit(q->role, LIMIT_retry_most_seconds), 0};

    random_fill(&s.random, sizeof(s.random));
    return s;
}

static enum catalogue_retry
retry_of(uint32_t retry)
{
    return retry < CATALOGUE_RETRIES ? (enum catalogue_retry)retry : CATALOGUE_RETRY_no;
}

/* While nothing goes to the whole destination its mail waits there, ready, and not each message by
 * itself. */
static void
try_later(struct queue *q, struct message *m, const struct courier_outcome *o,
          const struct attempt *a)
{
    struct target *t = &m->targets[o->index];
    struct site *site = t->job->site;
    struct schedule s = schedule_of(q);
    uint32_t pause = schedule_pause(&s, retry_of(o->retry), t->attempts + 1u, o->wait);

    if (message_until(q, m) <= q->wheel.now) {
        target_fail(q, m, o->index, a, true); /* with what is at hand: it was the last attempt */
    } else if (site_is_waiting(site)) {
        target_defer(q, m, o->index, a, site->again.at);
        t->state = TARGET_OPEN;
    } else {
        target_defer(q, m, o->index, a, q->wheel.now + pause);
    }
}

static void
take_outcome(struct queue *q, struct message *m, const struct courier_outcome *o,
             const struct attempt *a)
{
    bool refused = o->verdict == COURIER_LATER || o->verdict == COURIER_FAILED;

    q->doubtful += o->verdict == COURIER_UNKNOWN;
    if (refused && a->retry == CATALOGUE_RETRY_hold)
        target_hold(q, m, o->index, a, false);
    else if (o->verdict == COURIER_LATER || o->verdict == COURIER_UNKNOWN)
        try_later(q, m, o, a);
    else if (o->verdict == COURIER_FAILED)
        target_fail(q, m, o->index, a, false);
    else if (o->verdict == COURIER_DELIVERED || o->verdict == COURIER_RELAYED)
        target_arrive(q, m, o->index, a, o->verdict == COURIER_RELAYED);
    else
        m->targets[o->index].state = TARGET_OPEN;
}

static bool
find_address(const struct flight *f, uint32_t index, struct slice *address)
{
    struct slice rcpts = buf_slice(&f->rcpts);
    struct courier_rcpt r;

    while (msg_items_take(&rcpts, MSG_courier_rcpt, &r))
        if (r.index == index) {
            *address = r.address;
            return true;
        }
    return false;
}

static struct queue_outcome
outcome_of(const struct courier_outcome *o)
{
    struct slice items = o->outcome;
    struct queue_outcome found = {.reason = SLICE("")};

    if (!msg_items_take(&items, MSG_queue_outcome, &found))
        found = (struct queue_outcome){.reason = SLICE("unknown-failure")};
    found.tried = queue_now();
    return found;
}

/* What the attempt says of the whole destination comes first: how its targets wait depends on it.
 */
static void
note_site(struct queue *q, struct site *t, const struct courier_sent *s)
{
    struct schedule schedule = schedule_of(q);
    struct slice items = s->outcomes;
    struct courier_outcome first = {.index = 0};
    unsigned most = (unsigned)role_limit(q->role, LIMIT_site_connections) * WINDOW_OF_CONNECTION;
    uint32_t until;

    if (s->site == COURIER_SITE_OK) {
        site_went_well(&q->sites, t, most);
        return;
    }
    msg_items_take(&items, MSG_courier_outcome, &first);
    if (site_is_waiting(t))
        return; /* of those that were under way together the first has said it */
    t->failures++;
    until = q->wheel.now + schedule_pause(&schedule, retry_of(first.retry), t->failures, s->wait);
    if (s->site == COURIER_SITE_SLOW)
        site_slow_down(&q->sites, t, &q->wheel, until);
    else
        site_went_down(&q->sites, t, &q->wheel, until, reasons_number(outcome_of(&first).reason),
                       first.outcome);
}

/* The target of a flight that has no outcome yet; NULL: there is none of that index. */
static struct target *
find_sent(const struct flight *f, uint32_t index, struct slice *address)
{
    struct message *m = map_get(&f->q->messages, f->id);

    return m && find_address(f, index, address) && m->targets[index].state == TARGET_SENT
               ? &m->targets[index]
               : NULL;
}

/* Each may be the message's last. */
static void
take_outcomes(const struct flight *f, struct slice items)
{
    struct courier_outcome o;
    struct attempt a;

    while (msg_items_take(&items, MSG_courier_outcome, &o)) {
        a = (struct attempt){
            .outcome = outcome_of(&o), .retry = retry_of(o.retry), .stage = o.stage, .tls = o.tls};
        if (find_sent(f, o.index, &a.address))
            take_outcome(f->q, map_get(&f->q->messages, f->id), &o, &a);
    }
}

/* What has no outcome: the courier died, or had to stop. */
static void
take_silence(const struct flight *f)
{
    struct slice rcpts = buf_slice(&f->rcpts);
    struct courier_rcpt r;

    while (msg_items_take(&rcpts, MSG_courier_rcpt, &r)) {
        struct attempt a = {.outcome = {.tried = queue_now(),
                                        .ours = 1,
                                        .reason = SLICE("local-error"),
                                        .status = SLICE("4.3.0")},
                            .retry = CATALOGUE_RETRY_soon};

        if (!find_sent(f, r.index, &a.address))
            continue;
        f->q->doubtful++;
        target_defer(f->q, map_get(&f->q->messages, f->id), r.index, &a,
                     f->q->wheel.now + LOST_PAUSE_SECONDS);
    }
}

/* Job and message, if they are still there, wait for what is left of them. */
static void
go_on(const struct flight *f)
{
    struct message *m = map_get(&f->q->messages, f->id);
    struct slice rcpts = buf_slice(&f->rcpts);
    struct courier_rcpt r;

    if (!m)
        return;
    msg_items_take(&rcpts, MSG_courier_rcpt, &r);
    if (m->targets[r.index].job)
        job_place(f->q, m->targets[r.index].job);
    message_watch(f->q, m);
}

/* No message ends while a target of it is under way: its job is still there. */
static void
on_sent(void *ctx, const union msg_any *answer, int fd)
{
    struct flight *f = ctx;
    struct queue *q = f->q;

    if (fd >= 0)
        close(fd);
    f->job->sent = false;
    f->job = NULL;
    if (answer) {
        note_site(q, f->site, &answer->courier_sent);
        take_outcomes(f, answer->courier_sent.outcomes);
    }
    take_silence(f);
    go_on(f);
    site_came_back(&q->sites, f->site);
    site_let_go(&q->sites, f->site);
    free_flight(f);
    out_pump(q);
}
