/* Messages over a connection that is ready: one after the other, as long as the site has any. What
 * the machine found out of each recipient becomes a finding; what only the connection suffered is
 * tried over another one. */
#include "base/ensure.h"
#include "conn.h"
#include "mime/seven_bit.h"

enum { CONVERTED_TIMES = 4 }; /* so much memory a message takes while it is converted, at most */

static uint64_t
now_ms(const struct conn *c)
{
    return loop_now_ms(c->courier->role->loop);
}

/* ---- a job begins ---- */

static void
forget_converted(struct conn *c)
{
    c->courier->job_bytes -= c->seven.room;
    buf_clear(&c->seven);
}

static void
send(struct conn *c)
{
    c->body_at = 0;
    forget_converted(c);
    smtp_client_send(&c->client, job_envelope(c->job));
}

void
deliver_take(struct conn *c, struct job *j)
{
    list_remove(&c->idle);
    list_remove(&j->link);
    c->job = j;
    c->site->busy++;
    c->messages++;
    c->job_ms = c->moved_ms = now_ms(c);
    failures_tell(&c->failures, NULL, c->courier->role, j->id);
    failures_free(&c->failures);
    send(c);
}

/* Fair to sites that wait for a connection, and to servers that want to see one end. */
static bool
has_done_its_share(const struct conn *c)
{
    const struct courier *courier = c->courier;

    return courier->role->stopping ||
           c->messages >= role_limit(courier->role, LIMIT_connection_messages) ||
           (c->messages >= COURIER_TURN_MESSAGES && !list_empty(&courier->wanting)) ||
           !site_is_current(c->site, c->hops) ||
           c->site->conn_count - c->site->leaving > c->site->window.size;
}

static void
go_on(struct conn *c)
{
    struct job *next = NULL;

    if (c->messages && has_done_its_share(c)) {
        conn_quit(c);
        return;
    }
    next = site_next(c->site);
    if (next) {
        deliver_take(c, next);
    } else if (c->messages && !list_empty(&c->courier->wanting)) {
        conn_quit(c);
    } else if (list_empty(&c->idle)) {
        c->moved_ms = now_ms(c);
        list_append(&c->courier->idle, &c->idle);
    }
}

/* ---- its body ---- */

/* All of it, which must be in memory to be converted. False: it could not be read. */
static bool
read_whole(const struct job *j, struct buf *whole)
{
    while (whole->len < j->size) {
        struct slice piece = job_body(j, whole->len);

        if (piece.len == 0 || !buf_put(whole, piece))
            return false;
    }
    return true;
}

/* False: it could not be read, or there is no memory for it now. */
static bool
convert(struct conn *c, bool *done)
{
    struct courier *courier = c->courier;
    struct buf whole;
    bool read;

    buf_init(&whole, CONN_SEVEN_MAX);
    read = courier->job_bytes + CONVERTED_TIMES * c->job->size <= COURIER_BYTES_MAX &&
           read_whole(c->job, &whole);
    *done = read && mime_seven_bit_put(&c->seven, buf_slice(&whole)) == MIME_SEVEN_BIT_OK;
    buf_clear(&whole);
    if (!*done)
        buf_clear(&c->seven);
    courier->job_bytes += c->seven.room;
    return read;
}

/* rfc6152#3-b */
void
deliver_convert(struct conn *c)
{
    bool done = false;

    if (c->job->size > CONN_SEVEN_MAX || convert(c, &done))
        smtp_client_converted(&c->client, done, c->seven.len);
    else
        conn_lost(c, SMTP_TROUBLE_GIVEN_UP, "The message could not be read");
}

static uint64_t
body_size(const struct conn *c)
{
    return c->seven.len ? c->seven.len : c->job->size;
}

static struct slice
body_from(const struct conn *c, uint64_t at)
{
    return c->seven.len ? slice_tail(buf_slice(&c->seven), (size_t)at) : job_body(c->job, at);
}

bool
deliver_body(struct conn *c)
{
    bool moved = false;

    while (c->client.want == SMTP_WANT_BODY && c->body_at < body_size(c)) {
        struct slice piece = body_from(c, c->body_at);
        size_t taken = 1;

        if (piece.len == 0) {
            conn_lost(c, SMTP_TROUBLE_GIVEN_UP, "The message could not be read");
            return true;
        }
        while (piece.len && taken && c->client.want == SMTP_WANT_BODY) {
            taken = smtp_client_body(&c->client, piece);
            piece = slice_tail(piece, taken);
            c->body_at += taken;
            moved = moved || taken;
        }
        if (!taken)
            return moved;
    }
    if (c->client.want == SMTP_WANT_BODY)
        smtp_client_body_end(&c->client);
    return true;
}

/* ---- its outcomes ---- */

/* Is it what happened to the message as a whole, rather than an answer about this recipient? */
static bool
is_of_all(const struct smtp_client *c, const struct smtp_outcome *o)
{
    const struct smtp_outcome *whole = &c->outcome;

    return o->trouble == whole->trouble && o->code == whole->code && o->stage == whole->stage &&
           o->text.at == whole->text.at;
}

static bool
may_be_tried_again(const struct conn *c)
{
    return c->client.outcome.verdict == SMTP_VERDICT_TEMPORARY && c->job->tries < JOB_TRIES_MAX &&
           c->job->call.chan;
}

/* rfc5321#3.8-b */
static bool
is_for_another_connection(const struct conn *c)
{
    const struct smtp_outcome *o = &c->client.outcome;

    return may_be_tried_again(c) && (o->code == 421 || o->trouble == SMTP_TROUBLE_CLOSED ||
                                     o->trouble == SMTP_TROUBLE_RESET);
}

/* rfc5321#5.1-i: one that does not even want to hear of the message is not the last word. */
static bool
is_for_another_server(const struct conn *c)
{
    const struct smtp_outcome *o = &c->client.outcome;

    return may_be_tried_again(c) && o->code >= 400 &&
           (o->stage == SMTP_STAGE_MAIL || o->stage == SMTP_STAGE_DATA) &&
           hops_has_other(c->hops, c->hop, now_ms(c));
}

/* rfc3461#5.2.2-a: who cannot tell of success has only relayed. */
static struct finding
find(const struct conn *c, const struct smtp_outcome *o)
{
    struct finding f = finding_of_outcome(o, c->hop->remote, c->tls_words);

    if (f.verdict == COURIER_DELIVERED && !(c->client.offers.set & SMTP_OFFER_DSN))
        f.verdict = COURIER_RELAYED;
    return f;
}

/* False: nobody was settled, and another transaction would end in the same way. */
static bool
settle(struct conn *c, bool again)
{
    struct job *j = c->job;
    const struct smtp_outcome *o = c->client.outcomes;
    size_t before = j->open;

    for (size_t i = 0; i < j->rcpt_count; i++) {
        struct finding f;

        if (j->rcpts[i].settled)
            continue;
        if (o->verdict != SMTP_VERDICT_UNDECIDED && !(again && is_of_all(&c->client, o))) {
            f = find(c, o);
            job_settle(j, &j->rcpts[i], &f);
        }
        o++;
    }
    return j->open < before;
}

static struct job *
let_go(struct conn *c)
{
    struct job *j = c->job;

    forget_converted(c);
    c->job = NULL;
    c->site->busy--;
    return j;
}

static void
settle_rest(struct conn *c)
{
    struct finding f = find(c, &c->client.outcome);

    job_settle_all(c->job, &f);
}

static void
tell_attempt(const struct conn *c)
{
    struct finding f = find(c, &c->client.outcome);

    finding_tell(&f, c->courier->role, c->job->id);
}

static void
put_back(struct site *s, struct job *j)
{
    if (!j->open || !j->call.chan) {
        job_end(j);
        return;
    }
    j->tries++;
    site_put_back(s, j);
}

static void
send_elsewhere(struct conn *c)
{
    settle(c, true);
    tell_attempt(c);
    c->hop->rests_until = now_ms(c) + HOPS_REST_MS;
    put_back(c->site, let_go(c));
    conn_quit(c);
}

/* A message is over, and the connection is not. */
static void
finish(struct conn *c)
{
    if (is_for_another_server(c)) {
        send_elsewhere(c);
        return;
    }
    if (!settle(c, false))
        settle_rest(c);
    if (c->job->open && c->job->call.chan) { /* rfc5321#4.5.3.1.10-b: too many at a time */
        send(c);
        return;
    }
    job_end(let_go(c));
    site_went_well(c->site);
}

static void
begin(struct conn *c)
{
    struct smtp_outcome refused = {.verdict = SMTP_VERDICT_TEMPORARY,
                                   .stage = SMTP_STAGE_TLS,
                                   .trouble = SMTP_TROUBLE_TLS_FAILED,
                                   .enhanced = "4.7.5",
                                   .text = SLICE("The server offers TLS and refuses to begin it")};

    c->was_ready = true;
    c->hop->rests_until = 0;
    c->courier->counters.tls += c->tls != NULL;
    c->courier->counters.clear += c->tls == NULL;
    if (c->client.refused_tls)
        failure_put(&c->failures, &refused, c->hop->remote, "tls-unavailable");
}

void
deliver_ready(struct conn *c)
{
    if (!c->was_ready)
        begin(c);
    if (c->job)
        finish(c);
    if (c->client.want == SMTP_WANT_MESSAGE)
        go_on(c);
}

/* The connection is over, whatever was under way. */
void
deliver_broken(struct conn *c)
{
    bool again = c->job && is_for_another_connection(c);
    struct site *s = c->site;
    struct job *j;

    if (!c->job) {
        conn_close(c);
        return;
    }
    site_had_trouble(s);
    settle(c, again);
    if (again)
        tell_attempt(c);
    else
        settle_rest(c);
    if (c->messages == 1 && again) /* another server of the site may do better */
        c->hop->rests_until = now_ms(c) + HOPS_REST_MS;
    j = let_go(c);
    conn_close(c);
    put_back(s, j);
}
