/* What the trace hears from an edge: each refusal, by the reference that the client was told, and
 * each message it took. Nothing waits for it. */
#include "base/log.h"
#include "edge.h"
#include "role/tell.h"

enum { REPLY_ROOM = 1024 };

static void
tell(struct conn *c, struct trace_event *e)
{
    e->session = c->number;
    e->protocol = c->protocol;
    e->client = slice_of(c->address);
    e->tls = slice_of(c->tls && !c->handshaking ? tls_conn_version(c->tls) : "");
    tell_event(c->edge->role, e);
}

/* Without id and line end, which are known anyway. */
static struct slice
reply_of(struct buf *room, enum reason r, struct slice argument)
{
    struct slice reply;

    reason_put(room, r, argument, (struct slice){NULL, 0});
    reply = buf_slice(room);
    return slice_head(reply, (size_t)slice_find_last(reply, '[') - 1);
}

void
conn_tell_refusal(struct conn *c, enum reason r, struct slice argument, struct trace_event *e)
{
    uint8_t room[REPLY_ROOM];
    struct buf reply = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    LOG(refuse, slice_of(c->id), log_string("ref", c->reference),
        log_string("reason", reason_row(r)->id), log_slice("what", argument),
        log_string("client", c->address));
    e->reason = slice_of(reason_row(r)->id);
    e->reply = reply_of(&reply, r, argument);
    tell(c, e);
}

/* The first of the mailboxes an address leads to stands for it, 0 where it has none here; what is
 * told later is told of them all. */
static uint64_t
first_mailbox(const struct smtp_rcpt *r)
{
    struct slice targets = r->note;
    struct queue_target target = {.account = 0};

    while (target.account == 0 && msg_items_take(&targets, MSG_queue_target, &target))
        ;
    return target.account;
}

void
conn_tell_received(struct conn *c, const struct smtp_envelope *envelope, struct trace_event *e)
{
    e->kind = TRACE_received;
    e->sender = envelope->sender;
    for (const struct smtp_rcpt *r = envelope->rcpts; r; r = r->next) {
        e->recipient = r->address;
        e->account = first_mailbox(r);
        tell(c, e);
        *e = (struct trace_event){.kind = TRACE_recipient, .time = e->time, .message = e->message};
    }
}
