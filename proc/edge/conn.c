/* A connection: bytes between a socket, perhaps through TLS, and a protocol machine. Replies gather
 * and leave in one write; while a question is open nothing further is read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "edge.h"
#include "tls/stream.h"

static uint8_t read_room[EDGE_READ_BYTES];

/* ---- ending ---- */

static void
free_conn(void *ctx)
{
    free(ctx);
}

static void
tell_guard(struct conn *c)
{
    struct chan *guard = role_peer(c->edge->role, ROLE_guard, 0);
    struct guard_close m = {slice_of(c->address)};

    if (c->counted && guard)
        chan_send(guard, MSG_guard_close, &m, -1);
    c->counted = false;
}

void
conn_close(struct conn *c)
{
    struct edge *e = c->edge;

    if (c->dead)
        return;
    c->dead = true;
    if (c->ask)
        chan_ask_cancel(c->ask);
    c->ask = NULL;
    if (c->session)
        c->ops->clear(c);
    tell_guard(c);
    watch_free(c->watch);
    timer_free(c->greeting);
    tls_conn_free(c->tls);
    close(c->fd);
    buf_clear(&c->in);
    buf_clear(&c->out);
    buf_clear(&c->user);
    list_remove(&c->link);
    list_remove(&c->push);
    e->conn_count--;
    LOG(disconnect, slice_of(c->id), log_string("client", c->address));
    loop_later(e->role->loop, free_conn, c);
    if (e->role->stopping && e->conn_count == 0)
        role_end(e->role);
}

/* Closing with unread input would make the kernel reset the connection, and the client lose our
 * last words: say that no more comes, and read until it has closed too. */
static void
linger(struct conn *c)
{
    if (c->lingering)
        return;
    c->lingering = true;
    c->heard_ms = loop_now_ms(c->edge->role->loop);
    buf_clear(&c->in);
    if (c->tls) {
        tls_conn_free(c->tls);
        c->tls = NULL;
    }
    shutdown(c->fd, SHUT_WR);
}

void
conn_end(struct conn *c, enum edge_end why)
{
    if (c->lingering || !c->session || c->handshaking) {
        conn_close(c);
        return;
    }
    if (c->ask)
        chan_ask_cancel(c->ask);
    c->ask = NULL;
    c->ops->end(c, why);
    conn_pump(c);
}

/* ---- TLS ---- */

/* deviates: rfc5802#6-d asks to offer -PLUS wherever there is something to bind to. GNU SASL
 * chooses it whether or not its program can bind, and mutt then cannot log in at all: so it is a
 * limit. */
struct sasl_binding
conn_binding(const struct conn *c)
{
    if (!role_limit(c->edge->role, LIMIT_scram_plus))
        return (struct sasl_binding){.tls_exporter = {NULL, 0}};
    return (struct sasl_binding){.tls_exporter = slice_make(c->exporter, c->exporter_len),
                                 .tls_server_end_point =
                                     slice_make(c->end_point, c->end_point_len)};
}

void
conn_start_tls(struct conn *c)
{
    buf_clear(&c->in);
    c->handshaking = true;
}

static void
handshake_failed(struct conn *c)
{
    LOG(tls, slice_of(c->id), log_string("client", c->address),
        log_string("failed", tls_conn_error(c->tls)), log_string("name", tls_conn_name(c->tls)));
    conn_close(c);
}

static void
handshake_done(struct conn *c)
{
    const char *name = tls_conn_name(c->tls);

    c->handshaking = false;
    c->exporter_len = tls_conn_exporter(c->tls, c->exporter);
    c->end_point_len = tls_conn_end_point(c->tls, c->end_point);
    LOG(tls, slice_of(c->id), log_string("version", tls_conn_version(c->tls)),
        log_string("name", name),
        log_string("certificate",
                   !name[0] || tls_conn_name_known(c->tls) ? "ok" : "of-another-name"));
    if (c->session) {
        c->ops->tls_started(c);
    } else {
        c->ops->begin(c);
        c->ops->greet(c);
    }
}

/* True where it came to an end. */
static bool
handshake(struct conn *c)
{
    struct err e;

    if (!c->tls)
        c->tls = tls_conn_new(c->edge->tls, c->fd, c->ops->alpn);
    e = tls_conn_handshake(c->tls, &c->tls_wants_write);
    if (e.kind == ERR_AGAIN)
        return false;
    if (err_is(e))
        handshake_failed(c);
    else
        handshake_done(c);
    return !c->dead;
}

/* ---- bytes ---- */

static struct err
read_some(struct conn *c, size_t *got)
{
    struct err e =
        stream_read(c->fd, c->tls, read_room, sizeof(read_room), got, &c->tls_wants_write);

    /* where it gave less, asking again would only be told to wait */
    c->drained = !c->tls && !err_is(e) && *got < sizeof(read_room);
    return e;
}

static struct err
write_some(struct conn *c, size_t *put)
{
    return stream_write(c->fd, c->tls, buf_slice(&c->out), put, &c->tls_wants_write);
}

/* False: the client is gone. */
static bool
flush(struct conn *c)
{
    while (c->out.len) {
        size_t put = 0;
        struct err e = write_some(c, &put);

        if (e.kind == ERR_AGAIN)
            return true;
        if (err_is(e)) {
            conn_close(c);
            return false;
        }
        buf_drop(&c->out, put);
    }
    if (c->out.room > EDGE_OUT_KEEP)
        buf_clear(&c->out);
    return true;
}

/* The machine gets what was kept first; what it leaves is kept. */
static bool
feed_kept(struct conn *c)
{
    size_t used = c->ops->feed(c, buf_slice(&c->in));

    if (c->dead || c->handshaking)
        return true;
    buf_drop(&c->in, used);
    if (c->in.len == 0)
        buf_clear(&c->in);
    return used > 0;
}

static bool
feed_read(struct conn *c, struct slice bytes)
{
    size_t used = c->ops->feed(c, bytes);

    if (!c->dead && !c->handshaking)
        buf_put(&c->in, slice_tail(bytes, used));
    return true;
}

static bool
read_and_feed(struct conn *c)
{
    size_t got = 0;
    struct err e = read_some(c, &got);

    if (e.kind == ERR_AGAIN)
        return false;
    if (err_is(e)) {
        c->eof = true;
        return false;
    }
    c->heard_ms = loop_now_ms(c->edge->role->loop);
    return feed_read(c, slice_make(read_room, got));
}

/* One step that makes progress; false: nothing can be done before something happens. */
static bool
step(struct conn *c)
{
    if (c->handshaking)
        return (c->out.len == 0 || (flush(c) && c->out.len == 0)) && handshake(c);
    if (!c->session || c->ops->is_waiting(c) || c->ops->is_closing(c) ||
        c->out.len >= EDGE_OUT_HIGH)
        return false;
    if (c->ops->produce(c))
        return true;
    if (c->dead || c->ops->is_waiting(c))
        return false;
    if (c->in.len)
        return feed_kept(c);
    return !c->eof && !c->drained && read_and_feed(c);
}

static void
note_busy(struct conn *c)
{
    bool busy = c->session && c->ops->is_busy(c);

    if (!busy)
        c->busy_ms = 0;
    else if (!c->busy_ms)
        c->busy_ms = loop_now_ms(c->edge->role->loop);
}

static bool
is_parked(const struct conn *c)
{
    return c->session && !c->handshaking && !c->out.len && c->ops->is_waiting(c);
}

/* While a question is open the watch stays as it is: most clients wait for the reply, and those
 * that do not are parked when they are heard (conn_on_ready). */
static void
set_wants(struct conn *c)
{
    bool reads = !c->eof && (c->lingering || c->session);
    unsigned want = 0;

    if (is_parked(c))
        return;
    if (c->handshaking)
        want = c->tls_wants_write || c->out.len ? LOOP_WRITE : LOOP_READ;
    else if (c->out.len)
        want = LOOP_WRITE; /* back-pressure: who does not read is not read */
    else if (reads)
        want = c->tls && c->tls_wants_write ? LOOP_READ | LOOP_WRITE : LOOP_READ;
    watch_want(c->watch, want);
}

/* Everything that was said is out, and it was the last: or the client is gone and waits for
 * nothing. */
static void
finish(struct conn *c)
{
    bool closing = c->session && c->ops->is_closing(c);

    if (c->eof && !(c->session && c->ops->is_waiting(c)) && !c->handshaking) {
        conn_close(c);
    } else if (closing && c->out.len == 0) {
        linger(c);
        set_wants(c);
    } else {
        set_wants(c);
    }
}

static void
work(struct conn *c)
{
    while (!c->dead && step(c))
        ;
}

/* A flush may have made room for what waited for it. */
static bool
has_more(struct conn *c)
{
    return !c->dead && c->out.len == 0 && c->session && !c->handshaking && !c->ops->is_waiting(c) &&
           !c->ops->is_closing(c) && (c->in.len > 0 || c->ops->produce(c));
}

static void
push(struct conn *c)
{
    c->pumping = true;
    while (!c->lingering && flush(c) && has_more(c))
        work(c);
    c->pumping = false;
    if (c->dead)
        return;
    note_busy(c);
    if (c->edge->role->stopping && c->session && !c->busy_ms && !c->ops->is_closing(c))
        c->ops->end(c, EDGE_STOPPING), flush(c);
    if (!c->dead)
        finish(c);
}

static void
push_all(void *ctx)
{
    struct edge *e = ctx;

    while (!list_empty(&e->pushing)) {
        struct conn *c = LIST_OF(e->pushing.next, struct conn, push);

        list_remove(&c->push);
        push(c);
    }
}

/* The first reply of a turn would wake its client, which then would look at that one alone, and
 * sleep, and be woken for the next: so all leave together, when nothing else is left to do. */
static void
push_later(struct conn *c)
{
    struct edge *e = c->edge;

    if (list_empty(&e->pushing))
        loop_last(e->role->loop, push_all, e);
    if (list_empty(&c->push))
        list_append(&e->pushing, &c->push);
}

void
conn_pump(struct conn *c)
{
    if (c->pumping || c->dead)
        return;
    c->pumping = true;
    if (!c->lingering)
        work(c);
    c->pumping = false;
    if (c->dead)
        return;
    if (c->out.len)
        push_later(c);
    else
        push(c);
}

static void
discard(struct conn *c)
{
    ssize_t n = recv(c->fd, read_room, sizeof(read_room), 0);

    if (n == 0 || (n < 0 && errno != EAGAIN))
        conn_close(c);
}

void
conn_on_ready(void *ctx, unsigned ready)
{
    struct conn *c = ctx;

    if (c->dead)
        return;
    if (ready & LOOP_READ)
        c->drained = false;
    if (c->lingering) {
        discard(c);
        return;
    }
    if (is_parked(c))
        watch_want(c->watch, 0);
    conn_pump(c);
}
