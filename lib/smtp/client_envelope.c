/* One transaction up to its message:
 *
 *   [RSET] MAIL 1*RCPT [DATA]
 *
 * DATA is left out where the message goes by BDAT. With PIPELINING all of it may leave in one group
 * (rfc2920#3.1-a); without, each line waits for the reply to the one before. Lines are said and
 * replies are heard in the same order, so two cursors over the steps are all the book-keeping. */
#include "smtp/client_private.h"

enum { STEP_RSET, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_DONE };

void
smtp_client_begin_envelope(struct smtp_client *c)
{
    c->next = c->envelope->rcpts;
    c->said = c->heard = c->dirty ? STEP_RSET : STEP_MAIL;
    c->said_rcpt = c->heard_rcpt = c->accepted = 0;
    c->stop = false;
    c->want = SMTP_WANT_NOTHING;
    smtp_client_say_envelope(c);
}

void
smtp_client_settle(struct smtp_client *c)
{
    for (size_t i = 0; i < c->envelope->rcpt_count; i++) {
        struct smtp_outcome *o = &c->outcomes[i];

        if (o->verdict == SMTP_VERDICT_UNDECIDED && o->code < 400) /* not: too many recipients */
            *o = c->outcome;
    }
    c->over = true;
}

void
smtp_client_end_transaction(struct smtp_client *c)
{
    c->open = c->over = false;
    smtp_client_ready(c);
}

/* The next recipient, unless it has its outcome already. */
static void
say_next_rcpt(struct smtp_client *c)
{
    if (!c->next || c->stop) {
        c->said = STEP_DATA;
        return;
    }
    if (!c->outcomes[c->said_rcpt].trouble)
        smtp_client_say_rcpt(c, c->next);
    c->said_rcpt++;
    c->next = c->next->next;
}

static void
say_step(struct smtp_client *c)
{
    switch (c->said) {
    case STEP_RSET:
        smtp_client_say(c, "RSET", (struct slice){0}); /* rfc5321#4.1.1.5-b */
        c->said = STEP_MAIL;
        break;
    case STEP_MAIL:
        smtp_client_say_mail(c);
        c->said = STEP_RCPT;
        break;
    case STEP_RCPT:
        say_next_rcpt(c);
        break;
    default: /* where everybody was refused already there is nothing to send: rfc5321#3.3-d */
        if (!smtp_offered(c, SMTP_OFFER_CHUNKING) && (c->owed || c->accepted))
            smtp_client_say(c, "DATA", (struct slice){0});
        c->said = STEP_DONE;
    }
}

static void
hear_mail(struct smtp_client *c)
{
    c->heard = STEP_RCPT;
    if (smtp_reply_class(&c->reply) == 2) {
        c->dirty = true;
        return;
    }
    c->outcome = smtp_client_replied(c);
    smtp_client_settle(c);
}

/* rfc5321#4.5.3.1.10-b: 452, and 552 of old servers, say "so many and no more"; by an enhanced code
 * it is certain. Once one recipient was taken it says nothing against those that were not. */
static bool
is_too_many(const struct smtp_client *c, const struct smtp_outcome *o)
{
    if (o->enhanced[0])
        return strcmp(o->enhanced + 1, ".5.3") == 0;
    return c->accepted && (o->code == 452 || o->code == 552);
}

/* Those that were not named yet need not hear it themselves. */
static void
stop_naming(struct smtp_client *c, const struct smtp_outcome *why)
{
    c->stop = true;
    for (size_t i = c->said_rcpt; i < c->envelope->rcpt_count; i++)
        if (!c->outcomes[i].trouble)
            c->outcomes[i] = *why;
}

static void
hear_rcpt(struct smtp_client *c)
{
    struct smtp_outcome *o = &c->outcomes[c->heard_rcpt++];

    if (c->over)
        return;
    *o = smtp_client_replied(c);
    if (o->verdict == SMTP_VERDICT_UNDECIDED) {
        c->accepted++;
    } else if (is_too_many(c, o)) {
        o->verdict = c->accepted ? SMTP_VERDICT_UNDECIDED : SMTP_VERDICT_TEMPORARY;
        if (c->accepted)
            stop_naming(c, o);
    }
}

/* rfc2920#3.1-b: DATA left before we knew that nobody would be taken; one dot, and no message. */
static void
send_nothing(struct smtp_client *c)
{
    c->over = c->ended = true;
    c->stage = SMTP_STAGE_BODY;
    smtp_client_say(c, ".", (struct slice){0});
}

static void
hear_data(struct smtp_client *c)
{
    if (c->reply.code == 354 && c->over) {
        smtp_client_hang_up(c, c->outcome); /* MAIL was refused: whose message would it be? */
    } else if (c->reply.code == 354 && c->accepted == 0) {
        send_nothing(c);
    } else if (c->reply.code == 354) {
        smtp_client_begin_body(c);
    } else if (!c->over && c->accepted) {
        c->outcome = smtp_client_replied(c);
        smtp_client_settle(c);
    }
}

/* Only DATA is answered by 3yz, and never by 2yz. */
static bool
fits(const struct smtp_client *c)
{
    unsigned class = smtp_reply_class(&c->reply);

    return c->heard == STEP_DATA ? class != 2 && (class != 3 || c->reply.code == 354) : class != 3;
}

/* To what the next reply belongs. */
static void
find_heard(struct smtp_client *c)
{
    static const enum smtp_stage stages[] = {[STEP_RSET] = SMTP_STAGE_MAIL,
                                             [STEP_MAIL] = SMTP_STAGE_MAIL,
                                             [STEP_RCPT] = SMTP_STAGE_RCPT,
                                             [STEP_DATA] = SMTP_STAGE_DATA};

    while (c->heard == STEP_RCPT && c->heard_rcpt < c->said_rcpt &&
           c->outcomes[c->heard_rcpt].trouble)
        c->heard_rcpt++;
    if (c->heard == STEP_RCPT && c->heard_rcpt == c->said_rcpt && c->said > STEP_RCPT)
        c->heard = STEP_DATA;
    c->stage = stages[c->heard];
}

void
smtp_client_say_envelope(struct smtp_client *c)
{
    bool ahead = smtp_offered(c, SMTP_OFFER_PIPELINING); /* rfc2920#2-b */

    while (c->said < STEP_DONE && !c->over && (ahead || c->owed == 0) &&
           buf_space(c->out) >= SMTP_COMMAND_MAX)
        say_step(c);
    find_heard(c);
    if (c->owed)
        return;
    if (c->over || (c->said == STEP_DONE && c->accepted == 0))
        smtp_client_end_transaction(c);
    else if (c->said == STEP_DONE)
        smtp_client_begin_body(c);
}

static void
hear_rset(struct smtp_client *c)
{
    if (smtp_reply_class(&c->reply) != 2) {
        smtp_client_give_up(c, smtp_client_replied(c));
        return;
    }
    c->dirty = false;
    c->heard = STEP_MAIL;
}

void
smtp_heard_envelope(struct smtp_client *c)
{
    static smtp_heard_fn *const hear[] = {[STEP_RSET] = hear_rset,
                                          [STEP_MAIL] = hear_mail,
                                          [STEP_RCPT] = hear_rcpt,
                                          [STEP_DATA] = hear_data};

    find_heard(c);
    if (fits(c))
        hear[c->heard](c);
    else
        smtp_client_hang_up(c, smtp_client_trouble(c, SMTP_TROUBLE_STEP));
}
