/* MAIL and RCPT as we write them, with the parameters that the server knows:
 *
 *   "MAIL FROM:<" sender ">" [SIZE=] [BODY=] [SMTPUTF8] [RET=] [ENVID=]
 *   "RCPT TO:<" address ">" [NOTIFY=] [ORCPT=]
 */
#include "smtp/client_private.h"

enum { ENVID_MAX = 100, ORCPT_MAX = 500 }; /* RFC 3461 4.4, 4.2 */

/* May the value stand as it is? Ours were read from commands like these, so they may; what would
 * break the line is left out. */
static bool
value_ok(const struct smtp_client *c, struct slice value, size_t most)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] <= ' ' || value.at[i] == 0x7f || (value.at[i] > '~' && !c->utf8))
            return false;
    return value.len > 0 && value.len <= most;
}

/* rfc3461#5.2.1-a: what the sender asked for goes on with the message, where it is understood. */
static void
put_dsn_of_mail(struct smtp_client *c)
{
    static const char *const rets[] = {
        [SMTP_RET_UNSAID] = "", [SMTP_RET_FULL] = " RET=FULL", [SMTP_RET_HDRS] = " RET=HDRS"};

    if (!smtp_offered(c, SMTP_OFFER_DSN))
        return;
    buf_put_string(c->out, rets[c->envelope->ret]);
    if (value_ok(c, c->envelope->envid, ENVID_MAX)) {
        buf_put_string(c->out, " ENVID=");
        buf_put(c->out, c->envelope->envid);
    }
}

void
smtp_client_say_mail(struct smtp_client *c)
{
    buf_put_string(c->out, "MAIL FROM:<");
    buf_put(c->out, c->envelope->sender);
    buf_put_byte(c->out, '>');
    if (smtp_offered(c, SMTP_OFFER_SIZE) && c->size) /* rfc1870#6-b */
        buf_put_format(c->out, " SIZE=%llu", (unsigned long long)c->size);
    if (c->eight_bit)
        buf_put_string(c->out, " BODY=8BITMIME"); /* rfc6152#3-c */
    if (c->utf8)
        buf_put_string(c->out, " SMTPUTF8"); /* rfc6531#3.4-b */
    put_dsn_of_mail(c);
    smtp_client_say(c, "", (struct slice){0});
}

static void
put_notify(struct smtp_client *c, unsigned notify)
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {
        {SMTP_NOTIFY_NEVER, "NEVER"},
        {SMTP_NOTIFY_SUCCESS, "SUCCESS"},
        {SMTP_NOTIFY_FAILURE, "FAILURE"},
        {SMTP_NOTIFY_DELAY, "DELAY"},
    };
    const char *before = " NOTIFY=";

    for (size_t i = 0; i < COUNT(words); i++) {
        if ((notify & words[i].bit) == 0)
            continue;
        buf_put_string(c->out, before);
        buf_put_string(c->out, words[i].word);
        before = ",";
    }
}

void
smtp_client_say_rcpt(struct smtp_client *c, const struct smtp_rcpt *r)
{
    buf_put_string(c->out, "RCPT TO:<");
    buf_put(c->out, r->address);
    buf_put_byte(c->out, '>');
    if (smtp_offered(c, SMTP_OFFER_DSN)) {
        put_notify(c, r->notify);
        if (value_ok(c, r->orcpt, ORCPT_MAX)) {
            buf_put_string(c->out, " ORCPT=");
            buf_put(c->out, r->orcpt);
        }
    }
    smtp_client_say(c, "", (struct slice){0});
}
