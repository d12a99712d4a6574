/* Parts stand one after the other in a message, so it is copied from front to back with two kinds
 * of change: the name of a part's encoding, and its body. */
#include "seven.h"

#include "base/base64.h"
#include "mime/encode.h"
#include "mime/header.h"
#include "mime/walk.h"

enum { BASE64_LINE = MIME_LINE_MAX / 4 * 3 }; /* octets that fill a line of it */

struct copy {
    struct buf *out;
    struct slice message;
    size_t done; /* octets of it that were copied, or replaced */
};

static void
copy_to(struct copy *c, const uint8_t *until)
{
    size_t end = (size_t)(until - c->message.at);

    buf_put(c->out, slice_make(c->message.at + c->done, end - c->done));
    c->done = end;
}

/* False: nobody could be told of the encoding. A part's own field, else one behind its type, else,
 * in a part of a message that is MIME, one in front. */
static bool
name_encoding(struct copy *c, const struct mime_part *p, const char *word)
{
    struct slice value;

    if (mime_field_find(p->header, SLICE("Content-Transfer-Encoding"), &value)) {
        if (value.len == 0)
            return false;
        copy_to(c, value.at);
        buf_put_string(c->out, word);
        c->done += value.len;
    } else if (p->content_type.len) {
        copy_to(c, p->content_type.at + p->content_type.len);
        buf_put_format(c->out, "\r\nContent-Transfer-Encoding: %s", word);
    } else {
        copy_to(c, p->header.at);
        buf_put_format(c->out, "Content-Transfer-Encoding: %s\r\n", word);
    }
    return true;
}

static void
put_base64(struct buf *out, struct slice body)
{
    for (; body.len && !out->full; body = slice_tail(body, BASE64_LINE)) {
        base64_put(out, slice_head(body, BASE64_LINE));
        if (body.len > BASE64_LINE)
            buf_put_string(out, "\r\n");
    }
}

static bool
is_a(const struct mime_part *p, const char *type)
{
    return mime_part_is(p, slice_of(type), SLICE(""));
}

/* What is signed is not ours to change; a message in a message must be MIME itself. */
static bool
may_change(const struct mime_part *parts, const struct mime_part *p)
{
    struct slice version;
    bool is_message = p->depth == 0 || is_a(&parts[p->parent], "message");

    if (is_message && !mime_field_find(p->header, SLICE("MIME-Version"), &version))
        return false;
    for (; p->depth; p = &parts[p->parent])
        if (mime_part_is(&parts[p->parent], SLICE("multipart"), SLICE("signed")))
            return false;
    return true;
}

/* A part that holds others is what they are: rfc2045#6.4-a. */
static bool
convert_container(struct copy *c, const struct mime_part *p)
{
    struct slice value;

    return !mime_field_find(p->header, SLICE("Content-Transfer-Encoding"), &value) ||
           p->encoding != MIME_AS_IS || name_encoding(c, p, "7bit");
}

static bool
convert_leaf(struct copy *c, const struct mime_part *parts, const struct mime_part *p)
{
    bool is_text = is_a(p, "text");
    bool has_blank_line = p->body.at > p->header.at + p->header.len;

    if (slice_is_ascii(p->body))
        return true;
    if (p->encoding != MIME_AS_IS || is_a(p, "message") || is_a(p, "multipart") ||
        !has_blank_line || !may_change(parts, p) ||
        !name_encoding(c, p, is_text ? "quoted-printable" : "base64"))
        return false;
    copy_to(c, p->body.at);
    if (is_text)
        mime_quoted_printable_put(c->out, p->body);
    else
        put_base64(c->out, p->body);
    c->done += p->body.len;
    return true;
}

/* Some octet may stand where nothing was changed; and a line that was broken could end in what
 * looks like a boundary. */
static bool
is_good(const struct buf *out, size_t before, size_t parts)
{
    static struct mime_part again[MIME_PARTS_MAX];
    struct slice made = slice_tail(buf_slice(out), before);

    return !out->full && slice_is_ascii(made) && mime_walk(made, again, COUNT(again)) == parts;
}

bool
seven_bit_put(struct buf *out, struct slice message)
{
    static struct mime_part parts[MIME_PARTS_MAX];
    size_t count = mime_walk(message, parts, COUNT(parts)), before = out->len;
    struct copy c = {.out = out, .message = message};
    bool good = true;

    for (size_t i = 0; good && i < count; i++) {
        bool holds_others = i + 1 < count && parts[i + 1].parent == i;

        good = holds_others ? convert_container(&c, &parts[i]) : convert_leaf(&c, parts, &parts[i]);
    }
    copy_to(&c, message.at + message.len);
    return good && is_good(out, before, count);
}
