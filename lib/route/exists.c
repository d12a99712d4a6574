/* The beginning of a walk, for who only wants to know whether an address can be right: a sender
 * whom nobody could answer, a recipient whose mail would come back. It ends at the first address of
 * a server, and at the first answer that the DNS owes, as nobody waits for all of them. */
#include "route/route_private.h"

enum finding { NOTHING, SOMETHING, ENDED };

/* Ends where it is found, unknown, or to be asked. */
static enum finding
find_address(struct walk *w, struct host *h)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA};
    const struct dns_answer *a, *unknown = NULL;

    if (h->literal.len)
        return SOMETHING;
    for (size_t i = 0; i < COUNT(types); i++) {
        a = route_look_up(w, h->name, types[i]);
        if (!a)
            return ENDED;
        if (a->verdict == DNS_FOUND)
            return SOMETHING;
        if (route_is_unknown(a))
            unknown = a;
        if (types[i] == DNS_A)
            h->v4 = a;
    }
    if (!unknown)
        return NOTHING;
    route_fail(w, unknown->verdict == DNS_BOGUS ? ROUTE_BOGUS : ROUTE_DNS, h->name, unknown->why);
    return ENDED;
}

static void
fail_without_address(struct walk *w)
{
    struct slice domain = w->in->domain;

    if (!w->implicit)
        route_fail(w, ROUTE_NO_HOST, domain, SLICE(""));
    else if (w->hosts[0].v4->verdict == DNS_NO_DOMAIN)
        route_fail(w, ROUTE_NO_DOMAIN, domain, SLICE(""));
    else
        route_fail(w, ROUTE_NO_RECORD, domain, SLICE(""));
}

void
route_exists(const struct route_input *in, struct route *route)
{
    struct walk w = {.in = in, .out = route};
    enum finding found = NOTHING;

    memset(route, 0, sizeof(*route)); /* ROUTE_ASK */
    if (!route_find_hosts(&w) || route->ask_count != 0)
        return;
    for (size_t i = 0; i < w.host_count && found == NOTHING; i++)
        found = route->configured ? SOMETHING : find_address(&w, &w.hosts[i]);
    if (found == SOMETHING)
        route->kind = ROUTE_FOUND;
    else if (found == NOTHING)
        fail_without_address(&w);
}
