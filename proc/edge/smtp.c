/* SMTP sessions: the machine of lib/smtp on one side, the roles that know the answers on the other.
 * What a verdict of theirs is called towards a client is decided here, in tables. */
#include "smtp/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "edge.h"
#include "ipc/body.h"
#include "mime/header.h"

enum { MESSAGE_ID_MAX = 255 }; /* bytes of one that the trace keeps */

struct smtp_session {
    struct smtp_server server;
    struct smtp_config config;
    struct body body;
    uint64_t id;      /* of the message under way */
    uint64_t account; /* logged in as; 0: nobody */
    char login[SMTP_LOGIN_MAX + 1];
    bool waiting;            /* for an answer */
    enum smtp_ask answering; /* the question that is being answered */
};

static struct smtp_session *
session_of(const struct conn *c)
{
    return c->session;
}

static void take_question(struct conn *c);

static void
answer(struct conn *c, const struct smtp_answer *a)
{
    struct smtp_session *s = session_of(c);

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
    struct smtp_session *s = session_of(c);
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

static void
answer_reason(struct conn *c, enum reason reason)
{
    answer(c, &(struct smtp_answer){.reason = reason});
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
    struct smtp_session *s = session_of(c);
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
    answer(c, &answered);
}

static void
ask_sasl(struct conn *c)
{
    struct sasl_server *sasl = &session_of(c)->server.sasl;
    struct login_question q = {.step = session_of(c)->server.sasl_step,
                               .user = secret_get(&sasl->user),
                               .password = secret_get(&sasl->password),
                               .auth_message = secret_get(&sasl->auth_message),
                               .proof = secret_get(&sasl->proof)};

    login_ask(c, &q, on_login);
}

/* ---- senders and recipients ---- */

static void
on_sender(struct conn *c, const union msg_any *m, int fd)
{
    struct smtp_answer a = {.reason = SMTP_LOCAL_ERROR};

    if (fd >= 0)
        close(fd);
    if (m && m->accounts_sender_answer.verdict == ACCOUNTS_OK)
        a.reason = REASON_NONE;
    else if (m && m->accounts_sender_answer.verdict != ACCOUNTS_TEMPORARY)
        a.reason = SMTP_NOT_YOURS;
    a.argument = session_of(c)->server.address;
    answer(c, &a);
}

static void
ask_sender(struct conn *c)
{
    struct smtp_session *s = session_of(c);
    struct accounts_sender m = {s->account, s->server.address};

    if (c->protocol ==
        ROLE_SYSTEM) { /* this machine's own programs; the trace line has their uid */
        answer_reason(c, REASON_NONE);
        return;
    }
    conn_ask(c, ROLE_accounts, 0, MSG_accounts_sender, &m, -1, MSG_accounts_sender_answer,
             on_sender);
}

static const enum reason rcpt_reasons[] = {
    [ACCOUNTS_OK] = REASON_NONE,
    [ACCOUNTS_NOT_LOCAL] = SMTP_NO_RELAY,
    [ACCOUNTS_NO_MAILBOX] = SMTP_NO_MAILBOX,
    [ACCOUNTS_SUSPENDED] = SMTP_MAILBOX_SUSPENDED,
    [ACCOUNTS_DOMAIN_SUSPENDED] = SMTP_DOMAIN_SUSPENDED,
    [ACCOUNTS_FULL] = SMTP_MAILBOX_FULL,
    [ACCOUNTS_LOOP] = SMTP_ALIAS_LOOP,
    [ACCOUNTS_TEMPORARY] = SMTP_LOCAL_ERROR,
};

static bool
is_stranger(const struct conn *c)
{
    return c->protocol == ROLE_SMTP;
}

static void
on_rcpt(struct conn *c, const union msg_any *m, int fd)
{
    struct smtp_session *s = session_of(c);
    struct smtp_answer a = {.reason = SMTP_LOCAL_ERROR, .argument = s->server.address};

    if (fd >= 0)
        close(fd);
    if (m && m->accounts_rcpt_answer.verdict < COUNT(rcpt_reasons)) {
        a.reason = rcpt_reasons[m->accounts_rcpt_answer.verdict];
        a.room = m->accounts_rcpt_answer.room;
        a.note = m->accounts_rcpt_answer.targets;
    }
    if (a.reason == SMTP_NO_RELAY && !is_stranger(c))
        a.reason = SMTP_NO_OUTGOING;
    answer(c, &a);
}

static void
ask_rcpt(struct conn *c)
{
    struct smtp_server *s = &session_of(c)->server;
    struct accounts_rcpt m = {s->address, s->envelope.sender};

    conn_ask(c, ROLE_accounts, 0, MSG_accounts_rcpt, &m, -1, MSG_accounts_rcpt_answer, on_rcpt);
}

/* ---- the message ---- */

static void
drop_body(void *ctx)
{
    body_clear(ctx);
}

static void
ask_body(struct conn *c)
{
    struct smtp_session *s = session_of(c);
    time_t now = (time_t)(clock_now_us() / 1000000);
    char id[ID_TEXT_LEN + 1];

    body_clear(&s->body);
    s->id = role_message_id(c->edge->role);
    id_format(s->id, id);
    answer(c, &(struct smtp_answer){.sink = {body_put, drop_body, &s->body},
                                    .id = slice_of(id),
                                    .time = now,
                                    .utc_offset_minutes = clock_utc_offset(now)});
}

static bool
put_recipients(const struct smtp_envelope *e, struct buf *recipients)
{
    for (const struct smtp_rcpt *r = e->rcpts; r; r = r->next) {
        struct queue_recipient m = {r->address, r->orcpt, r->notify, r->note};

        msg_items_put(recipients, MSG_queue_recipient, &m);
    }
    return !recipients->full;
}

static bool
put_envelope(struct conn *c, struct buf *recipients, struct buf *out)
{
    struct smtp_session *s = session_of(c);
    const struct smtp_envelope *e = &s->server.envelope;
    struct queue_envelope m = {
        .received = clock_now_us() / 1000000,
        .sender = e->sender,
        .login = slice_of(s->login),
        .client = slice_of(c->address),
        .flags =
            (e->body == SMTP_BODY_8BITMIME ? QUEUE_8BIT : 0u) | (e->smtputf8 ? QUEUE_SMTPUTF8 : 0u),
        .ret = e->ret,
        .envid = e->envid,
    };

    if (!put_recipients(e, recipients))
        return false;
    m.recipients = buf_slice(recipients);
    return msg_items_put(out, MSG_queue_envelope, &m);
}

static const enum reason queue_reasons[] = {[QUEUE_KEPT] = SMTP_ACCEPTED,
                                            [QUEUE_DISK_FULL] = SMTP_DISK_FULL,
                                            [QUEUE_TEMPORARY] = SMTP_LOCAL_ERROR,
                                            [QUEUE_BAD] = SMTP_LOCAL_ERROR};

/* Message-ID without its brackets; empty where there is none. */
static struct slice
find_message_id(const struct body *b)
{
    struct slice header, body, id, after;

    mime_header_cut(body_head(b), &header, &body);
    mime_field_find(header, SLICE("Message-ID"), &id);
    if (slice_take_prefix(&id, SLICE("<"))) {
        after = id;
        slice_cut(&after, '>', &id);
    }
    return slice_head(id, MESSAGE_ID_MAX);
}

static void
tell_received(struct conn *c)
{
    struct smtp_session *s = session_of(c);
    struct trace_event e = {.message = s->id,
                            .login = slice_of(s->login),
                            .size = s->body.size,
                            .message_id = find_message_id(&s->body)};

    conn_tell_received(c, &s->server.envelope, &e);
}

static void
on_kept(struct conn *c, const union msg_any *m, int fd)
{
    struct smtp_session *s = session_of(c);
    const struct smtp_envelope *e = &s->server.envelope;
    struct smtp_answer a = {.reason = SMTP_LOCAL_ERROR};
    char id[ID_TEXT_LEN + 1];

    if (fd >= 0)
        close(fd);
    if (m && m->queue_submitted.verdict < COUNT(queue_reasons))
        a.reason = queue_reasons[m->queue_submitted.verdict];
    id_format(s->id, id);
    a.argument = slice_of(id);
    if (a.reason == SMTP_ACCEPTED) {
        tell_received(c);
        LOG(accept, slice_of(id), log_string("session", c->id), log_slice("from", e->sender),
            log_number("recipients", e->rcpt_count), log_slice("to", e->rcpts->address),
            log_number("size", s->body.size), log_string("client", c->address));
    }
    body_clear(&s->body);
    answer(c, &a);
}

static void
ask_commit(struct conn *c)
{
    struct smtp_session *s = session_of(c);
    struct queue_submit m = {.id = s->id};
    struct buf recipients, envelope;

    buf_init(&recipients, BODY_ENVELOPE_MAX);
    buf_init(&envelope, BODY_ENVELOPE_MAX);
    if (put_envelope(c, &recipients, &envelope) && body_close(&s->body, buf_slice(&envelope), &m))
        conn_ask(c, ROLE_queue, 0, MSG_queue_submit, &m, s->body.fd, MSG_queue_submitted, on_kept);
    else
        answer_reason(c, SMTP_LOCAL_ERROR);
    buf_clear(&recipients);
    buf_clear(&envelope);
}

/* ---- the session ---- */

static void (*const asks[])(struct conn *c) = {
    [SMTP_ASK_TLS] = conn_start_tls, [SMTP_ASK_SASL] = ask_sasl, [SMTP_ASK_SENDER] = ask_sender,
    [SMTP_ASK_RCPT] = ask_rcpt,      [SMTP_ASK_VRFY] = ask_rcpt, [SMTP_ASK_BODY] = ask_body,
    [SMTP_ASK_COMMIT] = ask_commit,
};

static void
take_question(struct conn *c)
{
    struct smtp_session *s = session_of(c);

    if (s->server.ask == SMTP_ASK_NONE || s->server.closing)
        return;
    s->waiting = true;
    asks[s->server.ask](c);
}

static size_t
feed(struct conn *c, struct slice in)
{
    size_t used = smtp_server_feed(&session_of(c)->server, in);

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
        .login = slice_of(session_of(c)->login),
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
    smtp_server_greet(&session_of(c)->server, REASON_NONE);
}

static bool
is_waiting(const struct conn *c)
{
    return session_of(c)->waiting;
}

static bool
is_closing(const struct conn *c)
{
    return session_of(c)->server.closing;
}

static bool
is_busy(const struct conn *c)
{
    return smtp_server_in_transaction(&session_of(c)->server);
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
    struct smtp_session *s = session_of(c);
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
    struct smtp_session *s = session_of(c);

    s->waiting = false;
    smtp_server_end(&s->server, ends[why]);
}

static void
clear(struct conn *c)
{
    struct smtp_session *s = session_of(c);

    smtp_server_clear(&s->server);
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
