/* A policy file (RFC 8461 3.2):
 *   policy = field *WSP *(end field *WSP) [end]    end = CRLF / LF
 *   field  = name ":" *WSP value                   one of version, mode, max_age; mx as often as
 *                                                  there are patterns; others are ignored
 * Empty lines are let pass: many files end in some. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/ensure.h"
#include "sts/private.h"
#include "sts/sts.h"

enum { AGE_DIGITS_MAX = 10 };

struct reading {
    struct sts_policy policy;
    struct buf patterns;
};

static const char *
read_version(struct reading *r, struct slice value)
{
    (void)r;
    return slice_eq(value, SLICE("STSv1")) ? NULL : "its version is unknown";
}

static const char *
read_mode(struct reading *r, struct slice value)
{
    static const char *const modes[] = {
        [STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

    for (size_t i = 0; i < COUNT(modes); i++)
        if (slice_eq(value, slice_of(modes[i]))) {
            r->policy.mode = (enum sts_mode)i;
            return NULL;
        }
    return "its mode is unknown";
}

/* More than a year is taken for a year (rfc8461#3.2-d). */
static const char *
read_max_age(struct reading *r, struct slice value)
{
    uint64_t seconds;

    if (value.len > AGE_DIGITS_MAX || !slice_to_u64(value, &seconds))
        return "its max_age is no number";
    r->policy.max_age = seconds < STS_AGE_MAX ? (uint32_t)seconds : STS_AGE_MAX;
    return NULL;
}

static const char *
read_mx(struct reading *r, struct slice value)
{
    struct slice name = value;

    slice_take_prefix(&name, SLICE("*."));
    if (!dns_name_is_host(name))
        return "one of its servers is no name of a host";
    for (size_t i = 0; i < value.len; i++)
        buf_put_byte(&r->patterns, ascii_lower(value.at[i]));
    buf_put_byte(&r->patterns, '\n');
    return NULL;
}

static const struct {
    const char *name, *missing;
    const char *(*read)(struct reading *r, struct slice value);
    bool once;
} fields[] = {
    {"version", "it has no version", read_version, true},
    {"mode", "it has no mode", read_mode, true},
    {"max_age", "it has no max_age", read_max_age, true},
    {"mx", "it names no server", read_mx, false},
};
enum { FIELD_MX = 3 };

/* rfc8461#3.2-c: of a field that there can be only one of, the first counts; rfc8461#3.2-e: what is
 * unknown is for others. */
static const char *
read_line(struct reading *r, struct slice line, unsigned *seen)
{
    struct slice name;

    if (!slice_cut(&line, ':', &name) || !sts_is_field_name(name))
        return "a line of it is no field";
    for (size_t i = 0; i < COUNT(fields); i++) {
        bool again = *seen & 1u << i;

        if (!slice_eq(name, slice_of(fields[i].name)))
            continue;
        *seen |= 1u << i;
        return again && fields[i].once ? NULL : fields[i].read(r, slice_trim(line));
    }
    return NULL;
}

/* rfc8461#3.2-b: all fields must be there, but for servers where there is nothing to hold. */
static const char *
find_missing(const struct reading *r, unsigned seen)
{
    for (size_t i = 0; i < COUNT(fields); i++)
        if (!(seen & 1u << i) && (i != FIELD_MX || r->policy.mode != STS_NONE))
            return fields[i].missing;
    return NULL;
}

static const char *
read_text(struct reading *r, struct slice rest)
{
    const char *wrong = rest.len > STS_POLICY_MAX ? "it is too long" : NULL;
    struct slice line;
    unsigned seen = 0;

    for (bool more = true; more && !wrong;) {
        more = slice_cut(&rest, '\n', &line);
        if (more && line.len && line.at[line.len - 1] == '\r')
            line.len--;
        if (slice_trim(line).len)
            wrong = read_line(r, line, &seen);
    }
    return wrong ? wrong : find_missing(r, seen);
}

struct sts_policy *
sts_policy_new(struct slice text, const char **why)
{
    struct reading r = {.policy = {.owners = 1}};
    struct sts_policy *p = NULL;
    struct slice patterns;

    buf_init(&r.patterns, STS_POLICY_MAX);
    *why = read_text(&r, text);
    patterns = buf_slice(&r.patterns);
    if (!*why) {
        p = heap_take(sizeof(*p) + patterns.len);
        *p = r.policy;
        if (patterns.len)
            memcpy(p + 1, patterns.at, patterns.len);
        p->patterns = slice_make(p + 1, patterns.len);
    }
    buf_clear(&r.patterns);
    return p;
}

void
sts_policy_put(struct sts_policy *p)
{
    if (p && --p->owners == 0)
        free(p);
}

/* rfc8461#4.1-a: a star is one label, the first and all of it. */
static bool
matches(struct slice pattern, struct slice host)
{
    ptrdiff_t dot = slice_find(host, '.');

    if (pattern.at[0] != '*')
        return slice_eq_nocase(pattern, host);
    return dot > 0 && slice_eq_nocase(slice_tail(pattern, 1), slice_tail(host, (size_t)dot));
}

bool
sts_policy_allows(const struct sts_policy *p, struct slice host)
{
    struct slice rest = p->patterns, pattern;

    while (rest.len) {
        slice_cut(&rest, '\n', &pattern);
        if (matches(pattern, host))
            return true;
    }
    return false;
}
