/* The server side of SCRAM (rfc5802#5-a), strict: attributes in their order, nothing unread.
 *
 *   client-first = gs2-header bare
 *   gs2-header   = ("n" / "y" / "p=" cb-name) "," ["a=" saslname] ","
 *   bare         = "n=" saslname "," "r=" nonce ["," extensions]
 *   server-first = "r=" nonces "," "s=" base64 "," "i=" number
 *   client-final = "c=" base64 "," "r=" nonces ["," extensions] "," "p=" base64
 *   server-final = "v=" base64
 *
 * A message that does not follow this is MALFORMED; one that does and is not to be believed (nonce,
 * binding, downgrade) has FAILED, like a wrong proof. */
#include "base/base64.h"
#include "base/ensure.h"
#include "sasl/sasl_private.h"

enum {
    NONCE_MAX = 256, /* bytes of a nonce, or of both together; theirs have 24 or so */
    SALT_MAX = 64,   /* bytes of a salt; ours have 16 */
};

struct first {
    uint8_t flag; /* 'n', 'y' or 'p' */
    struct slice binding_name, authzid, header, bare, user, nonce;
};

bool
sasl_scram_take(struct slice *rest, uint8_t name, struct slice *value)
{
    struct slice part;
    bool comma = slice_cut(rest, ',', &part);

    if ((comma && rest->len == 0) || part.len < 3 || part.at[0] != name || part.at[1] != '=')
        return false;
    *value = slice_tail(part, 2);
    return true;
}

bool
sasl_scram_skip_extensions(struct slice rest)
{
    while (rest.len) {
        uint8_t letter = ascii_lower(rest.at[0]);
        struct slice value;

        if (letter < 'a' || letter > 'z' || !sasl_scram_take(&rest, rest.at[0], &value))
            return false;
    }
    return true;
}

bool
sasl_scram_is_nonce(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] >= 0x7f || text.at[i] == ',')
            return false;
    return text.len > 0 && text.len <= NONCE_MAX;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, any other "=" an error    rfc5802#5.1-b */
static bool
decode_name(struct slice text, struct buf *name)
{
    struct slice before;

    while (slice_cut(&text, '=', &before)) {
        buf_put(name, before);
        if (slice_take_prefix(&text, SLICE("2C")))
            buf_put_byte(name, ',');
        else if (slice_take_prefix(&text, SLICE("3D")))
            buf_put_byte(name, '=');
        else
            return false;
    }
    return buf_put(name, before) && sasl_name_is_valid(buf_slice(name));
}

/* The header's part before its first comma    rfc5802#7-a */
static bool
read_flag(struct slice flag, struct first *f)
{
    f->flag = flag.len ? flag.at[0] : 0;
    if (f->flag == 'p') {
        f->binding_name = flag;
        return sasl_scram_take(&flag, 'p', &f->binding_name);
    }
    return flag.len == 1 && (f->flag == 'n' || f->flag == 'y');
}

static bool
read_first(struct slice message, struct first *f)
{
    struct slice rest = message, flag, authzid;

    if (!sasl_text_is_valid(message, SASL_TEXT_MAX))
        return false;
    if (!slice_cut(&rest, ',', &flag) || !read_flag(flag, f) || !slice_cut(&rest, ',', &authzid))
        return false;
    if (authzid.len && !sasl_scram_take(&authzid, 'a', &f->authzid))
        return false;
    f->bare = rest;
    f->header = slice_head(message, message.len - rest.len);
    /* rfc5802#5.1-e: a mandatory extension "m=" stands where the name belongs, and so is refused */
    return sasl_scram_take(&rest, 'n', &f->user) && sasl_scram_take(&rest, 'r', &f->nonce) &&
           sasl_scram_is_nonce(f->nonce) && sasl_scram_skip_extensions(rest);
}

/* The binding data the client's flag asks for. False: the flag is not to be believed. tls-unique is
 * not among the types (rfc7677#4-a). */
static bool
choose_binding(const struct sasl_server *s, const struct first *f, struct slice *data)
{
    bool available = s->binding.tls_exporter.len || s->binding.tls_server_end_point.len;
    bool plus = s->mechanism == SASL_SCRAM_SHA_256_PLUS;

    *data = (struct slice){0};
    if (plus != (f->flag == 'p'))
        return false; /* rfc5802#6-a: the name of the mechanism and the flag agree */
    if (f->flag == 'y')
        return !available; /* rfc5802#6-b: somebody took -PLUS out of our list */
    if (!plus)
        return true;
    if (slice_eq(f->binding_name, SLICE("tls-exporter")))
        *data = s->binding.tls_exporter;
    if (slice_eq(f->binding_name, SLICE("tls-server-end-point")))
        *data = s->binding.tls_server_end_point;
    return data->len != 0; /* rfc5802#6-c: a type we do not have */
}

static bool
append_nonce(struct sasl_server *s, struct slice theirs)
{
    struct secret both;
    bool good;

    secret_init(&both, s->nonce.buf.cap);
    good = secret_put(&both, theirs) && secret_put(&both, secret_get(&s->nonce));
    secret_clear(&s->nonce);
    s->nonce = both;
    return good;
}

enum sasl_step
sasl_scram_first(struct sasl_server *s, struct slice message)
{
    struct first f = {0};
    struct slice data;
    struct buf authzid;
    bool same = true;

    if (!read_first(message, &f))
        return SASL_MALFORMED;
    secret_clear(&s->user);
    secret_put(&s->user, SLICE("")); /* takes all its room: decoding then leaves no copies */
    if (!decode_name(f.user, &s->user.buf))
        return SASL_MALFORMED;
    if (f.authzid.len) {
        buf_init(&authzid, SASL_NAME_MAX);
        same =
            decode_name(f.authzid, &authzid) && slice_eq(buf_slice(&authzid), secret_get(&s->user));
        buf_clear(&authzid);
    }
    s->offered_binding = f.flag == 'y';
    if (!same || !choose_binding(s, &f, &data))
        return SASL_FAILED; /* nobody may act as somebody else, rfc5802#5.1-a */
    sasl_secret_set(&s->first_bare, f.bare);
    sasl_secret_set(&s->bound, f.header);
    if (!secret_put(&s->bound, data) || !append_nonce(s, f.nonce))
        return SASL_MALFORMED;
    s->turn = TURN_ASKED_USER;
    return SASL_ASK_SCRAM_USER;
}

enum sasl_step
sasl_server_scram_salted(struct sasl_server *s, struct slice salt, uint32_t iterations)
{
    struct buf *challenge = &s->challenge.buf;

    ensure(s->turn == TURN_ASKED_USER);
    s->turn = TURN_OVER;
    if (salt.len == 0 || salt.len > SALT_MAX || iterations == 0)
        return SASL_FAILED; /* a user without SCRAM keys */
    sasl_secret_set(&s->challenge, SLICE("r="));
    buf_put(challenge, secret_get(&s->nonce));
    buf_put_string(challenge, ",s=");
    base64_put(challenge, salt);
    buf_put_string(challenge, ",i=");
    buf_put_u64(challenge, iterations);
    sasl_secret_set(&s->auth_message, secret_get(&s->first_bare));
    secret_put(&s->auth_message, SLICE(","));
    secret_put(&s->auth_message, buf_slice(challenge));
    ensure(!challenge->full && !s->auth_message.buf.full);
    s->turn = TURN_SECOND;
    return SASL_CHALLENGE;
}

/* Is text the base 64 of what the client must be bound to?    rfc5802#5.1-c */
static bool
is_bound(struct sasl_server *s, struct slice text)
{
    struct buf want;
    bool same;

    buf_init(&want, 4 * SASL_TEXT_MAX);
    same = base64_put(&want, secret_get(&s->bound)) && secret_eq(buf_slice(&want), text);
    buf_clear(&want);
    return same;
}

enum sasl_step
sasl_scram_final(struct sasl_server *s, struct slice message)
{
    ptrdiff_t comma = slice_find_last(message, ',');
    struct slice rest = slice_head(message, comma < 0 ? 0 : (size_t)comma), without = rest;
    struct slice last = slice_tail(message, rest.len + 1), channel, nonce, proof;

    if (!sasl_text_is_valid(message, SASL_TEXT_MAX) || !sasl_scram_take(&last, 'p', &proof) ||
        !sasl_scram_take(&rest, 'c', &channel) || !sasl_scram_take(&rest, 'r', &nonce) ||
        !sasl_scram_skip_extensions(rest))
        return SASL_MALFORMED;
    secret_clear(&s->proof);
    secret_put(&s->proof, SLICE(""));
    if (!base64_decode(proof, &s->proof.buf) || s->proof.buf.len != SASL_SCRAM_KEY)
        return SASL_MALFORMED;
    if (!secret_eq(nonce, secret_get(&s->nonce)) || !is_bound(s, channel))
        return SASL_FAILED; /* rfc5802#5.1-d */
    secret_put(&s->auth_message, SLICE(","));
    ensure(secret_put(&s->auth_message, without));
    s->turn = TURN_ASKED_PROOF;
    return SASL_ASK_SCRAM_PROOF;
}

enum sasl_step
sasl_server_scram_proved(struct sasl_server *s, bool right, struct slice signature)
{
    ensure(s->turn == TURN_ASKED_PROOF);
    s->turn = TURN_OVER;
    if (!right || signature.len != SASL_SCRAM_KEY)
        return SASL_FAILED;
    sasl_secret_set(&s->challenge, SLICE("v="));
    ensure(base64_put(&s->challenge.buf, signature));
    s->turn = TURN_LAST;
    return SASL_CHALLENGE;
}
