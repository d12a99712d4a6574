/* Bytes between a socket, perhaps through TLS, and the SMTP client machine. What the machine says
 * gathers and leaves in one write. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

static uint8_t read_room[CONN_READ_BYTES];

/* ---- ending ---- */

static void
free_conn(void *ctx)
{
    free(ctx);
}

void
conn_hang_up(struct conn *c)
{
    tls_conn_free(c->tls);
    watch_free(c->watch);
    if (c->fd >= 0)
        close(c->fd);
    smtp_client_clear(&c->client);
    buf_reset(&c->out);
    c->tls = NULL;
    c->tls_failure = TLS_FAILURE_NONE;
    c->tls_wants_write = false;
    c->tls_words[0] = '\0';
    c->watch = NULL;
    c->fd = -1;
    c->connecting = c->drained = false;
}

void
conn_leave(struct conn *c)
{
    if (!c->leaving)
        c->site->leaving++;
    c->leaving = true;
    list_remove(&c->idle);
}

void
conn_close(struct conn *c)
{
    struct courier *courier = c->courier;

    if (c->dead)
        return;
    c->dead = true;
    conn_hang_up(c);
    conn_leave(c);
    list_remove(&c->link);
    failures_free(&c->failures);
    buf_clear(&c->out);
    buf_clear(&c->seven);
    hops_put(c->hops);
    courier->conn_count--;
    site_lost_connection(c->site, &c->of_site);
    loop_later(courier->role->loop, free_conn, c);
    sites_connection_free(courier);
    if (courier->role->stopping && courier->conn_count == 0)
        role_end(courier->role);
}

void
conn_quit(struct conn *c)
{
    conn_leave(c);
    smtp_client_quit(&c->client);
    conn_pump(c);
}

/* ---- bytes ---- */

static enum smtp_trouble
trouble_of(struct err e)
{
    if (e.kind == ERR_CLOSED && !e.os)
        return SMTP_TROUBLE_CLOSED;
    return e.os == ETIMEDOUT ? SMTP_TROUBLE_TIMED_OUT : SMTP_TROUBLE_RESET;
}

void
conn_lost(struct conn *c, enum smtp_trouble trouble, const char *words)
{
    smtp_client_lost(&c->client, trouble, slice_of(words));
}

static struct err
read_some(struct conn *c, size_t *got)
{
    ssize_t n;

    if (c->tls)
        return tls_conn_read(c->tls, read_room, sizeof(read_room), got, &c->tls_wants_write);
    n = recv(c->fd, read_room, sizeof(read_room), 0);
    if (n < 0)
        return err_os(errno, "reading from a server");
    *got = (size_t)n;
    c->drained = (size_t)n < sizeof(read_room); /* asking again would only be told to wait */
    return n ? ERR_OK : err_make(ERR_CLOSED, "reading from a server");
}

static struct err
write_some(struct conn *c, size_t *put)
{
    struct slice bytes = buf_slice(&c->out);
    ssize_t n;

    if (c->tls)
        return tls_conn_write(c->tls, bytes, put, &c->tls_wants_write);
    n = send(c->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
    if (n < 0)
        return err_os(errno, "writing to a server");
    *put = (size_t)n;
    return ERR_OK;
}

static void
moved(struct conn *c)
{
    c->moved_ms = loop_now_ms(c->courier->role->loop);
}

/* True: something moved, or the machine has ended. */
static bool
flush(struct conn *c)
{
    size_t put = 0;
    struct err e = write_some(c, &put);

    if (e.kind == ERR_AGAIN)
        return false;
    if (err_is(e)) {
        conn_lost(c, trouble_of(e), "");
        return true;
    }
    moved(c);
    buf_drop(&c->out, put);
    if (c->out.len == 0)
        smtp_client_feed(&c->client, (struct slice){NULL, 0});
    return true;
}

static bool
read_and_feed(struct conn *c)
{
    size_t got = 0;
    struct err e;

    if (c->drained)
        return false;
    e = read_some(c, &got);
    if (e.kind == ERR_AGAIN) {
        c->drained = true;
        return false;
    }
    if (err_is(e)) {
        conn_lost(c, trouble_of(e), "");
        return true;
    }
    moved(c);
    smtp_client_feed(&c->client, slice_make(read_room, got));
    return true;
}

/* ---- the machine's wishes ---- */

/* True: it could be done, and there may be more. */
static bool
grant(struct conn *c)
{
    struct smtp_client *client = &c->client;

    switch (client->want) {
    case SMTP_WANT_MESSAGE:
        deliver_ready(c);
        return !c->dead && (client->want != SMTP_WANT_MESSAGE || c->job); /* ended at once */
    case SMTP_WANT_7BIT:
        deliver_convert(c);
        return true;
    case SMTP_WANT_BODY:
        return deliver_body(c);
    case SMTP_WANT_TLS:
        return c->out.len == 0 && secure_step(c);
    case SMTP_WANT_NOTHING:
        break;
    }
    return false;
}

/* One step that makes progress; false: nothing can be done before something happens. */
static bool
step(struct conn *c)
{
    if (c->connecting || c->client.closing)
        return false;
    if (grant(c))
        return true;
    if (c->dead || c->client.closing)
        return false;
    if (c->out.len && flush(c))
        return true;
    return c->client.want != SMTP_WANT_TLS && read_and_feed(c);
}

/* A server that answers while it does not read is heard. */
static void
set_wants(struct conn *c)
{
    unsigned want = c->connecting ? LOOP_WRITE : LOOP_READ;

    if (c->out.len || c->tls_wants_write)
        want |= LOOP_WRITE;
    watch_want(c->watch, want);
}

static void
over(struct conn *c)
{
    if (!c->leaving && !c->was_ready)
        dial_failed(c);
    else
        settle_broken(c);
}

void
conn_pump(struct conn *c)
{
    unsigned turns = 0;

    if (c->pumping || c->dead)
        return;
    c->pumping = true;
    while (!c->dead && turns < CONN_TURNS && step(c))
        turns++;
    c->pumping = false;
    if (c->dead)
        return;
    if (c->client.closing) {
        over(c);
        return;
    }
    set_wants(c);
    if (turns == CONN_TURNS)
        watch_want(c->watch, LOOP_READ | LOOP_WRITE); /* it goes on in the next turn */
}

void
conn_on_ready(void *ctx, unsigned ready)
{
    struct conn *c = ctx;

    if (c->dead)
        return;
    if (ready & LOOP_READ || c->tls)
        c->drained = false;
    if (c->connecting && !dial_connected(c))
        over(c);
    else
        conn_pump(c);
}

void
conn_sweep(struct conn *c, uint64_t now)
{
    const struct role *r = c->courier->role;
    uint64_t seconds = smtp_client_seconds(&c->client);
    uint64_t most = role_limit(r, LIMIT_remote_seconds);
    bool connecting = c->connecting;

    if (!list_empty(&c->idle)) {
        if (now - c->moved_ms > COURIER_IDLE_MS)
            conn_quit(c);
        return;
    }
    seconds = seconds < most ? seconds : most;
    if (now - c->moved_ms <= seconds * 1000 &&
        (!c->job || now - c->job_ms <= role_limit(r, LIMIT_transaction_seconds) * 1000))
        return;
    conn_lost(c, connecting ? SMTP_TROUBLE_NO_ANSWER : SMTP_TROUBLE_TIMED_OUT, "");
    over(c);
}
