/* What can be said of a message before a word of it is: whether its addresses can be written, and
 * whether the server offers what it needs. */
#include "base/ensure.h"
#include "mime/address.h"
#include "smtp/client_private.h"

static void
refuse(struct smtp_client *c, enum smtp_trouble t)
{
    c->outcome = smtp_client_trouble(c, t);
    smtp_client_settle(c);
    smtp_client_end_transaction(c);
}

static void
begin(struct smtp_client *c, const struct smtp_envelope *e)
{
    arena_clear(c->arena);
    c->envelope = e;
    c->outcomes = arena_take(c->arena, e->rcpt_count * sizeof(*c->outcomes));
    ensure(c->outcomes);
    c->outcome = (struct smtp_outcome){.stage = SMTP_STAGE_MAIL};
    c->size = e->size;
    c->eight_bit = e->body == SMTP_BODY_8BITMIME;
    c->utf8 = e->smtputf8;
    c->open = true;
    c->over = c->body_done = c->ended = false;
    buf_reset(&c->chunk);
}

/* Can the address stand in a command? One beyond ASCII makes the transaction need SMTPUTF8. */
static enum smtp_trouble
look_at(struct smtp_client *c, struct slice address, enum smtp_trouble bad)
{
    struct mime_address a;

    if (address.len > MIME_ADDRESS_MAX || !mime_address_parse(address, &a))
        return bad;
    if (a.is_ascii)
        return SMTP_TROUBLE_NONE;
    if (!smtp_offered(c, SMTP_OFFER_SMTPUTF8)) /* rfc6531#3.6-a */
        return SMTP_TROUBLE_NO_UTF8;
    c->utf8 = true;
    return SMTP_TROUBLE_NONE;
}

/* How many recipients can be named at all; the others have their outcome. */
static size_t
look_at_recipients(struct smtp_client *c)
{
    size_t i = 0, good = 0;

    for (const struct smtp_rcpt *r = c->envelope->rcpts; r; r = r->next, i++) {
        enum smtp_trouble t = look_at(c, r->address, SMTP_TROUBLE_BAD_RCPT);

        if (t)
            c->outcomes[i] = smtp_client_trouble(c, t);
        else
            good++;
    }
    ensure(i == c->envelope->rcpt_count);
    return good;
}

static void
start(struct smtp_client *c)
{
    if (c->offers.size_max && c->size > c->offers.size_max) { /* rfc1870#4-c */
        refuse(c, SMTP_TROUBLE_TOO_BIG);
        return;
    }
    smtp_client_begin_envelope(c);
}

void
smtp_client_send(struct smtp_client *c, const struct smtp_envelope *e)
{
    enum smtp_trouble t = SMTP_TROUBLE_NONE;

    ensure(c->want == SMTP_WANT_MESSAGE);
    ensure(e->rcpt_count > 0 && e->rcpt_count <= SMTP_CLIENT_RCPT_MAX);
    begin(c, e);
    if (e->sender.len)
        t = look_at(c, e->sender, SMTP_TROUBLE_BAD_SENDER);
    if (c->utf8 && !smtp_offered(c, SMTP_OFFER_SMTPUTF8))
        t = SMTP_TROUBLE_NO_UTF8;
    if (t)
        refuse(c, t);
    else if (look_at_recipients(c) == 0)
        smtp_client_end_transaction(c);
    else if (c->eight_bit && !smtp_offered(c, SMTP_OFFER_8BITMIME)) /* rfc6152#3-b */
        c->want = SMTP_WANT_7BIT;
    else
        start(c);
}

void
smtp_client_converted(struct smtp_client *c, bool done, uint64_t size)
{
    ensure(c->want == SMTP_WANT_7BIT);
    if (!done) {
        refuse(c, SMTP_TROUBLE_NO_8BIT);
        return;
    }
    c->eight_bit = false;
    c->size = size;
    start(c);
}
