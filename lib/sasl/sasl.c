/* What all mechanisms share, and the two that hand over the password: PLAIN (RFC 4616) and LOGIN
 * (never a standard; draft-murchison-sasl-login). Calling out of turn is a bug, not an answer. */
#include "sasl/sasl.h"

#include "base/ensure.h"
#include "sasl/sasl_private.h"

static enum sasl_step read_plain(struct sasl_server *s, struct slice message);
static enum sasl_step read_login_user(struct sasl_server *s, struct slice message);
static enum sasl_step read_login_password(struct sasl_server *s, struct slice message);

typedef enum sasl_step read_fn(struct sasl_server *s, struct slice message);

static const struct mechanism {
    const char *name;
    bool plaintext;
    const char *prompt; /* what to send where there is no initial response */
    read_fn *first, *second;
} mechanisms[SASL_MECHANISM_COUNT] = {
    [SASL_PLAIN] = {"PLAIN", true, "", read_plain, NULL},
    [SASL_LOGIN] = {"LOGIN", true, "Username:", read_login_user, read_login_password},
    [SASL_SCRAM_SHA_256] = {"SCRAM-SHA-256", false, "", sasl_scram_first, sasl_scram_final},
    [SASL_SCRAM_SHA_256_PLUS] = {"SCRAM-SHA-256-PLUS", false, "", sasl_scram_first,
                                 sasl_scram_final},
};

int
sasl_mechanism_find(struct slice name)
{
    for (int i = 0; i < SASL_MECHANISM_COUNT; i++)
        if (slice_eq_nocase(name, slice_of(mechanisms[i].name)))
            return i;
    return -1;
}

const char *
sasl_mechanism_name(enum sasl_mechanism m)
{
    return mechanisms[m].name;
}

bool
sasl_mechanism_is_plaintext(enum sasl_mechanism m)
{
    return mechanisms[m].plaintext;
}

void
sasl_server_init(struct sasl_server *s, enum sasl_mechanism m, struct sasl_binding binding)
{
    *s = (struct sasl_server){.mechanism = m, .binding = binding, .turn = TURN_START};
    secret_init(&s->user, SASL_NAME_MAX);
    secret_init(&s->password, SASL_PASSWORD_MAX);
    secret_init(&s->challenge, 2 * SASL_TEXT_MAX);
    secret_init(&s->auth_message, 4 * SASL_TEXT_MAX); /* three messages and two commas */
    secret_init(&s->proof, SASL_SCRAM_KEY);
    secret_init(&s->nonce, 2 * SASL_TEXT_MAX);
    secret_init(&s->first_bare, SASL_TEXT_MAX);
    secret_init(&s->bound, 2 * SASL_TEXT_MAX);
}

void
sasl_server_clear(struct sasl_server *s)
{
    secret_clear(&s->user);
    secret_clear(&s->password);
    secret_clear(&s->challenge);
    secret_clear(&s->auth_message);
    secret_clear(&s->proof);
    secret_clear(&s->nonce);
    secret_clear(&s->first_bare);
    secret_clear(&s->bound);
    s->turn = TURN_OVER;
}

enum sasl_step
sasl_server_start(struct sasl_server *s, const struct slice *initial, struct slice nonce)
{
    ensure(s->turn == TURN_START);
    ensure(sasl_secret_set(&s->nonce, nonce));
    s->turn = TURN_FIRST;
    if (initial)
        return sasl_server_respond(s, *initial);
    sasl_secret_set(&s->challenge, slice_of(mechanisms[s->mechanism].prompt));
    return SASL_CHALLENGE;
}

enum sasl_step
sasl_server_respond(struct sasl_server *s, struct slice message)
{
    unsigned turn = s->turn;

    ensure(turn == TURN_FIRST || turn == TURN_SECOND || turn == TURN_LAST);
    s->turn = TURN_OVER; /* unless the reader below says how it goes on */
    if (message.len > SASL_TEXT_MAX)
        return SASL_MALFORMED;
    if (turn == TURN_LAST) /* the client has seen the signature and has no more to say */
        return message.len ? SASL_MALFORMED : SASL_DONE;
    if (turn == TURN_FIRST)
        return mechanisms[s->mechanism].first(s, message);
    return mechanisms[s->mechanism].second(s, message);
}

static enum sasl_step
ask_password(struct sasl_server *s, struct slice user, struct slice password)
{
    if (!sasl_name_is_valid(user) || !sasl_text_is_valid(password, SASL_PASSWORD_MAX))
        return SASL_MALFORMED;
    sasl_secret_set(&s->user, user);
    sasl_secret_set(&s->password, password);
    s->turn = TURN_ASKED_PASSWORD;
    return SASL_ASK_PASSWORD;
}

/* message = [authzid] NUL authcid NUL passwd    rfc4616#2-a */
static enum sasl_step
read_plain(struct sasl_server *s, struct slice message)
{
    struct slice authzid, user, password = message;

    if (!slice_cut(&password, '\0', &authzid) || !slice_cut(&password, '\0', &user))
        return SASL_MALFORMED;
    if (authzid.len && !slice_eq(authzid, user))
        return SASL_FAILED; /* rfc4616#2-b: nobody may act as somebody else */
    return ask_password(s, user, password);
}

static enum sasl_step
read_login_user(struct sasl_server *s, struct slice message)
{
    if (!sasl_name_is_valid(message))
        return SASL_MALFORMED;
    sasl_secret_set(&s->user, message);
    sasl_secret_set(&s->challenge, SLICE("Password:"));
    s->turn = TURN_SECOND;
    return SASL_CHALLENGE;
}

static enum sasl_step
read_login_password(struct sasl_server *s, struct slice message)
{
    if (!sasl_text_is_valid(message, SASL_PASSWORD_MAX))
        return SASL_MALFORMED;
    sasl_secret_set(&s->password, message);
    s->turn = TURN_ASKED_PASSWORD;
    return SASL_ASK_PASSWORD;
}

enum sasl_step
sasl_server_verified(struct sasl_server *s, bool right)
{
    ensure(s->turn == TURN_ASKED_PASSWORD);
    s->turn = TURN_OVER;
    secret_clear(&s->password);
    return right ? SASL_DONE : SASL_FAILED;
}
