/* Lines out of bytes. A line that came whole is shown where it lies; one that came in pieces is
 * kept in s->held, which is wiped, for it may hold a password. What is too long is thrown away up
 * to its end, and the session goes on (rfc2449#4-a, rfc5034#4-f). */
#include "pop3/server_private.h"

bool
pop3_line_take(struct pop3_server *s, struct slice *in, size_t max, struct slice *line)
{
    ptrdiff_t lf = slice_find(*in, '\n');
    struct slice part = slice_head(*in, lf < 0 ? in->len : (size_t)lf + 1);

    *in = slice_tail(*in, part.len);
    if (s->held.buf.len + part.len > max) {
        pop3_line_done(s);
        s->swallowing = true;
    } else if (!s->swallowing && (lf < 0 || s->held.buf.len)) {
        secret_put(&s->held, part);
    }
    if (lf < 0)
        return false;
    *line = s->held.buf.len ? secret_get(&s->held) : part;
    if (s->swallowing)
        *line = (struct slice){0};
    s->swallowing = false;
    return true;
}

void
pop3_line_done(struct pop3_server *s)
{
    if (s->held.buf.len)
        secret_clear(&s->held);
}
