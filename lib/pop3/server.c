/* Lines to commands, answers to replies. What a command needs stands in command.def and is checked
 * here, once for all. */
#include "pop3/server.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "pop3/server_private.h"

enum { LOGIN = POP3_LOGIN, TRANSACTION = POP3_TRANSACTION };
enum { NO_ARGS = 1, NEEDS_ARGS = 2, RAW = 4, HAS_PASSWORD = 8 };

static const struct command {
    const char *verb;
    unsigned phases, flags;
    void (*run)(struct pop3_server *s, struct slice args);
} commands[] = {
#define COMMAND(verb, phases, flags, handler, rule) {verb, phases, flags, handler},
#include "pop3/command.def"
#undef COMMAND
};

void
pop3_server_init(struct pop3_server *s, const struct pop3_config *config, struct pop3_client client,
                 struct buf *out, struct slice stamp)
{
    ensure(out->cap >= 2 * POP3_REPLY_MAX);
    *s = (struct pop3_server){.config = config, .client = client, .out = out, .stamp = stamp};
    s->phase = POP3_LOGIN;
    secret_init(&s->held, POP3_ANSWER_MAX);
    secret_init(&s->user, SASL_NAME_MAX);
}

void
pop3_server_clear(struct pop3_server *s)
{
    s->closing = true;
    sasl_server_clear(&s->sasl);
    secret_clear(&s->user);
    secret_clear(&s->held);
    free(s->marks);
    s->marks = NULL;
}

/* A stamp in it offers APOP.    rfc1939#4-a, rfc1939#7-g */
void
pop3_server_greet(struct pop3_server *s)
{
    pop3_say_about(s, POP3_GREETING, s->stamp.len ? s->stamp : s->config->hostname);
}

void
pop3_say_about(struct pop3_server *s, enum reason r, struct slice argument)
{
    bool refused = reason_is_refusal(r);

    if (refused && ++s->errors >= s->config->limits->value[LIMIT_errors_per_session] &&
        !s->closing) {
        s->closing = true;
        r = POP3_MANY_ERRORS;
    }
    ensure(reason_put(s->out, r, argument,
                      s->client.reference)); /* rfc1939#3-c; feed sees to the room */
    if (s->config->refused && refused)
        s->config->refused(s->config->ctx, r, argument);
}

void
pop3_say(struct pop3_server *s, enum reason r)
{
    pop3_say_about(s, r, (struct slice){0});
}

void
pop3_say_number(struct pop3_server *s, enum reason r, uint64_t number)
{
    uint8_t room[24];
    struct buf text = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    buf_put_u64(&text, number);
    pop3_say_about(s, r, buf_slice(&text));
}

static const struct command *
find(struct slice verb)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (slice_eq_nocase(verb, slice_of(commands[i].verb))) /* rfc1939#3-a */
            return &commands[i];
    return NULL;
}

/* Why the command may not run, or REASON_NONE. */
static enum reason
check(const struct pop3_server *s, const struct command *c, struct slice args)
{
    if (!c)
        return POP3_BAD_VERB; /* rfc1939#3-e */
    if (!(c->phases & s->phase))
        return s->phase == POP3_LOGIN ? POP3_LOGIN_FIRST : POP3_LOGGED_IN_YET; /* rfc1939#3-f */
    if ((c->flags & NEEDS_ARGS && args.len == 0) || (c->flags & NO_ARGS && args.len))
        return POP3_BAD_ARGS;
    if (c->flags & HAS_PASSWORD && !pop3_may_send_password(s))
        return POP3_NEEDS_TLS; /* rfc2595#2.3-a */
    return REASON_NONE;
}

static void
run(struct pop3_server *s, struct slice line)
{
    struct slice verb;
    const struct command *c;
    enum reason refusal;

    slice_cut(&line, ' ', &verb);
    c = find(verb);
    if (c && !(c->flags & RAW))
        line = slice_trim(line);
    if (s->phase == POP3_LOGIN && !(c && c->flags & HAS_PASSWORD))
        secret_clear(&s->user); /* rfc1939#7-f */
    refusal = check(s, c, line);
    if (refusal) {
        pop3_say(s, refusal);
        return;
    }
    ensure(c != NULL); /* check refuses what is no command */
    c->run(s, line);
}

/* A browser that was led here: what follows is not from somebody who speaks POP3. */
static bool
is_http(struct slice line)
{
    static const char *const verbs[] = {"GET ",   "HEAD ",   "POST ",    "PUT ",
                                        "PATCH ", "DELETE ", "OPTIONS ", "CONNECT "};

    for (size_t i = 0; i < COUNT(verbs); i++)
        if (slice_starts_nocase(line, slice_of(verbs[i])))
            return true;
    return false;
}

/* Text between CR LF and CR LF, without a CR, LF or NUL of its own.    rfc1939#3-b */
static bool
is_clean(struct slice line)
{
    struct slice text = slice_head(line, line.len - 1);

    return text.len && slice_find(text, '\r') == (ptrdiff_t)text.len - 1 &&
           slice_find(text, '\0') < 0;
}

/* A whole line with its end, or an empty slice: it was too long. */
static void
obey(struct pop3_server *s, struct slice line)
{
    bool exchanging = s->exchanging;
    enum reason refusal = REASON_NONE;

    s->exchanging = false; /* one line answers one challenge, also a bad one */
    if (line.len == 0)
        refusal = POP3_LINE_LONG;
    else if (!s->heard && is_http(line))
        refusal = POP3_NOT_HTTP;
    else if (!is_clean(line))
        refusal = POP3_LINE_BAD;
    s->heard = true;
    if (refusal) {
        s->closing = refusal == POP3_NOT_HTTP;
        if (s->phase == POP3_LOGIN)
            pop3_login_reset(s);
        pop3_say(s, refusal);
    } else if (exchanging) {
        pop3_login_respond(s, slice_head(line, line.len - 2));
    } else {
        run(s, slice_head(line, line.len - 2));
    }
}

size_t
pop3_server_feed(struct pop3_server *s, struct slice in)
{
    size_t offered = in.len;
    struct slice line;

    while (s->ask.kind == POP3_ASK_NONE && !s->closing) {
        if (s->listing)
            pop3_listing_continue(s);
        if (s->listing || buf_space(s->out) < POP3_REPLY_MAX || in.len == 0)
            break;
        if (!pop3_line_take(s, &in, s->exchanging ? POP3_ANSWER_MAX : POP3_LINE_MAX, &line))
            break;
        obey(s, line);
        pop3_line_done(s);
    }
    return offered - in.len;
}

bool
pop3_server_has_more(const struct pop3_server *s)
{
    return s->listing != POP3_LISTING_NONE && !s->closing;
}

void
pop3_server_answer(struct pop3_server *s, const struct pop3_answer *answer)
{
    static pop3_answered_fn *const answered[] = {
        [POP3_ASK_SASL] = pop3_sasl_answered,     [POP3_ASK_APOP] = pop3_apop_answered,
        [POP3_ASK_OPEN] = pop3_open_answered,     [POP3_ASK_BODY] = pop3_body_answered,
        [POP3_ASK_COMMIT] = pop3_commit_answered,
    };
    struct pop3_ask ask = s->ask;

    ensure(ask.kind != POP3_ASK_NONE && ask.kind != POP3_ASK_TLS);
    s->ask = (struct pop3_ask){0};
    if (!s->closing) /* the owner may have ended the session while the question was out */
        answered[ask.kind](s, ask, answer);
}

/* What the client said and learnt before counts for nothing.    rfc2595#4-b */
void
pop3_server_tls_started(struct pop3_server *s, struct sasl_binding binding)
{
    ensure(s->ask.kind == POP3_ASK_TLS);
    s->ask = (struct pop3_ask){0};
    pop3_login_reset(s);
    s->utf8 = false;
    s->client.tls = true;
    s->client.binding = binding;
}

/* rfc1939#3-g: an idle session ends without a word and deletes nothing. */
void
pop3_server_end(struct pop3_server *s, enum reason reason)
{
    bool inside = s->listing || s->sending || s->ask.kind == POP3_ASK_TLS;
    bool speak = reason && !inside && !s->closing && buf_space(s->out) >= POP3_REPLY_MAX;

    s->closing = true;
    if (speak)
        pop3_say(s, reason);
}

/* quit = "QUIT"    rfc1939#4-b, rfc1939#6-a */
void
pop3_cmd_quit(struct pop3_server *s, struct slice args)
{
    (void)args;
    if (s->marked) {
        s->ask = (struct pop3_ask){.kind = POP3_ASK_COMMIT, .user = secret_get(&s->user)};
        return;
    }
    s->closing = true;
    pop3_say(s, POP3_BYE);
}

/* stls = "STLS"    rfc2595#4-a */
void
pop3_cmd_stls(struct pop3_server *s, struct slice args)
{
    (void)args;
    if (s->client.tls) {
        pop3_say(s, POP3_TLS_ACTIVE);
    } else if (!s->config->tls_available) {
        pop3_say(s, POP3_NO_TLS);
    } else {
        pop3_say(s, POP3_STLS_GO);
        s->ask = (struct pop3_ask){.kind = POP3_ASK_TLS};
    }
}
