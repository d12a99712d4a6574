/* The ways in: USER and PASS, APOP (RFC 1939 section 7), AUTH (RFC 5034). All but APOP are SASL
 * exchanges, USER and PASS one of PLAIN, so that the owner has one question to answer. */
#include "base/base64.h"
#include "base/ensure.h"
#include "pop3/server_private.h"

bool
pop3_may_send_password(const struct pop3_server *s)
{
    uint64_t policy = s->config->limits->value[LIMIT_pop3_plaintext];

    return s->client.tls || policy == 2 || (policy == 1 && s->client.loopback);
}

void
pop3_login_reset(struct pop3_server *s)
{
    sasl_server_clear(&s->sasl);
    secret_clear(&s->user);
    s->exchanging = false;
}

/* Why a mechanism (-1: unknown) may not be used here and now, or REASON_NONE. */
static enum reason
check(const struct pop3_server *s, int mechanism)
{
    const struct sasl_binding *b = &s->client.binding;
    bool bound = b->tls_exporter.len || b->tls_server_end_point.len;

    if (mechanism < 0 || (mechanism == SASL_SCRAM_SHA_256_PLUS && !bound))
        return POP3_NO_MECHANISM;
    if (sasl_mechanism_is_plaintext((enum sasl_mechanism)mechanism) && !pop3_may_send_password(s))
        return POP3_NEEDS_TLS;
    return REASON_NONE;
}

void
pop3_put_mechanisms(const struct pop3_server *s, const char *before, const char *after)
{
    for (int m = 0; m < SASL_MECHANISM_COUNT; m++) {
        if (check(s, m))
            continue;
        buf_put_string(s->out, before);
        buf_put_string(s->out, sasl_mechanism_name((enum sasl_mechanism)m));
        buf_put_string(s->out, after);
    }
}

/* number: the argument of those rows that have one. */
static void
refuse(struct pop3_server *s, enum reason r, uint64_t number)
{
    pop3_login_reset(s);
    if (r == POP3_WRONG_LOGIN &&
        ++s->login_failures >= s->config->limits->value[LIMIT_logins_per_session]) {
        s->closing = true;
        r = POP3_WRONG_LOGINS;
    }
    if (r == POP3_LOGIN_DELAY)
        s->closing = true; /* who is told to wait is not kept */
    pop3_say_number(s, r, number);
}

/* s->user has proved who it is. */
static void
ask_open(struct pop3_server *s)
{
    s->ask = (struct pop3_ask){.kind = POP3_ASK_OPEN, .user = secret_get(&s->user)};
}

static void
put_challenge(struct pop3_server *s)
{
    buf_put_string(s->out, "+ ");
    base64_put(s->out, secret_get(&s->sasl.challenge));
    ensure(buf_put_string(s->out, "\r\n"));
    s->exchanging = true;
}

static void
ask_sasl(struct pop3_server *s, enum sasl_step step)
{
    s->ask = (struct pop3_ask){
        .kind = POP3_ASK_SASL,
        .step = step,
        .user = secret_get(&s->sasl.user),
        .password = secret_get(&s->sasl.password),
        .auth_message = secret_get(&s->sasl.auth_message),
        .proof = secret_get(&s->sasl.proof),
    };
}

static void
proceed(struct pop3_server *s, enum sasl_step step)
{
    if (step == SASL_CHALLENGE) {
        put_challenge(s);
    } else if (step == SASL_DONE) {
        secret_clear(&s->user);
        ensure(secret_put(&s->user, secret_get(&s->sasl.user)));
        sasl_server_clear(&s->sasl);
        ask_open(s);
    } else if (step == SASL_FAILED) {
        refuse(s, POP3_WRONG_LOGIN, 0); /* rfc3206#5-a */
    } else if (step == SASL_MALFORMED) {
        refuse(s, POP3_AUTH_BAD, 0);
    } else {
        ask_sasl(s, step);
    }
}

/* The nonce is the connection's with a count, so that no two exchanges share one. */
static enum sasl_step
start(struct pop3_server *s, enum sasl_mechanism mechanism, const struct slice *initial)
{
    struct buf nonce;
    enum sasl_step step;

    ensure(s->client.nonce.len >= POP3_NONCE_MIN);
    sasl_server_clear(&s->sasl);
    sasl_server_init(&s->sasl, mechanism, s->client.binding);
    buf_init(&nonce, s->client.nonce.len + 24);
    buf_put(&nonce, s->client.nonce);
    buf_put_byte(&nonce, '.');
    buf_put_u64(&nonce, ++s->exchanges);
    step = sasl_server_start(&s->sasl, initial, buf_slice(&nonce));
    buf_clear(&nonce);
    return step;
}

/* Base 64 into message. False, and refused: it is something else, or too long. */
static bool
decode(struct pop3_server *s, struct slice text, struct secret *message)
{
    secret_init(message, SASL_TEXT_MAX);
    secret_put(message, (struct slice){0}); /* takes all its room: decoding leaves no copies */
    if (base64_decode(text, &message->buf))
        return true;
    secret_clear(message);
    refuse(s, POP3_AUTH_BASE64, 0);
    return false;
}

/* "AUTH" alone lists the mechanisms: never a standard, but some clients count on it. */
static void
list_mechanisms(struct pop3_server *s)
{
    pop3_say(s, POP3_AUTH_LIST);
    pop3_put_mechanisms(s, "", "\r\n");
    buf_put_string(s->out, ".\r\n");
}

/* auth = "AUTH" [SP mechanism [SP ("=" / base64)]]    rfc5034#4-a, rfc5034#4-b, rfc5034#4-e */
void
pop3_cmd_auth(struct pop3_server *s, struct slice args)
{
    struct slice name, initial;
    bool with_initial = slice_cut(&args, ' ', &name);
    int mechanism = sasl_mechanism_find(name);
    enum reason refusal = check(s, mechanism);
    struct secret message;

    if (name.len == 0) {
        list_mechanisms(s);
    } else if (refusal) {
        refuse(s, refusal, 0);
    } else if (!with_initial) {
        proceed(s, start(s, (enum sasl_mechanism)mechanism, NULL));
    } else if (decode(s, slice_eq(args, SLICE("=")) ? (struct slice){0} : args, &message)) {
        initial = secret_get(&message);
        proceed(s, start(s, (enum sasl_mechanism)mechanism, &initial));
        secret_clear(&message);
    }
}

/* answer = "*" / base64    rfc5034#4-c, rfc5034#4-d */
void
pop3_login_respond(struct pop3_server *s, struct slice line)
{
    struct secret message;

    if (slice_eq(line, SLICE("*"))) {
        refuse(s, POP3_AUTH_CANCELLED, 0);
    } else if (decode(s, line, &message)) {
        proceed(s, sasl_server_respond(&s->sasl, secret_get(&message)));
        secret_clear(&message);
    }
}

void
pop3_sasl_answered(struct pop3_server *s, struct pop3_ask ask, const struct pop3_answer *a)
{
    if (a->reason)
        refuse(s, a->reason, a->seconds);
    else if (ask.step == SASL_ASK_PASSWORD)
        proceed(s, sasl_server_verified(&s->sasl, true));
    else if (ask.step == SASL_ASK_SCRAM_USER)
        proceed(s, sasl_server_scram_salted(&s->sasl, a->salt, a->iterations));
    else
        proceed(s, sasl_server_scram_proved(&s->sasl, true, a->signature));
}

/* user = "USER" SP name    rfc1939#7-e: the same reply whether there is such a user or not */
void
pop3_cmd_user(struct pop3_server *s, struct slice args)
{
    secret_clear(&s->user);
    ensure(secret_put(&s->user, args)); /* a line is shorter than a name may be */
    pop3_say(s, POP3_USER_TAKEN);
}

/* pass = "PASS" SP password    rfc1939#7-f: all that follows the space. What no mechanism takes for
 * a name or a password is a wrong one. */
void
pop3_cmd_pass(struct pop3_server *s, struct slice args)
{
    struct secret message;
    struct slice initial;
    enum sasl_step step;

    if (secret_get(&s->user).len == 0) {
        pop3_say(s, POP3_NO_USER);
        return;
    }
    secret_init(&message, SASL_TEXT_MAX);
    secret_put(&message, SLICE("\0"));
    secret_put(&message, secret_get(&s->user));
    secret_put(&message, SLICE("\0"));
    ensure(secret_put(&message, args));
    initial = secret_get(&message);
    step = start(s, SASL_PLAIN, &initial);
    secret_clear(&message);
    proceed(s, step == SASL_MALFORMED ? SASL_FAILED : step);
}

/* Hexadecimal digits, in lower case as the RFC has them, whatever the client writes. */
static bool
read_digest(struct slice text, uint8_t digest[POP3_APOP_DIGEST])
{
    if (text.len != POP3_APOP_DIGEST)
        return false;
    for (size_t i = 0; i < POP3_APOP_DIGEST; i++) {
        digest[i] = ascii_lower(text.at[i]);
        if (!ascii_is_digit(digest[i]) && (digest[i] < 'a' || digest[i] > 'f'))
            return false;
    }
    return true;
}

/* apop = "APOP" SP name SP 32HEXDIG    rfc1939#7-g */
void
pop3_cmd_apop(struct pop3_server *s, struct slice args)
{
    ptrdiff_t space = slice_find_last(args, ' ');
    struct slice name = slice_trim(slice_head(args, space < 0 ? 0 : (size_t)space));

    if (s->stamp.len == 0) {
        pop3_say(s, POP3_NO_APOP);
    } else if (name.len == 0 || !read_digest(slice_tail(args, (size_t)space + 1), s->digest)) {
        pop3_say(s, POP3_BAD_ARGS);
    } else {
        ensure(secret_put(&s->user, name));
        s->ask = (struct pop3_ask){.kind = POP3_ASK_APOP,
                                   .user = secret_get(&s->user),
                                   .proof = {s->digest, sizeof(s->digest)}};
    }
}

void
pop3_apop_answered(struct pop3_server *s, struct pop3_ask ask, const struct pop3_answer *a)
{
    (void)ask;
    if (a->reason)
        refuse(s, a->reason, a->seconds);
    else
        ask_open(s);
}

/* A refusal leaves the session before login.    rfc1939#4-c, rfc2449#8.1.1-a, rfc2449#8.1.2-a */
void
pop3_open_answered(struct pop3_server *s, struct pop3_ask ask, const struct pop3_answer *a)
{
    (void)ask;
    if (a->reason) {
        refuse(s, a->reason, a->seconds);
        return;
    }
    s->phase = POP3_TRANSACTION;
    s->messages = a->messages;
    s->count = a->count;
    s->uid_validity = a->uid_validity;
    s->login_delay = a->seconds;
    s->marks = heap_take(a->count / 8 + 1); /* a bit beside each 16 bytes of the owner's table */
    for (size_t i = 0; i < a->count; i++)
        s->octets += a->messages[i].size;
    pop3_say_number(s, POP3_LOGGED_IN, s->count);
}
