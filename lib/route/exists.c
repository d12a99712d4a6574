/* The beginning of a walk, for who only wants to know whether an address can be right: a sender
 * whom nobody could answer, a recipient whose mail would come back. */
#include "route/route_private.h"

/* The domain's own address, where there is no MX record (rfc5321#5.1-b). */
static bool
has_address(struct walk *w)
{
    struct slice domain = w->in->domain;
    const struct dns_answer *v4 = route_look_up(w, domain, DNS_A), *v6;

    if (!v4 || v4->verdict == DNS_FOUND)
        return v4 != NULL;
    v6 = route_look_up(w, domain, DNS_AAAA);
    if (!v6 || v6->verdict == DNS_FOUND)
        return v6 != NULL;
    if (v4->verdict == DNS_BOGUS || v6->verdict == DNS_BOGUS)
        return route_fail(w, ROUTE_BOGUS, domain, SLICE(""));
    if (v4->verdict == DNS_TEMPORARY || v6->verdict == DNS_TEMPORARY)
        return route_fail(w, ROUTE_DNS, domain, SLICE(""));
    return route_fail(w, v4->verdict == DNS_NO_DOMAIN ? ROUTE_NO_DOMAIN : ROUTE_NO_RECORD, domain,
                      SLICE(""));
}

void
route_exists(const struct route_input *in, struct route *route)
{
    struct walk w = {.in = in, .out = route};

    memset(route, 0, sizeof(*route)); /* ROUTE_ASK */
    if (!route_find_hosts(&w) || route->ask_count != 0)
        return;
    if (!w.implicit || has_address(&w))
        route->kind = ROUTE_FOUND;
}
