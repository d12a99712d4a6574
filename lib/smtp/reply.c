/* reply      = *( code "-" [text] CRLF ) code [SP [text]] CRLF       rfc5321#4.2.1-a
 * code       = ( "2" / "3" / "4" / "5" ) 2DIGIT
 * text       = [enhanced SP] anything                                rfc2034#4-b
 *
 * The code of the last line is that of the reply. A line before it of another class (a yes and a no
 * in one reply) makes garbage of it: no reading of such a reply is safe. */
#include "smtp/reply.h"

#include "base/utf8.h"

enum { CODE_LEN = 3 };

void
smtp_reply_init(struct smtp_reply *r)
{
    *r = (struct smtp_reply){0};
    buf_init(&r->text, SMTP_REPLY_TEXT_MAX);
    buf_init(&r->line, SMTP_REPLY_LINE_MAX);
}

void
smtp_reply_clear(struct smtp_reply *r)
{
    buf_clear(&r->text);
    buf_clear(&r->line);
}

/* Digits, 1 to `most` of them, cut from the front. */
static bool
take_digits(struct slice *text, size_t most)
{
    size_t n = 0;

    while (n < text->len && ascii_is_digit(text->at[n]))
        n++;
    *text = slice_tail(*text, n);
    return n > 0 && n <= most;
}

/* enhanced = class "." 1*3DIGIT "." 1*3DIGIT, of the class of the basic code, and a blank or the
 * end after it. */
static bool
take_enhanced(struct slice *text, unsigned class, struct slice *enhanced)
{
    struct slice rest = *text;

    if (rest.len < 2 || rest.at[0] != '0' + class || rest.at[1] != '.')
        return false;
    rest = slice_tail(rest, 2);
    if (!take_digits(&rest, 3) || !slice_take_prefix(&rest, SLICE(".")) || !take_digits(&rest, 3))
        return false;
    *enhanced = slice_head(*text, text->len - rest.len);
    if (rest.len && !slice_take_prefix(&rest, SLICE(" ")))
        return false;
    *text = rest;
    return true;
}

/* The first one counts. Where lines repeat it, as they should, it is left out of the text; another
 * one stays in it. */
static void
cut_enhanced(struct smtp_reply *r, struct slice *text)
{
    struct slice rest = *text, enhanced;

    if (!take_enhanced(&rest, smtp_reply_class(r), &enhanced))
        return;
    if (!r->enhanced[0])
        slice_to_string(enhanced, r->enhanced, sizeof(r->enhanced));
    if (slice_eq(enhanced, slice_of(r->enhanced)))
        *text = rest;
}

/* UTF-8 may come from a server that knows SMTPUTF8 (rfc6531#3.7.4-a); what is neither that nor
 * printable is of use to nobody. */
static void
put_text(struct smtp_reply *r, struct slice text)
{
    if (r->lines)
        buf_put_byte(&r->text, '\n');
    while (text.len && !r->text.full) {
        size_t n = utf8_length(text);

        if (text.at[0] == '\t')
            buf_put_byte(&r->text, ' ');
        else if (n == 0 || text.at[0] < ' ' || text.at[0] == 0x7f)
            buf_put_byte(&r->text, '?');
        else
            buf_put(&r->text, slice_head(text, n));
        text = slice_tail(text, n ? n : 1);
    }
}

static enum smtp_reply_kind
read_line(struct smtp_reply *r, struct slice line)
{
    unsigned before = smtp_reply_class(r);
    bool more;

    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len < CODE_LEN || line.at[0] < '2' || line.at[0] > '5' ||
        !ascii_is_digit(line.at[1]) || !ascii_is_digit(line.at[2]))
        return SMTP_REPLY_GARBAGE;
    r->code = 100u * (line.at[0] - '0') + 10u * (line.at[1] - '0') + line.at[2] - '0';
    line = slice_tail(line, CODE_LEN);
    more = line.len && line.at[0] == '-';
    if ((line.len && !more && line.at[0] != ' ') || (r->lines && before != smtp_reply_class(r)))
        return SMTP_REPLY_GARBAGE;
    line = slice_trim(slice_tail(line, 1));
    cut_enhanced(r, &line);
    put_text(r, line);
    if (more && ++r->lines == SMTP_REPLY_LINES_MAX)
        return SMTP_REPLY_ENDLESS;
    r->is_given = !more;
    return more ? SMTP_REPLY_PARTIAL : SMTP_REPLY_WHOLE;
}

/* A line that lies whole in the input is read where it lies; only pieces are copied. */
static enum smtp_reply_kind
take_line(struct smtp_reply *r, struct slice piece, bool ends)
{
    enum smtp_reply_kind kind;

    if (!ends || r->line.len) {
        if (!buf_put(&r->line, piece))
            return SMTP_REPLY_ENDLESS;
        piece = buf_slice(&r->line);
    }
    if (!ends)
        return SMTP_REPLY_PARTIAL;
    kind = piece.len > SMTP_REPLY_LINE_MAX ? SMTP_REPLY_ENDLESS : read_line(r, piece);
    buf_reset(&r->line);
    return kind;
}

static void
forget(struct smtp_reply *r)
{
    buf_reset(&r->text);
    r->code = r->lines = 0;
    r->enhanced[0] = '\0';
    r->is_given = false;
}

size_t
smtp_reply_take(struct smtp_reply *r, struct slice in, enum smtp_reply_kind *kind)
{
    size_t before = in.len;

    if (r->is_given)
        forget(r);
    *kind = SMTP_REPLY_PARTIAL;
    while (in.len && *kind == SMTP_REPLY_PARTIAL) {
        struct slice piece;
        size_t offered = in.len;

        slice_cut(&in, '\n', &piece);
        *kind = take_line(r, piece, piece.len < offered);
    }
    return before - in.len;
}
