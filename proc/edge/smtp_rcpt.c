/* Who may be a recipient: everybody the directory knows, and for our own users also everybody
 * elsewhere whose domain takes mail, as far as can be known before anybody asks there. */
#include <unistd.h>

#include "known.h"
#include "mime/address.h"
#include "smtp.h"

enum { NOTE_MAX = 128 }; /* bytes of a target without texts */

static const enum reason reasons[] = {
    [ACCOUNTS_OK] = REASON_NONE,
    [ACCOUNTS_NOT_LOCAL] = SMTP_NO_RELAY,
    [ACCOUNTS_NO_MAILBOX] = SMTP_NO_MAILBOX,
    [ACCOUNTS_SUSPENDED] = SMTP_MAILBOX_SUSPENDED,
    [ACCOUNTS_DOMAIN_SUSPENDED] = SMTP_DOMAIN_SUSPENDED,
    [ACCOUNTS_FULL] = SMTP_MAILBOX_FULL,
    [ACCOUNTS_WRONG] = SMTP_LOCAL_ERROR,
    [ACCOUNTS_NOT_YOURS] = SMTP_LOCAL_ERROR,
    [ACCOUNTS_LOOP] = SMTP_ALIAS_LOOP,
    [ACCOUNTS_TEMPORARY] = SMTP_LOCAL_ERROR,
    [ACCOUNTS_NO_APOP] = SMTP_LOCAL_ERROR,
    [ACCOUNTS_FORWARDS] = SMTP_FORWARDED, /* rfc5321#3.4-b */
    [ACCOUNTS_MOVED] = SMTP_MOVED,        /* rfc5321#3.4-a */
    [ACCOUNTS_RETURN_OVER] = SMTP_RETURN_OVER,
};

/* Mail that would only come back a day later is refused while its writer is there. A DNS that does
 * not answer, or wrongly, says nothing: then the queue tries. */
static const enum reason domain_reasons[ROUTE_KIND_COUNT] = {
    [ROUTE_NO_DOMAIN] = SMTP_NO_DOMAIN,
    [ROUTE_NO_RECORD] = SMTP_NO_ROUTE,
    [ROUTE_NO_HOST] = SMTP_NO_ROUTE,
    [ROUTE_NULL_MX] = SMTP_NULL_MX, /* rfc7505#4.1-a */
};

static struct slice
domain_of(const struct conn *c)
{
    struct slice local, domain;

    mime_address_split(smtp_session_of(c)->server.address, &local, &domain);
    return domain;
}

/* The recipient itself, elsewhere: its domain is clean as the machine writes it. */
static void
on_domain(struct conn *c, enum route_kind found)
{
    uint8_t room[NOTE_MAX];
    struct buf note = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    enum reason r = domain_reasons[found];

    msg_items_put(&note, MSG_queue_target, &(struct queue_target){.account = 0});
    smtp_answer(c, &(struct smtp_answer){.reason = r,
                                         .argument = r == SMTP_NULL_MX ? domain_of(c)
                                                                       : (struct slice){NULL, 0},
                                         .room = UINT64_MAX,
                                         .note = buf_slice(&note)});
}

/* Of a domain that is not hosted here, as our own name need not be. VRFY does not go further. */
static void
answer_elsewhere(struct conn *c)
{
    if (smtp_is_stranger(c))
        smtp_answer_reason(c, SMTP_NO_RELAY);
    else if (slice_eq_nocase(domain_of(c), c->edge->hostname))
        smtp_answer_reason(c, SMTP_NO_MAILBOX);
    else if (smtp_session_of(c)->server.ask == SMTP_ASK_VRFY)
        smtp_answer_reason(c, REASON_NONE);
    else if (edge_is_routed(c->edge, domain_of(c)))
        on_domain(c, ROUTE_FOUND);
    else
        smtp_ask_domain(c, on_domain);
}

static void
on_rcpt(struct conn *c, const union msg_any *m, int fd)
{
    const struct accounts_rcpt_answer *said = m ? &m->accounts_rcpt_answer : NULL;
    struct smtp_answer a = {.reason = SMTP_LOCAL_ERROR};

    if (fd >= 0)
        close(fd);
    if (said && said->verdict == ACCOUNTS_NOT_LOCAL) {
        answer_elsewhere(c);
        return;
    }
    if (said && said->verdict < COUNT(reasons)) {
        a.reason = reasons[said->verdict];
        a.argument = said->moved;
        a.room = said->room;
        a.note = said->targets;
        known_put(c->edge, smtp_session_of(c)->server.address, said);
    }
    smtp_answer(c, &a);
}

void
smtp_ask_rcpt(struct conn *c)
{
    struct smtp_server *s = &smtp_session_of(c)->server;
    struct accounts_rcpt m = {s->address, s->envelope.sender};
    struct smtp_answer known;

    if (known_get(c->edge, s->address, &known))
        smtp_answer(c, &known);
    else
        conn_ask(c, ROLE_accounts, 0, MSG_accounts_rcpt, &m, -1, MSG_accounts_rcpt_answer, on_rcpt);
}
