/* From "<" to ">" is a tag where a letter, "/", "!" or "?" follows the "<", and else text. Blanks
 * and line ends are owed, and paid before the next character: so they are never doubled, and never
 * first or last. */
#include "mime/html.h"

#include <stdlib.h>
#include <string.h>

#include "mime/decode.h"
#include "mime/private.h"
#include "mime/utf8.h"

enum { REFERENCE_MAX = 10 }; /* letters or digits after the "&"; longer ones are text */

enum effect { NO_EFFECT, BLOCK, BREAK, CELL, PRE, HIDDEN };

struct reducer {
    struct buf *out;
    struct slice html;     /* what is left */
    size_t begin;          /* where in out the text begins */
    unsigned line_ends;    /* owed */
    bool is_space, is_pre; /* a space is owed; within <pre> */
};

static void
owe_line_end(struct reducer *r)
{
    r->line_ends = r->line_ends < 2 ? r->line_ends + 1 : 2; /* one empty line is enough */
}

static void
owe_block(struct reducer *r)
{
    r->line_ends = r->line_ends ? r->line_ends : 1;
}

static void
pay(struct reducer *r)
{
    if (r->out->len > r->begin) {
        for (; r->line_ends; r->line_ends--, r->is_space = false)
            buf_put_byte(r->out, '\n');
        if (r->is_space)
            buf_put_byte(r->out, ' ');
    }
    r->line_ends = 0;
    r->is_space = false;
}

static void
put_blank(struct reducer *r, uint8_t c)
{
    if (r->is_pre && c == '\n') {
        owe_line_end(r);
    } else if (r->is_pre && c != '\r') {
        pay(r);
        buf_put_byte(r->out, c);
    } else if (!r->is_pre) {
        r->is_space = true;
    }
}

/* A no-break space is a space to whoever searches. */
static void
put_text(struct reducer *r, struct slice text)
{
    while (text.len && !r->out->full) {
        size_t n = utf8_length(text);
        struct slice character = slice_head(text, n ? n : 1);

        text = slice_tail(text, character.len);
        if (slice_eq(character, SLICE("\xc2\xa0"))) {
            put_blank(r, ' ');
        } else if (mime_is_blank(character.at[0])) {
            put_blank(r, character.at[0]);
        } else {
            pay(r);
            buf_put(r->out, n ? character : MIME_REPLACEMENT);
        }
    }
}

static bool
find_entity(struct slice name, uint32_t *code)
{
    static const struct {
        struct slice name;
        uint32_t code;
    } entities[] = {
#define ENTITY(name, code) {{(const uint8_t *)(name), sizeof(name) - 1}, code},
#include "mime/entity.def"
#undef ENTITY
    };

    for (size_t i = 0; i < COUNT(entities); i++) {
        if (slice_eq(name, entities[i].name)) {
            *code = entities[i].code;
            return true;
        }
    }
    return false;
}

/* "#" and a number, decimal or after an "x" hexadecimal. */
static bool
read_number(struct slice text, uint32_t *code)
{
    char digits[REFERENCE_MAX + 1];
    bool is_hex;
    unsigned long number;
    char *end;

    if (!slice_take_prefix(&text, SLICE("#")))
        return false;
    is_hex = slice_take_prefix_nocase(&text, SLICE("x"));
    if (!slice_to_string(text, digits, sizeof(digits)) || text.len == 0)
        return false;
    number = strtoul(digits, &end, is_hex ? 16 : 10);
    *code = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
    return *end == '\0';
}

/* Numbers that are control characters in Unicode were meant as Windows-1252. */
static void
put_code(struct buf *out, uint32_t code)
{
    uint8_t byte = (uint8_t)code;

    if (code >= 0x80 && code < 0xa0)
        mime_charset_put(out, slice_make(&byte, 1), SLICE("windows-1252"));
    else
        mime_utf8_put(out, code ? code : UINT32_MAX);
}

/* A reference at the front of what is left, or the "&" that is none. The ";" may be missing. */
static void
put_reference(struct reducer *r)
{
    struct slice text = slice_tail(r->html, 1);
    struct buf character;
    uint32_t code;
    size_t n = 0;

    while (n < text.len && n <= REFERENCE_MAX &&
           (ascii_is_alnum(text.at[n]) || (n == 0 && text.at[n] == '#')))
        n++;
    if (!find_entity(slice_head(text, n), &code) && !read_number(slice_head(text, n), &code)) {
        put_text(r, SLICE("&"));
        r->html = text;
        return;
    }
    r->html = slice_tail(text, n);
    slice_take_prefix(&r->html, SLICE(";"));
    buf_init(&character, 4);
    put_code(&character, code);
    put_text(r, buf_slice(&character));
    buf_clear(&character);
}

static enum effect
effect_of(struct slice name)
{
    static const struct {
        const char *name;
        enum effect effect;
    } tags[] = {
#define TAG(name, effect) {name, effect},
#include "mime/tag.def"
#undef TAG
    };

    for (size_t i = 0; i < COUNT(tags); i++)
        if (slice_eq_nocase(name, slice_of(tags[i].name)))
            return tags[i].effect;
    return NO_EFFECT;
}

/* What is left begins after the next `end`, or is nothing. */
static void
skip_past(struct reducer *r, struct slice end)
{
    const uint8_t *hit = r->html.len ? memmem(r->html.at, r->html.len, end.at, end.len) : NULL;

    r->html =
        hit ? slice_tail(r->html, (size_t)(hit - r->html.at) + end.len) : (struct slice){NULL, 0};
}

/* Past the ">" of a tag: one within the quotes of an attribute is not it. */
static void
skip_attributes(struct reducer *r)
{
    struct slice *s = &r->html;
    bool is_value = false; /* an "=" stands before */
    uint8_t quote = 0;

    for (; s->len && (quote || s->at[0] != '>'); *s = slice_tail(*s, 1)) {
        uint8_t c = s->at[0];

        if (quote)
            quote = c == quote ? 0 : quote;
        else if (is_value && (c == '"' || c == '\''))
            quote = c;
        is_value = c == '=' || (is_value && mime_is_blank(c));
    }
    *s = slice_tail(*s, 1);
}

/* To the end tag of that name, or to the end of all. */
static void
skip_element(struct reducer *r, struct slice name)
{
    struct slice tag;

    while (r->html.len) {
        skip_past(r, SLICE("</"));
        tag = slice_head(r->html, name.len);
        if (slice_eq_nocase(tag, name)) {
            skip_past(r, SLICE(">"));
            return;
        }
    }
}

static void
apply(struct reducer *r, struct slice name, bool is_end)
{
    switch (effect_of(name)) {
    case BREAK:
        owe_line_end(r);
        break;
    case PRE:
        r->is_pre = !is_end;
        owe_block(r);
        break;
    case BLOCK:
        owe_block(r);
        break;
    case CELL:
        r->is_space = true;
        break;
    case HIDDEN:
        if (!is_end)
            skip_element(r, name);
        break;
    case NO_EFFECT:
        break;
    }
}

static bool
begins_tag(uint8_t c)
{
    return (ascii_is_alnum(c) && !ascii_is_digit(c)) || c == '!' || c == '?';
}

/* A tag or comment at the front of what is left. False: it is text. */
static bool
take_tag(struct reducer *r)
{
    struct slice rest = slice_tail(r->html, 1), name;
    bool is_end = slice_take_prefix(&rest, SLICE("/"));
    size_t n = 0;

    if (slice_take_prefix(&rest, SLICE("!--"))) {
        skip_past(r, SLICE("-->"));
        return true;
    }
    while (n < rest.len && !mime_is_blank(rest.at[n]) && !memchr("<>/", rest.at[n], 3))
        n++;
    name = slice_head(rest, n);
    if (n == 0 || !begins_tag(name.at[0]) || slice_find(name, '@') >= 0)
        return false;
    r->html = slice_tail(rest, n);
    skip_attributes(r);
    apply(r, name, is_end);
    return true;
}

bool
mime_html_put(struct buf *out, struct slice html)
{
    struct reducer r = {.out = out, .html = html, .begin = out->len};

    while (r.html.len && !out->full) {
        size_t n = 1;

        if (r.html.at[0] == '<' && take_tag(&r))
            continue;
        if (r.html.at[0] == '&') {
            put_reference(&r);
            continue;
        }
        for (; n < r.html.len && r.html.at[n] != '<' && r.html.at[n] != '&'; n++)
            ;
        put_text(&r, slice_head(r.html, n));
        r.html = slice_tail(r.html, n);
    }
    return !out->full;
}
