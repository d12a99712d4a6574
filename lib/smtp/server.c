/* The machine's heart: modes, the dispatcher and the lifetime of a transaction. What a command does
 * is in its cmd_*.c; which commands there are, and when, is command.def. */
#include "smtp/server.h"

#include <stdio.h>

#include "base/ensure.h"
#include "smtp/server_private.h"

/* Room kept in `out`: more than any reply, EHLO's included, and a 421 after it. */
enum { REPLY_ROOM = 4096 };

/* A transaction's memory: so much, and so much for each recipient the limit allows. Enough for the
 * usual ones in full number, and for a hundred of the longest: rfc5321#4.5.3.1.8-a. */
enum { TRANSACTION_MEMORY = 65536, RCPT_MEMORY = 512 };

const struct smtp_command smtp_commands[] = {
#define COMMAND(verb, phases, arguments, octets, run, otherwise, usage, anchor)                    \
    {verb, phases, arguments, octets, run, otherwise, usage},
#include "smtp/command.def"
#undef COMMAND
    {0},
};

uint64_t
smtp_limit(const struct smtp_server *s, enum limit l)
{
    return s->config->limits->value[l];
}

void
smtp_server_init(struct smtp_server *s, const struct smtp_config *config,
                 const struct smtp_peer *client, struct buf *out)
{
    ensure(out->cap >= SMTP_OUT_MIN);
    *s = (struct smtp_server){.config = config, .client = *client, .out = out, .phase = START};
    smtp_line_init(&s->line);
    buf_init(&s->helo, SMTP_HELO_MAX);
    buf_init(&s->login, SMTP_LOGIN_MAX);
    s->arena = arena_new("smtp transaction",
                         TRANSACTION_MEMORY + smtp_limit(s, LIMIT_recipients) * RCPT_MEMORY);
    smtp_transaction_end(s);
}

void
smtp_server_clear(struct smtp_server *s)
{
    smtp_transaction_end(s);
    smtp_sasl_close(s);
    smtp_line_clear(&s->line);
    buf_clear(&s->helo);
    buf_clear(&s->login);
    arena_free(s->arena);
    s->arena = NULL;
}

void
smtp_transaction_end(struct smtp_server *s)
{
    if (s->sink_open && s->data.sink.drop)
        s->data.sink.drop(s->data.sink.ctx);
    s->sink_open = false;
    s->mode = SMTP_MODE_COMMAND;
    if (s->phase > READY)
        s->phase = READY;
    arena_clear(s->arena);
    s->envelope = (struct smtp_envelope){0};
    s->last = &s->envelope.rcpts;
    s->pending = NULL;
    s->address = (struct slice){0};
    s->rcpt_refused = false;
    s->body_refusal = s->chunk_refusal = REASON_NONE;
}

void
smtp_hang_up(struct smtp_server *s)
{
    smtp_transaction_end(s);
    smtp_sasl_close(s);
    s->ask = SMTP_ASK_NONE;
    s->closing = true;
}

/* rfc5321#4.2-a: exactly one for each command, but the few that answer in lines. */
static void
reply(struct smtp_server *s, enum reason r, struct slice argument)
{
    if (reason_row(r)->code[0] == '5' && ++s->errors > smtp_limit(s, LIMIT_errors_per_session))
        r = SMTP_MANY_ERRORS;
    ensure(reason_put(s->out, r, argument, s->client.reference));
    if (s->config->refused && reason_is_refusal(r))
        s->config->refused(s->config->ctx, r, argument);
    if (strcmp(reason_row(r)->code, "421") == 0) /* rfc5321#3.8-a */
        smtp_hang_up(s);
}

void
smtp_reply_number(struct smtp_server *s, enum reason r, uint64_t number)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)number);

    reply(s, r, slice_make(text, (size_t)n));
}

void
smtp_reply(struct smtp_server *s, enum reason r, struct slice argument)
{
    if (r == SMTP_TOO_BIG)
        smtp_reply_number(s, r, smtp_limit(s, LIMIT_message_size));
    else if (r == SMTP_LONG_TEXT_LINE)
        smtp_reply_number(s, r, smtp_limit(s, LIMIT_line_length));
    else
        reply(s, r, argument);
}

void
smtp_finish_step(struct smtp_server *s, struct step step)
{
    if (step.say)
        smtp_reply(s, step.say, step.argument);
    if (step.ask)
        s->ask = step.ask;
}

void
smtp_server_greet(struct smtp_server *s, enum reason refusal)
{
    smtp_reply(s, refusal ? refusal : SMTP_GREETING, s->config->hostname); /* rfc5321#3.1-a */
    if (refusal)                                                           /* rfc5321#3.1-b */
        smtp_hang_up(s);
}

static struct step
dispatch(struct smtp_server *s, struct slice line)
{
    size_t octets = line.len + 2;
    struct slice verb, args = line;
    bool had_args = slice_cut(&args, ' ', &verb);

    args = slice_trim(args);
    had_args = had_args && args.len;
    for (const struct smtp_command *c = smtp_commands; c->verb; c++) {
        if (!slice_eq_nocase(verb, slice_of(c->verb))) /* rfc5321#2.4-a */
            continue;
        if (octets > c->octets)
            return say(SMTP_LINE_TOO_LONG);
        if ((c->phases & s->phase) == 0)
            return say(s->phase == START ? SMTP_HELLO_FIRST : c->otherwise); /* rfc5321#4.1.4-a */
        if (had_args ? c->arguments == NO_ARGS : c->arguments == NEEDS_ARGS)
            return say_of(SMTP_BAD_ARGS, slice_of(c->usage));
        return c->run(s, args);
    }
    return say(octets > 512 ? SMTP_LINE_TOO_LONG : SMTP_BAD_VERB); /* rfc5321#4.2.4-a */
}

struct step
smtp_bad_args(const char *verb)
{
    const struct smtp_command *c = smtp_commands;

    while (strcmp(c->verb, verb) != 0)
        c++;
    return say_of(SMTP_BAD_ARGS, slice_of(c->usage));
}

static size_t
command_mode(struct smtp_server *s, struct slice in)
{
    static const enum reason bad[] = {
        [SMTP_LINE_LONG] = SMTP_LINE_TOO_LONG,
        [SMTP_LINE_BARE] = SMTP_BARE_NEWLINE,
    };
    enum smtp_line_kind kind;
    struct slice line;
    size_t n = smtp_line_take(&s->line, in, &kind, &line);

    if (kind == SMTP_LINE_PARTIAL)
        return n;
    if (kind != SMTP_LINE_WHOLE) {
        smtp_sasl_close(s);
        smtp_reply(s, bad[kind], (struct slice){0});
    } else if (s->mode == SMTP_MODE_SASL) {
        smtp_sasl_line(s, line);
    } else if (slice_find(line, '\0') >= 0) {
        smtp_reply(s, SMTP_NUL_IN_COMMAND, (struct slice){0});
    } else {
        smtp_finish_step(s, dispatch(s, line));
    }
    return n;
}

size_t
smtp_server_feed(struct smtp_server *s, struct slice in)
{
    static size_t (*const modes[])(struct smtp_server *, struct slice) = {
        [SMTP_MODE_COMMAND] = command_mode,
        [SMTP_MODE_SASL] = command_mode,
        [SMTP_MODE_DATA] = smtp_data_mode,
        [SMTP_MODE_CHUNK] = smtp_chunk_mode,
    };
    size_t before = in.len;

    /* rfc2920#3.2-a: one after the other, the replies in the same order */
    while (in.len && !s->ask && !s->closing && buf_space(s->out) >= REPLY_ROOM)
        in = slice_tail(in, modes[s->mode](s, in));
    return before - in.len;
}

bool
smtp_answer_is_yes(const struct smtp_answer *a)
{
    return a->reason == REASON_NONE || reason_row(a->reason)->code[0] == '2';
}

void
smtp_server_answer(struct smtp_server *s, const struct smtp_answer *answer)
{
    static void (*const answers[])(struct smtp_server *, const struct smtp_answer *) = {
        [SMTP_ASK_SASL] = smtp_answer_sasl, [SMTP_ASK_SENDER] = smtp_answer_sender,
        [SMTP_ASK_RCPT] = smtp_answer_rcpt, [SMTP_ASK_VRFY] = smtp_answer_vrfy,
        [SMTP_ASK_BODY] = smtp_answer_body, [SMTP_ASK_COMMIT] = smtp_answer_commit,
    };
    enum smtp_ask asked = s->ask;

    ensure(asked != SMTP_ASK_NONE && asked != SMTP_ASK_TLS);
    s->ask = SMTP_ASK_NONE;
    answers[asked](s, answer);
}

void
smtp_server_tls_started(struct smtp_server *s, const struct smtp_peer *client)
{
    ensure(s->ask == SMTP_ASK_TLS);
    s->ask = SMTP_ASK_NONE;
    smtp_transaction_end(s); /* rfc3207#4.2-a */
    s->client = *client;
    s->phase = START;
    buf_reset(&s->helo);
}

void
smtp_server_end(struct smtp_server *s, enum reason why)
{
    if (s->closing)
        return;
    smtp_reply(s, why, (struct slice){0});
    smtp_hang_up(s);
}

bool
smtp_server_in_transaction(const struct smtp_server *s)
{
    return s->phase > READY;
}
