/* A page as text: tags go, those that end a line end one, character references become characters.
 * Enough to read a notice; nothing here knows how a page looks. */
#include "explain/explain_private.h"
#include "mime/utf8.h"

enum {
    REFERENCE_LEN = 10, /* bytes of "&#x1F600;" and the like */
    TAG_MAX = 4096,     /* bytes of a tag; a longer one is text */
};

static bool
ends_line(struct slice tag)
{
    static const char *const names[] = {"br", "p",  "div", "tr", "li",
                                        "td", "h1", "h2",  "h3", "pre"};
    struct slice name = tag;

    slice_take_prefix(&name, SLICE("/"));
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t n = strlen(names[i]);

        if (slice_starts_nocase(name, slice_of(names[i])) &&
            (name.len == n || !ascii_is_alnum(name.at[n])))
            return true;
    }
    return false;
}

/* The number of a reference such as "#233" or "#xe9"; 0 where it is none. */
static uint32_t
number_of(struct slice digits)
{
    bool is_hex = slice_take_prefix(&digits, SLICE("x")) || slice_take_prefix(&digits, SLICE("X"));
    uint32_t sum = 0;

    for (size_t i = 0; i < digits.len; i++) {
        uint8_t c = ascii_lower(digits.at[i]);
        uint32_t digit = ascii_is_digit(c)                ? (uint32_t)(c - '0')
                         : is_hex && c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                                                          : 99;

        if (digit == 99 || sum > 0x10ffff)
            return 0;
        sum = sum * (is_hex ? 16 : 10) + digit;
    }
    return sum;
}

/* The character of a reference without its "&" and ";"; 0: unknown. */
static uint32_t
character(struct slice name)
{
    static const struct {
        const char *name;
        uint32_t code;
    } rows[] = {
        {"lt", '<'},       {"gt", '>'},       {"amp", '&'},      {"quot", '"'},
        {"apos", '\''},    {"nbsp", ' '},     {"aacute", 0xe1},  {"eacute", 0xe9},
        {"iacute", 0xed},  {"oacute", 0xf3},  {"uacute", 0xfa},  {"ntilde", 0xf1},
        {"agrave", 0xe0},  {"egrave", 0xe8},  {"ecirc", 0xea},   {"ccedil", 0xe7},
        {"atilde", 0xe3},  {"otilde", 0xf5},  {"auml", 0xe4},    {"ouml", 0xf6},
        {"uuml", 0xfc},    {"szlig", 0xdf},   {"rsquo", 0x2019}, {"lsquo", 0x2018},
        {"ldquo", 0x201c}, {"rdquo", 0x201d}, {"iquest", 0xbf},  {"ugrave", 0xf9},
        {"igrave", 0xec},  {"ograve", 0xf2},
    };

    if (slice_take_prefix(&name, SLICE("#")))
        return number_of(name);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (slice_eq(name, slice_of(rows[i].name)))
            return rows[i].code;
    return 0;
}

/* A reference at the front of *page ("&lt;"), cut off and put. False: there is none. */
static bool
take_reference(struct buf *out, struct slice *page)
{
    ptrdiff_t end = slice_find(slice_head(*page, REFERENCE_LEN), ';');
    uint32_t code = end > 1 ? character(slice_make(page->at + 1, (size_t)end - 1)) : 0;

    if (code == 0)
        return false;
    mime_utf8_put(out, code);
    *page = slice_tail(*page, (size_t)end + 1);
    return true;
}

/* Elements whose content is no text: past their end; one that never ends takes the rest. */
static void
pass_silent(struct slice tag, struct slice *page)
{
    static const char *const silent[] = {"style", "script", "head", "title"};
    struct slice before;

    for (size_t i = 0; i < COUNT(silent); i++) {
        struct slice name = slice_of(silent[i]);

        if (!slice_starts_nocase(tag, name) ||
            (tag.len > name.len && ascii_is_alnum(tag.at[name.len])))
            continue;
        while (slice_cut(page, '<', &before))
            if (slice_take_prefix(page, SLICE("/")) && slice_starts_nocase(*page, name))
                break;
        slice_cut(page, '>', &before);
    }
}

/* Cut a tag or a comment off the front of *page. False: what begins there is none, but a "<" that
 * stands for itself, as around an address. */
static bool
take_tag(struct buf *out, struct slice *page)
{
    struct slice s = slice_tail(*page, 1), tag;
    ptrdiff_t end = slice_find(slice_head(s, TAG_MAX), '>');

    if (end < 0 || !(slice_find(SLICE("/!?"), s.at[0]) >= 0 || ascii_is_alnum(s.at[0])))
        return false;
    tag = slice_head(s, (size_t)end);
    if (slice_find(tag, '@') >= 0 && slice_find(tag, '=') < 0)
        return false;
    *page = slice_tail(s, (size_t)end + 1);
    if (ends_line(tag))
        buf_put_byte(out, '\n');
    pass_silent(tag, page);
    return true;
}

bool
html_text_put(struct buf *out, struct slice page)
{
    while (page.len && !out->full) {
        uint8_t c = page.at[0];

        if ((c == '<' && take_tag(out, &page)) || (c == '&' && take_reference(out, &page)))
            continue;
        buf_put_byte(out, c == '\r' || c == '\n' ? ' ' : c);
        page = slice_tail(page, 1);
    }
    return !out->full;
}
