/* The servers of a site as a walk found them, each address one hop, and what is known of each by
 * trying. Counted: connections use it after the site has walked anew. */
#ifndef COURIER_HOPS_H
#define COURIER_HOPS_H

#include "settings.h"
#include "sts/sts.h"

enum {
    HOPS_REST_MS = 5 * 60 * 1000,   /* one that did not work is tried last for so long */
    HOPS_CLEAR_MS = 60 * 60 * 1000, /* and one whose TLS did not work, without it */
    HOPS_HOLD_LEAST_MS = 5000,      /* they are the way as long as the DNS says, but so long at
                                       least */
    HOPS_REMOTE_MAX = 320,          /* "mx.there.example [2001:db8::1]" */
};

struct hop {
    struct route_hop at;
    struct slice remote; /* what it is called in words */
    const char *name;    /* the host's, with a NUL at its end */
    const char *tlsa_base;
    const struct slice *tlsa; /* the data of its records */
    uint64_t rests_until;     /* of the loop's clock */
    uint64_t clear_until;
};

struct hops {
    unsigned users;
    struct arena *arena;
    struct settings *settings;
    const struct settings_route *route; /* the fixed route it goes by, or NULL */
    uint64_t until;                     /* then the DNS is asked again */
    bool incomplete;                    /* no failure of these is for good */
    const char *proven_domain;          /* whose servers these are, if DNSSEC proves it, or NULL */
    struct slice policy_domain; /* whose policies count for them, and to whom a report is due:
                                   theirs, or the next hop that is configured; empty: nobody's */
    struct sts_policy *promise; /* its MTA-STS policy that holds, or NULL */
    size_t count;
    struct hop at[];
};

/* A copy of a route that was found. */
struct hops *hops_new(const struct route *r, struct slice domain, struct settings *s,
                      uint64_t until);
/* What became known of its domain's policy, which is taken; both together hold for ms from now on
 * at most. */
void hops_take_promise(struct hops *h, struct sts_policy *promise, uint64_t now, uint64_t ms);
struct hops *hops_get(struct hops *h);
void hops_put(struct hops *h); /* NULL is fine */

/* The hop to try next of those not marked in tried: those that rest last. -1: none is left. */
int hops_next(const struct hops *h, const bool tried[ROUTE_HOPS_MAX], uint64_t now);

/* Is there another server that does not rest? */
bool hops_has_other(const struct hops *h, const struct hop *than, uint64_t now);

#endif
