/* The client's turns. SCRAM (RFC 5802 section 5) without channel binding:
 *
 *   we say    "n,,n=" name ",r=" nonce
 *   they say  "r=" nonces ",s=" base64 ",i=" number        nonces begins with our nonce
 *   we say    "c=biws,r=" nonces ",p=" base64
 *   they say  "v=" base64                                  only who has our keys can
 */
#include "sasl/client.h"

#include "base/base64.h"
#include "base/ensure.h"
#include "sasl/sasl_private.h"

#define GS2_HEADER "n,,"

void
sasl_client_init(struct sasl_client *c, enum sasl_mechanism m, struct slice user,
                 struct slice password, struct slice nonce)
{
    ensure(m != SASL_SCRAM_SHA_256_PLUS);
    ensure(user.len <= SASL_NAME_MAX && password.len <= SASL_PASSWORD_MAX);
    *c = (struct sasl_client){
        .mechanism = m, .user = user, .password = password, .nonce = nonce, .turn = TURN_START};
    secret_init(&c->response, 4 * SASL_TEXT_MAX);
    secret_init(&c->first_bare, 2 * SASL_TEXT_MAX);
}

void
sasl_client_clear(struct sasl_client *c)
{
    secret_clear(&c->response);
    secret_clear(&c->first_bare);
    c->turn = TURN_OVER;
}

/* message = NUL authcid NUL passwd    rfc4616#2-a */
static void
write_plain(struct sasl_client *c)
{
    static const uint8_t nul;

    secret_put(&c->response, slice_make(&nul, 1));
    secret_put(&c->response, c->user);
    secret_put(&c->response, slice_make(&nul, 1));
    secret_put(&c->response, c->password);
    c->turn = TURN_OVER;
}

/* saslname    rfc5802#5.1-b */
static void
put_name(struct secret *to, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == ',')
            secret_put(to, SLICE("=2C"));
        else if (name.at[i] == '=')
            secret_put(to, SLICE("=3D"));
        else
            secret_put(to, slice_make(name.at + i, 1));
    }
}

static void
write_scram_first(struct sasl_client *c)
{
    secret_put(&c->first_bare, SLICE("n="));
    put_name(&c->first_bare, c->user);
    secret_put(&c->first_bare, SLICE(",r="));
    secret_put(&c->first_bare, c->nonce);
    secret_put(&c->response, SLICE(GS2_HEADER));
    secret_put(&c->response, secret_get(&c->first_bare));
    c->turn = TURN_SECOND;
}

bool
sasl_client_start(struct sasl_client *c)
{
    ensure(c->turn == TURN_START);
    if (c->mechanism == SASL_LOGIN) {
        c->turn = TURN_FIRST;
        return false;
    }
    if (c->mechanism == SASL_PLAIN)
        write_plain(c);
    else
        write_scram_first(c);
    ensure(!c->response.buf.full);
    return true;
}

/* What LOGIN's challenges say is for people, and differs; their order does not. */
static bool
respond_login(struct sasl_client *c, unsigned turn)
{
    c->turn = turn == TURN_FIRST ? TURN_SECOND : TURN_OVER;
    return secret_put(&c->response, turn == TURN_FIRST ? c->user : c->password);
}

struct server_first {
    struct slice nonces, salt_text;
    uint64_t iterations;
};

static bool
read_server_first(const struct sasl_client *c, struct slice message, struct server_first *f)
{
    struct slice rest = message, iterations;

    /* rfc5802#5.1-e: a mandatory extension "m=" stands where the nonce belongs, and so is refused
     */
    if (!sasl_scram_take(&rest, 'r', &f->nonces) || !sasl_scram_take(&rest, 's', &f->salt_text) ||
        !sasl_scram_take(&rest, 'i', &iterations) || !sasl_scram_skip_extensions(rest) ||
        !slice_to_u64(iterations, &f->iterations))
        return false;
    /* rfc5802#5.1-d: ours in front, and something of theirs */
    return sasl_scram_is_nonce(f->nonces) && f->nonces.len > c->nonce.len &&
           slice_eq(slice_head(f->nonces, c->nonce.len), c->nonce) &&
           f->iterations >= SASL_ITERATIONS_LEAST && f->iterations <= SASL_ITERATIONS_MOST;
}

/* rfc5802#3-a: the proof over the three messages, and the signature they will have to answer. */
static bool
prove(struct sasl_client *c, const struct server_first *f, struct slice message, uint8_t *proof)
{
    uint8_t room[SASL_TEXT_MAX];
    struct buf salt = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct secret auth;
    bool good;

    secret_init(&auth, 4 * SASL_TEXT_MAX);
    secret_put(&auth, secret_get(&c->first_bare));
    secret_put(&auth, SLICE(","));
    secret_put(&auth, message);
    secret_put(&auth, SLICE(","));
    good = secret_put(&auth, secret_get(&c->response)) && base64_decode(f->salt_text, &salt) &&
           sasl_scram_prove(c->password, buf_slice(&salt), (uint32_t)f->iterations,
                            secret_get(&auth), proof, c->signature);
    secret_clear(&auth);
    return good;
}

static bool
respond_scram_first(struct sasl_client *c, struct slice message)
{
    uint8_t proof[SASL_SCRAM_KEY];
    struct server_first f = {0};

    if (!read_server_first(c, message, &f))
        return false;
    secret_put(&c->response, SLICE("c=biws,r=")); /* the base 64 of GS2_HEADER: rfc5802#5.1-c */
    secret_put(&c->response, f.nonces);
    if (!prove(c, &f, message, proof))
        return false;
    secret_put(&c->response, SLICE(",p="));
    c->turn = TURN_LAST;
    return base64_put(&c->response.buf, slice_make(proof, sizeof(proof)));
}

/* rfc5802#5-c: a server that does not know our keys cannot say this. */
static bool
respond_scram_last(struct sasl_client *c, struct slice message)
{
    uint8_t room[SASL_SCRAM_KEY];
    struct buf signature = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct slice text, rest = message;

    return sasl_scram_take(&rest, 'v', &text) && sasl_scram_skip_extensions(rest) &&
           base64_decode(text, &signature) &&
           secret_eq(buf_slice(&signature), slice_make(c->signature, sizeof(c->signature))) &&
           secret_put(&c->response, (struct slice){0});
}

bool
sasl_client_respond(struct sasl_client *c, struct slice challenge)
{
    unsigned turn = c->turn;

    ensure(turn != TURN_START);
    secret_clear(&c->response);
    c->turn = TURN_OVER; /* unless the turn below says how it goes on */
    if (challenge.len > SASL_TEXT_MAX)
        turn = TURN_OVER;
    if (c->mechanism == SASL_LOGIN && turn != TURN_OVER)
        return respond_login(c, turn);
    if (turn == TURN_SECOND && respond_scram_first(c, challenge))
        return true;
    if (turn == TURN_LAST && respond_scram_last(c, challenge))
        return true;
    c->turn = TURN_FAILED;
    return false;
}

bool
sasl_client_is_done(const struct sasl_client *c)
{
    return c->turn == TURN_OVER;
}
