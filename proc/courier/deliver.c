/* Messages over a connection that is ready: one after the other, as long as the site has any. */
#include "base/ensure.h"
#include "conn.h"
#include "mime/seven_bit.h"
#include "tally.h"

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

void
deliver_transaction(struct conn *c)
{
    c->body_at = 0;
    forget_converted(c);
    smtp_client_send(&c->client, job_envelope(c->job));
}

struct job *
deliver_let_go(struct conn *c)
{
    struct job *j = c->job;

    forget_converted(c);
    c->job = NULL;
    c->site->busy--;
    return j;
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
    deliver_transaction(c);
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
    tally_ready(c);
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
        settle_message(c);
    if (!c->dead && c->client.want == SMTP_WANT_MESSAGE && !c->job)
        go_on(c);
}
