/* Rows printed as reply lines; the only place where the shape of a reply line is known. */
#include "reason/reason.h"

#include "base/ensure.h"

enum { REASON_LINE_MAX = 512 }; /* RFC 5321 4.5.3.1.5 and RFC 1939 3, CR LF included */

static const struct reason_row rows[REASON_COUNT] = {
    [REASON_NONE] = {"", "", "", "", ""},
#define REASON(name, code, detail, id, text) [name] = {#name, code, detail, id, text},
#include "reason/reply.def"
#undef REASON
};

const struct reason_row *
reason_row(enum reason r)
{
    ensure(r > REASON_NONE && r < REASON_COUNT);
    return &rows[r];
}

enum reason
reason_find(struct slice name)
{
    for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++)
        if (slice_eq(name, slice_of(rows[r].name)))
            return r;
    return REASON_NONE;
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

/* What follows the argument: the rest of the text, then " [id reference]" where it refuses. */
static void
put_end(struct buf *end, enum reason r, struct slice text, struct slice reference, bool more)
{
    ensure(reference.len <= REASON_REFERENCE_MAX);
    buf_put(end, text);
    if (reason_is_refusal(r) && !more) {
        buf_put_string(end, " [");
        buf_put_string(end, rows[r].id);
        if (reference.len)
            buf_put_byte(end, ' ');
        buf_put(end, reference);
        buf_put_byte(end, ']');
    }
    buf_put_string(end, "\r\n");
    ensure(!end->full);
}

bool
reason_put_line(struct buf *out, enum reason r, struct slice argument, struct slice reference,
                bool more)
{
    const struct reason_row *row = reason_row(r);
    uint8_t room[REASON_LINE_MAX], end_room[REASON_LINE_MAX];
    struct buf line = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct buf end = {.at = end_room, .room = sizeof(end_room), .cap = sizeof(end_room)};
    struct slice before, after = slice_of(row->text);
    bool takes_argument = slice_cut(&after, '{', &before);

    put_end(&end, r, slice_tail(after, takes_argument /* the closing brace */), reference, more);
    buf_put_string(&line, row->code);
    buf_put_byte(&line, more ? '-' : ' ');
    if (row->detail[0]) {
        buf_put_string(&line, row->detail);
        buf_put_byte(&line, ' ');
    }
    buf_put(&line, before);
    ensure(line.len + end.len <= sizeof(room));
    if (takes_argument)
        put_argument(&line, argument, sizeof(room) - end.len - line.len);
    buf_put(&line, buf_slice(&end));
    ensure(!line.full);
    return buf_put(out, buf_slice(&line));
}

bool
reason_put(struct buf *out, enum reason r, struct slice argument, struct slice reference)
{
    return reason_put_line(out, r, argument, reference, false);
}

bool
reason_is_refusal(enum reason r)
{
    char first = reason_row(r)->code[0];

    return first == '4' || first == '5' || first == '-';
}
