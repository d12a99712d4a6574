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

static void
end_free(struct end *e)
{
    watch_free(e->watch);
    list_remove(&e->link);
    free(e);
}

static struct end *
find(const struct child *sleeper, const struct child *of)
{
    LIST_EACH(at, &sleeper->ends)
    {
        struct end *e = LIST_OF(at, struct end, link);

        if (e->of == of)
            return e;
    }
    return NULL;
}

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

void
asleep_keep(struct child *sleeper, const struct child *of, int fd)
{
    struct end *e = find(sleeper, of);

    if (e) {
        close(e->fd);
        end_free(e);
    }
    e = heap_take(sizeof(*e));
    *e = (struct end){.sleeper = sleeper, .of = of, .fd = fd};
    e->watch = loop_watch(sleeper->parent->loop, fd, LOOP_READ, on_word, e);
    list_append(&sleeper->ends, &e->link);
}

int
asleep_take(struct child *sleeper, const struct child *of)
{
    struct end *e = find(sleeper, of);
    int fd = e ? e->fd : -1;

    if (e)
        end_free(e);
    return fd;
}
