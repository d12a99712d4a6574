/* basic    = %x32-35 %x30-35 DIGIT             "550"
 * enhanced = ("2" / "4" / "5") "." DIGIT "." 1*3DIGIT     "5.1.1"; the subject has one digit
 *            (RFC 3463 2), which keeps most version numbers out
 *
 * An enhanced code is known by its form alone. A basic code is just a number, so its place has to
 * say that it is one: before an enhanced code, at the beginning of a line, or after a word that
 * announces codes. */
#include "explain/codes.h"

#include <stdio.h>

/* How sure a place is, the surest last. */
enum place { NOWHERE, ANNOUNCED, AT_BEGIN, BEFORE_ENHANCED };

static bool
is_class(uint8_t c)
{
    return c == '2' || c == '4' || c == '5';
}

static size_t
digits(struct slice s)
{
    size_t n = 0;

    while (n < s.len && ascii_is_digit(s.at[n]))
        n++;
    return n;
}

/* The length of an enhanced code at the front, 0 where there is none. What follows is the
 * caller's. */
static size_t
take_enhanced(struct slice s, uint16_t enhanced[3])
{
    size_t n = digits(slice_tail(s, 4));

    if (s.len < 5 || !is_class(s.at[0]) || s.at[1] != '.' || !ascii_is_digit(s.at[2]) ||
        s.at[3] != '.' || n == 0 || n > 3)
        return 0;
    enhanced[0] = (uint16_t)(s.at[0] - '0');
    enhanced[1] = (uint16_t)(s.at[2] - '0');
    enhanced[2] = 0;
    for (size_t i = 0; i < n; i++)
        enhanced[2] = (uint16_t)(enhanced[2] * 10 + (s.at[4 + i] - '0'));
    return 4 + n;
}

/* "5.1.1" with nothing around it that would make it a part of something else, such as 5.1.1.7,
 * v5.1.1 or 5.1.1-beta. */
static size_t
enhanced_at(struct slice text, size_t i, uint16_t enhanced[3])
{
    size_t n;

    if (i > 0 && (ascii_is_alnum(text.at[i - 1]) || text.at[i - 1] == '.' ||
                  text.at[i - 1] == '@' || text.at[i - 1] == '_' || text.at[i - 1] == '/'))
        if (i < 3 || text.at[i - 1] != '_' ||
            !ascii_is_digit(text.at[i - 2])) /* qmail: "550_5.1.1" */
            return 0;
    n = take_enhanced(slice_tail(text, i), enhanced);
    if (n == 0 || i + n == text.len)
        return n;
    if (ascii_is_alnum(text.at[i + n]) || text.at[i + n] == '@' ||
        (text.at[i + n] == '.' && i + n + 1 < text.len && ascii_is_alnum(text.at[i + n + 1])))
        return 0;
    return n;
}

static bool
is_basic(struct slice s)
{
    return digits(s) == 3 && s.at[0] >= '2' && s.at[0] <= '5' && s.at[1] <= '5';
}

static uint16_t
basic_value(struct slice s)
{
    return (uint16_t)((s.at[0] - '0') * 100 + (s.at[1] - '0') * 10 + (s.at[2] - '0'));
}

/* Words and signs after which a number is a code. */
static const char *const announcements[] = {
    "smtp;",     "smtp",     "smtp:",     "esmtp",   "said",       "said:",     "error",
    "error:",    "error=",   "error #",   "code",    "code:",      "code=",     "status",
    "status:",   "status=",  "stat=",     "dsn=",    "led=",       "reply",     "reply:",
    "reply=",    "response", "response:", "got",     "returned",   "returned:", "answered",
    "rejected:", "reason:",  "message:",  "server:", "was:",       "with",      "<<<",
    "(",         "[",        "'",         "\"",      "#",          "/",         "errore",
    "erreur",    "codigo",   "fehler:",   "err",     "respuesta:",
};

static bool
is_announced(struct slice before)
{
    while (before.len && (before.at[before.len - 1] == ' ' || before.at[before.len - 1] == '_'))
        before.len--;
    for (size_t i = 0; i < COUNT(announcements); i++) {
        struct slice word = slice_of(announcements[i]);
        struct slice end = slice_tail(before, before.len < word.len ? 0 : before.len - word.len);
        struct slice rest = slice_head(before, before.len - end.len);

        if (slice_eq_nocase(end, word) &&
            (!ascii_is_alnum(word.at[0]) || !rest.len || !ascii_is_alnum(rest.at[rest.len - 1])))
            return true;
    }
    return false;
}

static bool
begins_line(struct slice text, size_t i)
{
    while (i > 0 && (text.at[i - 1] == ' ' || text.at[i - 1] == '\t' || text.at[i - 1] == '>'))
        i--;
    return i == 0 || text.at[i - 1] == '\n' || text.at[i - 1] == '\r';
}

/* What follows a code, past the signs that may stand between a basic and an enhanced one. */
static size_t
skip_to_enhanced(struct slice text, size_t i)
{
    while (i < text.len &&
           (text.at[i] == ' ' || text.at[i] == '-' || text.at[i] == '#' || text.at[i] == '(' ||
            text.at[i] == '_' || text.at[i] == '[' || text.at[i] == '\''))
        i++;
    return i;
}

/* Is the number at i a reply code, and how sure is that? */
static enum place
basic_at(struct slice text, size_t i, uint16_t enhanced[3])
{
    struct slice s = slice_tail(text, i);
    uint8_t before = i > 0 ? text.at[i - 1] : ' ';
    uint8_t after = s.len > 3 ? s.at[3] : ' ';
    size_t next = skip_to_enhanced(text, i + 3);
    bool glued =
        ascii_lower(before) == 'e' && (i < 2 || !ascii_is_alnum(text.at[i - 2])); /* E451 */

    if (!is_basic(s) || (ascii_is_alnum(before) && !glued) || before == '.' || before == '-' ||
        before == '@' || before == '+' || before == ',' || before == '$' ||
        (before == ':' && i > 1 && ascii_is_digit(text.at[i - 2])))
        return NOWHERE;
    if (ascii_is_alnum(after) || after == '@' || after == '%' || after == '/' ||
        ((after == '.' || after == ':' || after == ',') && s.len > 4 && ascii_is_alnum(s.at[4])))
        return NOWHERE;
    if (next > i + 3 && enhanced_at(text, next, enhanced) && enhanced[0] + '0' == s.at[0])
        return BEFORE_ENHANCED;
    enhanced[0] = 0;
    if (begins_line(text, i))
        return AT_BEGIN;
    return glued || is_announced(slice_head(text, i)) ? ANNOUNCED : NOWHERE;
}

struct explain_codes
codes_find(struct slice text)
{
    struct explain_codes codes = {0}, lone = {0};
    enum place best = NOWHERE;
    uint16_t enhanced[3];

    for (size_t i = 0; i < text.len; i++) {
        enum place place;

        if (!ascii_is_digit(text.at[i]) || (i > 0 && ascii_is_digit(text.at[i - 1])))
            continue;
        if (lone.enhanced[0] == 0 && enhanced_at(text, i, enhanced))
            memcpy(lone.enhanced, enhanced, sizeof(enhanced));
        enhanced[0] = 0;
        place = best < BEFORE_ENHANCED ? basic_at(text, i, enhanced) : NOWHERE;
        if (place > best) {
            best = place;
            codes.basic = basic_value(slice_tail(text, i));
            memcpy(codes.enhanced, enhanced, sizeof(enhanced));
        }
    }
    if (codes.enhanced[0] == 0)
        memcpy(codes.enhanced, lone.enhanced, sizeof(lone.enhanced));
    return codes;
}

bool
codes_parse_enhanced(struct slice text, uint16_t enhanced[3])
{
    return text.len && take_enhanced(text, enhanced) == text.len;
}

bool
codes_take(struct slice *line, struct explain_codes *codes)
{
    struct slice s = *line;
    struct explain_codes found = {0};
    size_t n;

    if (is_basic(s) && (s.len == 3 || s.at[3] == ' ' || s.at[3] == '-')) {
        found.basic = basic_value(s);
        s = slice_tail(s, 4);
    }
    n = enhanced_at(s, 0, found.enhanced);
    if (n && (n == s.len || s.at[n] == ' ' || s.at[n] == '-'))
        s = slice_tail(s, n + 1);
    else
        found.enhanced[0] = 0;
    if (!found.basic && !found.enhanced[0])
        return false;
    *line = slice_trim(s);
    *codes = found;
    return true;
}

bool
codes_alone(struct slice text, struct explain_codes *codes)
{
    bool found = false;

    *codes = (struct explain_codes){0};
    while (text.len) {
        uint16_t enhanced[3];
        size_t n = take_enhanced(text, enhanced);

        if (slice_find(SLICE(" \t\r\n#()[]-<>\"'"), text.at[0]) >= 0) {
            n = 1;
        } else if (n && !codes->enhanced[0]) {
            memcpy(codes->enhanced, enhanced, sizeof(enhanced));
            found = true;
        } else if (n == 0 && is_basic(text) && !codes->basic) {
            codes->basic = basic_value(text);
            found = true;
            n = 3;
        } else {
            return false;
        }
        text = slice_tail(text, n);
    }
    return found;
}

bool
codes_is_mask(struct slice mask)
{
    bool dots = mask.len >= 5;
    size_t digit = 0;

    if (mask.len != 3 && !dots)
        return false;
    for (size_t i = 0; i < mask.len; i++) {
        bool place = ascii_is_digit(mask.at[i]) || (mask.at[i] >= 'x' && mask.at[i] <= 'z');

        if (dots && (i == 1 || i == 3) ? mask.at[i] != '.' : !place)
            return false;
        digit += ascii_is_digit(mask.at[i]);
    }
    return digit > 0 && mask.len <= 7 &&
           (is_class(mask.at[0]) || mask.at[0] == 'x' || (!dots && mask.at[0] == '3'));
}

static bool
like(struct slice mask, const char *code)
{
    size_t n = strlen(code);

    if (mask.len == 5 && mask.at[4] >= 'x' && n > 5)
        n = 5; /* z stands for all digits of the detail */
    if (mask.len != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (mask.at[i] != (uint8_t)code[i] && !(mask.at[i] >= 'x' && mask.at[i] <= 'z'))
            return false;
    return true;
}

bool
codes_match(struct slice mask, const struct explain_codes *codes)
{
    const uint16_t *e = codes->enhanced;
    char text[32];

    if (mask.len == 3) {
        snprintf(text, sizeof(text), "%u", codes->basic);
        return codes->basic && like(mask, text);
    }
    snprintf(text, sizeof(text), "%u.%u.%u", e[0], e[1], e[2]);
    return e[0] && like(mask, text);
}

bool
explain_basic_name(uint16_t basic, unsigned digit, char name[EXPLAIN_NAME_SIZE])
{
    if (basic < 100 || basic > 999 || digit > 2)
        return false;
    if (digit == 0)
        snprintf(name, EXPLAIN_NAME_SIZE, "%uyz", basic / 100u);
    else if (digit == 1)
        snprintf(name, EXPLAIN_NAME_SIZE, "x%uz", basic / 10u % 10);
    else
        snprintf(name, EXPLAIN_NAME_SIZE, "%u", basic);
    return true;
}

bool
explain_enhanced_name(const uint16_t enhanced[3], unsigned digit, char name[EXPLAIN_NAME_SIZE])
{
    if (!enhanced[0] || digit > 2)
        return false;
    if (digit == 0)
        snprintf(name, EXPLAIN_NAME_SIZE, "%u.y.z", enhanced[0]);
    else if (digit == 1)
        snprintf(name, EXPLAIN_NAME_SIZE, "x.%u.z", enhanced[1]);
    else
        snprintf(name, EXPLAIN_NAME_SIZE, "x.%u.%u", enhanced[1], enhanced[2]);
    return true;
}
