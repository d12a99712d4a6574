/* A role on demand that nobody has needed yet does not run. Its ends of the channels lie here, and
 * the first word on one of them starts it: who asks it cannot tell the difference. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ensure.h"
#include "parent.h"

struct end {
    struct list link; /* of sleeper->ends */
    struct child *sleeper;
    const struct child *of; /* who holds the other end */
    int fd;
    struct watch *watch;
};

/* The other end may have been closed instead: its process is about to be replaced. */
static void
on_word(void *ctx, unsigned ready)
{
    struct end *e = ctx;
    uint8_t byte;

    (void)ready;
    watch_want(e->watch, 0);
    if (recv(e->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        child_want(e->sleeper);
}

int
asleep_take(struct child *sleeper, const struct child *of)
{
    LIST_EACH(at, &sleeper->ends)
    {
        struct end *e = LIST_OF(at, struct end, link);
        int fd = e->fd;

        if (e->of != of)
            continue;
        watch_free(e->watch);
        list_remove(&e->link);
        free(e);
        return fd;
    }
    return -1;
}

void
asleep_keep(struct child *sleeper, const struct child *of, int fd)
{
    struct end *e = heap_take(sizeof(*e));
    int old = asleep_take(sleeper, of);

    if (old >= 0)
        close(old);
    *e = (struct end){.sleeper = sleeper, .of = of, .fd = fd};
    e->watch = loop_watch(sleeper->parent->loop, fd, LOOP_READ, on_word, e);
    list_append(&sleeper->ends, &e->link);
}
