/* Which TLSA records hold for a server (RFC 7672 2.2). They are asked for where DNSSEC proves its
 * addresses (rfc7672#2.2-a), as records of an unsigned zone never count; whether the MX records are
 * proven decides nothing here (rfc7672#2.2.1-a), the route says it. */
#include <stdio.h>

#include "route/route_private.h"

/* Is an answer proven? One that found nothing does not count either way. */
static bool
is_against(const struct dns_answer *a)
{
    return a->verdict == DNS_FOUND && !a->secure;
}

static bool
is_for(const struct dns_answer *a)
{
    return a->verdict == DNS_FOUND && a->secure;
}

static bool
is_secure(const struct host *h)
{
    return (is_for(h->v4) || is_for(h->v6)) && !is_against(h->v4) && !is_against(h->v6);
}

/* The server's name after aliases. */
static struct slice
canonical(const struct host *h)
{
    const struct dns_answer *a = h->v4->verdict == DNS_FOUND ? h->v4 : h->v6;

    return a->canonical.len ? a->canonical : h->name;
}

enum outcome { NOT_KNOWN_YET, SETTLED, NOT_THERE };

/* The records at one name (rfc7672#2.2.3-a), if they are proven (rfc7672#2.2-b). A failure is no
 * proof that there are none, so the server is left out (rfc7672#2.1.2-a). */
static enum outcome
try_base(struct walk *w, struct host *h, struct slice base)
{
    const struct dns_answer *a;
    char name[DNS_NAME_ROOM];
    int n = snprintf(name, sizeof(name), "_%u._tcp.%.*s", w->port, (int)base.len,
                     (const char *)base.at);

    if (n > DNS_NAME_MAX)
        return NOT_THERE;
    a = route_look_up(w, slice_of(name), DNS_TLSA);
    if (!a)
        return NOT_KNOWN_YET;
    if (route_is_unknown(a)) {
        route_leave_out(w, h, a);
        return SETTLED;
    }
    if (!is_for(a) || a->count == 0)
        return NOT_THERE;
    h->tlsa = a;
    h->tlsa_base = base;
    return SETTLED;
}

/* The addresses lie behind an alias, in an unsigned zone; if the alias itself is proven, the
 * records at its own name hold (rfc7672#2.2.2-b). */
static void
try_alias(struct walk *w, struct host *h)
{
    const struct dns_answer *alias = route_look_up(w, h->name, DNS_CNAME);

    if (!alias)
        return;
    if (route_is_unknown(alias))
        route_leave_out(w, h, alias);
    else if (is_for(alias))
        try_base(w, h, h->name);
}

/* All servers alike, also one that no MX record names (rfc7672#2.2.2-c). */
void
route_find_tlsa(struct walk *w)
{
    for (size_t i = 0; i < w->host_count; i++) {
        struct host *h = &w->hosts[i];
        bool found =
            !h->literal.len && (h->v4->verdict == DNS_FOUND || h->v6->verdict == DNS_FOUND);
        bool aliased = found && !slice_eq_nocase(canonical(h), h->name);

        if (found && is_secure(h)) {
            /* rfc7672#2.2.2-a: the name at the end of the aliases first, then the first */
            if (try_base(w, h, canonical(h)) == NOT_THERE && aliased)
                try_base(w, h, h->name);
        } else if (aliased) {
            try_alias(w, h);
        }
    }
}
