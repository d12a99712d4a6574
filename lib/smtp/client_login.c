/* Logging in at a smarthost (RFC 4954), by the best mechanism that both sides have. Whatever goes
 * wrong here is about us and not about any mail: it is temporary. */
#include "smtp/client_private.h"

#include "base/base64.h"

/* The first one offered is taken. */
static const enum sasl_mechanism preferred[] = {SASL_SCRAM_SHA_256, SASL_PLAIN, SASL_LOGIN};

/* A mechanism that may be used here, or -1. rfc4954#4-k: no password in clear. */
static int
choose(const struct smtp_client *c)
{
    for (size_t i = 0; i < COUNT(preferred); i++)
        if (c->offers.mechanisms & 1u << preferred[i] &&
            (c->tls || c->config->plaintext_ok || !sasl_mechanism_is_plaintext(preferred[i])))
            return (int)preferred[i];
    return -1;
}

static void
say_base64(struct smtp_client *c, const char *before, struct slice raw)
{
    buf_put_string(c->out, before);
    base64_put(c->out, raw);
    smtp_client_say(c, "", (struct slice){0});
}

void
smtp_client_log_in(struct smtp_client *c)
{
    int m = choose(c);
    struct slice name, raw;

    c->stage = SMTP_STAGE_AUTH;
    if (m < 0) {
        smtp_client_give_up(c, smtp_client_trouble(c, SMTP_TROUBLE_NO_LOGIN));
        return;
    }
    sasl_client_clear(&c->sasl);
    sasl_client_init(&c->sasl, (enum sasl_mechanism)m, c->config->login, c->config->password,
                     c->config->nonce);
    name = slice_of(sasl_mechanism_name((enum sasl_mechanism)m));
    if (!sasl_client_start(&c->sasl)) {
        smtp_client_say(c, "AUTH ", name);
        return;
    }
    raw = secret_get(&c->sasl.response); /* rfc4954#4-l */
    buf_put_string(c->out, "AUTH ");
    buf_put(c->out, name);
    say_base64(c, " ", raw);
}

/* "334 base64" */
static void
respond(struct smtp_client *c)
{
    uint8_t room[SASL_TEXT_MAX];
    struct buf raw = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    bool good = base64_decode(slice_trim(buf_slice(&c->reply.text)), &raw) &&
                sasl_client_respond(&c->sasl, buf_slice(&raw));

    if (good) {
        say_base64(c, "", secret_get(&c->sasl.response));
        return;
    }
    c->distrusts = true;
    smtp_client_say(c, "*", (struct slice){0}); /* rfc4954#4-h */
}

void
smtp_heard_auth(struct smtp_client *c)
{
    struct smtp_outcome o;

    if (c->reply.code == 334 && !c->distrusts) {
        respond(c);
    } else if (smtp_reply_class(&c->reply) == 2 && !c->distrusts && sasl_client_is_done(&c->sasl)) {
        c->logged_in = true;
        sasl_client_clear(&c->sasl);
        smtp_client_ready(c);
    } else if (smtp_reply_class(&c->reply) <= 3 || c->distrusts) {
        smtp_client_give_up(c, smtp_client_trouble(c, SMTP_TROUBLE_IMPOSTOR));
    } else {
        o = smtp_client_replied(c);
        o.verdict = SMTP_VERDICT_TEMPORARY;
        smtp_client_give_up(c, o);
    }
}
