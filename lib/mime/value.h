/* What the value of a field says. Values may be folded; comments and blanks may stand between the
 * words of a structured one. Each `put` appends UTF-8, and is false where the cap of out is
 * reached. */
#ifndef MIME_VALUE_H
#define MIME_VALUE_H

#include "base/buf.h"

enum {
    MIME_SECTIONS_MAX = 100, /* of one parameter (RFC 2231 3); what comes after is left out */
};

/* Text for people, as one line: encoded words (RFC 2047) decoded wherever they stand, bytes of no
 * named charset as mime_charset_put takes them, control characters made blanks. */
bool mime_words_put(struct buf *out, struct slice value);

/* Cut a token, or one character of punctuation, off the front of a structured value, as they are
 * for "text/plain", "base64", "dns; mx.example". False, with *value as it was: no such thing. */
bool mime_token_take(struct slice *value, struct slice *token);
bool mime_sign_take(struct slice *value, uint8_t sign);

struct mime_param {
    struct slice name;  /* with its "*", number and "*", where it has them (RFC 2231) */
    struct slice value; /* as written, without the quotes */
    bool is_quoted;     /* backslashes in it quote */
};

/* Cut the next parameter off *value, passing over what is none: it begins after the token, or at
 * it. A value without quotes may hold blanks. False: there are no more. */
bool mime_param_take(struct slice *value, struct mime_param *param);

/* The parameter of that name, in any case of letters: its sections joined, its charset (RFC 2231)
 * or its encoded words (which do not belong there, but are) decoded. False, with nothing appended,
 * where there is none; and where the cap of out is reached. */
bool mime_param_put(struct buf *out, struct slice value, struct slice name);

#endif
