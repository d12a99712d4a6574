/* encoded-word = "=?" charset ["*" language] "?" encoding "?" text "?="    rfc2047#2-a rfc2231#5-a
 * encoding     = "B" / "Q"
 *
 * Words with nothing but blanks between them are one text, and where their charsets are the same
 * their bytes are joined before they are converted: a character may be split over them. */
#include <string.h>

#include "mime/decode.h"
#include "mime/header.h"
#include "mime/private.h"
#include "mime/value.h"

struct word {
    struct slice charset, text;
    uint8_t encoding; /* 'b' or 'q' */
};

/* Bytes of one charset, waiting for more of it. */
struct run {
    struct buf *out;
    struct buf bytes;
    struct slice charset;
};

static void
flush(struct run *r)
{
    mime_charset_put(r->out, buf_slice(&r->bytes), r->charset);
    buf_reset(&r->bytes);
}

static struct buf *
bytes_of(struct run *r, struct slice charset)
{
    if (!slice_eq_nocase(r->charset, charset))
        flush(r);
    r->charset = charset;
    return &r->bytes;
}

static bool
take_charset(struct slice *text, struct slice *charset)
{
    struct slice both;
    size_t n = 0;

    while (n < text->len && text->at[n] > ' ' && !strchr("?=\"", text->at[n]))
        n++;
    both = slice_head(*text, n);
    *text = slice_tail(*text, n);
    slice_cut(&both, '*', charset); /* the language tells us nothing */
    return charset->len != 0 && slice_take_prefix(text, SLICE("?"));
}

/* Cut a word off the front; false, with *text as it was, where there is none. Longer words than the
 * standard allows, and blanks in them, are read as they were meant. */
static bool
take_word(struct slice *text, struct word *w)
{
    struct slice rest = *text;

    if (!slice_take_prefix(&rest, SLICE("=?")) || !take_charset(&rest, &w->charset) || !rest.len)
        return false;
    w->encoding = ascii_lower(rest.at[0]);
    rest = slice_tail(rest, 1);
    if ((w->encoding != 'b' && w->encoding != 'q') || !slice_take_prefix(&rest, SLICE("?")) ||
        !slice_cut(&rest, '?', &w->text) || !slice_take_prefix(&rest, SLICE("=")))
        return false;
    *text = rest;
    return true;
}

static void
put_word(struct run *r, const struct word *w)
{
    struct buf *bytes = bytes_of(r, w->charset);

    if (w->encoding == 'b')
        mime_decoded_put(bytes, w->text, MIME_BASE64); /* rfc2047#4.1-a */
    else
        mime_escaped_put(bytes, w->text, '=', '_'); /* rfc2047#4.2-a */
}

static bool
is_blank(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!mime_is_blank(s.at[i]))
            return false;
    return true;
}

/* Whatever a word held: the text is one line. */
static void
blank_controls(struct buf *out, size_t from)
{
    for (size_t i = out->start + from; i < out->start + out->len; i++)
        if (out->at[i] < ' ' || out->at[i] == 0x7f)
            out->at[i] = ' ';
}

/* Cut everything before the first word, and the word, off *text. False: all of it is *plain. */
static bool
take_to_word(struct slice *text, struct slice *plain, struct word *w)
{
    struct slice rest = *text;
    ptrdiff_t sign;

    while ((sign = slice_find(rest, '=')) >= 0) {
        rest = slice_tail(rest, (size_t)sign);
        *plain = slice_head(*text, text->len - rest.len);
        if (take_word(&rest, w)) {
            *text = rest;
            return true;
        }
        rest = slice_tail(rest, 1);
    }
    *plain = *text;
    text->len = 0;
    return false;
}

bool
mime_words_put(struct buf *out, struct slice value)
{
    struct run r = {.out = out};
    struct slice plain;
    struct word w;
    size_t before = out->len;
    bool is_word, was_word = false;

    buf_init(&r.bytes, value.len); /* no encoding is shorter than what it stands for */
    while (value.len && !out->full) {
        is_word = take_to_word(&value, &plain, &w);
        if (!is_word || !was_word || !is_blank(plain)) /* rfc2047#6.2-a */
            mime_unfolded_put(bytes_of(&r, SLICE("")), plain);
        if (is_word)
            put_word(&r, &w);
        was_word = is_word;
    }
    flush(&r);
    blank_controls(out, before);
    buf_clear(&r.bytes);
    return !out->full;
}
