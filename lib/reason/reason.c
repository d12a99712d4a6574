/* Rows printed as reply lines; the only place where the shape of a reply line is known. */
#include "reason/reason.h"

#include "base/ensure.h"

enum { REASON_LINE_MAX = 512 }; /* RFC 5321 4.5.3.1.5 and RFC 1939 3, CR LF included */

static const struct reason_row rows[REASON_COUNT] = {
    [REASON_NONE] = {"", "", "", ""},
#define REASON(name, code, detail, id, text) [name] = {code, detail, id, text},
#include "reason/pop3.def"
#include "reason/smtp.def"
#undef REASON
};

const struct reason_row *
reason_row(enum reason r)
{
    ensure(r > REASON_NONE && r < REASON_COUNT);
    return &rows[r];
}

static void
put_argument(struct buf *line, struct slice argument, size_t room)
{
    argument = slice_head(argument, room);
    for (size_t i = 0; i < argument.len; i++) {
        uint8_t c = argument.at[i];

        buf_put_byte(line, c < ' ' || c > '~' ? '?' : c);
    }
}

bool
reason_put_line(struct buf *out, enum reason r, struct slice argument, bool more)
{
    const struct reason_row *row = reason_row(r);
    uint8_t room[REASON_LINE_MAX];
    struct buf line = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct slice before, after = slice_of(row->text);

    buf_put_string(&line, row->code);
    buf_put_byte(&line, more ? '-' : ' ');
    if (row->detail[0]) {
        buf_put_string(&line, row->detail);
        buf_put_byte(&line, ' ');
    }
    if (slice_cut(&after, '{', &before)) {
        after = slice_tail(after, 1); /* the closing brace */
        buf_put(&line, before);
        put_argument(&line, argument, sizeof(room) - 2 - after.len - line.len);
        buf_put(&line, after);
    } else {
        buf_put(&line, before);
    }
    buf_put_string(&line, "\r\n");
    ensure(!line.full);
    return buf_put(out, buf_slice(&line));
}

bool
reason_put(struct buf *out, enum reason r, struct slice argument)
{
    return reason_put_line(out, r, argument, false);
}

bool
reason_is_temporary(enum reason r)
{
    return reason_row(r)->code[0] == '4';
}
