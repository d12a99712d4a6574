/* How a connection begins: who it is, whether the guard lets it talk, and the greeting. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "edge.h"

static const struct session_ops *const ops_of[ROLE_PROTOCOL_COUNT] = {
    [ROLE_SMTP] = &smtp_ops, [ROLE_SUBMISSION] = &smtp_ops, [ROLE_SUBMISSIONS] = &smtps_ops,
    [ROLE_POP3] = &pop3_ops, [ROLE_POP3S] = &pop3s_ops,     [ROLE_SYSTEM] = &smtp_ops,
};

static void
name_v4(struct conn *c, const struct sockaddr_in *at)
{
    inet_ntop(AF_INET, &at->sin_addr, c->address, sizeof(c->address));
    c->loopback = ntohl(at->sin_addr.s_addr) >> 24 == 127;
}

static void
name_v6(struct conn *c, const struct sockaddr_in6 *at)
{
    const struct in6_addr *v6 = &at->sin6_addr;
    bool mapped = IN6_IS_ADDR_V4MAPPED(v6);

    inet_ntop(mapped ? AF_INET : AF_INET6, v6->s6_addr + (mapped ? 12 : 0), c->address,
              sizeof(c->address));
    c->loopback = mapped ? v6->s6_addr[12] == 127 : IN6_IS_ADDR_LOOPBACK(v6);
}

static void
name_local(struct conn *c)
{
    struct ucred who;
    socklen_t len = sizeof(who);
    bool known = getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0;

    snprintf(c->address, sizeof(c->address), "local");
    c->loopback = true;
    c->uid = known ? who.uid : UINT32_MAX;
}

static void
name_peer(struct conn *c)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);

    if (getpeername(c->fd, (struct sockaddr *)&at, &len) != 0)
        at.ss_family = AF_UNSPEC;
    if (at.ss_family == AF_INET)
        name_v4(c, (struct sockaddr_in *)&at);
    else if (at.ss_family == AF_INET6)
        name_v6(c, (struct sockaddr_in6 *)&at);
    else
        name_local(c);
}

static void
greet(struct conn *c)
{
    c->ops->begin(c);
    c->ops->greet(c);
}

/* Software that sends spam in a hurry does not wait for the greeting; a mail server does. */
static bool
spoke_first(const struct conn *c)
{
    uint8_t byte;

    return recv(c->fd, &byte, 1, MSG_PEEK) > 0;
}

static void
on_greeting_due(void *ctx)
{
    struct conn *c = ctx;

    timer_free(c->greeting);
    c->greeting = NULL;
    if (spoke_first(c)) {
        c->ops->begin(c);
        c->ops->end(c, EDGE_SPOKE_FIRST);
    } else {
        greet(c);
    }
    conn_pump(c);
}

static void
greet_in_time(struct conn *c)
{
    struct role *r = c->edge->role;
    uint32_t delay =
        c->protocol == ROLE_SMTP ? (uint32_t)role_limit(r, LIMIT_greeting_delay_ms) : 0;

    if (delay)
        c->greeting = loop_after(r->loop, delay, on_greeting_due, c);
    else
        greet(c);
}

/* The guard's word: a guard that is being replaced refuses nobody. */
static void
on_verdict(struct conn *c, const union msg_any *answer, int fd)
{
    uint32_t verdict = answer ? answer->guard_verdict.verdict : GUARD_OK;

    if (fd >= 0)
        close(fd);
    c->counted = answer && verdict == GUARD_OK;
    if (verdict == GUARD_OK && c->ops->implicit_tls) {
        c->handshaking = true;
    } else if (verdict == GUARD_OK) {
        greet_in_time(c);
    } else if (c->ops->implicit_tls) {
        conn_close(c); /* a handshake for one sentence is work an attacker would like */
    } else {
        c->ops->begin(c);
        c->ops->end(c,
                    verdict == GUARD_MANY_SESSIONS ? EDGE_MANY_SESSIONS : EDGE_MANY_FROM_ADDRESS);
    }
}

void
conn_new(struct edge *e, enum role_protocol p, int fd)
{
    struct conn *c;
    uint64_t id = role_message_id(e->role);
    struct guard_open m;
    int on = 1;

    if (ops_of[p]->implicit_tls && tls_server_is_empty(e->tls)) {
        close(fd);
        return;
    }
    c = heap_take(sizeof(*c));
    *c = (struct conn){.edge = e, .protocol = p, .ops = ops_of[p], .fd = fd};
    buf_init(&c->in, EDGE_READ_BYTES);
    buf_init(&c->out, EDGE_OUT_MAX);
    buf_init(&c->user, SASL_NAME_MAX);
    c->number = id;
    id_format(id, c->id);
    id_reference(id, c->reference);
    name_peer(c);
    random_letters(c->nonce, EDGE_NONCE);
    if (p != ROLE_SYSTEM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->heard_ms = loop_now_ms(e->role->loop);
    c->watch = loop_watch(e->role->loop, fd, 0, conn_on_ready, c);
    list_append(&e->conns, &c->link);
    list_init(&c->push);
    e->conn_count++;
    LOG(connect, slice_of(c->id), log_string("ref", c->reference),
        log_string("protocol", role_protocol_name(p)), log_string("client", c->address));
    m = (struct guard_open){slice_of(c->address)};
    conn_ask(c, ROLE_guard, 0, MSG_guard_open, &m, -1, MSG_guard_verdict, on_verdict);
}
