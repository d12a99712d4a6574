/* Text of any charset as UTF-8. What is ASCII or UTF-8 is only looked through; the rest goes to
 * iconv, one converter for each row of charset.def, opened when first met and kept. */
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "mime/decode.h"
#include "mime/utf8.h"

enum {
    NAME_MAX_LEN = 24, /* longer than any in charset.def */
    CHUNK = 4096,      /* of output; more than a converter writes at a time, whatever it reads */
};

enum form { LIKE_ASCII, OWN_FORM, UTF_8, NOT_NAMED };

static const struct charset {
    const char *name, *reader;
    enum form form;
} charsets[] = {
#define CHARSET(name, reader, form) {name, reader, form},
#include "mime/charset.def"
#undef CHARSET
};

/* What iconv_open could open. */
static bool
is_usable(iconv_t converter)
{
    return converter != (iconv_t)-1;
}

/* The row of that name; NULL: there is none. */
static const struct charset *
find(struct slice name)
{
    char key[NAME_MAX_LEN + 1];
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_alnum(name.at[i]))
            continue;
        if (len == NAME_MAX_LEN)
            return NULL;
        key[len++] = (char)ascii_lower(name.at[i]);
    }
    key[len] = '\0';
    for (size_t i = 0; i < COUNT(charsets); i++)
        if (strcmp(charsets[i].name, key) == 0)
            return &charsets[i];
    return NULL;
}

static iconv_t
converter_of(const struct charset *c)
{
    static iconv_t opened[COUNT(charsets)];
    iconv_t *converter = &opened[c - charsets];

    if (!*converter)
        *converter = iconv_open("UTF-8", c->reader);
    if (is_usable(*converter))
        iconv(*converter, NULL, NULL, NULL, NULL); /* forget the last text */
    return *converter;
}

static size_t
ascii_length(struct slice text)
{
    return text.at[0] < 0x80;
}

/* What `length` finds well-formed; a replacement for each byte that is not. rfc2047#6.2-b */
static void
put_checked(struct buf *out, struct slice text, size_t (*length)(struct slice))
{
    while (text.len && !out->full) {
        size_t good = 0, n = 1;

        while (good < text.len && (n = length(slice_tail(text, good))) != 0)
            good += n;
        mime_utf8_put_most(out, slice_head(text, good));
        if (n == 0 && !out->full)
            buf_put(out, MIME_REPLACEMENT);
        text = slice_tail(text, good + (n == 0));
    }
}

/* The next piece of *text, up to where the output is full or the converter stops; what its errno
 * would be, 0 at the end. A NULL text: what the converter still holds back. */
static int
convert_piece(struct buf *out, struct slice *text, iconv_t converter)
{
    size_t room = buf_space(out) < CHUNK ? buf_space(out) : CHUNK, left = room;
    char *to = (char *)buf_reserve(out, room);
    char *from = text ? (char *)(uintptr_t)text->at : NULL; /* iconv only reads it */
    size_t result = iconv(converter, text ? &from : NULL, text ? &text->len : NULL, &to, &left);
    int error = result == (size_t)-1 ? errno : 0;

    buf_added(out, room - left);
    if (text)
        text->at = (const uint8_t *)from;
    if (error == E2BIG && left == room)
        return room < CHUNK ? ENOSPC : EILSEQ; /* neither goes on by itself */
    return error;
}

static void
convert(struct buf *out, struct slice text, iconv_t converter)
{
    int error = 0;

    while (text.len && !out->full) {
        error = convert_piece(out, &text, converter);
        if (error == EILSEQ) {
            buf_put(out, MIME_REPLACEMENT);
            text = slice_tail(text, 1);
        } else if (error == EINVAL) { /* cut within a character */
            buf_put(out, MIME_REPLACEMENT);
            break;
        } else if (error == ENOSPC) {
            out->full = true;
        }
    }
    if (!out->full && convert_piece(out, NULL, converter) != 0)
        out->full = true;
}

/* More characters of UTF-8 than bytes that are none: text in any other charset is unlikely to hold
 * even one. A few bytes may well be broken where a long text was cut. */
static bool
is_mostly_utf8(struct slice text)
{
    size_t good = 0, bad = 0;

    while (text.len) {
        size_t n = utf8_length(text);

        good += n > 1;
        bad += n == 0;
        text = slice_tail(text, n ? n : 1);
    }
    return good >= bad;
}

bool
mime_charset_put(struct buf *out, struct slice bytes, struct slice charset)
{
    const struct charset *c = find(charset);
    iconv_t converter;

    if (out->full)
        return false;
    if (c && c->form == NOT_NAMED)
        c = find(is_mostly_utf8(bytes) ? SLICE("utf8") : SLICE("windows1252"));
    if (c && (c->form == UTF_8 || (c->form == LIKE_ASCII && slice_is_ascii(bytes)))) {
        put_checked(out, bytes, utf8_length);
        return !out->full;
    }
    converter = c ? converter_of(c) : (iconv_t)-1;
    if (is_usable(converter))
        convert(out, bytes, converter);
    else
        put_checked(out, bytes, ascii_length);
    return !out->full;
}
