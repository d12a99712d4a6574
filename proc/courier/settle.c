/* What became of a message that was on a connection: each recipient's outcome is settled, or it
 * goes on in another transaction, over another connection, or at another server. */
#include "conn.h"

static uint64_t
now_ms(const struct conn *c)
{
    return loop_now_ms(c->courier->role->loop);
}

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
    put_back(c->site, deliver_let_go(c));
    conn_quit(c);
}

void
settle_message(struct conn *c)
{
    if (is_for_another_server(c)) {
        send_elsewhere(c);
        return;
    }
    if (!settle(c, false))
        settle_rest(c);
    if (c->job->open && c->job->call.chan) { /* rfc5321#4.5.3.1.10-b: too many at a time */
        deliver_transaction(c);
        return;
    }
    job_end(deliver_let_go(c));
    site_went_well(c->site);
}

void
settle_broken(struct conn *c)
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
    j = deliver_let_go(c);
    conn_close(c);
    put_back(s, j);
}
