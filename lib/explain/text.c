/* Small things every reader of a notice or a log needs. Addresses are taken as they are printed,
 * not as RFC 5321 would have them: a notice often says that an address is malformed. */
#include "explain/text.h"

#include <string.h>

enum { LOCAL_MAX = 320, DOMAIN_MAX = 320, HOST_MAX = 255 };

bool
text_take_line(struct slice *text, struct slice *line)
{
    if (text->len == 0)
        return false;
    slice_cut(text, '\n', line);
    if (line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

size_t
text_indent(struct slice line)
{
    size_t n = 0;

    while (n < line.len && (line.at[n] == ' ' || line.at[n] == '\t'))
        n++;
    return n;
}

static bool
is_white(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0;
}

struct slice
text_trim(struct slice text)
{
    while (text.len && is_white(text.at[0]))
        text = slice_tail(text, 1);
    while (text.len && is_white(text.at[text.len - 1]))
        text.len--;
    return text;
}

bool
text_is_blank(struct slice line)
{
    return text_trim(line).len == 0;
}

struct slice
text_paragraph(struct slice text)
{
    struct slice trimmed = text_trim(text), rest = trimmed, line;

    while (text_take_line(&rest, &line))
        if (text_is_blank(line))
            return text_trim(slice_head(trimmed, (size_t)(line.at - trimmed.at)));
    return trimmed;
}

ptrdiff_t
text_find(struct slice text, struct slice phrase)
{
    const uint8_t *hit =
        text.len && phrase.len ? memmem(text.at, text.len, phrase.at, phrase.len) : NULL;

    return hit ? hit - text.at : -1;
}

bool
text_after(struct slice *text, const char *phrase)
{
    ptrdiff_t at = text_find(*text, slice_of(phrase));

    if (at < 0)
        return false;
    *text = slice_tail(*text, (size_t)at + strlen(phrase));
    return true;
}

struct slice
text_one_line(struct slice text, size_t most, struct arena *a)
{
    uint8_t *to;
    size_t n = 0;
    bool space = false;

    text = slice_head(text_trim(text), most);
    to = arena_take(a, text.len);
    if (!to)
        return (struct slice){NULL, 0};
    for (size_t i = 0; i < text.len; i++) {
        if (is_white(text.at[i])) {
            space = true;
            continue;
        }
        if (space)
            to[n++] = ' ';
        space = false;
        to[n++] = text.at[i];
    }
    return slice_make(to, n);
}

static bool
is_local_byte(uint8_t c)
{
    return ascii_is_alnum(c) || c >= 0x80 || (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool
is_domain_byte(uint8_t c)
{
    return ascii_is_alnum(c) || c >= 0x80 || c == '-' || c == '.' || c == '_';
}

/* Of three octets or more, as nearly all letters and signs of East Asia are. Those languages write
 * no spaces: what stands beside an address is seldom a part of it. */
static bool
is_far(uint8_t c)
{
    return c >= 0xe0;
}

/* The length of a local part at the front: bytes, or a quoted string. */
static size_t
local_length(struct slice s)
{
    size_t i = 0;
    bool far = false;

    if (s.len && s.at[0] == '"') {
        for (i = 1; i < s.len && s.at[i] != '"' && s.at[i] != '\n'; i++)
            i += s.at[i] == '\\';
        return i < s.len && s.at[i] == '"' ? i + 1 : 0;
    }
    while (i < s.len && is_local_byte(s.at[i]))
        far = is_far(s.at[i++]) || far;
    return far && i > 0 && s.at[i - 1] < 0x80 ? 0 : i;
}

/* A letter of East Asia stands at the beginning of a label, or after another. */
static size_t
domain_length(struct slice s)
{
    size_t i = 0;
    bool far = true; /* may stand here */

    if (s.len && s.at[0] == '[') {
        ptrdiff_t end = slice_find(slice_head(s, HOST_MAX), ']');

        return end < 0 ? 0 : (size_t)end + 1;
    }
    while (i < s.len && is_domain_byte(s.at[i]) && (far || !is_far(s.at[i]))) {
        far = s.at[i] == '.' || (far && s.at[i] >= 0x80);
        i++;
    }
    while (i > 0 && (s.at[i - 1] == '.' || s.at[i - 1] == '-' || s.at[i - 1] == '_'))
        i--; /* the sentence's, not the domain's */
    return i;
}

/* The length of an address at the front, 0 where there is none. */
static size_t
address_length(struct slice s)
{
    size_t local = local_length(slice_head(s, LOCAL_MAX));
    size_t domain;

    if (local == 0 || local >= s.len || s.at[local] != '@')
        return 0;
    domain = domain_length(slice_head(slice_tail(s, local + 1), DOMAIN_MAX));
    return domain ? local + 1 + domain : 0;
}

bool
text_take_address(struct slice *text, struct slice *address)
{
    struct slice s = *text;
    bool bracket, quote;
    size_t n;

    bracket = slice_take_prefix(&s, SLICE("<"));
    slice_take_prefix_nocase(&s, SLICE("mailto:"));
    slice_take_prefix_nocase(&s, SLICE("smtp:"));
    quote = !bracket && s.len && s.at[0] == '\'' && slice_take_prefix(&s, SLICE("'"));
    n = address_length(s);
    if (n == 0)
        return false;
    *address = slice_head(s, n);
    s = slice_tail(s, n);
    if (bracket) {
        while (s.len && s.at[0] != '>' && s.at[0] != '\n' && s.at[0] != ' ')
            s = slice_tail(s, 1);
        slice_take_prefix(&s, SLICE(">"));
    } else if (quote) {
        slice_take_prefix(&s, SLICE("'"));
    }
    *text = s;
    return true;
}

/* Where the quoted string that ends at `end` begins; `end` itself where it does not. */
static size_t
quote_begin(struct slice text, size_t end)
{
    for (size_t i = end; i > 0 && end - i < LOCAL_MAX && text.at[i - 1] != '\n'; i--)
        if (text.at[i - 1] == '"')
            return i - 1;
    return end;
}

/* The first octet of the character whose octet stands at i. */
static uint8_t
lead(struct slice text, size_t i)
{
    for (int n = 0; n < 3 && i > 0 && (text.at[i] & 0xc0) == 0x80; n++)
        i--;
    return text.at[i];
}

/* Where the bytes before `end` that may be a local part begin. */
static size_t
local_begin(struct slice text, size_t end)
{
    bool plain = end > 0 && text.at[end - 1] < 0x80;
    size_t i = end;

    while (i > 0 && end - i < LOCAL_MAX && is_local_byte(text.at[i - 1]) &&
           !(plain && text.at[i - 1] >= 0x80 && is_far(lead(text, i - 1))))
        i--;
    return i;
}

bool
text_find_address(struct slice text, struct slice *address, struct slice *rest)
{
    ptrdiff_t at;

    for (struct slice s = text; (at = slice_find(s, '@')) >= 0; s = slice_tail(s, (size_t)at + 1)) {
        size_t begin = (size_t)(s.at - text.at) + (size_t)at;
        struct slice from;

        if (begin > 0 && text.at[begin - 1] == '"')
            begin = quote_begin(text, begin - 1);
        begin = local_begin(text, begin);
        from = slice_tail(text, begin);
        while (from.len && from.at[0] == '\'')
            from = slice_tail(from, 1); /* quotes around it rather than a part of it */
        if (text_take_address(&from, address)) {
            slice_take_prefix(&from, SLICE(">"));
            *rest = from;
            return true;
        }
    }
    return false;
}

bool
text_take_host(struct slice *text, struct slice *host)
{
    struct slice s = *text;
    bool bracket = slice_take_prefix(&s, SLICE("["));
    size_t n = 0, dots = 0;

    slice_take_prefix_nocase(&s, SLICE("IPv6:"));
    while (n < s.len && n < HOST_MAX &&
           (ascii_is_alnum(s.at[n]) || s.at[n] == '-' || s.at[n] == '_' || s.at[n] == '.' ||
            (bracket && s.at[n] == ':'))) {
        dots += s.at[n] == '.' || (bracket && s.at[n] == ':');
        n++;
    }
    while (n > 0 && (s.at[n - 1] == '.' || s.at[n - 1] == '-')) {
        dots -= s.at[n - 1] == '.';
        n--;
    }
    if (n == 0 || dots == 0)
        return false;
    *host = slice_head(s, n);
    s = slice_tail(s, n);
    if (bracket)
        slice_take_prefix(&s, SLICE("]"));
    *text = s;
    return true;
}

bool
text_field(struct slice line, const char *name, struct slice *value)
{
    struct slice wanted = slice_of(name);

    if (!slice_starts_nocase(line, wanted))
        return false;
    line = slice_trim(slice_tail(line, wanted.len));
    if (!slice_take_prefix(&line, SLICE(":")))
        return false;
    *value = text_trim(line);
    return true;
}
