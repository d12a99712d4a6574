/* Who may be a sender: our users as what is theirs, this machine's own programs as anybody, and
 * strangers as somebody who can be answered. */
#include <unistd.h>

#include "smtp.h"

/* Of a stranger's domain. Where the DNS says nothing it is asked again when the stranger is back.
 */
static const enum reason stranger_reasons[ROUTE_KIND_COUNT] = {
    [ROUTE_NO_DOMAIN] = SMTP_SENDER_NO_DOMAIN,
    [ROUTE_NO_RECORD] = SMTP_SENDER_NO_MX,
    [ROUTE_NO_HOST] = SMTP_SENDER_NO_MX,
    [ROUTE_NULL_MX] = SMTP_SENDER_NULL_MX, /* rfc7505#4.2-a */
    [ROUTE_DNS] = SMTP_SENDER_DNS,
    [ROUTE_BOGUS] = SMTP_SENDER_DNS,
};

static void
on_domain(struct conn *c, enum route_kind found)
{
    smtp_answer_reason(c, stranger_reasons[found]);
}

static const enum reason reasons[] = {
    [ACCOUNTS_OK] = REASON_NONE,
    [ACCOUNTS_NOT_YOURS] = SMTP_NOT_YOURS,
    [ACCOUNTS_TEMPORARY] = SMTP_LOCAL_ERROR,
};

static void
on_sender(struct conn *c, const union msg_any *m, int fd)
{
    uint32_t verdict = m ? m->accounts_sender_answer.verdict : ACCOUNTS_TEMPORARY;

    if (fd >= 0)
        close(fd);
    smtp_session_of(c)->lifetime = m ? m->accounts_sender_answer.lifetime : 0;
    if (smtp_is_stranger(c) && verdict == ACCOUNTS_NOT_LOCAL)
        smtp_ask_domain(c, on_domain);
    else
        smtp_answer_reason(c, verdict < COUNT(reasons) ? reasons[verdict] : SMTP_NOT_YOURS);
}

void
smtp_ask_sender(struct conn *c)
{
    struct smtp_session *s = smtp_session_of(c);
    struct accounts_sender m = {s->account, s->server.address};

    if (c->protocol == ROLE_SYSTEM) /* the trace line has their uid */
        smtp_answer_reason(c, REASON_NONE);
    else
        conn_ask(c, ROLE_accounts, 0, MSG_accounts_sender, &m, -1, MSG_accounts_sender_answer,
                 on_sender);
}
