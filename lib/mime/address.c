/* Mailbox    = Local-part "@" ( Domain / address-literal )           rfc5321#4.1.2-a
 * Local-part = Dot-string / Quoted-string
 * Dot-string = Atom *("." Atom)
 * Domain     = sub-domain *("." sub-domain)
 * UTF-8 stands wherever a letter does                                rfc6531#3.3-a */
#include "mime/address.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include "base/utf8.h"

static bool
is_atext(uint8_t c)
{
    return ascii_is_alnum(c) || c >= 0x80 || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* The length of a dot-string at the front: atoms, none of them empty. 0: there is none. */
static size_t
dot_string_length(struct slice s)
{
    size_t i = 0;

    while (i < s.len && is_atext(s.at[i])) {
        while (i < s.len && is_atext(s.at[i]))
            i++;
        if (i == s.len || s.at[i] != '.')
            return i;
        i++;
    }
    return 0; /* began with a dot, or a dot had no atom after it */
}

/* The length of a quoted string at the front, with its quotes. 0: there is none. */
static size_t
quoted_length(struct slice s)
{
    size_t i = 1;

    if (s.len < 2 || s.at[0] != '"')
        return 0;
    for (; i < s.len && s.at[i] != '"'; i++) {
        if (s.at[i] == '\\' && ++i == s.len)
            return 0;
        if (s.at[i] < ' ' || s.at[i] == 0x7f)
            return 0;
    }
    return i < s.len ? i + 1 : 0;
}

bool
mime_address_take_local(struct slice *text, struct mime_address *a)
{
    size_t n = text->len && text->at[0] == '"' ? quoted_length(*text) : dot_string_length(*text);

    *a = (struct mime_address){.local = slice_head(*text, n)};
    if (n == 0 || n > MIME_ADDRESS_MAX || !utf8_ok(a->local))
        return false;
    a->is_ascii = slice_is_ascii(a->local);
    *text = slice_tail(*text, n);
    return true;
}

static bool
is_domain_byte(uint8_t c)
{
    return ascii_is_alnum(c) || c >= 0x80 || c == '-' || c == '_' || c == '.';
}

static bool
label_ok(struct slice label)
{
    if (label.len == 0 || label.at[0] == '-' || label.at[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_domain_byte(label.at[i]))
            return false;
    return label.len <= MIME_LABEL_MAX || !slice_is_ascii(label);
}

bool
mime_domain_parse(struct slice text)
{
    struct slice label;
    bool more = true;

    if (text.len > MIME_DOMAIN_MAX || !utf8_ok(text))
        return false;
    while (more) {
        more = slice_cut(&text, '.', &label);
        if (!label_ok(label))
            return false;
    }
    return true;
}

/* address-literal = "[" IPv4 / "IPv6:" IPv6 "]"                      rfc5321#4.1.3-b
 * General literals have no registered tag. */
bool
mime_literal_parse(struct slice text)
{
    char address[INET6_ADDRSTRLEN + 1];
    uint8_t bits[16];
    int family = AF_INET;

    if (text.len < 2 || text.at[0] != '[' || text.at[text.len - 1] != ']')
        return false;
    text = slice_make(text.at + 1, text.len - 2);
    if (slice_take_prefix_nocase(&text, SLICE("IPv6:")))
        family = AF_INET6;
    return slice_to_string(text, address, sizeof(address)) && inet_pton(family, address, bits) == 1;
}

/* The length of a domain or a literal at the front, judged by its bytes alone. */
static size_t
domain_length(struct slice s)
{
    size_t i = 0;

    if (s.len && s.at[0] == '[')
        return (size_t)(slice_find(s, ']') + 1);
    while (i < s.len && is_domain_byte(s.at[i]))
        i++;
    return i;
}

bool
mime_address_take(struct slice *text, struct mime_address *a)
{
    struct slice rest = *text;

    if (!mime_address_take_local(&rest, a) || !slice_take_prefix(&rest, SLICE("@")))
        return false;
    a->domain = slice_head(rest, domain_length(rest));
    if (!mime_literal_parse(a->domain) && !mime_domain_parse(a->domain))
        return false;
    a->is_ascii = a->is_ascii && slice_is_ascii(a->domain);
    *text = slice_tail(rest, a->domain.len);
    return true;
}

bool
mime_address_parse(struct slice text, struct mime_address *a)
{
    return mime_address_take(&text, a) && text.len == 0;
}

static bool
put_lower(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        buf_put_byte(out, ascii_lower(s.at[i]));
    return !out->full;
}

static bool
put_a_labels(struct buf *out, struct slice domain)
{
    char name[MIME_DOMAIN_MAX + 1];
    char *ascii = NULL;
    bool fine = false;

    if (!slice_to_string(domain, name, sizeof(name)))
        return false;
    if (idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK)
        fine = mime_domain_parse(slice_of(ascii)) && put_lower(out, slice_of(ascii));
    idn2_free(ascii);
    return fine;
}

bool
mime_domain_put(struct buf *out, struct slice domain)
{
    if (!mime_literal_parse(domain) && !mime_domain_parse(domain))
        return false;
    return slice_is_ascii(domain) ? put_lower(out, domain) : put_a_labels(out, domain);
}

/* A quoted string without its quotes and backslashes, quoted again only if it must be. */
static bool
put_unquoted(struct buf *out, struct slice quoted)
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct slice text = {room, 0};
    bool plain;

    for (size_t i = 1; i + 1 < quoted.len; i++) {
        i += quoted.at[i] == '\\';
        room[text.len++] = quoted.at[i];
    }
    plain = text.len && dot_string_length(text) == text.len;
    if (plain)
        return buf_put(out, text);
    buf_put_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (room[i] == '"' || room[i] == '\\')
            buf_put_byte(out, '\\');
        buf_put_byte(out, room[i]);
    }
    return buf_put_byte(out, '"');
}

bool
mime_address_put(struct buf *out, const struct mime_address *a)
{
    size_t before = out->len;

    if (a->local.at[0] == '"' ? !put_unquoted(out, a->local) : !buf_put(out, a->local))
        return false;
    if (a->domain.len && (!buf_put_byte(out, '@') || !mime_domain_put(out, a->domain)))
        return false;
    return out->len - before <= MIME_ADDRESS_MAX;
}

void
mime_address_split(struct slice canonical, struct slice *local, struct slice *domain)
{
    ptrdiff_t at = slice_find_last(canonical, '@');

    /* an "@" before a quote belongs to the local part: `"a@b"` has no domain */
    if (at < 0 || slice_find_last(canonical, '"') > at) {
        *local = canonical;
        *domain = (struct slice){NULL, 0};
        return;
    }
    *local = slice_head(canonical, (size_t)at);
    *domain = slice_tail(canonical, (size_t)at + 1);
}

bool
mime_address_eq(struct slice a, struct slice b)
{
    return slice_eq_nocase(a, b); /* the domain of both is in lower case already */
}
