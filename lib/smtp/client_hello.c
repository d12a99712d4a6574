/* From the greeting to the first message: 220, EHLO or HELO, STARTTLS, EHLO again, and the login.
 */
#include "smtp/client_private.h"

void
smtp_heard_greeting(struct smtp_client *c)
{
    if (c->reply.code == 220)
        smtp_client_hello(c);
    else if (smtp_reply_class(&c->reply) >= 4)
        smtp_client_give_up(c, smtp_client_replied(c));
    else
        smtp_client_hang_up(c, smtp_client_trouble(c, SMTP_TROUBLE_STEP));
}

void
smtp_client_hello(struct smtp_client *c)
{
    c->stage = SMTP_STAGE_HELLO;
    smtp_client_say(c, "EHLO ", c->config->hostname); /* rfc5321#3.2-a */
}

/* size-value = 1*20DIGIT; 0, or nothing: there is a limit, and nobody says which. */
static void
take_size(struct smtp_offers *o, struct slice args)
{
    struct slice number;

    slice_cut(&args, ' ', &number);
    if (!slice_to_u64(number, &o->size_max))
        o->size_max = 0;
}

static void
take_mechanisms(struct smtp_offers *o, struct slice args)
{
    struct slice name;

    while (args.len) {
        int m;

        slice_cut(&args, ' ', &name);
        m = sasl_mechanism_find(name);
        if (m >= 0)
            o->mechanisms |= 1u << m;
    }
}

static const struct {
    const char *keyword;
    void (*take)(struct smtp_offers *o, struct slice args);
} offers[] = {
#define OFFER(name, keyword, take, anchor) [SMTP_OFFER_BIT_##name] = {keyword, take},
#include "smtp/offer.def"
#undef OFFER
};

/* ehlo-line = keyword *( SP param ); old servers write "AUTH=" for "AUTH ". */
static void
take_offer(struct smtp_client *c, struct slice line)
{
    size_t n = 0;
    struct slice keyword, args;

    while (n < line.len && line.at[n] != ' ' && line.at[n] != '=')
        n++;
    keyword = slice_head(line, n);
    args = slice_trim(slice_tail(line, n + 1));
    for (unsigned i = 0; i < COUNT(offers); i++) {
        if (!slice_eq_nocase(keyword, slice_of(offers[i].keyword)) || c->config->ignored & 1u << i)
            continue;
        c->offers.set |= 1u << i;
        if (offers[i].take)
            offers[i].take(&c->offers, args);
    }
}

/* All lines but the first, which is the server's name. */
static void
take_offers(struct smtp_client *c)
{
    struct slice rest = buf_slice(&c->reply.text), line;

    slice_cut(&rest, '\n', &line);
    while (rest.len) {
        slice_cut(&rest, '\n', &line);
        take_offer(c, line);
    }
}

/* What stands between the answer to EHLO and the first message. */
static void
proceed(struct smtp_client *c)
{
    if (!c->tls && c->config->tls != SMTP_TLS_NEVER && !c->refused_tls &&
        smtp_offered(c, SMTP_OFFER_STARTTLS)) {
        c->stage = SMTP_STAGE_TLS;
        smtp_client_say(c, "STARTTLS", (struct slice){0}); /* rfc3207#4-c */
    } else if (!c->tls && c->config->tls == SMTP_TLS_MUST) {
        c->stage = SMTP_STAGE_TLS;
        smtp_client_give_up(c, smtp_client_trouble(c, SMTP_TROUBLE_NO_TLS));
    } else if (c->config->login.len && !c->logged_in) {
        smtp_client_log_in(c);
    } else {
        smtp_client_ready(c);
    }
}

void
smtp_heard_hello(struct smtp_client *c)
{
    unsigned class = smtp_reply_class(&c->reply);

    if (class == 2) {
        if (!c->helo)
            take_offers(c);
        proceed(c);
    } else if (class == 5 && !c->helo && c->reply.code != 521 && c->reply.code != 554) {
        c->helo = true; /* rfc5321#3.2-b */
        smtp_client_say(c, "HELO ", c->config->hostname);
    } else if (class == 3) {
        smtp_client_hang_up(c, smtp_client_trouble(c, SMTP_TROUBLE_STEP));
    } else {
        smtp_client_give_up(c, smtp_client_replied(c));
    }
}

/* A refusal is about TLS, never about the mail: it is tried again, or sent in clear. */
void
smtp_heard_tls(struct smtp_client *c)
{
    struct smtp_outcome o;

    if (c->reply.code == 220) {
        c->want = SMTP_WANT_TLS;
        return;
    }
    if (c->config->tls != SMTP_TLS_MUST) { /* rfc3207#4.1-a */
        c->refused_tls = true;
        proceed(c);
        return;
    }
    o = smtp_client_replied(c);
    o.verdict = SMTP_VERDICT_TEMPORARY;
    smtp_client_give_up(c, o);
}
