/* From hop to hop until a server takes mail: rfc5321#5.1-i. What does not work is noted, told, and
 * remembered with the hop, so that other connections do not run into it as well. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "conn.h"
#include "tally.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t
address_of(const struct route_hop *hop, union address *to)
{
    memset(to, 0, sizeof(*to));
    if (hop->address.len == 4) {
        to->v4.sin_family = AF_INET;
        to->v4.sin_port = htons(hop->port);
        memcpy(&to->v4.sin_addr, hop->address.at, 4);
        return sizeof(to->v4);
    }
    to->v6.sin6_family = AF_INET6;
    to->v6.sin6_port = htons(hop->port);
    memcpy(&to->v6.sin6_addr, hop->address.at, 16);
    return sizeof(to->v6);
}

static enum smtp_trouble
trouble_of(int os)
{
    static const struct {
        int os;
        enum smtp_trouble trouble;
    } rows[] = {
        {ECONNREFUSED, SMTP_TROUBLE_REFUSED}, {ETIMEDOUT, SMTP_TROUBLE_NO_ANSWER},
        {ECONNRESET, SMTP_TROUBLE_RESET},     {EMFILE, SMTP_TROUBLE_GIVEN_UP},
        {ENFILE, SMTP_TROUBLE_GIVEN_UP},      {ENOBUFS, SMTP_TROUBLE_GIVEN_UP},
        {ENOMEM, SMTP_TROUBLE_GIVEN_UP},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].os == os)
            return rows[i].trouble;
    return SMTP_TROUBLE_NO_ADDRESS;
}

static void
connect_failed(struct conn *c, int os)
{
    enum smtp_trouble t = trouble_of(os);

    c->connecting = false;
    conn_lost(c, t, t == SMTP_TROUBLE_NO_ADDRESS || t == SMTP_TROUBLE_GIVEN_UP ? strerror(os) : "");
}

/* ---- one hop ---- */

static void
configure(struct conn *c)
{
    const struct settings_route *route = c->hops->route;

    secure_choose_policy(c, false);
    c->config = (struct smtp_client_config){.hostname = slice_of(c->courier->role->hostname),
                                            .tls = c->policy.tls};
    if (route && route->login.len) {
        random_letters(c->nonce, sizeof(c->nonce));
        c->config.login = route->login;
        c->config.password = secret_get(&route->password);
        c->config.nonce = slice_make(c->nonce, sizeof(c->nonce));
        c->config.plaintext_ok = route->tls == SMTP_TLS_NEVER; /* the owner's own decision */
    }
}

#define EXCLUDED                                                                                   \
    "The server is not one of those that its domain names in its policy (MTA-STS): it gets "       \
    "nothing"

/* False: it failed at once. */
static bool
dial(struct conn *c)
{
    struct role *r = c->courier->role;
    union address to;
    socklen_t len = address_of(&c->hop->at, &to);
    int on = 1;

    configure(c);
    smtp_client_init(&c->client, &c->config, &c->out);
    c->moved_ms = loop_now_ms(r->loop);
    if (c->policy.excluded) {
        conn_lost(c, SMTP_TROUBLE_NO_TLS, EXCLUDED);
        return false;
    }
    c->fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        connect_failed(c, errno);
        return false;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->connecting = true;
    if (connect(c->fd, &to.any, len) != 0 && errno != EINPROGRESS) {
        connect_failed(c, errno);
        return false;
    }
    c->watch = loop_watch(r->loop, c->fd, LOOP_WRITE, conn_on_ready, c);
    return true;
}

bool
dial_connected(struct conn *c)
{
    int os = 0;
    socklen_t len = sizeof(os);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &os, &len) != 0)
        os = errno;
    if (os) {
        connect_failed(c, os);
        return false;
    }
    c->connecting = false;
    c->moved_ms = loop_now_ms(c->courier->role->loop);
    smtp_client_connected(&c->client);
    return true;
}

/* ---- one after the other ---- */

/* A server that only wants no further connection is none to stay away from. */
static bool
works_for_others(const struct conn *c)
{
    LIST_EACH(at, &c->site->conns)
    {
        const struct conn *other = LIST_OF(at, struct conn, of_site);

        if (other != c && other->hop == c->hop && other->was_ready)
            return true;
    }
    return false;
}

/* The machine's last words are noted before they are gone with it. */
static void
note_failure(struct conn *c)
{
    const struct smtp_outcome *o = &c->client.outcome;
    uint64_t now = loop_now_ms(c->courier->role->loop);

    failure_put(&c->failures, o, c->hop->remote, secure_reason(c));
    tally_failed(c);
    if (!works_for_others(c))
        c->hop->rests_until = now + HOPS_REST_MS;
    c->courier->counters.refused_connections++;
    LOG(unreachable, SLICE(""), log_slice("remote", c->hop->remote),
        log_string("stage", smtp_stage_row(o->stage)->word), log_number("code", o->code),
        log_slice("said", o->text));
}

static bool
choose(struct conn *c)
{
    uint64_t now = loop_now_ms(c->courier->role->loop);
    int next = hops_next(c->hops, c->tried, now);

    if (next < 0 || now - c->begun_ms > CONN_PATIENCE_MS)
        return false;
    c->hop = &c->hops->at[next];
    c->tried[next] = true;
    c->in_clear = c->hop->clear_until > now;
    return true;
}

static void
give_up(struct conn *c)
{
    struct site *s = c->site;

    conn_leave(c);
    site_cannot_be_reached(s, c->hops, &c->failures);
    conn_close(c);
}

void
dial_next(struct conn *c)
{
    while (choose(c)) {
        if (dial(c))
            return;
        note_failure(c);
        conn_hang_up(c);
    }
    give_up(c);
}

/* rfc7435: where nobody must be proved, mail in clear is better than none, and the same server is
 * asked at once. */
void
dial_failed(struct conn *c)
{
    bool in_clear = c->policy.clear_after && secure_has_failed(c);

    note_failure(c);
    conn_hang_up(c);
    if (in_clear) {
        c->in_clear = true;
        c->hop->clear_until = loop_now_ms(c->courier->role->loop) + HOPS_CLEAR_MS;
        if (dial(c))
            return;
        note_failure(c);
        conn_hang_up(c);
    }
    dial_next(c);
}

void
conn_new(struct site *s)
{
    struct courier *courier = s->courier;
    struct conn *c = heap_take(sizeof(*c));

    c->courier = courier;
    c->site = s;
    c->hops = hops_get(s->hops);
    c->fd = -1;
    c->begun_ms = loop_now_ms(courier->role->loop);
    list_init(&c->failures);
    list_init(&c->idle);
    buf_init(&c->out, CONN_OUT_MAX);
    buf_init(&c->seven, CONN_SEVEN_MAX);
    list_append(&courier->conns, &c->link);
    list_append(&s->conns, &c->of_site);
    s->conn_count++;
    courier->conn_count++;
    courier->counters.connections++;
    dial_next(c);
}
