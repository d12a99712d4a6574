/* first  = "SRS0=" hash "=" day "=" domain "=" local "@" us
 * second = "SRS1=" hash "=" domain "=" rest "@" us      rest: what followed "SRS0" in a first
 * address that was not ours, its separator with it hash   = 8 characters, 40 bits of HMAC-SHA-256
 * over what follows it, in lower case day    = 2 characters, the number of the day modulo 1024
 * Characters are of base 32, as those survive a change of case. Other implementations separate the
 * first field by "+" or "-" as well. */
#include "bounce/srs.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/ensure.h"
#include "mime/address.h"

enum {
    HASH_LEN = 8,
    DAY_LEN = 2,
    DAYS = 1024,
    DAY_SECONDS = 86400,
    AHEAD_DAYS = 1, /* how far another server's clock may be ahead of ours */
    LOCAL_MAX = MIME_ADDRESS_MAX,
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* ---- addresses ---- */

/* A parsed address, its local part without quotes, its domain in the one way to write it. */
struct plain {
    struct buf local, domain;
};

static void
clear(struct plain *p)
{
    buf_clear(&p->local);
    buf_clear(&p->domain);
}

static bool
parse(struct plain *p, struct slice text)
{
    struct mime_address a = {0};
    bool quoted;

    buf_init(&p->local, LOCAL_MAX);
    buf_init(&p->domain, MIME_DOMAIN_MAX);
    if (!mime_address_parse(text, &a) || !mime_domain_put(&p->domain, a.domain))
        return false;
    quoted = a.local.len && a.local.at[0] == '"';
    for (size_t i = quoted; i + quoted < a.local.len; i++) {
        i += quoted && a.local.at[i] == '\\';
        buf_put_byte(&p->local, a.local.at[i]);
    }
    return p->local.len > 0 && !p->local.full;
}

/* The way back: quoted only where it must be. False, with nothing appended, where that is none. */
static bool
put_address(struct buf *out, struct slice local, struct slice domain)
{
    struct buf text, address;
    struct mime_address a;
    bool fine;

    buf_init(&text, 2 * LOCAL_MAX + MIME_DOMAIN_MAX);
    buf_init(&address, MIME_ADDRESS_MAX);
    buf_put_byte(&text, '"');
    for (size_t i = 0; i < local.len; i++) {
        if (local.at[i] == '"' || local.at[i] == '\\')
            buf_put_byte(&text, '\\');
        buf_put_byte(&text, local.at[i]);
    }
    buf_put_string(&text, "\"@");
    buf_put(&text, domain);
    fine = !text.full && mime_address_parse(buf_slice(&text), &a) &&
           mime_address_put(&address, &a) && buf_put(out, buf_slice(&address));
    buf_clear(&text);
    buf_clear(&address);
    return fine;
}

/* ---- hash and day ---- */

/* kind: '0' or '1', so that neither passes for the other. */
static void
hash(struct slice key, char kind, struct slice covered, char text[HASH_LEN])
{
    uint8_t lower[LOCAL_MAX + 1], digest[EVP_MAX_MD_SIZE];
    uint64_t bits = 0;
    unsigned len = 0;

    ensure(key.len >= SRS_KEY_MIN && covered.len <= LOCAL_MAX);
    lower[0] = (uint8_t)kind;
    for (size_t i = 0; i < covered.len; i++)
        lower[i + 1] = ascii_lower(covered.at[i]);
    ensure(HMAC(EVP_sha256(), key.at, (int)key.len, lower, covered.len + 1, digest, &len) != NULL);
    for (size_t i = 0; i < 5; i++)
        bits = bits << 8 | digest[i];
    for (int i = HASH_LEN - 1; i >= 0; i--, bits >>= 5)
        text[i] = digits[bits & 31];
}

static bool
is_ours(const struct srs *s, char kind, struct slice given, struct slice covered)
{
    char upper[HASH_LEN], text[HASH_LEN];
    bool fine = false;

    for (size_t i = 0; i < HASH_LEN; i++)
        upper[i] = (char)(given.at[i] - (given.at[i] >= 'a' && given.at[i] <= 'z' ? 'a' - 'A' : 0));
    for (size_t i = 0; i < SRS_KEYS; i++) {
        if (s->keys[i].len == 0)
            continue;
        hash(s->keys[i], kind, covered, text);
        fine = secret_eq(slice_make(upper, HASH_LEN), slice_make(text, HASH_LEN)) || fine;
    }
    return fine;
}

static unsigned
day_of(int64_t now)
{
    return (unsigned)((now < 0 ? 0 : now) / DAY_SECONDS % DAYS);
}

static int
digit_value(uint8_t c)
{
    for (int i = 0; i < 32; i++)
        if (ascii_lower(c) == ascii_lower((uint8_t)digits[i]))
            return i;
    return -1;
}

static bool
is_over(const struct srs *s, struct slice day, int64_t now)
{
    int high = digit_value(day.at[0]), low = digit_value(day.at[1]);
    unsigned age;

    if (high < 0 || low < 0)
        return true;
    age = (day_of(now) + DAYS - (unsigned)(high * 32 + low)) % DAYS;
    return age > s->valid_days && age < DAYS - AHEAD_DAYS;
}

/* ---- the two forms ---- */

/* "SRS0" or "SRS1" and a separator at the front. The separator stays. */
static bool
take_tag(struct slice *local, struct slice tag)
{
    struct slice rest = *local;

    if (!slice_take_prefix_nocase(&rest, tag) || rest.len == 0 ||
        slice_find(SLICE("=+-"), rest.at[0]) < 0)
        return false;
    *local = rest;
    return true;
}

/* "=hash=covered" */
static bool
cut_hash(struct slice rest, struct slice *given, struct slice *covered)
{
    *covered = slice_tail(rest, 1);
    return slice_cut(covered, '=', given) && given->len == HASH_LEN;
}

/* "domain=rest", of which neither may be missing */
static bool
cut_domain(struct slice text, struct slice *domain, struct slice *rest)
{
    *rest = text;
    return slice_cut(rest, '=', domain) && rest->len > 0 &&
           (mime_domain_parse(*domain) || mime_literal_parse(*domain));
}

static bool
put_signed(struct buf *out, const struct srs *s, char kind, struct slice covered)
{
    char text[HASH_LEN];
    struct buf local;
    bool fine;

    if (covered.len > LOCAL_MAX)
        return false;
    hash(s->keys[0], kind, covered, text);
    buf_init(&local, LOCAL_MAX);
    buf_put_string(&local, kind == '0' ? "SRS0=" : "SRS1=");
    buf_put(&local, slice_make(text, HASH_LEN));
    buf_put_byte(&local, '=');
    buf_put(&local, covered);
    fine = !local.full && put_address(out, buf_slice(&local), s->domain);
    buf_clear(&local);
    return fine;
}

static bool
put_first(struct buf *out, const struct srs *s, const struct plain *sender, int64_t now)
{
    unsigned day = day_of(now);
    struct buf covered;
    bool fine;

    buf_init(&covered, LOCAL_MAX);
    buf_put_byte(&covered, (uint8_t)digits[day / 32]);
    buf_put_byte(&covered, (uint8_t)digits[day % 32]);
    buf_put_byte(&covered, '=');
    buf_put(&covered, buf_slice(&sender->domain));
    buf_put_byte(&covered, '=');
    buf_put(&covered, buf_slice(&sender->local));
    fine = !covered.full && put_signed(out, s, '0', buf_slice(&covered));
    buf_clear(&covered);
    return fine;
}

static bool
put_second(struct buf *out, const struct srs *s, struct slice domain, struct slice rest)
{
    struct buf covered;
    bool fine;

    buf_init(&covered, LOCAL_MAX);
    fine = mime_domain_put(&covered, domain) && buf_put_byte(&covered, '=') &&
           buf_put(&covered, rest) && put_signed(out, s, '1', buf_slice(&covered));
    buf_clear(&covered);
    return fine;
}

static bool
forward(struct buf *out, const struct srs *s, const struct plain *sender, int64_t now)
{
    struct slice local = buf_slice(&sender->local), domain = buf_slice(&sender->domain);
    struct slice given, covered, first, rest;
    bool is_first = take_tag(&local, SLICE("SRS0"));

    if (is_first && slice_eq_nocase(domain, s->domain))
        return put_address(out, buf_slice(&sender->local), domain);
    if (is_first)
        return put_second(out, s, domain, local);
    if (!take_tag(&local, SLICE("SRS1")))
        return put_first(out, s, sender, now);
    if (slice_eq_nocase(domain, s->domain))
        return put_address(out, buf_slice(&sender->local), domain);
    covered = slice_tail(local, 1);
    if (slice_cut(&covered, '=', &given) && cut_domain(covered, &first, &rest) &&
        put_second(out, s, first, rest))
        return true;
    return put_first(out, s, sender, now); /* it only looks like one */
}

bool
srs_forward_put(struct buf *out, const struct srs *s, struct slice sender, int64_t now)
{
    struct plain p;
    bool fine;

    ensure(s->valid_days <= SRS_DAYS_MAX);
    if (sender.len == 0)
        return true;
    fine = parse(&p, sender) && forward(out, s, &p, now);
    clear(&p);
    return fine;
}

static enum srs_verdict
reverse_first(struct buf *out, const struct srs *s, struct slice rest, int64_t now)
{
    struct slice given, covered, day, domain, local;

    if (!cut_hash(rest, &given, &covered))
        return SRS_OTHER;
    local = covered;
    if (!slice_cut(&local, '=', &day) || day.len != DAY_LEN || !cut_domain(local, &domain, &local))
        return SRS_OTHER;
    if (!is_ours(s, '0', given, covered))
        return SRS_FORGED;
    if (is_over(s, day, now))
        return SRS_EXPIRED;
    return put_address(out, local, domain) ? SRS_GOOD : SRS_OTHER;
}

static enum srs_verdict
reverse_second(struct buf *out, const struct srs *s, struct slice rest)
{
    struct slice given, covered, domain;
    struct buf local;
    bool fine;

    if (!cut_hash(rest, &given, &covered) || !cut_domain(covered, &domain, &rest))
        return SRS_OTHER;
    if (!is_ours(s, '1', given, covered))
        return SRS_FORGED;
    buf_init(&local, LOCAL_MAX);
    buf_put_string(&local, "SRS0");
    buf_put(&local, rest);
    fine = !local.full && put_address(out, buf_slice(&local), domain);
    buf_clear(&local);
    return fine ? SRS_GOOD : SRS_OTHER;
}

enum srs_verdict
srs_reverse_put(struct buf *out, const struct srs *s, struct slice address, int64_t now)
{
    enum srs_verdict verdict = SRS_OTHER;
    struct slice rest;
    struct plain p;

    ensure(s->valid_days <= SRS_DAYS_MAX);
    if (parse(&p, address)) {
        rest = buf_slice(&p.local);
        if (take_tag(&rest, SLICE("SRS0")))
            verdict = reverse_first(out, s, rest, now);
        else if (take_tag(&rest, SLICE("SRS1")))
            verdict = reverse_second(out, s, rest);
    }
    clear(&p);
    return verdict;
}
