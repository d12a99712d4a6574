/* Leaves are encoded; what contains others never is (rfc2045#6.4-a), but in message/global, which
 * is only for programs that know how to read it either way (RFC 6532 3.7). First all of the message
 * is looked at, then it is written from front to back. */
#include "mime/seven_bit.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/utf8.h"
#include "mime/encode.h"
#include "mime/header.h"
#include "mime/private.h"
#include "mime/walk.h"

struct conversion {
    struct buf *out;
    struct slice message;
    const struct mime_part *parts;
    size_t count;
    size_t at;    /* what stands before it is written */
    size_t found; /* the first 8-bit octet behind where it was looked for last */
};

static size_t
offset_of(const struct conversion *c, struct slice part)
{
    return (size_t)(part.at - c->message.at);
}

/* Asked from front to back, so that all of the message is gone through once, however deep its parts
 * are nested. */
static bool
has_8bit(struct conversion *c, struct slice part)
{
    size_t begin = offset_of(c, part);

    if (c->found < begin)
        c->found = begin;
    while (c->found < c->message.len && c->message.at[c->found] < 0x80)
        c->found++;
    return c->found < begin + part.len;
}

static bool
is_global(const struct mime_part *p)
{
    return mime_part_is(p, SLICE("message"), SLICE("")) &&
           slice_starts_nocase(p->subtype, SLICE("global"));
}

/* The part after this one and what is in it. */
static size_t
skip_part(const struct conversion *c, size_t i)
{
    size_t next = i + 1;

    while (next < c->count && c->parts[next].depth > c->parts[i].depth)
        next++;
    return next;
}

/* Is it encoded as a whole? */
static bool
is_leaf(const struct conversion *c, size_t i)
{
    return skip_part(c, i) == i + 1 || is_global(&c->parts[i]);
}

static bool
may_be_encoded(const struct mime_part *p)
{
    return p->encoding != MIME_UNKNOWN && !mime_part_is(p, SLICE("multipart"), SLICE("")) &&
           (!mime_part_is(p, SLICE("message"), SLICE("")) || is_global(p));
}

/* Not where a line of text ends its header, as that line may be left out; nor where its boundary is
 * written so that it is ASCII in the header, and is none between the parts. */
static bool
may_hold_encoded(const struct mime_part *p)
{
    struct slice charset;
    struct buf boundary;
    bool fine;

    buf_init(&boundary, MIME_BOUNDARY_MAX);
    mime_param_join(&boundary, p->content_type, SLICE("boundary"), &charset);
    fine = p->encoding == MIME_AS_IS && slice_is_ascii(buf_slice(&boundary)) &&
           p->body.at > p->header.at + p->header.len;
    buf_clear(&boundary);
    return fine;
}

/* ---- can it be done? ---- */

static enum mime_seven_bit
look_at(struct conversion *c, size_t i)
{
    const struct mime_part *p = &c->parts[i];

    if (has_8bit(c, p->header))
        return MIME_SEVEN_BIT_HEADER;
    if (!has_8bit(c, p->body))
        return MIME_SEVEN_BIT_OK;
    if (mime_part_is(p, SLICE("multipart"), SLICE("signed")))
        return MIME_SEVEN_BIT_SIGNED;
    if (is_leaf(c, i) ? !may_be_encoded(p) : !may_hold_encoded(p))
        return MIME_SEVEN_BIT_SHAPE;
    return MIME_SEVEN_BIT_OK;
}

static enum mime_seven_bit
look(struct conversion *c)
{
    enum mime_seven_bit found = MIME_SEVEN_BIT_OK;

    if (c->count == MIME_PARTS_MAX)
        return MIME_SEVEN_BIT_SHAPE; /* there may be more, which nobody has looked at */
    for (size_t i = 0; i < c->count && found == MIME_SEVEN_BIT_OK;
         i = is_leaf(c, i) ? skip_part(c, i) : i + 1)
        found = look_at(c, i);
    return found;
}

/* ---- writing ---- */

/* What is no part: delimiters, and text before and after them, which nobody reads (RFC 2046 5.1.1).
 * Of that, lines with 8-bit octets are left out; no line made of one could be taken for a
 * delimiter.
 */
static void
put_between(struct conversion *c, size_t to)
{
    struct slice text = slice_head(slice_tail(c->message, c->at), to - c->at);

    while (text.len) {
        ptrdiff_t end = slice_find(text, '\n');
        struct slice line = end < 0 ? text : slice_head(text, (size_t)end + 1);

        if (slice_is_ascii(line))
            buf_put(c->out, line);
        text = slice_tail(text, line.len);
    }
    c->at = to;
}

static void
put_encoding(struct conversion *c, const char *encoding)
{
    buf_put_format(c->out, "Content-Transfer-Encoding: %s\r\n", encoding);
}

/* The header with another encoding where it names one. True: it did. */
static bool
put_header(struct conversion *c, struct slice header, const char *encoding)
{
    struct slice rest = header, before = rest;
    struct mime_field field;
    bool is_named = false;

    for (; mime_field_take(&rest, &field); before = rest) {
        if (!slice_eq_nocase(field.name, SLICE("Content-Transfer-Encoding")))
            buf_put(c->out, slice_head(before, before.len - rest.len));
        else if (!is_named)
            put_encoding(c, encoding);
        is_named |= slice_eq_nocase(field.name, SLICE("Content-Transfer-Encoding"));
    }
    buf_put(c->out, before);
    return is_named;
}

static bool
is_message(const struct conversion *c, size_t i)
{
    const struct mime_part *parent = &c->parts[c->parts[i].parent];

    return i == 0 || mime_part_is(parent, SLICE("message"), SLICE(""));
}

/* What makes the encoding count, and the text what it is taken for (RFC 1428 3). */
static void
put_missing(struct conversion *c, size_t i)
{
    const struct mime_part *p = &c->parts[i];
    struct slice version;

    if (is_message(c, i) && !mime_field_find(p->header, SLICE("MIME-Version"), &version))
        buf_put_string(c->out, "MIME-Version: 1.0\r\n");
    if (p->content_type.len == 0)
        buf_put_format(c->out, "Content-Type: text/plain; charset=%s\r\n",
                       utf8_ok(p->body) ? "utf-8" : "unknown-8bit");
}

/* Text stays readable unless that is longer. */
static enum mime_encoding
choose(const struct mime_part *p)
{
    size_t escapes = 0;

    if (p->encoding != MIME_AS_IS)
        return p->encoding;
    if (!mime_part_is(p, SLICE("text"), SLICE("")) && !is_global(p))
        return MIME_BASE64;
    for (size_t i = 0; i < p->body.len; i++)
        escapes += p->body.at[i] >= 0x7f || p->body.at[i] == '=' || p->body.at[i] == 0;
    return escapes <= p->body.len / 6 ? MIME_QUOTED_PRINTABLE : MIME_BASE64;
}

/* What says that it is encoded and is not quite, so that it still reads the same: in base 64 other
 * octets do not count, and in quoted-printable they stand for themselves. */
static void
put_mended(struct conversion *c, const struct mime_part *p)
{
    size_t column = 0;

    for (size_t i = 0; i < p->body.len && !c->out->full; i++) {
        uint8_t octet = p->body.at[i];

        column = octet == '\n' ? 0 : column + 1;
        if (octet < 0x80) {
            buf_put_byte(c->out, octet);
        } else if (p->encoding == MIME_QUOTED_PRINTABLE) {
            if (column + 3 > MIME_LINE_MAX) {
                buf_put_string(c->out, "=\r\n");
                column = 1;
            }
            buf_put_format(c->out, "=%02X", octet);
            column += 2;
        }
    }
}

static void
put_body(struct conversion *c, const struct mime_part *p, enum mime_encoding encoding)
{
    if (p->encoding != MIME_AS_IS)
        put_mended(c, p);
    else if (encoding == MIME_BASE64)
        mime_base64_put(c->out, p->body);
    else
        mime_quoted_printable_put(c->out, p->body);
}

static void
put_leaf(struct conversion *c, size_t i)
{
    const struct mime_part *p = &c->parts[i];
    enum mime_encoding encoding = choose(p);
    const char *name = encoding == MIME_BASE64 ? "base64" : "quoted-printable";

    if (!put_header(c, p->header, name))
        put_encoding(c, name);
    put_missing(c, i);
    buf_put_string(c->out, "\r\n");
    put_body(c, p, encoding);
    c->at = offset_of(c, p->body) + p->body.len;
}

static void
put_part(struct conversion *c, size_t i)
{
    const struct mime_part *p = &c->parts[i];

    if (!has_8bit(c, p->body))
        return;
    put_between(c, offset_of(c, p->header));
    if (is_leaf(c, i)) {
        put_leaf(c, i);
        return;
    }
    put_header(c, p->header, "7bit");
    c->at += p->header.len;
}

static void
put_all(struct conversion *c)
{
    c->found = 0;
    for (size_t i = 0; i < c->count && !c->out->full; i = is_leaf(c, i) ? skip_part(c, i) : i + 1)
        put_part(c, i);
    put_between(c, c->message.len);
}

enum mime_seven_bit
mime_seven_bit_put(struct buf *out, struct slice message)
{
    struct mime_part *parts;
    struct conversion c = {.out = out, .message = message};
    enum mime_seven_bit found = MIME_SEVEN_BIT_OK;

    if (slice_is_ascii(message)) {
        buf_put(out, message);
        return out->full ? MIME_SEVEN_BIT_ROOM : MIME_SEVEN_BIT_OK;
    }
    c.parts = parts = heap_take(MIME_PARTS_MAX * sizeof(*parts));
    c.count = mime_walk(message, parts, MIME_PARTS_MAX);
    found = look(&c);
    if (found == MIME_SEVEN_BIT_OK)
        put_all(&c);
    free(parts);
    return found == MIME_SEVEN_BIT_OK && out->full ? MIME_SEVEN_BIT_ROOM : found;
}
