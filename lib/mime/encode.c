/* Quoted-printable (RFC 2045 6.7) and its sister for fields (RFC 2047 4.2), which leaves text of
 * European languages readable. */
#include "mime/encode.h"

#include "base/base64.h"
#include "base/utf8.h"

enum {
    FOLD_AT = 78,      /* octets of a line of a field that needs no encoding (RFC 5322 2.1.1) */
    BASE64_BYTES = 57, /* that make a line of MIME_LINE_MAX octets */
};

static const char prefix[] = "=?utf-8?q?", suffix[] = "?=";
static const char digits[] = "0123456789ABCDEF";

/* "=C3"; 3 octets. */
static void
put_escape(struct buf *out, uint8_t c)
{
    buf_put_byte(out, '=');
    buf_put_byte(out, (uint8_t)digits[c >> 4]);
    buf_put_byte(out, (uint8_t)digits[c & 15]);
}

/* May it stand for itself? A blank may not end a line, as some programs would drop it; and where
 * one is broken, what follows may not become a delimiter of parts. */
static bool
is_literal(struct slice line, size_t i, bool begins)
{
    uint8_t c = line.at[i];
    bool is_last = i + 1 == line.len;

    if (c == ' ' || c == '\t')
        return !is_last;
    return c > ' ' && c < 0x7f && c != '=' &&
           !(begins && c == '-' && !is_last && line.at[i + 1] == '-');
}

/* A line without its end. */
static void
put_line(struct buf *out, struct slice line)
{
    size_t column = 0;

    for (size_t i = 0; i < line.len && !out->full; i++) {
        size_t width = is_literal(line, i, false) ? 1 : 3;

        if (column + width + (i + 1 < line.len) > MIME_LINE_MAX) { /* the "=" that goes on */
            buf_put_string(out, "=\r\n");
            column = 0;
        }
        if (is_literal(line, i, column == 0)) {
            buf_put_byte(out, line.at[i]);
            column++;
        } else {
            put_escape(out, line.at[i]);
            column += 3;
        }
    }
}

bool
mime_quoted_printable_put(struct buf *out, struct slice text)
{
    struct slice line;
    bool ends;

    while (text.len && !out->full) {
        ends = slice_cut(&text, '\n', &line);
        if (ends && line.len && line.at[line.len - 1] == '\r')
            line.len--;
        put_line(out, line);
        if (ends)
            buf_put_string(out, "\r\n");
    }
    return !out->full;
}

bool
mime_base64_put(struct buf *out, struct slice bytes)
{
    while (bytes.len && !out->full) {
        base64_put(out, slice_head(bytes, BASE64_BYTES));
        buf_put_string(out, "\r\n");
        bytes = slice_tail(bytes, BASE64_BYTES);
    }
    return !out->full;
}

/* May stand in an encoded word anywhere, also in a phrase (RFC 2047 5). */
static bool
is_safe(uint8_t c)
{
    return ascii_is_alnum(c) || slice_find(SLICE("!*+-/"), c) >= 0;
}

static size_t
encoded_width(struct slice character)
{
    if (character.len == 1 && (is_safe(character.at[0]) || character.at[0] == ' '))
        return 1;
    return 3 * character.len;
}

static void
put_character(struct buf *out, struct slice character)
{
    if (character.len == 1 && character.at[0] == ' ')
        buf_put_byte(out, '_');
    else if (character.len == 1 && is_safe(character.at[0]))
        buf_put_byte(out, character.at[0]);
    else
        for (size_t i = 0; i < character.len; i++)
            put_escape(out, character.at[i]);
}

/* Words end between characters, each on a line of its own. */
static void
put_encoded(struct buf *out, struct slice text, size_t column)
{
    size_t most = MIME_LINE_MAX - strlen(suffix) - 1; /* a word has 75 octets at most */

    buf_put_string(out, prefix);
    column += strlen(prefix);
    while (text.len && !out->full) {
        size_t n = utf8_length(text);
        struct slice character = slice_head(text, n ? n : 1);

        if (column + encoded_width(character) > most) {
            buf_put_format(out, "%s\r\n %s", suffix, prefix);
            column = 1 + strlen(prefix);
        }
        put_character(out, character);
        column += encoded_width(character);
        text = slice_tail(text, character.len);
    }
    buf_put_string(out, suffix);
}

static bool
has(struct slice text, const char *part)
{
    return text.len && memmem(text.at, text.len, part, strlen(part)) != NULL;
}

static bool
is_plain(struct slice text)
{
    size_t length = 0; /* of a word: it could not be folded */

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < ' ' || text.at[i] >= 0x7f)
            return false;
        length = text.at[i] == ' ' ? 0 : length + 1;
        if (length >= MIME_LINE_MAX)
            return false;
    }
    return !has(text, "=?") && !has(text, "  ") && slice_trim(text).len == text.len;
}

static void
put_folded(struct buf *out, struct slice text, size_t column)
{
    struct slice word;

    for (bool first = true; text.len; first = false) {
        slice_cut(&text, ' ', &word);
        if (!first && column + 1 + word.len > FOLD_AT) {
            buf_put_string(out, "\r\n");
            column = 0;
        }
        buf_put_string(out, first ? "" : " ");
        buf_put(out, word);
        column += word.len + !first;
    }
}

bool
mime_unstructured_put(struct buf *out, struct slice text, size_t column)
{
    if (is_plain(text))
        put_folded(out, text, column);
    else
        put_encoded(out, text, column);
    return !out->full;
}

bool
mime_phrase_put(struct buf *out, struct slice text, size_t column)
{
    bool plain = is_plain(text);

    for (size_t i = 0; i < text.len && plain; i++)
        plain = text.at[i] == ' ' || is_safe(text.at[i]);
    if (plain)
        put_folded(out, text, column);
    else
        put_encoded(out, text, column);
    return !out->full;
}
