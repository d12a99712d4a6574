/* Listening sockets come from the parent, all of them again at each reload. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "edge.h"

static void
accept_one(struct listener *l)
{
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0)
        conn_new(l->edge, l->protocol, fd);
    else if (errno == EMFILE || errno == ENFILE)
        LOG(storage, SLICE(""), log_err(err_os(errno, "accepting a connection")));
}

static void
accept_due(void *ctx)
{
    struct edge *e = ctx;

    e->accept_due = false;
    LIST_EACH(at, &e->listeners)
    {
        struct listener *l = LIST_OF(at, struct listener, link);

        if (l->ready)
            accept_one(l);
        l->ready = false;
    }
}

/* All edges of a group hear of a connection. One that has sessions to serve looks again at the end
 * of its turn, so that an idle one gets it; and nobody takes more than one a turn. */
static void
on_connection(void *ctx, unsigned ready)
{
    struct listener *l = ctx;
    struct edge *e = l->edge;

    (void)ready;
    if (e->conn_count == 0) {
        accept_one(l);
        return;
    }
    l->ready = true;
    if (!e->accept_due)
        loop_later(e->role->loop, accept_due, e);
    e->accept_due = true;
}

void
edge_listener(struct role *r, enum role_protocol p, struct slice address, int fd)
{
    struct edge *e = r->state;
    struct listener *l = heap_take(sizeof(*l));

    (void)address;
    *l = (struct listener){.edge = e, .protocol = p, .fd = fd};
    list_append(&e->listeners_coming, &l->link);
}

void
edge_listeners_close(struct list *listeners)
{
    LIST_EACH(at, listeners)
    {
        struct listener *l = LIST_OF(at, struct listener, link);

        list_remove(&l->link);
        watch_free(l->watch);
        close(l->fd);
        free(l);
    }
}

void
edge_listeners_configured(struct edge *e)
{
    edge_listeners_close(&e->listeners);
    LIST_EACH(at, &e->listeners_coming)
    {
        struct listener *l = LIST_OF(at, struct listener, link);

        list_remove(&l->link);
        list_append(&e->listeners, &l->link);
        l->watch = loop_watch(e->role->loop, l->fd, LOOP_READ, on_connection, l);
    }
}
