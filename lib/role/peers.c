/* One row per process this role has a channel to. ctl comes and goes; all others stand in
 * roles.def. */
#include "role/peers.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/list.h"
#include "role/spawn.h"

enum { CTL_PEERS_MAX = 64 }; /* commands at a time */

struct peer {
    struct list link;
    enum role_id id;
    unsigned index;
    int fd; /* while there is no channel: before the start, and for raw doors */
    struct chan *chan;
};

static struct {
    struct role *role;
    const struct role_spec *spec;
    bool begun;
    struct list peers;
    unsigned counts[ROLE_COUNT];
    unsigned ctl_peers;
} self;

static const struct role_door *
door_of(enum role_id id)
{
    for (const struct role_door *d = self.spec->doors; d && d->from != ROLE_parent; d++)
        if (d->from == id)
            return d;
    return NULL;
}

static struct peer *
find(enum role_id id, unsigned index)
{
    LIST_EACH(at, &self.peers)
    {
        struct peer *p = LIST_OF(at, struct peer, link);

        if (p->id == id && p->index == index)
            return p;
    }
    return NULL;
}

static struct peer *
find_chan(const struct chan *c)
{
    LIST_EACH(at, &self.peers)
    {
        struct peer *p = LIST_OF(at, struct peer, link);

        if (p->chan == c)
            return p;
    }
    return NULL;
}

static void
down(struct peer *p)
{
    struct chan *c = p->chan;

    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    p->chan = NULL;
    if (!c)
        return;
    chan_free(c);
    if (self.spec->peer_down)
        self.spec->peer_down(self.role, p->id, p->index);
}

static void
forget(struct peer *p)
{
    down(p);
    self.ctl_peers -= p->id == ROLE_ctl;
    list_remove(&p->link);
    free(p);
}

static void
on_closed(void *ctx, struct chan *c)
{
    struct peer *p = find_chan(c);

    (void)ctx;
    ensure(p != NULL);
    if (p->id == ROLE_ctl)
        forget(p);
    else
        down(p);
}

static void
on_bad(void *ctx, struct chan *c)
{
    struct peer *p = find_chan(c);

    (void)ctx;
    ensure(p != NULL);
    if (p->id == ROLE_ctl)
        forget(p);
    else
        role_accuse(p->id, p->index);
}

static const struct chan_events events = {on_closed, on_bad};

static void
on_status(void *ctx, struct chan_call *call, const union msg_any *m)
{
    (void)ctx, (void)m;
    role_answer_status(call);
}

/* Every role with a door for ctl tells its counters there. */
static const struct chan_handler *
handlers_of(const struct role_door *door)
{
    static struct chan_handler for_ctl[32];
    size_t n = 0;

    if (door->from != ROLE_ctl)
        return door->handlers;
    for (; door->handlers && door->handlers[n].run; n++) {
        ensure(n < COUNT(for_ctl) - 2);
        for_ctl[n] = door->handlers[n];
    }
    for_ctl[n] = (struct chan_handler){MSG_role_status, on_status};
    return for_ctl;
}

static void
open_channel(struct peer *p)
{
    const struct role_door *door = door_of(p->id);

    if (!door || door->raw)
        return;
    p->chan = chan_new(self.role->loop, p->fd, handlers_of(door), &events, self.role);
    p->fd = -1;
    if (door->gathers)
        chan_gather(p->chan);
    if (self.begun && self.spec->peer_up && p->id != ROLE_ctl)
        self.spec->peer_up(self.role, p->id, p->index);
}

void
peers_init(struct role *r, const struct role_spec *spec)
{
    self.role = r;
    self.spec = spec;
    list_init(&self.peers);
}

/* Channels before spec->start would hand messages to a role that does not stand yet; a message can
 * only arrive in a later turn of the loop, when it does. */
void
peers_begin(void)
{
    LIST_EACH(at, &self.peers)
    open_channel(LIST_OF(at, struct peer, link));
    self.begun = true;
}

void
peers_put(enum role_id id, unsigned index, unsigned count, int fd)
{
    struct peer *p = find(id, index);

    if (!p && id == ROLE_ctl && self.ctl_peers == CTL_PEERS_MAX) {
        close(fd);
        return;
    }
    if (!p) {
        p = heap_take(sizeof(*p));
        *p = (struct peer){.id = id, .index = index, .fd = -1};
        list_append(&self.peers, &p->link);
        self.ctl_peers += id == ROLE_ctl;
    }
    down(p);
    p->fd = fd;
    self.counts[id] = count;
    if (self.begun)
        open_channel(p);
}

struct chan *
role_peer(const struct role *r, enum role_id id, unsigned index)
{
    struct peer *p = find(id, index);

    (void)r;
    return p ? p->chan : NULL;
}

int
role_peer_fd(const struct role *r, enum role_id id)
{
    struct peer *p = find(id, 0);

    (void)r;
    return p ? p->fd : -1;
}

unsigned
role_peer_count(const struct role *r, enum role_id id)
{
    (void)r;
    return self.counts[id];
}

bool
role_peer_is(const struct role *r, const struct chan *c, enum role_id id, unsigned *index)
{
    struct peer *p = find_chan(c);

    (void)r;
    if (!p || p->id != id)
        return false;
    *index = p->index;
    return true;
}
