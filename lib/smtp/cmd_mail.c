/* mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF         rfc5321#4.1.1.2-a */
#include "smtp/server_private.h"

static struct step
take_sender(struct smtp_server *s, const struct smtp_path *path, struct slice args)
{
    enum reason r = REASON_NONE;
    struct step step = smtp_params_take(s, args, PARAM_MAIL);

    if (step.say)
        return step;
    if (path->kind == SMTP_PATH_LOCAL && s->config->service != SMTP_SERVICE_SYSTEM)
        return say(SMTP_BAD_SENDER);
    r = smtp_address_keep(s, path, SMTP_BAD_SENDER, &s->envelope.sender);
    return r ? say(r) : nothing();
}

static struct step
accept(struct smtp_server *s)
{
    s->phase = MAIL;
    return say_of(SMTP_SENDER_OK, s->envelope.sender);
}

/* Whose address it is, where somebody is logged in; of a stranger's, whether it can be one. */
static bool
is_asked(const struct smtp_server *s)
{
    return s->client.login.len || (s->address.len && smtp_limit(s, LIMIT_sender_domain_check) != 0);
}

struct step
cmd_mail(struct smtp_server *s, struct slice args)
{
    struct smtp_path path;
    struct step step;

    if (!slice_take_prefix_nocase(&args, SLICE("FROM:")))
        return smtp_bad_args("MAIL");
    if (s->config->service == SMTP_SERVICE_SUBMISSION && s->client.login.len == 0)
        return say(SMTP_LOGIN_FIRST); /* rfc4954#6-a */
    step = smtp_blank_told(s, args, SMTP_SENDER_BLANK);
    if (step.say)
        return step;
    if (!smtp_path_take(&args, &path) || (args.len && args.at[0] != ' '))
        return say(SMTP_BAD_SENDER);
    smtp_transaction_end(s); /* what VRFY or a refused MAIL left */
    step = take_sender(s, &path, args);
    if (step.say) {
        smtp_finish_step(s, step);
        smtp_transaction_end(s);
        return nothing();
    }
    s->address = s->envelope.sender; /* rfc5321#4.5.5-a: empty for <> */
    return is_asked(s) ? ask(SMTP_ASK_SENDER) : accept(s);
}

void
smtp_answer_sender(struct smtp_server *s, const struct smtp_answer *a)
{
    if (smtp_answer_is_yes(a)) {
        smtp_finish_step(s, accept(s));
        return;
    }
    smtp_reply(s, a->reason, a->argument.len ? a->argument : s->address);
    smtp_transaction_end(s);
}
