/* auth = "AUTH" SP mechanism [SP ( base64 / "=" )] CRLF              rfc4954#4-a
 * then lines of base 64 in both directions, or "*". What a mechanism says is lib/sasl's. */
#include "smtp/server_private.h"

#include "base/base64.h"

enum { NONCE_MAX = 128 };

bool
smtp_login_allowed(const struct smtp_server *s)
{
    uint64_t plaintext = smtp_limit(s, LIMIT_smtp_plaintext);

    return s->config->service == SMTP_SERVICE_SUBMISSION &&
           (s->client.tls || plaintext == 2 || (plaintext == 1 && s->client.loopback));
}

bool
smtp_mechanism_offered(const struct smtp_server *s, enum sasl_mechanism m)
{
    const struct sasl_binding *b = &s->client.binding;

    return m != SASL_SCRAM_SHA_256_PLUS || b->tls_exporter.len || b->tls_server_end_point.len;
}

void
smtp_sasl_close(struct smtp_server *s)
{
    if (s->sasl_open)
        sasl_server_clear(&s->sasl);
    s->sasl_open = false;
    if (s->mode == SMTP_MODE_SASL)
        s->mode = SMTP_MODE_COMMAND;
}

static void
refuse(struct smtp_server *s, enum reason r, struct slice argument)
{
    smtp_sasl_close(s);
    if (strcmp(reason_row(r)->code, "535") == 0)
        s->failures++;
    smtp_reply(s, r, argument);
}

static void
challenge(struct smtp_server *s)
{
    struct secret text;

    secret_init(&text, 4 * SASL_TEXT_MAX);
    secret_put(&text, (struct slice){0}); /* all its room at once, so that nothing is left behind */
    base64_put(&text.buf, secret_get(&s->sasl.challenge));
    smtp_reply(s, SMTP_AUTH_CHALLENGE, secret_get(&text));
    secret_clear(&text);
}

static void
log_in(struct smtp_server *s)
{
    smtp_sasl_close(s);
    s->client.login = buf_slice(&s->login);
    smtp_reply(s, SMTP_LOGGED_IN, s->client.login);
}

/* What the mechanism wants next, done. */
static void
go_on(struct smtp_server *s, enum sasl_step step)
{
    static const enum reason endings[] = {
        [SASL_FAILED] = SMTP_LOGIN_WRONG,
        [SASL_MALFORMED] = SMTP_BAD_AUTH,
        [SASL_CANCELLED] = SMTP_AUTH_CANCELLED,
    };

    s->sasl_step = step;
    if (step == SASL_CHALLENGE)
        challenge(s);
    else if (step == SASL_DONE)
        log_in(s);
    else if (endings[step])
        refuse(s, endings[step], (struct slice){0});
    else
        s->ask = SMTP_ASK_SASL;
}

/* Why this is no time or place to log in. */
static enum reason
not_now(const struct smtp_server *s)
{
    if (s->config->service != SMTP_SERVICE_SUBMISSION)
        return SMTP_NO_AUTH_HERE; /* rfc4954#4-i */
    if (s->client.login.len)
        return SMTP_LOGIN_ALREADY; /* rfc4954#4-b */
    if (s->phase == START)
        return SMTP_HELLO_FIRST;
    if (s->phase != READY)
        return SMTP_BAD_SEQUENCE; /* rfc4954#4-c: not in a transaction */
    if (!smtp_login_allowed(s))
        return SMTP_TLS_FIRST; /* rfc4954#4-d */
    if (s->failures >= smtp_limit(s, LIMIT_logins_per_session))
        return SMTP_MANY_LOGINS;
    return REASON_NONE;
}

static enum sasl_step
start(struct smtp_server *s, enum sasl_mechanism m, const struct slice *initial)
{
    uint8_t room[NONCE_MAX];
    struct buf nonce = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    buf_put(&nonce, s->client.nonce);
    buf_put_u64(&nonce, s->exchanges++); /* no nonce is used twice */
    buf_reset(&s->login);
    sasl_server_init(&s->sasl, m, s->client.binding);
    s->sasl_open = true;
    s->mode = SMTP_MODE_SASL;
    return sasl_server_start(&s->sasl, initial, buf_slice(&nonce));
}

/* base 64, decoded where it will be wiped. False: it is none, or too much. */
static bool
decode(struct slice text, struct secret *message)
{
    secret_init(message, SASL_TEXT_MAX);
    secret_put(message, (struct slice){0});
    return base64_decode(text, &message->buf);
}

struct step
cmd_auth(struct smtp_server *s, struct slice args)
{
    enum reason r = not_now(s);
    struct slice name, initial;
    struct secret message;
    bool has_initial;
    int m;

    if (r)
        return say(r);
    has_initial = slice_cut(&args, ' ', &name);
    m = sasl_mechanism_find(name);
    if (m < 0 || !smtp_mechanism_offered(s, (enum sasl_mechanism)m))
        return say(SMTP_NO_MECHANISM); /* rfc4954#4-e */
    if (slice_eq(args, SLICE("=")))    /* rfc4954#4-f: an empty initial response */
        args = (struct slice){0};
    if (!decode(args, &message)) {
        secret_clear(&message);
        return say(SMTP_BAD_BASE64); /* rfc4954#4-g */
    }
    initial = secret_get(&message);
    go_on(s, start(s, (enum sasl_mechanism)m, has_initial ? &initial : NULL));
    secret_clear(&message);
    return nothing();
}

void
smtp_sasl_line(struct smtp_server *s, struct slice line)
{
    struct secret message;

    if (slice_eq(line, SLICE("*"))) { /* rfc4954#4-h */
        go_on(s, SASL_CANCELLED);
        return;
    }
    if (decode(line, &message))
        go_on(s, sasl_server_respond(&s->sasl, secret_get(&message)));
    else
        refuse(s, SMTP_BAD_BASE64, (struct slice){0});
    secret_clear(&message);
}

void
smtp_answer_sasl(struct smtp_server *s, const struct smtp_answer *a)
{
    if (!smtp_answer_is_yes(a)) {
        refuse(s, a->reason, a->argument);
        return;
    }
    if (a->right && !buf_put(&s->login, a->login)) {
        refuse(s, SMTP_LOCAL_ERROR, (struct slice){0});
        return;
    }
    if (s->sasl_step == SASL_ASK_PASSWORD)
        go_on(s, sasl_server_verified(&s->sasl, a->right));
    else if (s->sasl_step == SASL_ASK_SCRAM_USER)
        go_on(s, sasl_server_scram_salted(&s->sasl, a->salt, a->iterations));
    else
        go_on(s, sasl_server_scram_proved(&s->sasl, a->right, a->signature));
}
