/* vrfy = "VRFY" SP name [SP "SMTPUTF8"] CRLF                         rfc5321#4.1.1.6-a
 * expn = "EXPN" SP name [SP "SMTPUTF8"] CRLF                         rfc5321#4.1.1.7-a
 * Whether anyone is told who lives here is the policy of whoever answers; without an opinion of
 * theirs it is 252 (rfc5321#3.5.3-a). Lists are nobody's business. */
#include "smtp/server_private.h"

static bool
take_name(struct slice *args, struct smtp_path *path)
{
    if (args->at[0] == '<')
        return smtp_path_take(args, path) && path->kind != SMTP_PATH_NULL;
    path->kind = SMTP_PATH_MAILBOX;
    if (mime_address_take(args, &path->address))
        return true;
    path->kind = SMTP_PATH_LOCAL;
    return mime_address_take_local(args, &path->address);
}

struct step
cmd_vrfy(struct smtp_server *s, struct slice args)
{
    struct smtp_path path;
    enum reason r;
    bool utf8 = s->envelope.smtputf8;

    if (s->phase <= READY)
        smtp_transaction_end(s); /* the name of the last VRFY goes */
    if (!take_name(&args, &path))
        return say(SMTP_BAD_RCPT);
    args = slice_trim(args);
    if (args.len && !slice_eq_nocase(args, SLICE("SMTPUTF8")))
        return smtp_bad_args("VRFY");
    s->envelope.smtputf8 = args.len != 0; /* rfc6531#3.7.4.2-a */
    r = smtp_address_keep(s, &path, SMTP_BAD_RCPT, &s->address);
    s->envelope.smtputf8 = utf8;
    return r ? say(r) : ask(SMTP_ASK_VRFY);
}

void
smtp_answer_vrfy(struct smtp_server *s, const struct smtp_answer *a)
{
    smtp_reply(s, a->reason ? a->reason : SMTP_VRFY_UNSURE,
               a->argument.len ? a->argument : s->address);
}

struct step
cmd_expn(struct smtp_server *s, struct slice args)
{
    (void)s;
    (void)args;
    return say_of(SMTP_NOT_IMPLEMENTED, SLICE("EXPN"));
}
