/* value     = token ["/" token] *(";" parameter)                     rfc2045#5.1-a
 * parameter = attribute "=" (token / quoted-string)
 * attribute = name ["*" number] ["*"]                                rfc2231#3-a rfc2231#4.1-a
 * Comments and blanks may stand between any two of these             rfc5322#3.2.2-a */
#include <string.h>

#include "mime/decode.h"
#include "mime/private.h"
#include "mime/value.h"

/* rfc2045#5.1-b */
static bool
is_token(uint8_t c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* Past a comment, which may hold others; one that has no end is the rest of the value. */
static void
skip_comment(struct slice *s)
{
    size_t depth = 0, i = 0;

    do {
        if (s->at[i] == '\\')
            i++;
        else if (s->at[i] == '(')
            depth++;
        else if (s->at[i] == ')')
            depth--;
        i++;
    } while (depth && i < s->len);
    *s = slice_tail(*s, i);
}

static void
skip_blanks(struct slice *s)
{
    while (s->len && (mime_is_blank(s->at[0]) || s->at[0] == '(')) {
        if (s->at[0] == '(')
            skip_comment(s);
        else
            *s = slice_tail(*s, 1);
    }
}

bool
mime_token_take(struct slice *value, struct slice *token)
{
    struct slice rest = *value;
    size_t n = 0;

    skip_blanks(&rest);
    while (n < rest.len && is_token(rest.at[n]))
        n++;
    if (n == 0)
        return false;
    *token = slice_head(rest, n);
    *value = slice_tail(rest, n);
    return true;
}

bool
mime_sign_take(struct slice *value, uint8_t sign)
{
    struct slice rest = *value;

    skip_blanks(&rest);
    if (rest.len == 0 || rest.at[0] != sign)
        return false;
    *value = slice_tail(rest, 1);
    return true;
}

/* The index of the quote that ends what a quote began, or -1. */
static ptrdiff_t
find_quote(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '"')
            return (ptrdiff_t)i;
        if (s.at[i] == '\\')
            i++;
    }
    return -1;
}

/* Up to the next ";", but for a comment after blanks: "report (1).pdf" is mostly a name, and
 * "us-ascii (plain text)" is not; the standard has it that neither is. */
static struct slice
take_unquoted(struct slice *value)
{
    struct slice text;
    size_t n = 0;

    slice_cut(value, ';', &text);
    while (n < text.len &&
           !(mime_is_blank(text.at[n]) && n + 1 < text.len && text.at[n + 1] == '('))
        n++;
    text.len = n;
    while (text.len && mime_is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

static void
take_value(struct slice *value, struct mime_param *p)
{
    ptrdiff_t end;

    skip_blanks(value);
    p->is_quoted = slice_take_prefix(value, SLICE("\""));
    end = p->is_quoted ? find_quote(*value) : -1;
    if (end < 0) {
        p->value = take_unquoted(value);
        return;
    }
    p->value = slice_head(*value, (size_t)end);
    *value = slice_tail(*value, (size_t)end + 1);
}

bool
mime_param_take(struct slice *value, struct mime_param *param)
{
    for (skip_blanks(value); value->len; skip_blanks(value)) {
        if (!mime_token_take(value, &param->name)) {
            *value = slice_tail(*value, 1);
        } else if (mime_sign_take(value, '=')) {
            take_value(value, param);
            return true;
        }
    }
    return false;
}

/* One section of a parameter, or all of it. */
struct section {
    struct mime_param param;
    bool is_there;
    bool is_encoded; /* "%" and two digits stand for a byte; section 0 names the charset */
};

/* Which section of `name` the attribute is; -1: it is none of them. `whole` is it without a "*". */
static int
section_of(struct slice attribute, struct slice name, int whole, bool *is_encoded)
{
    struct slice number;
    uint64_t n = 0;

    *is_encoded = false;
    if (!slice_take_prefix_nocase(&attribute, name))
        return -1;
    if (attribute.len == 0)
        return whole;
    if (!slice_take_prefix(&attribute, SLICE("*")))
        return -1;
    *is_encoded = slice_cut(&attribute, '*', &number) || number.len == 0;
    if (attribute.len || (number.len && !slice_to_u64(number, &n)) || n >= MIME_SECTIONS_MAX)
        return -1;
    return (int)n;
}

/* Both spellings may be there, for old readers and new ones: the new one is what is meant. */
static void
collect(struct section *sections, struct slice value, struct slice name)
{
    struct mime_param param;

    while (mime_param_take(&value, &param)) {
        bool is_encoded;
        int n = section_of(param.name, name, MIME_SECTIONS_MAX, &is_encoded);

        if (n >= 0 && !sections[n].is_there)
            sections[n] = (struct section){param, true, is_encoded};
    }
}

static void
put_section(struct buf *out, const struct section *s)
{
    struct slice text = s->param.value;

    if (s->is_encoded) {
        mime_escaped_put(out, text, '%', ' ');
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (s->param.is_quoted && text.at[i] == '\\' && i + 1 < text.len)
            i++;
        else if (text.at[i] == '\n' || text.at[i] == '\r')
            continue; /* folded */
        buf_put_byte(out, text.at[i]);
    }
}

/* charset "'" [language] "'" text                                    rfc2231#4-a
 * Where the quotes are missing all of it is text. */
static struct slice
take_charset(struct slice *text)
{
    struct slice rest = *text, charset, language;

    if (!slice_cut(&rest, '\'', &charset) || !slice_cut(&rest, '\'', &language))
        return (struct slice){NULL, 0};
    *text = rest;
    return charset;
}

bool
mime_param_join(struct buf *out, struct slice value, struct slice name, struct slice *charset)
{
    struct section sections[MIME_SECTIONS_MAX + 1] = {0}; /* the last: the plain spelling */
    struct section *first = &sections[0];

    *charset = (struct slice){NULL, 0};
    collect(sections, value, name);
    if (!first->is_there) {
        put_section(out, &sections[MIME_SECTIONS_MAX]);
        return sections[MIME_SECTIONS_MAX].is_there && !out->full;
    }
    if (first->is_encoded)
        *charset = take_charset(&first->param.value);
    for (size_t i = 0; i < MIME_SECTIONS_MAX && sections[i].is_there; i++)
        put_section(out, &sections[i]);
    return !out->full;
}

bool
mime_param_put(struct buf *out, struct slice value, struct slice name)
{
    struct slice charset;
    struct buf bytes;
    bool is_there;

    buf_init(&bytes, value.len);
    is_there = mime_param_join(&bytes, value, name, &charset);
    if (is_there && charset.len)
        mime_charset_put(out, buf_slice(&bytes), charset);
    else if (is_there)
        mime_words_put(out, buf_slice(&bytes));
    buf_clear(&bytes);
    return is_there && !out->full;
}
