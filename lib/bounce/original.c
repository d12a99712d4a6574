/* What comes back of the message (rfc3461#4.3-b, rfc6522#4-a): all of it where the sender asked for
 * that, it failed, and it can travel as it is; else its header. Nothing in a message within a
 * message may be encoded (RFC 2046 5.2.1), but a header alone may. */
#include "base/utf8.h"
#include "bounce/bounce_private.h"
#include "mime/encode.h"
#include "mime/header.h"
#include "mime/value.h"

enum { LINE_MAX_LEN = 998 }; /* octets without the line end (RFC 5322 2.1.1) */

/* Could these bytes be sent as they are, but for line ends? */
static bool
is_fit(struct slice text)
{
    struct slice line;

    while (text.len) {
        bool ends = slice_cut(&text, '\n', &line);

        if (ends && line.len && line.at[line.len - 1] == '\r')
            line.len--;
        if (line.len > LINE_MAX_LEN || slice_find(line, '\0') >= 0 || slice_find(line, '\r') >= 0)
            return false;
    }
    return true;
}

/* A header as long as may come back, ending with a whole field. */
static struct slice
bounded(struct slice header)
{
    struct slice rest = header, end = header;
    struct mime_field field;

    if (header.len <= BOUNCE_HEADER_MAX)
        return header;
    for (end.len = 0; mime_field_take(&rest, &field);) {
        if (header.len - rest.len > BOUNCE_HEADER_MAX)
            break;
        end.len = header.len - rest.len;
    }
    return end;
}

static struct original
choose_whole(const struct notice *n)
{
    struct original o = {"message/rfc822", "8bit", n->b->original};

    if (slice_is_ascii(o.bytes))
        o.encoding = "7bit";
    if (!slice_is_ascii(n->header) && utf8_ok(n->header))
        o.type = "message/global"; /* rfc6533#5-a */
    return o;
}

static struct original
choose_header(struct slice header)
{
    struct original o = {"text/rfc822-headers", "quoted-printable", header};

    if (header.len == 0)
        o.type = NULL;
    else if (is_fit(header) && slice_is_ascii(header))
        o.encoding = "7bit";
    else if (is_fit(header) && utf8_ok(header))
        o = (struct original){"message/global-headers", "8bit", header}; /* rfc6533#5-b */
    return o;
}

void
original_put_subject(struct buf *out, const struct notice *n)
{
    struct slice value;
    struct buf words;

    if (!mime_field_find(n->header, SLICE("Subject"), &value))
        return;
    buf_init(&words, BOUNCE_HEADER_MAX);
    mime_words_put(&words, value);
    clean_put(out, buf_slice(&words), BOUNCE_SUBJECT_MAX);
    buf_clear(&words);
}

/* rfc3461#4.3-b: where nothing failed the header does */
struct original
original_choose(const struct notice *n)
{
    bool whole = n->b->wants_whole && view_gravest(n) == BOUNCE_failed && n->body.len > 0;

    if (whole && n->b->original.len <= BOUNCE_WHOLE_MAX && is_fit(n->b->original))
        return choose_whole(n);
    return choose_header(bounded(n->header));
}

void
original_put(struct buf *out, const struct original *o)
{
    if (strcmp(o->encoding, "quoted-printable") == 0)
        mime_quoted_printable_put(out, o->bytes);
    else
        clean_put_crlf(out, o->bytes);
}
