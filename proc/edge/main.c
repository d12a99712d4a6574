/* edge: its group, mx or access, is its first argument; roles.def says what each may reach. */
#include "base/log.h"
#include "edge.h"
#include "known.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"

static struct edge edge;

/* TLS cannot wait in the middle of a handshake without a stack of its own; a signature takes the
 * keys role less than a millisecond, so the edge waits for it here. */
static bool
sign(void *ctx, struct slice key_id, uint32_t padding, struct slice digest,
     uint8_t signature[TLS_SIGNATURE_MAX], size_t *len)
{
    static struct buf room = {.cap = MSG_FRAME_MAX};
    struct edge *e = ctx;
    struct keys_sign m = {key_id, padding, digest};
    union msg_any answer;
    int fd = role_peer_fd(e->role, ROLE_keys);

    if (fd < 0 || !chan_ask_now(fd, MSG_keys_sign, &m, -1, MSG_keys_signed, &answer, NULL, &room,
                                EDGE_SIGN_MS))
        return false;
    *len = answer.keys_signed.signature.len;
    if (*len == 0 || *len > TLS_SIGNATURE_MAX)
        return false;
    memcpy(signature, answer.keys_signed.signature.at, *len);
    return true;
}

static void
on_file(struct role *r, enum role_file_kind kind, struct slice name, int fd)
{
    struct edge *e = r->state;
    uint8_t *pem = heap_take(TLS_PEM_MAX);
    ssize_t n = pread(fd, pem, TLS_PEM_MAX, 0);
    struct err err;

    (void)kind;
    if (!e->tls_coming)
        e->tls_coming = tls_server_new(sign, e);
    err = tls_server_add(e->tls_coming, name, slice_make(pem, n > 0 ? (size_t)n : 0));
    if (err_is(err))
        LOG(storage, SLICE(""), log_slice("certificate", name), log_err(err));
    free(pem);
}

static void
on_setting(struct role *r, enum role_setting_kind kind, struct slice value)
{
    struct edge *e = r->state;

    if (kind != ROLE_SETTING_ROUTED || buf_space(&e->routed_coming) <= value.len)
        return;
    buf_put(&e->routed_coming, value);
    buf_put_byte(&e->routed_coming, ' ');
}

bool
edge_is_routed(const struct edge *e, struct slice domain)
{
    struct slice rest = buf_slice(&e->routed), one;

    while (rest.len) {
        slice_cut(&rest, ' ', &one);
        if (slice_eq(one, SLICE("*")) || slice_eq_nocase(one, domain))
            return true;
    }
    return false;
}

static void
take_routed(struct edge *e)
{
    buf_clear(&e->routed);
    e->routed = e->routed_coming;
    buf_init(&e->routed_coming, EDGE_ROUTED_MAX);
}

/* Sessions keep the certificates they began with. */
static void
on_configured(struct role *r)
{
    struct edge *e = r->state;

    if (e->tls_coming) {
        tls_server_put(e->tls);
        e->tls = e->tls_coming;
        e->tls_coming = NULL;
    }
    take_routed(e);
    known_clear();
    e->hostname = slice_of(r->hostname);
    edge_listeners_configured(e);
}

static void
sweep_one(struct conn *c, uint64_t now)
{
    const struct role *r = c->edge->role;
    uint64_t silent = now - c->heard_ms;

    if (c->lingering && silent > EDGE_LINGER_MS)
        conn_close(c);
    else if (silent > role_limit(r, c->ops->idle) * 1000)
        conn_end(c, EDGE_IDLE);
    else if (c->busy_ms && now - c->busy_ms > role_limit(r, LIMIT_transaction_seconds) * 1000)
        conn_end(c, EDGE_SLOW);
}

static void
on_sweep(void *ctx)
{
    struct edge *e = ctx;
    uint64_t now = loop_now_ms(e->role->loop);

    LIST_EACH(at, &e->conns)
    sweep_one(LIST_OF(at, struct conn, link), now);
    timer_restart(e->sweep, EDGE_SWEEP_MS);
}

static void
on_prepare(struct role *r)
{
    (void)r;
    tls_prepare();
}

static struct err
on_start(struct role *r)
{
    struct edge *e = &edge;

    r->state = e;
    e->role = r;
    list_init(&e->listeners);
    list_init(&e->listeners_coming);
    list_init(&e->conns);
    list_init(&e->pushing);
    buf_init(&e->routed, EDGE_ROUTED_MAX);
    buf_init(&e->routed_coming, EDGE_ROUTED_MAX);
    e->tls = tls_server_new(sign, e);
    e->sweep = loop_after(r->loop, EDGE_SWEEP_MS, on_sweep, e);
    return ERR_OK;
}

static void
stop_now(void *ctx)
{
    struct edge *e = ctx;

    LIST_EACH(at, &e->conns)
    conn_end(LIST_OF(at, struct conn, link), EDGE_STOPPING);
    role_end(e->role);
}

static void
on_directory(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx, (void)call, (void)m;
    known_clear();
}

static void
on_peer_down(struct role *r, enum role_id id, unsigned index)
{
    (void)r, (void)index;
    if (id == ROLE_accounts)
        known_clear(); /* what it would have said is lost with it */
}

static const struct chan_handler from_accounts[] = {{MSG_accounts_changed, on_directory},
                                                    {MSG_NONE, NULL}};

/* Whoever is in a transaction may finish it; everyone else is told and closed. */
static void
on_stop(struct role *r, unsigned seconds)
{
    struct edge *e = r->state;

    edge_listeners_close(&e->listeners);
    LIST_EACH(at, &e->conns)
    {
        struct conn *c = LIST_OF(at, struct conn, link);

        if (!c->busy_ms)
            conn_end(c, EDGE_STOPPING);
    }
    LIST_EACH(at, &e->conns)
    {
        struct conn *c = LIST_OF(at, struct conn, link);

        if (c->lingering)
            conn_close(c);
    }
    if (e->conn_count == 0)
        role_end(r);
    else
        e->stop = loop_after(r->loop, seconds * 1000, stop_now, e);
}

static const struct role_door doors[] = {
    {.from = ROLE_guard},
    {.from = ROLE_keys, .raw = true},
    {.from = ROLE_accounts, .handlers = from_accounts, .gathers = true},
    {.from = ROLE_queue, .gathers = true},
    {.from = ROLE_resolver},
    {.from = ROLE_store},
    {.from = ROLE_trace},
    {.from = ROLE_parent},
};
static const struct role_spec spec = {
    .doors = doors,
    .prepare = on_prepare,
    .start = on_start,
    .listener = edge_listener,
    .file = on_file,
    .setting = on_setting,
    .configured = on_configured,
    .peer_down = on_peer_down,
    .stop = on_stop,
};

int
main(int argc, char **argv)
{
    return role_main(argc, argv, &spec);
}
