/* A message of an SMTP session: a place for its body, and then the queue, whose word is the reply.
 */
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "mime/header.h"
#include "smtp.h"

enum { MESSAGE_ID_MAX = 255 }; /* bytes of one that the trace keeps */

static void
drop_body(void *ctx)
{
    body_clear(ctx);
}

void
smtp_ask_body(struct conn *c)
{
    struct smtp_session *s = smtp_session_of(c);
    time_t now = (time_t)(clock_now_us() / 1000000);
    char id[ID_TEXT_LEN + 1];

    body_clear(&s->body);
    s->id = role_message_id(c->edge->role);
    id_format(s->id, id);
    smtp_answer(c, &(struct smtp_answer){.sink = {body_put, drop_body, &s->body},
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
    struct smtp_session *s = smtp_session_of(c);
    const struct smtp_envelope *e = &s->server.envelope;
    struct queue_envelope m = {
        .received = clock_now_us() / 1000000,
        .sender = e->sender,
        .login = slice_of(s->login),
        .client = slice_of(c->address),
        .flags = (s->body.is_8bit ? QUEUE_8BIT : 0u) | (e->smtputf8 ? QUEUE_SMTPUTF8 : 0u),
        .ret = e->ret,
        .envid = e->envid,
        .lifetime = s->lifetime,
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
    struct smtp_session *s = smtp_session_of(c);
    struct trace_event e = {.message = s->id,
                            .login = slice_of(s->login),
                            .size = s->body.size,
                            .message_id = find_message_id(&s->body)};

    conn_tell_received(c, &s->server.envelope, &e);
}

static void
on_kept(struct conn *c, const union msg_any *m, int fd)
{
    struct smtp_session *s = smtp_session_of(c);
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
    smtp_answer(c, &a);
}

void
smtp_ask_commit(struct conn *c)
{
    struct smtp_session *s = smtp_session_of(c);
    struct queue_submit m = {.id = s->id};
    struct buf recipients, envelope;

    buf_init(&recipients, BODY_ENVELOPE_MAX);
    buf_init(&envelope, BODY_ENVELOPE_MAX);
    if (put_envelope(c, &recipients, &envelope) && body_close(&s->body, buf_slice(&envelope), &m))
        conn_ask(c, ROLE_queue, 0, MSG_queue_submit, &m, s->body.fd, MSG_queue_submitted, on_kept);
    else
        smtp_answer_reason(c, SMTP_LOCAL_ERROR);
    buf_clear(&recipients);
    buf_clear(&envelope);
}
