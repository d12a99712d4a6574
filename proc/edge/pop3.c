/* POP3 sessions as conn.c sees them: bytes to the machine, and its questions to who answers them.
 */
#include "pop3.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ensure.h"

static void take_question(struct conn *c);

/* A login's answer makes the next question, the mailbox: the machine is looked at after each. */
void
pop3_resume(struct conn *c, const struct pop3_answer *a)
{
    struct pop3_session *s = pop3_session_of(c);

    s->waiting = false;
    if (a->reason != REASON_NONE && reason_is_refusal(a->reason))
        edge_log_refusal(c, a->reason, (struct slice){NULL, 0});
    pop3_server_answer(&s->server, a);
    take_question(c);
}

void
pop3_resume_reason(struct conn *c, enum reason reason)
{
    pop3_resume(c, &(struct pop3_answer){.reason = reason});
}

static void (*const asks[])(struct conn *c) = {
    [POP3_ASK_TLS] = conn_start_tls, [POP3_ASK_SASL] = pop3_ask_sasl,
    [POP3_ASK_APOP] = pop3_ask_apop, [POP3_ASK_OPEN] = pop3_ask_open,
    [POP3_ASK_BODY] = pop3_ask_body, [POP3_ASK_COMMIT] = pop3_ask_commit,
};

static void
take_question(struct conn *c)
{
    struct pop3_session *s = pop3_session_of(c);

    if (s->server.closing)
        pop3_release_mailbox(c);
    if (s->server.ask.kind == POP3_ASK_NONE || s->server.closing)
        return;
    s->waiting = true;
    asks[s->server.ask.kind](c);
}

static size_t
feed(struct conn *c, struct slice in)
{
    size_t used = pop3_server_feed(&pop3_session_of(c)->server, in);

    take_question(c);
    return used;
}

static void
begin(struct conn *c)
{
    struct pop3_session *s = heap_take(sizeof(*s));
    struct pop3_client client = {.loopback = c->loopback,
                                 .tls = c->tls != NULL,
                                 .binding = conn_binding(c),
                                 .reference = slice_of(c->reference),
                                 .nonce = slice_of(c->nonce)};

    c->session = s;
    s->config = (struct pop3_config){.hostname = c->edge->hostname,
                                     .limits = &c->edge->role->limits,
                                     .tls_available = !tls_server_is_empty(c->edge->tls)};
    if (role_limit(c->edge->role, LIMIT_pop3_apop))
        snprintf(s->stamp, sizeof(s->stamp), "<%s.%s@%s>", c->id, c->nonce,
                 c->edge->role->hostname);
    pop3_server_init(&s->server, &s->config, client, &c->out, slice_of(s->stamp));
}

static void
greet(struct conn *c)
{
    pop3_server_greet(&pop3_session_of(c)->server);
}

static bool
is_waiting(const struct conn *c)
{
    return pop3_session_of(c)->waiting;
}

static bool
is_closing(const struct conn *c)
{
    return pop3_session_of(c)->server.closing;
}

/* A QUIT whose deletions are under way; reading can be taken up again elsewhere. */
static bool
is_busy(const struct conn *c)
{
    return pop3_session_of(c)->server.ask.kind == POP3_ASK_COMMIT;
}

static void
tls_started(struct conn *c)
{
    struct pop3_session *s = pop3_session_of(c);

    s->waiting = false;
    pop3_server_tls_started(&s->server, conn_binding(c));
}

static const enum reason ends[EDGE_END_COUNT] = {
    [EDGE_MANY_SESSIONS] = POP3_MANY_SESSIONS,
    [EDGE_MANY_FROM_ADDRESS] = POP3_MANY_SESSIONS,
    [EDGE_IDLE] = REASON_NONE,
    [EDGE_SLOW] = REASON_NONE,
    [EDGE_STOPPING] = POP3_STOPPING,
    [EDGE_SPOKE_FIRST] = REASON_NONE,
};

static void
end(struct conn *c, enum edge_end why)
{
    struct pop3_session *s = pop3_session_of(c);

    s->waiting = s->sending = false;
    pop3_server_end(&s->server, ends[why]);
}

static void
clear(struct conn *c)
{
    struct pop3_session *s = pop3_session_of(c);

    pop3_release_mailbox(c);
    pop3_server_clear(&s->server);
    for (size_t i = 0; i < s->pack_count; i++)
        close(s->packs[i].fd);
    if (s->entries)
        munmap((void *)(uintptr_t)s->entries, s->count * sizeof(*s->entries));
    free(s->messages);
    free(s);
    c->session = NULL;
}

#define POP3_OPS(implicit)                                                                         \
    {                                                                                              \
        .alpn = "pop3", .idle = LIMIT_pop3_idle_seconds, .implicit_tls = (implicit),               \
        .begin = begin, .greet = greet, .feed = feed, .is_waiting = is_waiting,                    \
        .is_closing = is_closing, .is_busy = is_busy, .produce = pop3_produce,                     \
        .tls_started = tls_started, .end = end, .clear = clear,                                    \
    }

const struct session_ops pop3_ops = POP3_OPS(false), pop3s_ops = POP3_OPS(true);
