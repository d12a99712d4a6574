/* ehlo = "EHLO" SP ( Domain / address-literal ) CRLF                 rfc5321#4.1.1.1-a
 * helo = "HELO" SP Domain CRLF                                       rfc5321#4.1.1.1-b
 * The name is taken down, never believed, and not looked up: rfc5321#4.1.4-b. */
#include "smtp/server_private.h"

enum { EXTENSION_MAX = 128 }; /* octets of one line of EHLO's answer */

static bool
has_tls(const struct smtp_server *s)
{
    return s->config->tls_available && !s->client.tls; /* rfc3207#4.2-b */
}

static bool
has_auth(const struct smtp_server *s)
{
    return smtp_login_allowed(s) && s->client.login.len == 0; /* rfc4954#3-b */
}

static void
put_size(const struct smtp_server *s, struct buf *line)
{
    buf_put_u64(line, smtp_limit(s, LIMIT_message_size));
}

static void
put_mechanisms(const struct smtp_server *s, struct buf *line)
{
    for (unsigned m = 0; m < SASL_MECHANISM_COUNT; m++) {
        if (!smtp_mechanism_offered(s, m))
            continue;
        buf_put_byte(line, ' ');
        buf_put_string(line, sasl_mechanism_name(m));
    }
}

/* What EHLO lists; HELP ends the list because it always is there. */
static const struct {
    const char *text;
    bool (*is_offered)(const struct smtp_server *s); /* NULL: always */
    void (*put_rest)(const struct smtp_server *s, struct buf *line);
} extensions[] = {
    {"PIPELINING", NULL, NULL},          /* rfc2920#2-a */
    {"SIZE ", NULL, put_size},           /* rfc1870#3-a */
    {"STARTTLS", has_tls, NULL},         /* rfc3207#2-a */
    {"AUTH", has_auth, put_mechanisms},  /* rfc4954#3-a */
    {"ENHANCEDSTATUSCODES", NULL, NULL}, /* rfc2034#3-a */
    {"8BITMIME", NULL, NULL},            /* rfc6152#2-b */
    {"DSN", NULL, NULL},                 /* rfc3461#2-a */
    {"CHUNKING", NULL, NULL},            /* rfc3030#2-b */
    {"SMTPUTF8", NULL, NULL},            /* rfc6531#3.1-a */
    {"HELP", NULL, NULL},
};

/* A name as programs in the wild give it: "_" and a dot at the end are tolerated, one label too; or
 * an address in brackets: rfc5321#4.1.3-a */
static bool
name_ok(struct slice name)
{
    bool bracketed = name.at[0] == '[';

    if (bracketed && (name.len < 3 || name.at[name.len - 1] != ']'))
        return false;
    if (bracketed)
        name = slice_make(name.at + 1, name.len - 2);
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.at[i];

        if (!ascii_is_alnum(c) && !memchr("-._:%", c, bracketed ? 5 : 3))
            return false;
    }
    return true;
}

/* A UTF-8 name is kept as A-labels, for trace lines that are ASCII: rfc6531#3.7.1-a. */
static bool
keep_name(struct smtp_server *s, struct slice name)
{
    uint8_t room[SMTP_HELO_MAX];
    struct buf kept = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    if (name_ok(name) ? !buf_put(&kept, name) : !mime_domain_put(&kept, name))
        return false;
    buf_reset(&s->helo);
    return buf_put(&s->helo, buf_slice(&kept));
}

static bool
begin(struct smtp_server *s, struct slice name, bool esmtp)
{
    if (!keep_name(s, name))
        return false;
    smtp_transaction_end(s); /* rfc5321#4.1.4-c: EHLO forgets as RSET does */
    s->phase = READY;
    s->esmtp = esmtp;
    return true;
}

struct step
cmd_helo(struct smtp_server *s, struct slice args)
{
    return begin(s, args, false) ? say_of(SMTP_HELLO, s->config->hostname) : say(SMTP_BAD_HELLO);
}

struct step
cmd_ehlo(struct smtp_server *s, struct slice args)
{
    uint8_t room[EXTENSION_MAX];
    struct buf line = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    if (!begin(s, args, true))
        return say(SMTP_BAD_HELLO);
    reason_put_line(s->out, SMTP_HELLO, s->config->hostname, SLICE(""), true);
    for (size_t i = 0; i < COUNT(extensions); i++) {
        if (extensions[i].is_offered && !extensions[i].is_offered(s))
            continue;
        buf_reset(&line);
        buf_put_string(&line, extensions[i].text);
        if (extensions[i].put_rest)
            extensions[i].put_rest(s, &line);
        reason_put_line(s->out, SMTP_HELLO, buf_slice(&line), SLICE(""), i + 1 < COUNT(extensions));
    }
    return nothing();
}
