/* A line that lies whole in the input is handed out where it lies; only pieces are copied. A line
 * end that is not CR LF starts no new line (rfc5321#2.3.8-a): what follows it might be what an
 * attacker wants run. */
#include "smtp/line.h"

void
smtp_line_init(struct smtp_line *l)
{
    *l = (struct smtp_line){.state = SMTP_LINE_READING};
    secret_init(&l->kept, SMTP_LINE_MAX);
}

void
smtp_line_clear(struct smtp_line *l)
{
    secret_clear(&l->kept);
}

/* The whole line at the front of in, with its CR LF; 0: not that simple. */
static size_t
whole_line_length(struct slice in)
{
    ptrdiff_t lf = slice_find(in, '\n');
    ptrdiff_t cr = lf > 0 ? slice_find(slice_head(in, (size_t)lf), '\r') : -1;

    return cr >= 0 && cr + 1 == lf && lf < SMTP_LINE_MAX ? (size_t)lf + 1 : 0;
}

/* One byte of a line that comes in pieces. */
static enum smtp_line_kind
read_byte(struct smtp_line *l, uint8_t c)
{
    bool after_cr = l->cr;

    l->cr = c == '\r';
    if (after_cr && c == '\n')
        return SMTP_LINE_WHOLE;
    if (after_cr || c == '\n') {
        l->state = SMTP_LINE_SWALLOW_BARE;
        return SMTP_LINE_BARE;
    }
    if (!l->cr && (l->kept.buf.len + 3 > SMTP_LINE_MAX || !secret_put(&l->kept, slice_make(&c, 1))))
        l->state = SMTP_LINE_SWALLOW_LONG;
    return SMTP_LINE_PARTIAL;
}

static enum smtp_line_kind
swallow_byte(struct smtp_line *l, uint8_t c)
{
    bool ends = l->cr && c == '\n';
    bool was_long = l->state == SMTP_LINE_SWALLOW_LONG;

    l->cr = c == '\r';
    if (!ends)
        return SMTP_LINE_PARTIAL;
    l->state = SMTP_LINE_READING;
    secret_clear(&l->kept);
    return was_long ? SMTP_LINE_LONG : SMTP_LINE_PARTIAL;
}

size_t
smtp_line_take(struct smtp_line *l, struct slice in, enum smtp_line_kind *kind, struct slice *line)
{
    size_t n = 0;

    if (l->is_given) {
        l->is_given = false;
        secret_clear(&l->kept);
    }
    if (l->state == SMTP_LINE_READING && l->kept.buf.len == 0 && !l->cr)
        n = whole_line_length(in);
    if (n) {
        *kind = SMTP_LINE_WHOLE;
        *line = slice_head(in, n - 2);
        return n;
    }
    *kind = SMTP_LINE_PARTIAL;
    while (n < in.len && *kind == SMTP_LINE_PARTIAL) {
        uint8_t c = in.at[n++];

        *kind = l->state == SMTP_LINE_READING ? read_byte(l, c) : swallow_byte(l, c);
    }
    if (*kind == SMTP_LINE_WHOLE) {
        *line = secret_get(&l->kept);
        l->is_given = true;
    }
    return n;
}
