/* What the files of this room share. */
#ifndef MIME_PRIVATE_H
#define MIME_PRIVATE_H

#include "base/buf.h"

/* Cut the first line and its end off *text; *line is without it. False: *text is empty. */
bool mime_line_take(struct slice *text, struct slice *line);

/* Without the spaces and tabs at its end. */
struct slice mime_trim_end(struct slice line);

/* Space, tab and line ends: what may stand between the words of a folded value. */
static inline bool
mime_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* May this line stand in a header? first: nothing stands before it there. */
bool mime_line_in_header(struct slice line, bool first);

/* Text in which `escape` and two hexadecimal digits stand for a byte, and `space` for a space. An
 * escape with anything else after it stands for itself. */
bool mime_escaped_put(struct buf *out, struct slice text, uint8_t escape, uint8_t space);

/* The bytes of a parameter, its sections joined (RFC 2231 3, 4), and the charset they name, empty
 * where they name none. False: no such parameter, or the cap of out is reached. */
bool mime_param_join(struct buf *out, struct slice value, struct slice name, struct slice *charset);

#endif
