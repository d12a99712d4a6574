/* The machine's heart: which reply belongs to what, and how a connection ends. What is said in a
 * stage, and what its replies mean, is in the client_*.c.
 *
 * Every line of ours that is to be answered is counted in `owed`. A reply can only answer what has
 * left `out`: one that comes earlier is out of step, whatever it says. */
#include "smtp/client.h"

#include "base/ensure.h"
#include "smtp/client_private.h"

void
smtp_client_init(struct smtp_client *c, const struct smtp_client_config *config, struct buf *out)
{
    ensure(out->cap >= SMTP_CLIENT_OUT_MIN);
    *c = (struct smtp_client){.config = config, .out = out, .stage = SMTP_STAGE_CONNECT};
    smtp_reply_init(&c->reply);
    buf_init(&c->chunk, SMTP_CHUNK_MAX);
    c->arena = arena_new("smtp client", SMTP_CLIENT_SAID_MAX);
}

void
smtp_client_clear(struct smtp_client *c)
{
    smtp_reply_clear(&c->reply);
    buf_clear(&c->chunk);
    sasl_client_clear(&c->sasl);
    arena_free(c->arena);
    c->arena = NULL;
    c->outcomes = NULL;
}

void
smtp_client_connected(struct smtp_client *c)
{
    ensure(c->stage == SMTP_STAGE_CONNECT);
    if (c->config->tls == SMTP_TLS_AT_ONCE) {
        c->stage = SMTP_STAGE_TLS;
        c->want = SMTP_WANT_TLS;
        return;
    }
    c->stage = SMTP_STAGE_GREETING;
    c->owed = 1;
}

void
smtp_client_tls_started(struct smtp_client *c)
{
    ensure(c->want == SMTP_WANT_TLS);
    c->want = SMTP_WANT_NOTHING;
    c->tls = true;
    c->offers = (struct smtp_offers){0}; /* rfc3207#4.2-c */
    if (c->config->tls != SMTP_TLS_AT_ONCE) {
        smtp_client_hello(c);
        return;
    }
    c->stage = SMTP_STAGE_GREETING;
    c->owed = 1;
}

void
smtp_client_say(struct smtp_client *c, const char *verb, struct slice rest)
{
    buf_put_string(c->out, verb);
    buf_put(c->out, rest);
    ensure(buf_put_string(c->out, "\r\n"));
    c->owed++;
}

struct smtp_outcome
smtp_client_replied(struct smtp_client *c)
{
    return smtp_outcome_of_reply(&c->reply, c->stage, c->arena);
}

struct smtp_outcome
smtp_client_trouble(struct smtp_client *c, enum smtp_trouble t)
{
    return smtp_outcome_of_trouble(t, (struct slice){0}, c->stage, c->arena);
}

/* Why the connection ends, and with it the message that is under way. */
static void
decide(struct smtp_client *c, struct smtp_outcome why)
{
    if (c->over || c->stage == SMTP_STAGE_QUIT)
        return;                                     /* how a goodbye goes changes nothing */
    if (smtp_client_end_has_left(c) && why.trouble) /* rfc5321#6.1-b */
        why.verdict = SMTP_VERDICT_UNKNOWN;
    c->outcome = why;
    if (c->open)
        smtp_client_settle(c);
    c->open = false;
}

void
smtp_client_hang_up(struct smtp_client *c, struct smtp_outcome why)
{
    decide(c, why);
    buf_reset(c->out); /* half a message must not be ended by what was written ahead */
    c->want = SMTP_WANT_NOTHING;
    c->closing = true;
}

void
smtp_client_give_up(struct smtp_client *c, struct smtp_outcome why)
{
    decide(c, why);
    c->want = SMTP_WANT_NOTHING;
    c->stage = SMTP_STAGE_QUIT;
    smtp_client_say(c, "QUIT", (struct slice){0}); /* rfc5321#3.1-c: also after a refusing 554 */
}

void
smtp_client_quit(struct smtp_client *c)
{
    ensure(c->want == SMTP_WANT_MESSAGE);
    c->want = SMTP_WANT_NOTHING;
    c->stage = SMTP_STAGE_QUIT;
    c->outcome = (struct smtp_outcome){.stage = c->stage};
    smtp_client_say(c, "QUIT", (struct slice){0});
}

void
smtp_heard_quit(struct smtp_client *c)
{
    if (c->owed == 0)
        smtp_client_hang_up(c, c->outcome);
}

void
smtp_client_ready(struct smtp_client *c)
{
    c->stage = SMTP_STAGE_MAIL;
    c->want = SMTP_WANT_MESSAGE;
}

/* How many of the replies owed cannot come yet, as what they answer is still in `out`. */
static size_t
unsent(const struct smtp_client *c)
{
    struct slice rest = buf_slice(c->out), line;
    size_t lines = 0;

    if (rest.len && c->stage == SMTP_STAGE_BODY)
        return c->owed ? 1 : 0; /* the newest chunk, or the final dot */
    while (slice_cut(&rest, '\n', &line))
        lines++;
    return lines;
}

/* A reply that answers nothing. The server may say 421 whenever it must stop (rfc5321#3.8-b), and
 * some cannot wait for the end of a message to refuse it. */
static void
take_early(struct smtp_client *c)
{
    bool is_no =
        c->stage == SMTP_STAGE_BODY ? smtp_reply_class(&c->reply) >= 4 : c->reply.code == 421;

    smtp_client_hang_up(c,
                        is_no ? smtp_client_replied(c) : smtp_client_trouble(c, SMTP_TROUBLE_STEP));
}

static void
take_reply(struct smtp_client *c)
{
    static smtp_heard_fn *const heard[] = {
        [SMTP_STAGE_GREETING] = smtp_heard_greeting, [SMTP_STAGE_HELLO] = smtp_heard_hello,
        [SMTP_STAGE_TLS] = smtp_heard_tls,           [SMTP_STAGE_AUTH] = smtp_heard_auth,
        [SMTP_STAGE_MAIL] = smtp_heard_envelope,     [SMTP_STAGE_RCPT] = smtp_heard_envelope,
        [SMTP_STAGE_DATA] = smtp_heard_envelope,     [SMTP_STAGE_BODY] = smtp_heard_body,
        [SMTP_STAGE_QUIT] = smtp_heard_quit,
    };

    c->owed--;
    if (c->reply.code == 421) /* rfc5321#3.8-b: to whatever, the server closes */
        smtp_client_hang_up(c, smtp_client_replied(c));
    else
        heard[c->stage](c);
}

/* What may be said once there is room, or what was waited for has come. */
static void
go_on(struct smtp_client *c)
{
    if (c->open && c->stage == SMTP_STAGE_BODY)
        smtp_client_say_chunk(c);
    else if (c->open && c->want == SMTP_WANT_NOTHING)
        smtp_client_say_envelope(c);
}

void
smtp_client_feed(struct smtp_client *c, struct slice in)
{
    size_t due = c->owed - unsent(c); /* what is said meanwhile cannot be answered by `in` */

    while (in.len && !c->closing) {
        enum smtp_reply_kind kind;

        if (c->want == SMTP_WANT_TLS) { /* rfc3207#4-d */
            smtp_client_hang_up(c, smtp_client_trouble(c, SMTP_TROUBLE_INJECTED));
            return;
        }
        in = slice_tail(in, smtp_reply_take(&c->reply, in, &kind));
        if (kind == SMTP_REPLY_GARBAGE) {
            smtp_client_hang_up(c, smtp_client_trouble(c, SMTP_TROUBLE_GARBAGE));
        } else if (kind == SMTP_REPLY_ENDLESS) {
            smtp_client_hang_up(c, smtp_client_trouble(c, SMTP_TROUBLE_ENDLESS));
        } else if (kind == SMTP_REPLY_WHOLE && due == 0) {
            take_early(c);
        } else if (kind == SMTP_REPLY_WHOLE) {
            due--;
            take_reply(c);
        }
    }
    if (!c->closing)
        go_on(c);
}

void
smtp_client_lost(struct smtp_client *c, enum smtp_trouble trouble, struct slice words)
{
    if (!c->closing)
        smtp_client_hang_up(c, smtp_outcome_of_trouble(trouble, words, c->stage, c->arena));
}

unsigned
smtp_client_seconds(const struct smtp_client *c)
{
    const struct smtp_stage_row *row = smtp_stage_row(c->stage);

    return c->out->len || c->want == SMTP_WANT_BODY ? row->write : row->answer;
}
