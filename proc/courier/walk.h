/* Finding the servers of a site: lib/route walks, the resolver is asked what it wants to know. */
#ifndef COURIER_WALK_H
#define COURIER_WALK_H

#include "courier.h"
#include "hops.h"

enum {
    WALK_MEMORY_MAX = 1 << 20,    /* bytes of the answers to one */
    WALK_ROUTE_MOST_MS = 3600000, /* a route holds as long as its records, but so long at most */
};

struct walk;

/* How it ended: hops, of which the callee becomes a user, or why there are none. */
struct walk_end {
    struct hops *hops; /* or NULL: */
    enum route_kind failure;
    struct slice about, why;
};
typedef void walk_fn(void *ctx, const struct walk_end *end);

/* fn runs once, in a later turn. random is the site's own. */
struct walk *walk_new(struct courier *c, struct slice domain, uint64_t random, walk_fn *fn,
                      void *ctx);

#endif
