/* delimiter       = "--" boundary *blank line-end                    rfc2046#5.1.1-a
 * close-delimiter = "--" boundary "--" *blank line-end
 * The line end before either is part of it.
 *
 * Lines are read once. What is open is a stack: containers and, on top, the part now read. A
 * delimiter of any of them closes everything above it, so that a part nobody ended ends there
 * (rfc2046#5.1.1-c). */
#include "mime/walk.h"

#include "mime/header.h"
#include "mime/private.h"
#include "mime/value.h"

struct open_part {
    size_t part;         /* its index */
    size_t begin, body;  /* offsets of header and body */
    size_t boundary_len; /* 0: no delimiter counts (any more) */
    uint8_t boundary[MIME_BOUNDARY_MAX];
};

struct walk {
    struct slice message;
    struct mime_part *parts;
    size_t room, count;
    struct open_part open[MIME_DEPTH_MAX + 1];
    size_t depth;   /* how many are open */
    bool in_header; /* of the topmost */
};

static struct slice
view(const struct walk *w, size_t from, size_t to)
{
    return slice_make(w->message.at + from, from < to ? to - from : 0);
}

static struct open_part *
top(struct walk *w)
{
    return &w->open[w->depth - 1];
}

/* Where there is no room for it, nothing is open above its container, and lines are passed over. */
static void
open_part(struct walk *w, size_t begin)
{
    size_t parent = w->depth ? top(w)->part : 0;

    w->in_header = w->count < w->room;
    if (!w->in_header)
        return;
    w->parts[w->count] = (struct mime_part){.parent = parent, .depth = (unsigned)w->depth};
    w->depth++;
    top(w)->part = w->count++;
    top(w)->begin = begin;
    top(w)->boundary_len = 0;
}

/* rfc2045#5.2-a rfc2046#5.1.5-a */
static void
default_type(const struct walk *w, struct mime_part *p)
{
    const struct mime_part *parent = &w->parts[p->parent];
    bool in_digest = p->depth && mime_part_is(parent, SLICE("multipart"), SLICE("digest"));

    p->type = in_digest ? SLICE("message") : SLICE("text");
    p->subtype = in_digest ? SLICE("rfc822") : SLICE("plain");
}

static void
read_type(const struct walk *w, struct mime_part *p)
{
    struct slice value, type, subtype, encoding = {NULL, 0};

    default_type(w, p);
    mime_field_find(p->header, SLICE("Content-Type"), &p->content_type);
    value = p->content_type;
    if (mime_token_take(&value, &type) && mime_sign_take(&value, '/') &&
        mime_token_take(&value, &subtype)) {
        p->type = type;
        p->subtype = subtype;
    }
    mime_field_find(p->header, SLICE("Content-Transfer-Encoding"), &value);
    mime_token_take(&value, &encoding);
    p->encoding = mime_encoding_of(encoding);
}

static void
end_header(struct walk *w, size_t end, size_t body)
{
    struct mime_part *p = &w->parts[top(w)->part];

    p->header = view(w, top(w)->begin, end);
    top(w)->body = body;
    w->in_header = false;
    read_type(w, p);
}

/* A multipart is given its boundary; a message in the message is opened. What is too deep, or has
 * no boundary, stays one part. */
static void
enter_body(struct walk *w)
{
    struct open_part *o = top(w);
    const struct mime_part *p = &w->parts[o->part];
    struct slice charset;
    struct buf boundary;

    if (w->depth > MIME_DEPTH_MAX)
        return;
    if (mime_part_is(p, SLICE("message"), SLICE("rfc822")) || /* rfc2046#5.2.1-a */
        mime_part_is(p, SLICE("message"), SLICE("global"))) {
        if (p->encoding == MIME_AS_IS || p->encoding == MIME_UNKNOWN)
            open_part(w, o->body);
        return;
    }
    buf_init(&boundary, MIME_BOUNDARY_MAX);
    if (mime_part_is(p, SLICE("multipart"), SLICE("")) &&
        mime_param_join(&boundary, p->content_type, SLICE("boundary"), &charset) && boundary.len) {
        memcpy(o->boundary, buf_slice(&boundary).at, boundary.len);
        o->boundary_len = boundary.len;
    }
    buf_clear(&boundary);
}

/* The parts from `depth` up have ended; at a delimiter without the line end before it. */
static void
close_parts(struct walk *w, size_t depth, size_t end, bool at_delimiter)
{
    const uint8_t *at = w->message.at;
    size_t stop = end;

    if (at_delimiter && stop && at[stop - 1] == '\n') {
        stop--;
        stop -= stop && at[stop - 1] == '\r';
    }
    if (w->in_header)
        end_header(w, stop, stop);
    for (; w->depth > depth; w->depth--)
        w->parts[top(w)->part].body = view(w, top(w)->body, stop);
}

/* A line that ends what stands before it. The innermost boundary counts: whoever nests parts with
 * the same boundary twice means that one. */
static bool
read_delimiter(struct walk *w, struct slice line, size_t begin, size_t next)
{
    if (!slice_take_prefix(&line, SLICE("--")))
        return false;
    line = mime_trim_end(line);
    for (size_t i = w->depth; i-- > 0;) {
        struct open_part *o = &w->open[i];
        struct slice rest = line;

        if (!o->boundary_len || !slice_take_prefix(&rest, slice_make(o->boundary, o->boundary_len)))
            continue;
        if (rest.len && !slice_eq(rest, SLICE("--")))
            continue;
        close_parts(w, i + 1, begin, true);
        if (rest.len)
            o->boundary_len = 0; /* an epilogue follows, rfc2046#5.1.1-b */
        else
            open_part(w, next);
        return true;
    }
    return false;
}

/* A line that is no delimiter matters in headers only. The one that ends a header may be the first
 * of a message in it. */
static void
read_line(struct walk *w, struct slice line, size_t begin, size_t next)
{
    bool is_blank = line.len == 0;

    while (w->in_header && !mime_line_in_header(line, begin == top(w)->begin)) {
        end_header(w, begin, is_blank ? next : begin);
        enter_body(w);
        if (is_blank)
            return;
    }
}

size_t
mime_walk(struct slice message, struct mime_part *parts, size_t room)
{
    struct walk w = {.message = message.at ? message : SLICE(""), .parts = parts, .room = room};
    struct slice rest = message, line;
    size_t begin = 0, next;

    open_part(&w, 0);
    while (mime_line_take(&rest, &line)) {
        next = message.len - rest.len;
        if (!read_delimiter(&w, line, begin, next))
            read_line(&w, line, begin, next);
        begin = next;
    }
    close_parts(&w, 0, message.len, false);
    return w.count;
}

bool
mime_part_is(const struct mime_part *part, struct slice type, struct slice subtype)
{
    return slice_eq_nocase(part->type, type) && /* rfc2045#5.1-c */
           (subtype.len == 0 || slice_eq_nocase(part->subtype, subtype));
}
