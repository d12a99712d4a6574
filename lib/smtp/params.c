/* esmtp-params = esmtp-param *( SP esmtp-param )                     rfc5321#4.1.2-b
 * esmtp-param  = keyword [ "=" value ]
 * Each parameter has a row in param.def and a short function here. Unknown is 555, twice is 501. */
#include "base/utf8.h"
#include "smtp/server_private.h"

enum { ENVID_MAX = 100, ORCPT_MAX = 500, AUTH_MAX = 500 }; /* RFC 3461 4.4, 4.2; RFC 4954 5 */

static bool
is_hex(uint8_t c)
{
    return ascii_is_digit(c) || (c >= 'A' && c <= 'F');
}

/* xchar, or "+" and two upper case hexadecimal digits                rfc3461#4-a */
static bool
is_xtext(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == '=')
            return false;
        if (s.at[i] != '+')
            continue;
        if (s.len - i < 3 || !is_hex(s.at[i + 1]) || !is_hex(s.at[i + 2]))
            return false;
        i += 2;
    }
    return true;
}

static enum reason
keep(struct smtp_server *s, struct slice value, struct slice *kept)
{
    *kept = arena_copy(s->arena, value);
    return kept->at ? REASON_NONE : SMTP_PARAM_NOT_NOW;
}

/* An estimate, never the end of the message: rfc1870#6-a. */
static enum reason
take_size(struct smtp_server *s, struct slice value)
{
    if (!slice_to_u64(value, &s->envelope.declared))
        return SMTP_BAD_PARAM;
    if (s->envelope.declared > smtp_limit(s, LIMIT_message_size)) /* rfc1870#6.1-a */
        return SMTP_TOO_BIG;
    return REASON_NONE;
}

/* BINARYMIME is not offered: rfc3030#3-a. */
static enum reason
take_body(struct smtp_server *s, struct slice value)
{
    if (slice_eq_nocase(value, SLICE("7BIT")))
        s->envelope.body = SMTP_BODY_7BIT;
    else if (slice_eq_nocase(value, SLICE("8BITMIME")))
        s->envelope.body = SMTP_BODY_8BITMIME;
    else
        return SMTP_BAD_PARAM;
    return REASON_NONE;
}

static enum reason
take_smtputf8(struct smtp_server *s, struct slice value)
{
    (void)value;
    s->envelope.smtputf8 = true;
    return REASON_NONE;
}

/* Who first submitted the message, by the word of a client we have no reason to believe: its syntax
 * is looked at and it is then as if it were "<>". rfc4954#5-b */
static enum reason
take_auth(struct smtp_server *s, struct slice value)
{
    (void)s;
    return value.len <= AUTH_MAX && is_xtext(value) ? REASON_NONE : SMTP_BAD_PARAM;
}

static enum reason
take_ret(struct smtp_server *s, struct slice value)
{
    if (slice_eq_nocase(value, SLICE("FULL")))
        s->envelope.ret = SMTP_RET_FULL;
    else if (slice_eq_nocase(value, SLICE("HDRS")))
        s->envelope.ret = SMTP_RET_HDRS;
    else
        return SMTP_BAD_PARAM;
    return REASON_NONE;
}

static enum reason
take_envid(struct smtp_server *s, struct slice value)
{
    if (value.len > ENVID_MAX || !is_xtext(value))
        return SMTP_BAD_PARAM;
    return keep(s, value, &s->envelope.envid);
}

static unsigned
notify_bit(struct slice word)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {
        {"NEVER", SMTP_NOTIFY_NEVER},
        {"SUCCESS", SMTP_NOTIFY_SUCCESS},
        {"FAILURE", SMTP_NOTIFY_FAILURE},
        {"DELAY", SMTP_NOTIFY_DELAY},
    };

    for (size_t i = 0; i < COUNT(words); i++)
        if (slice_eq_nocase(word, slice_of(words[i].word)))
            return words[i].bit;
    return 0;
}

static enum reason
take_notify(struct smtp_server *s, struct slice value)
{
    struct slice word;
    bool more = true;

    while (more) {
        unsigned bit;

        more = slice_cut(&value, ',', &word);
        bit = notify_bit(word);
        if (bit == 0)
            return SMTP_BAD_PARAM;
        s->pending->notify |= bit;
    }
    /* rfc3461#4.1-b: NEVER stands alone */
    if (s->pending->notify & SMTP_NOTIFY_NEVER && s->pending->notify != SMTP_NOTIFY_NEVER)
        return SMTP_BAD_PARAM;
    return REASON_NONE;
}

/* orcpt = addr-type ";" xtext; under SMTPUTF8 the type "utf-8" may hold UTF-8 itself (RFC 6533). */
static enum reason
take_orcpt(struct smtp_server *s, struct slice value)
{
    struct slice type, address = value;

    if (value.len > ORCPT_MAX || !slice_cut(&address, ';', &type) || address.len == 0)
        return SMTP_BAD_PARAM;
    for (size_t i = 0; i < type.len; i++)
        if (!ascii_is_alnum(type.at[i]) && type.at[i] != '-')
            return SMTP_BAD_PARAM;
    if (type.len == 0)
        return SMTP_BAD_PARAM;
    if (s->envelope.smtputf8 && slice_eq_nocase(type, SLICE("utf-8")) ? !utf8_ok(address)
                                                                      : !is_xtext(address))
        return SMTP_BAD_PARAM;
    return keep(s, value, &s->pending->orcpt);
}

enum { NO_VALUE, VALUE };

static const struct {
    const char *name;
    enum smtp_param_of of;
    int value;
    enum reason (*take)(struct smtp_server *s, struct slice value);
} params[] = {
#define PARAM(name, of, value, take, anchor) {name, of, value, take},
#include "smtp/param.def"
#undef PARAM
};

/* esmtp-value: no control octet, blank or "=". */
static bool
value_ok(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] <= ' ' || value.at[i] == '=' || value.at[i] == 0x7f)
            return false;
    return value.len > 0;
}

static struct step
take_one(struct smtp_server *s, struct slice param, enum smtp_param_of of, unsigned *seen)
{
    struct slice name;
    bool has_value = slice_cut(&param, '=', &name);

    for (size_t i = 0; i < COUNT(params); i++) {
        enum reason r;

        if (params[i].of != of || !slice_eq_nocase(name, slice_of(params[i].name)))
            continue;
        if (*seen & 1u << i)
            return say_of(SMTP_TWICE_PARAM, name);
        *seen |= 1u << i;
        if (has_value != (params[i].value == VALUE) || (has_value && !value_ok(param)))
            return say_of(SMTP_BAD_PARAM, name);
        r = params[i].take(s, param);
        return r ? say_of(r, name) : nothing();
    }
    return say_of(SMTP_UNKNOWN_PARAM, name); /* rfc5321#4.1.1.11-a */
}

struct step
smtp_params_take(struct smtp_server *s, struct slice args, enum smtp_param_of of)
{
    unsigned seen = 0;

    while (args.len) {
        struct slice param;
        struct step step;

        slice_cut(&args, ' ', &param);
        if (param.len == 0)
            continue; /* blanks in a row */
        step = take_one(s, param, of, &seen);
        if (step.say)
            return step;
    }
    return nothing();
}
