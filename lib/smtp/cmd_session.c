/* The commands of a line or two: RSET NOOP QUIT STARTTLS HELP, and what is not SMTP at all. */
#include "smtp/server_private.h"

enum { HELP_MAX = 400 }; /* octets of a line of help */

struct step
cmd_rset(struct smtp_server *s, struct slice args)
{
    (void)args;
    smtp_transaction_end(s);
    return say(SMTP_RESET);
}

struct step
cmd_noop(struct smtp_server *s, struct slice args)
{
    (void)s;
    (void)args;
    return say(SMTP_OK);
}

struct step
cmd_quit(struct smtp_server *s, struct slice args)
{
    (void)args;
    smtp_reply(s, SMTP_BYE, (struct slice){0});
    smtp_hang_up(s);
    return nothing();
}

struct step
cmd_http(struct smtp_server *s, struct slice args)
{
    (void)args;
    smtp_reply(s, SMTP_NOT_SMTP, (struct slice){0});
    smtp_hang_up(s);
    return nothing();
}

struct step
cmd_starttls(struct smtp_server *s, struct slice args)
{
    (void)args;
    if (s->client.tls)
        return say(SMTP_TLS_ALREADY);
    if (!s->config->tls_available)
        return say_of(SMTP_NOT_IMPLEMENTED, SLICE("STARTTLS"));
    smtp_reply(s, SMTP_TLS_GO, (struct slice){0});
    return ask(SMTP_ASK_TLS);
}

static void
put_status(const struct smtp_server *s, struct buf *text)
{
    buf_put_string(text, "You are ");
    buf_put(text, s->client.address);
    buf_put_string(text, s->client.tls ? ", encrypted by " : ", not encrypted");
    buf_put(text, s->client.tls_version);
    buf_put_string(text, s->client.login.len ? ", logged in as " : ", not logged in");
    buf_put(text, s->client.login);
}

static void
put_verbs(struct buf *text)
{
    buf_put_string(text, "Commands:");
    for (const struct smtp_command *c = smtp_commands; c->verb; c++) {
        buf_put_string(text, c->usage[0] ? " " : "");
        buf_put_string(text, c->usage[0] ? c->verb : "");
    }
}

struct step
cmd_help(struct smtp_server *s, struct slice args)
{
    uint8_t room[HELP_MAX];
    struct buf text = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    if (slice_eq_nocase(args, SLICE("STATUS"))) {
        put_status(s, &text);
        smtp_reply(s, SMTP_STATUS, buf_slice(&text));
        return nothing();
    }
    for (const struct smtp_command *c = smtp_commands; c->verb; c++)
        if (slice_eq_nocase(args, slice_of(c->verb)) && c->usage[0])
            return say_of(SMTP_HELP, slice_of(c->usage));
    put_verbs(&text);
    smtp_reply(s, SMTP_HELP, buf_slice(&text));
    return nothing();
}
