/* A part's body as text. The decoded bytes in between are held only as far as out can use them. */
#include "mime/private.h"
#include "mime/value.h"
#include "mime/walk.h"

enum {
    CHARSET_NAME_MAX = 100,
    CHARACTER_MAX = 4, /* bytes that decode to one byte of UTF-8, in the widest charset */
    STATE_MAX = 1024,  /* bytes that a charset may spend between characters */
};

/* How many decoded bytes of the body can matter, where out has no room for more. */
static size_t
bytes_wanted(const struct buf *out, size_t body)
{
    size_t space = buf_space(out);

    return body / CHARACTER_MAX > space ? space * CHARACTER_MAX + STATE_MAX : body;
}

bool
mime_text_put(struct buf *out, const struct mime_part *part)
{
    struct buf charset, bytes;
    struct slice ignored;

    buf_init(&charset, CHARSET_NAME_MAX);
    if (!mime_param_join(&charset, part->content_type, SLICE("charset"), &ignored))
        buf_reset(&charset);
    if (part->encoding == MIME_AS_IS || part->encoding == MIME_UNKNOWN) {
        mime_charset_put(out, part->body, buf_slice(&charset));
    } else {
        buf_init(&bytes, bytes_wanted(out, part->body.len));
        mime_decoded_put(&bytes, part->body, part->encoding);
        mime_charset_put(out, buf_slice(&bytes), buf_slice(&charset));
        out->full = out->full || bytes.full;
        buf_clear(&bytes);
    }
    buf_clear(&charset);
    return !out->full;
}
