/* SMTP sessions: the machine of lib/smtp on one side, the roles that know the answers on the other.
 * What a verdict of theirs is called towards a client is decided by tables, here and in the files
 * for senders, recipients and messages. */
#include "smtp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"

static void take_question(struct conn *c);

void
smtp_answer(struct conn *c, const struct smtp_answer *a)
{
    struct smtp_session *s = smtp_session_of(c);

    s->waiting = false;
    s->answering = s->server.ask;
    smtp_server_answer(&s->server, a);
    s->answering = SMTP_ASK_NONE;
    take_question(c);
}

/* The machine has said no: what to, as far as it is known. */
static void
on_refused(void *ctx, enum reason r, struct slice argument)
{
    struct conn *c = ctx;
    struct smtp_session *s = smtp_session_of(c);
    const struct smtp_envelope *envelope = &s->server.envelope;
    struct trace_event e = {.sender = envelope->sender, .login = slice_of(s->login)};

    if (s->answering == SMTP_ASK_SASL) {
        e.kind = TRACE_login_refused;
        e.login = buf_slice(&c->user);
    } else if (s->answering == SMTP_ASK_SENDER) {
        e.sender = s->server.address;
    } else if (s->answering == SMTP_ASK_RCPT) {
        e.recipient = s->server.address;
    } else if (envelope->rcpts && envelope->size) {
        e.recipient = envelope->rcpts->address; /* the whole message was */
        e.size = envelope->size;
    }
    conn_tell_refusal(c, r, argument, &e);
}

void
smtp_answer_reason(struct conn *c, enum reason reason)
{
    smtp_answer(c, &(struct smtp_answer){.reason = reason});
}

/* ---- logins ---- */

static const enum reason login_reasons[] = {
    [ACCOUNTS_OK] = REASON_NONE,
    [ACCOUNTS_SUSPENDED] = SMTP_LOGIN_SUSPENDED,
    [ACCOUNTS_DOMAIN_SUSPENDED] = SMTP_LOGIN_SUSPENDED,
    [ACCOUNTS_TEMPORARY] = SMTP_AUTH_UNAVAILABLE,
    [ACCOUNTS_NO_APOP] = REASON_NONE,
};

static void
on_login(struct conn *c, const struct login_answer *a)
{
    struct smtp_session *s = smtp_session_of(c);
    struct smtp_answer answered = {.right = a->verdict == ACCOUNTS_OK,
                                   .login = a->address,
                                   .salt = a->salt,
                                   .iterations = a->iterations,
                                   .signature = a->signature};

    if (a->verdict < COUNT(login_reasons))
        answered.reason = login_reasons[a->verdict];
    if (a->verdict == ACCOUNTS_OK && a->account) {
        s->account = a->account;
        slice_to_string(a->address, s->login, sizeof(s->login));
    }
    smtp_answer(c, &answered);
}

static void
ask_sasl(struct conn *c)
{
    struct sasl_server *sasl = &smtp_session_of(c)->server.sasl;
    struct login_question q = {.step = smtp_session_of(c)->server.sasl_step,
                               .user = secret_get(&sasl->user),
                               .password = secret_get(&sasl->password),
                               .auth_message = secret_get(&sasl->auth_message),
                               .proof = secret_get(&sasl->proof)};

    login_ask(c, &q, on_login);
}

/* ---- the session ---- */

static void (*const asks[])(struct conn *c) = {
    [SMTP_ASK_TLS] = conn_start_tls,     [SMTP_ASK_SASL] = ask_sasl,
    [SMTP_ASK_SENDER] = smtp_ask_sender, [SMTP_ASK_RCPT] = smtp_ask_rcpt,
    [SMTP_ASK_VRFY] = smtp_ask_rcpt,     [SMTP_ASK_BODY] = smtp_ask_body,
    [SMTP_ASK_COMMIT] = smtp_ask_commit,
};

static void
take_question(struct conn *c)
{
    struct smtp_session *s = smtp_session_of(c);

    if (s->server.ask == SMTP_ASK_NONE || s->server.closing)
        return;
    s->waiting = true;
    asks[s->server.ask](c);
}

static size_t
feed(struct conn *c, struct slice in)
{
    size_t used = smtp_server_feed(&smtp_session_of(c)->server, in);

    take_question(c);
    return used;
}

static const enum smtp_service services[ROLE_PROTOCOL_COUNT] = {
    [ROLE_SMTP] = SMTP_SERVICE_MX,
    [ROLE_SUBMISSION] = SMTP_SERVICE_SUBMISSION,
    [ROLE_SUBMISSIONS] = SMTP_SERVICE_SUBMISSION,
    [ROLE_SYSTEM] = SMTP_SERVICE_SYSTEM,
};

static struct smtp_peer
client_of(const struct conn *c)
{
    return (struct smtp_peer){
        .address = slice_of(c->address),
        .login = slice_of(smtp_session_of(c)->login),
        .loopback = c->loopback,
        .tls = c->tls != NULL,
        .tls_version = slice_of(c->tls ? tls_conn_version(c->tls) : ""),
        .tls_cipher = slice_of(c->tls ? tls_conn_cipher(c->tls) : ""),
        .binding = conn_binding(c),
        .nonce = slice_of(c->nonce),
        .reference = slice_of(c->reference),
    };
}

static void
begin(struct conn *c)
{
    struct smtp_session *s = heap_take(sizeof(*s));
    struct smtp_peer client;

    c->session = s;
    s->config = (struct smtp_config){.service = services[c->protocol],
                                     .hostname = c->edge->hostname,
                                     .limits = &c->edge->role->limits,
                                     .tls_available = !tls_server_is_empty(c->edge->tls),
                                     .refused = on_refused,
                                     .ctx = c};
    body_init(&s->body);
    if (c->protocol == ROLE_SYSTEM)
        snprintf(s->login, sizeof(s->login), "uid %u", c->uid);
    client = client_of(c);
    smtp_server_init(&s->server, &s->config, &client, &c->out);
}

static void
greet(struct conn *c)
{
    smtp_server_greet(&smtp_session_of(c)->server, REASON_NONE);
}

static bool
is_waiting(const struct conn *c)
{
    return smtp_session_of(c)->waiting;
}

static bool
is_closing(const struct conn *c)
{
    return smtp_session_of(c)->server.closing;
}

static bool
is_busy(const struct conn *c)
{
    return smtp_server_in_transaction(&smtp_session_of(c)->server);
}

static bool
produce(struct conn *c)
{
    (void)c;
    return false;
}

static void
tls_started(struct conn *c)
{
    struct smtp_session *s = smtp_session_of(c);
    struct smtp_peer client;

    s->waiting = false;
    s->login[0] = '\0';
    client = client_of(c);
    smtp_server_tls_started(&s->server, &client);
}

static const enum reason ends[EDGE_END_COUNT] = {
    [EDGE_MANY_SESSIONS] = SMTP_MANY_SESSIONS,
    [EDGE_MANY_FROM_ADDRESS] = SMTP_MANY_FROM_ADDRESS,
    [EDGE_IDLE] = SMTP_TIMEOUT,
    [EDGE_SLOW] = SMTP_TRANSACTION_TIMEOUT,
    [EDGE_STOPPING] = SMTP_SHUTTING_DOWN,
    [EDGE_SPOKE_FIRST] = SMTP_SPOKE_FIRST,
};

static void
end(struct conn *c, enum edge_end why)
{
    struct smtp_session *s = smtp_session_of(c);

    s->waiting = false;
    smtp_domain_clear(s);
    smtp_server_end(&s->server, ends[why]);
}

static void
clear(struct conn *c)
{
    struct smtp_session *s = smtp_session_of(c);

    smtp_server_clear(&s->server);
    smtp_domain_clear(s);
    body_clear(&s->body);
    free(s);
    c->session = NULL;
}

#define SMTP_OPS(implicit)                                                                         \
    {                                                                                              \
        .alpn = "smtp", .idle = LIMIT_idle_seconds, .implicit_tls = (implicit), .begin = begin,    \
        .greet = greet, .feed = feed, .is_waiting = is_waiting, .is_closing = is_closing,          \
        .is_busy = is_busy, .produce = produce, .tls_started = tls_started, .end = end,            \
        .clear = clear,                                                                            \
    }

const struct session_ops smtp_ops = SMTP_OPS(false), smtps_ops = SMTP_OPS(true);
