/* What the steps of a walk share. Private to lib/route. */
#ifndef ROUTE_PRIVATE_H
#define ROUTE_PRIVATE_H

#include "base/ensure.h"
#include "route/route.h"

/* A server, best first in the walk's list. Its answers are there once nothing is to be asked. */
struct host {
    struct slice name;
    uint32_t preference;
    uint64_t shuffle;     /* orders those of equal preference */
    struct slice literal; /* its address, where no DNS is needed */
    const struct dns_answer *v4, *v6;
    struct slice tlsa_base;
    const struct dns_answer *tlsa; /* NULL: none that count */
    bool unknown;                  /* the DNS failed: it cannot be tried now */
};

struct walk {
    const struct route_input *in;
    struct route *out;
    struct host hosts[ROUTE_HOSTS_MAX];
    size_t host_count;
    uint16_t port;
    bool implicit; /* there is no MX record: the domain's own address */
    bool bogus;    /* what made the route incomplete */
};

/* Ends the walk. Always false, to be returned by a step. */
bool route_fail(struct walk *w, enum route_kind failure, struct slice about, struct slice why);

/* The answer, or NULL, and it will be asked for. The name has at most DNS_NAME_MAX bytes. */
const struct dns_answer *route_look_up(struct walk *w, struct slice name, enum dns_type type);

bool route_is_unknown(const struct dns_answer *a); /* nothing is known, good or bad */

bool route_is_own(const struct slice *own, size_t count, struct slice s);

bool route_is_own_address(const struct route_input *in, struct slice address);

bool route_find_hosts(struct walk *w); /* hosts.c; false: the walk has ended */
void route_find_tlsa(struct walk *w);  /* dane.c */
void route_put_hops(struct walk *w);   /* hops.c */

/* The host cannot be tried now, by this answer; the route is incomplete. */
void route_leave_out(struct walk *w, struct host *h, const struct dns_answer *a);

#endif
