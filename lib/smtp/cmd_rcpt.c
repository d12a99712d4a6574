/* rcpt = "RCPT TO:" ( "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
 * rfc5321#4.1.1.3-a */
#include "smtp/server_private.h"

static struct step
refuse(struct smtp_server *s, struct step step)
{
    s->rcpt_refused = true;
    s->pending = NULL;
    return step;
}

/* A name without a domain is for a local user's programs, but for the postmaster: rfc5321#4.5.1-a
 */
static bool
kind_ok(const struct smtp_server *s, const struct smtp_path *path)
{
    if (path->kind == SMTP_PATH_LOCAL)
        return s->config->service == SMTP_SERVICE_SYSTEM ||
               slice_eq_nocase(path->address.local, SLICE("postmaster"));
    return path->kind == SMTP_PATH_MAILBOX;
}

struct step
cmd_rcpt(struct smtp_server *s, struct slice args)
{
    struct smtp_path path;
    struct step step;
    enum reason r;

    if (!slice_take_prefix_nocase(&args, SLICE("TO:")))
        return smtp_bad_args("RCPT");
    step = smtp_blank_told(s, args, SMTP_RCPT_BLANK);
    if (step.say)
        return refuse(s, step);
    if (!smtp_path_take(&args, &path) || !kind_ok(s, &path) || (args.len && args.at[0] != ' '))
        return refuse(s, say(SMTP_BAD_RCPT));
    s->pending = arena_take(s->arena, sizeof(*s->pending));
    if (!s->pending || s->envelope.rcpt_count >= smtp_limit(s, LIMIT_recipients))
        return refuse(s, say(SMTP_MANY_RCPT)); /* rfc5321#4.5.3.1.10-a: 452, never 5yz */
    step = smtp_params_take(s, args, PARAM_RCPT);
    if (step.say)
        return refuse(s, step);
    r = smtp_address_keep(s, &path, SMTP_BAD_RCPT, &s->pending->address);
    if (r)
        return refuse(s, say(r));
    s->address = s->pending->address;
    return ask(SMTP_ASK_RCPT);
}

static void
add(struct smtp_server *s, const struct smtp_answer *a)
{
    *s->last = s->pending;
    s->last = &s->pending->next;
    s->pending->room = a->room;
    s->pending = NULL;
    s->envelope.rcpt_count++;
    s->phase = RCPT;
}

void
smtp_answer_rcpt(struct smtp_server *s, const struct smtp_answer *a)
{
    enum reason r = a->reason;

    s->pending->note = arena_copy(s->arena, a->note);
    if (smtp_answer_is_yes(a) && a->note.len && !s->pending->note.at)
        r = SMTP_MANY_RCPT;
    else if (smtp_answer_is_yes(a) && s->envelope.declared > a->room)
        r = SMTP_OVER_QUOTA; /* rfc1870#6.4-a: known before a single octet is sent */
    else if (smtp_answer_is_yes(a))
        add(s, a);
    if (s->pending)
        refuse(s, nothing());
    /* rfc5321#3.3-c rfc5321#3.4-a rfc5321#3.4-b: 550, 551 and 251 come with the answer */
    smtp_reply(s, r ? r : SMTP_RCPT_OK, a->argument.len ? a->argument : s->address);
}
