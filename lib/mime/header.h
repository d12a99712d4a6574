/* The header of a message, of a part or of a delivery report's group (RFC 5322, RFC 6532), as
 * bytes: what its values say is value.h's. Lines end in CR LF or in LF alone. Nothing is copied,
 * nothing fails: what is no header is body. */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include "base/buf.h"

struct mime_field {
    struct slice name;  /* without the colon and blanks before it */
    struct slice value; /* still folded; no blanks or line ends around it */
};

/* Cut a message at the blank line that ends its header, which is of neither; a line that cannot
 * belong to a header ends it too, and begins the body. An mbox "From " line may begin the header.
 */
void mime_header_cut(struct slice message, struct slice *header, struct slice *body);

/* Cut the next block of fields from *text, passing over lines that are none: the groups of a
 * message/delivery-status (RFC 3464 2.1). False: there are no more. */
bool mime_group_take(struct slice *text, struct slice *group);

/* Cut the next field from *header, passing over lines that are none. False: there are no more. */
bool mime_field_take(struct slice *header, struct mime_field *field);

/* The value of the first field of that name, in any case of letters. False, with an empty value:
 * there is none. */
bool mime_field_find(struct slice header, struct slice name, struct slice *value);

/* A value as one line: line ends are dropped, the blanks after them kept. False: the cap of out is
 * reached. */
bool mime_unfolded_put(struct buf *out, struct slice value);

#endif
