/* Messages over a connection that is ready: one after the other, as long as the site has any. What
 * the machine found out of each recipient becomes a finding; what only the connection suffered is
 * tried over another one. */
#include "base/ensure.h"
#include "conn.h"
#include "role/tell.h"

static uint64_t
now_ms(const struct conn *c)
{
    return loop_now_ms(c->courier->role->loop);
}

/* ---- a job begins ---- */

/* The message that goes on its way at last had to pass by these. */
static void
tell_failures(struct conn *c, const struct job *j)
{
    for (const struct list *at = c->failures.next; at != &c->failures; at = at->next)
        failure_tell(LIST_OF(at, const struct failure, link), c->courier->role, j->id);
    failures_free(&c->failures);
}

static void
send(struct conn *c)
{
    c->body_at = 0;
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
    tell_failures(c, j);
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
           !site_is_current(c->site, c->hops) || c->site->conn_count > c->site->window.size;
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
    } else if (list_empty(&c->idle)) {
        c->moved_ms = now_ms(c);
        list_append(&c->courier->idle, &c->idle);
    }
}

/* ---- its body ---- */

bool
deliver_body(struct conn *c)
{
    struct job *j = c->job;
    bool moved = false;

    while (c->client.want == SMTP_WANT_BODY && c->body_at < j->size) {
        struct slice piece = job_body(j, c->body_at);
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

/* Is it what happened to the connection, rather than an answer about this recipient? */
static bool
is_connections(const struct smtp_client *c, const struct smtp_outcome *o)
{
    const struct smtp_outcome *whole = &c->outcome;

    return c->closing && o->trouble == whole->trouble && o->code == whole->code &&
           o->stage == whole->stage && o->text.at == whole->text.at;
}

static bool
is_worth_another(const struct conn *c)
{
    const struct smtp_outcome *o = &c->client.outcome;

    return c->client.closing && o->verdict == SMTP_VERDICT_TEMPORARY &&
           (o->code == 421 || o->trouble == SMTP_TROUBLE_CLOSED ||
            o->trouble == SMTP_TROUBLE_RESET) &&
           c->job->tries < JOB_TRIES_MAX;
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
        if (o->verdict != SMTP_VERDICT_UNDECIDED && !(again && is_connections(&c->client, o))) {
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

    c->job = NULL;
    if (c->site)
        c->site->busy--;
    return j;
}

static void
settle_rest(struct conn *c)
{
    struct finding f = find(c, &c->client.outcome);

    job_settle_all(c->job, &f);
}

/* A message is over, and the connection is not. */
static void
finish(struct conn *c)
{
    if (!settle(c, false))
        settle_rest(c);
    if (c->job->open) { /* rfc5321#4.5.3.1.10-b: too many at a time, so the others now */
        send(c);
        return;
    }
    job_end(let_go(c));
    site_went_well(c->site);
}

void
deliver_ready(struct conn *c)
{
    if (!c->was_ready) {
        c->was_ready = true;
        c->hop->rests_until = 0;
        c->courier->counters.tls += c->tls != NULL;
        c->courier->counters.clear += c->tls == NULL;
    }
    if (c->job)
        finish(c);
    if (c->client.want == SMTP_WANT_MESSAGE)
        go_on(c);
}

/* The connection is over, whatever was under way. */
void
deliver_broken(struct conn *c)
{
    bool again = c->job && is_worth_another(c);
    struct site *s = c->site;
    struct job *j;

    if (s && c->client.outcome.trouble != SMTP_TROUBLE_NONE)
        site_had_trouble(s);
    if (!c->job) {
        conn_close(c);
        return;
    }
    settle(c, again);
    if (!again)
        settle_rest(c);
    j = let_go(c);
    if (c->messages == 1 && again) /* another server of the site may do better */
        c->hop->rests_until = now_ms(c) + HOPS_REST_MS;
    conn_close(c);
    if (!j->open) {
        job_end(j);
        return;
    }
    j->tries++;
    site_put_back(s, j);
}
