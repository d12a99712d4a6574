/* A job is one piece of memory: itself, its recipients, and behind them every byte they point to.
 */
#include "job.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "lately.h"
#include "mail.h"
#include "mime/utf8.h"

enum { FRAME_HEAD = 64 }; /* of courier_sent, without its outcomes */

/* What a job's memory holds, counted first, then filled. */
struct sum {
    size_t rcpts, bytes;
    bool malformed;
};

static struct sum
measure(const struct courier_send *m)
{
    struct sum sum = {.bytes = m->domain.len + m->sender.len + m->envid.len + m->body.len};
    struct slice items = m->recipients;
    struct courier_rcpt r;

    while (msg_items_take(&items, MSG_courier_rcpt, &r)) {
        sum.rcpts++;
        sum.bytes += r.address.len + r.orcpt.len;
    }
    sum.malformed = items.len || sum.rcpts == 0 || sum.rcpts > COURIER_RCPTS_MAX ||
                    m->ret > SMTP_RET_HDRS || (m->body.len && m->body.len != m->body_size);
    return sum;
}

static struct slice
keep(uint8_t **at, struct slice s)
{
    struct slice kept = {*at, s.len};

    if (s.len)
        memcpy(*at, s.at, s.len);
    *at += s.len;
    return kept;
}

static void
fill(struct job *j, const struct courier_send *m)
{
    uint8_t *at = (uint8_t *)(j->rcpts + j->rcpt_count);
    struct slice items = m->recipients;
    struct courier_rcpt r;

    j->domain = keep(&at, m->domain);
    j->envelope = (struct smtp_envelope){
        .sender = keep(&at, m->sender),
        .envid = keep(&at, m->envid),
        .ret = (enum smtp_ret)m->ret,
        .body = m->flags & QUEUE_8BIT ? SMTP_BODY_8BITMIME : SMTP_BODY_7BIT,
        .smtputf8 = (m->flags & QUEUE_SMTPUTF8) != 0,
        .size = m->body_size,
    };
    for (size_t i = 0; msg_items_take(&items, MSG_courier_rcpt, &r); i++)
        j->rcpts[i] = (struct job_rcpt){.smtp = {.address = keep(&at, r.address),
                                                 .orcpt = keep(&at, r.orcpt),
                                                 .notify = r.notify},
                                        .index = r.index};
    j->body = keep(&at, m->body);
}

static bool
is_too_much(const struct courier *c, size_t bytes, bool has_file)
{
    return c->job_count >= COURIER_JOBS_MAX || c->job_bytes + bytes > COURIER_BYTES_MAX ||
           (has_file && c->job_files >= COURIER_FILES_MAX);
}

static const struct courier_outcome undecided = {.verdict = COURIER_UNDECIDED};

/* Nothing was tried. */
static void
refuse(const struct chan_call *call, struct slice recipients)
{
    struct courier_outcome outcome = undecided;
    struct courier_rcpt r;
    struct buf outcomes;

    buf_init(&outcomes, MSG_FRAME_MAX - FRAME_HEAD);
    while (msg_items_take(&recipients, MSG_courier_rcpt, &r)) {
        outcome.index = r.index;
        msg_items_put(&outcomes, MSG_courier_outcome, &outcome);
    }
    chan_answer(call, MSG_courier_sent, &(struct courier_sent){.outcomes = buf_slice(&outcomes)},
                -1);
    buf_clear(&outcomes);
}

static bool
find_asker(struct job *j, const struct chan *chan)
{
    static const enum role_id askers[] = {ROLE_queue, ROLE_ctl};

    for (size_t i = 0; i < COUNT(askers); i++)
        if (role_peer_is(j->courier->role, chan, askers[i], &j->asker_index)) {
            j->asker = askers[i];
            return true;
        }
    return false;
}

struct job *
job_new(struct courier *c, const struct courier_send *m, struct chan_call *call)
{
    struct sum sum = measure(m);
    bool has_file = m->body.len == 0 && m->body_size > 0;
    size_t bytes = sizeof(struct job) + sum.rcpts * sizeof(struct job_rcpt) + sum.bytes;
    struct job *j;

    if (sum.malformed || (has_file && call->fd < 0) || is_too_much(c, bytes, has_file)) {
        refuse(call, m->recipients);
        return NULL;
    }
    j = heap_grow(NULL, bytes);
    *j = (struct job){.courier = c,
                      .call = *call,
                      .queue = c->queues,
                      .id = m->id,
                      .rcpts = (struct job_rcpt *)(j + 1),
                      .rcpt_count = sum.rcpts,
                      .open = sum.rcpts,
                      .fd = has_file ? call->fd : -1,
                      .offset = m->offset,
                      .size = m->body_size,
                      .bytes = bytes};
    list_init(&j->link);
    list_init(&j->heirs);
    fill(j, m);
    ensure(find_asker(j, call->chan)); /* a door without a row there */
    buf_init(&j->outcomes, MSG_FRAME_MAX - FRAME_HEAD);
    if (has_file)
        call->fd = -1;
    c->job_count++;
    c->job_bytes += bytes;
    c->job_files += has_file;
    return j;
}

/* rfc5321#4.5.4.1-c */
const struct smtp_envelope *
job_envelope(struct job *j)
{
    struct smtp_rcpt **last = &j->envelope.rcpts;

    j->envelope.rcpt_count = 0;
    for (size_t i = 0; i < j->rcpt_count; i++) {
        if (j->rcpts[i].settled)
            continue;
        *last = &j->rcpts[i].smtp;
        last = &j->rcpts[i].smtp.next;
        j->envelope.rcpt_count++;
    }
    *last = NULL;
    return &j->envelope;
}

struct slice
job_body(const struct job *j, uint64_t at)
{
    static uint8_t room[JOB_BODY_PIECE];
    uint64_t left = j->size - at;
    ssize_t got;

    if (j->fd < 0)
        return slice_tail(j->body, (size_t)at);
    got = pread(j->fd, room, left < sizeof(room) ? (size_t)left : sizeof(room),
                (off_t)(j->offset + at));
    return slice_make(room, got > 0 ? (size_t)got : 0);
}

/* As much of the words as leaves room for those about all other recipients. */
static struct slice
cut_said(const struct job *j, const struct finding *f, uint8_t room[JOB_OUTCOME_MAX])
{
    enum { OUTCOME_HEAD = 64, ITEM_HEAD = 64 }; /* bytes of a queue_outcome, a courier_outcome */
    size_t share = j->outcomes.cap / j->rcpt_count - ITEM_HEAD;
    size_t most = share < JOB_OUTCOME_MAX ? share : JOB_OUTCOME_MAX;
    size_t used = OUTCOME_HEAD + f->reason.len + f->status.len + f->remote.len;
    struct buf said = {.at = room, .room = JOB_OUTCOME_MAX, .cap = most > used ? most - used : 0};

    if (f->said.len <= said.cap)
        return f->said;
    mime_utf8_put_most(&said, f->said);
    return buf_slice(&said);
}

static enum courier_verdict
verdict_of(const struct job_rcpt *r, const struct finding *f)
{
    return f->verdict == COURIER_RELAYED && !(r->smtp.notify & SMTP_NOTIFY_SUCCESS)
               ? COURIER_DELIVERED
               : f->verdict;
}

static void
count(struct counters *n, enum courier_verdict v)
{
    n->delivered += v == COURIER_DELIVERED || v == COURIER_RELAYED;
    n->later += v == COURIER_LATER;
    n->failed += v == COURIER_FAILED;
    n->unknown += v == COURIER_UNKNOWN;
}

static void
put_outcome(struct job *j, const struct job_rcpt *r, const struct finding *f)
{
    uint8_t said[JOB_OUTCOME_MAX], room[JOB_OUTCOME_MAX];
    struct buf inner = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct queue_outcome outcome = {.tried = clock_now_us() / 1000000,
                                    .ours = f->ours,
                                    .reason = f->reason,
                                    .status = f->status,
                                    .remote = f->remote,
                                    .said = cut_said(j, f, said)};
    struct courier_outcome m = {.index = r->index,
                                .verdict = verdict_of(r, f),
                                .retry = f->retry,
                                .wait = f->wait,
                                .stage = slice_of(f->stage),
                                .tls = slice_of(f->tls)};

    ensure(msg_items_put(&inner, MSG_queue_outcome, &outcome));
    m.outcome = buf_slice(&inner);
    ensure(msg_items_put(&j->outcomes, MSG_courier_outcome, &m));
    count(&j->courier->counters, (enum courier_verdict)m.verdict);
}

void
job_settle(struct job *j, struct job_rcpt *r, const struct finding *f)
{
    ensure(!r->settled);
    put_outcome(j, r, f);
    r->settled = true;
    j->open--;
    if (j->asker == ROLE_queue &&
        (f->verdict == COURIER_DELIVERED || f->verdict == COURIER_RELAYED))
        lately_put(j->id, r->index, j->queue, f);
    if (f->site > j->site)
        j->site = f->site;
    if (f->wait > j->wait)
        j->wait = f->wait;
}

void
job_settle_all(struct job *j, const struct finding *f)
{
    for (size_t i = 0; i < j->rcpt_count; i++)
        if (!j->rcpts[i].settled)
            job_settle(j, &j->rcpts[i], f);
}

static void
answer(struct job *j)
{
    struct courier_outcome outcome = undecided;

    for (size_t i = 0; j->open && i < j->rcpt_count; i++) {
        outcome.index = j->rcpts[i].index;
        if (!j->rcpts[i].settled)
            msg_items_put(&j->outcomes, MSG_courier_outcome, &outcome);
    }
    chan_answer(&j->call, MSG_courier_sent,
                &(struct courier_sent){j->site, j->wait, buf_slice(&j->outcomes)}, -1);
}

void
job_end(struct job *j)
{
    struct courier *c = j->courier;

    if (j->call.chan)
        answer(j);
    if (j->fd >= 0) {
        close(j->fd);
        c->job_files--;
    }
    c->job_count--;
    c->job_bytes -= j->bytes;
    list_remove(&j->link);
    LIST_EACH(at, &j->heirs)
    {
        list_remove(at);
        mail_take(LIST_OF(at, struct job, link));
    }
    buf_clear(&j->outcomes);
    free(j);
}

void
job_drop(struct job *j)
{
    j->call.chan = NULL;
    j->courier->counters.lost++;
    job_end(j);
}
