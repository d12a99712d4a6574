/* What the server can do, and in which words: CAPA (RFC 2449), UTF8 and LANG (RFC 6856). */
#include "pop3/server_private.h"

/* rfc2595#4-c: only where STLS would be accepted */
static bool
may_start_tls(const struct pop3_server *s)
{
    return s->phase == POP3_LOGIN && s->config->tls_available && !s->client.tls;
}

static bool
delays_logins(const struct pop3_server *s)
{
    return s->config->limits->value[LIMIT_login_delay_seconds] != 0;
}

static void
put_mechanisms(const struct pop3_server *s)
{
    pop3_put_mechanisms(s, " ", "");
}

/* An account may have a delay of its own, which is known after login. */
static void
put_delay(const struct pop3_server *s)
{
    if (s->phase == POP3_LOGIN)
        buf_put_format(s->out, "%llu USER",
                       (unsigned long long)s->config->limits->value[LIMIT_login_delay_seconds]);
    else
        buf_put_u64(s->out, s->login_delay);
}

static const struct capability {
    const char *words;
    bool (*when)(const struct pop3_server *s);     /* NULL: always */
    void (*put_rest)(const struct pop3_server *s); /* NULL: the words are all */
} capabilities[] = {
    {"TOP", NULL, NULL},                        /* rfc2449#6.1-a */
    {"USER", pop3_may_send_password, NULL},     /* rfc2449#6.2-a */
    {"SASL", NULL, put_mechanisms},             /* rfc2449#6.3-a */
    {"RESP-CODES", NULL, NULL},                 /* rfc2449#6.4-a */
    {"AUTH-RESP-CODE", NULL, NULL},             /* rfc3206#6-a */
    {"LOGIN-DELAY ", delays_logins, put_delay}, /* rfc2449#6.5-a */
    {"PIPELINING", NULL, NULL},                 /* rfc2449#6.6-a */
    {"EXPIRE NEVER", NULL, NULL},               /* rfc2449#6.7-a */
    {"UIDL", NULL, NULL},                       /* rfc2449#6.8-a */
    {"STLS", may_start_tls, NULL},
    {"UTF8 USER", NULL, NULL},             /* rfc6856#2-a, rfc6856#2.2-a */
    {"LANG", NULL, NULL},                  /* rfc6856#3.1-a */
    {"IMPLEMENTATION valija", NULL, NULL}, /* rfc2449#6.9-a */
};

/* capa = "CAPA"    rfc2449#5-a */
void
pop3_cmd_capa(struct pop3_server *s, struct slice args)
{
    (void)args;
    pop3_say(s, POP3_CAPA_LIST);
    for (size_t i = 0; i < COUNT(capabilities); i++) {
        const struct capability *c = &capabilities[i];

        if (c->when && !c->when(s))
            continue;
        buf_put_string(s->out, c->words);
        if (c->put_rest)
            c->put_rest(s);
        buf_put_string(s->out, "\r\n");
    }
    buf_put_string(s->out, ".\r\n");
}

/* utf8 = "UTF8"    rfc6856#2.1-a: before login only.
 * deviates: rfc6856#2.1-b: without UTF8 a message with UTF-8 in its header is sent as it is stored,
 * too. To refuse it would hide it from its owner, and most programs show it well. */
void
pop3_cmd_utf8(struct pop3_server *s, struct slice args)
{
    (void)args;
    s->utf8 = true;
    pop3_say(s, POP3_UTF8_ON);
}

/* lang = "LANG" [SP (tag / "*")]    rfc6856#3.2-a: the replies are in one language */
void
pop3_cmd_lang(struct pop3_server *s, struct slice args)
{
    if (args.len == 0) {
        pop3_say(s, POP3_LANG_LIST);
        buf_put_string(s->out, "en English\r\n.\r\n");
    } else if (slice_eq(args, SLICE("*")) || slice_eq_nocase(args, SLICE("en"))) {
        pop3_say_about(s, POP3_LANG_SET, SLICE("en"));
    } else {
        pop3_say(s, POP3_NO_LANG); /* rfc6856#3.2-b */
    }
}
