/* Questions to other roles. A session has at most one open: its machine waits for it. */
#include "base/ensure.h"
#include "edge.h"

static void
on_answer(void *ctx, const union msg_any *answer, int fd)
{
    struct conn *c = ctx;

    c->ask = NULL;
    c->on_answer(c, answer, fd);
    conn_pump(c);
}

void
conn_ask(struct conn *c, enum role_id role, unsigned index, enum msg_type type, const void *message,
         int fd, enum msg_type expected, conn_answer_fn *fn)
{
    struct chan *to = role_peer(c->edge->role, role, index);

    ensure(!c->ask);
    c->on_answer = fn;
    if (to) {
        c->ask = chan_ask(to, type, message, fd, expected, on_answer, c);
        return;
    }
    fn(c, NULL, -1); /* that role is being replaced */
    conn_pump(c);
}
