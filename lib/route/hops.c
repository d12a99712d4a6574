/* From servers with their answers to addresses in the order to try them: server by server, both
 * families in turn (rfc5321#5.2-a), each in the order the DNS gave (rfc5321#5.1-g). */
#include "route/route_private.h"

void
route_leave_out(struct walk *w, struct host *h, const struct dns_answer *a)
{
    struct route *out = w->out;

    h->unknown = true;
    if (!out->incomplete) {
        out->about = h->name;
        out->why = a->why;
        w->bogus = a->verdict == DNS_BOGUS;
    }
    out->incomplete = true;
}

static void
put_hop(struct walk *w, const struct host *h, struct slice address, bool secure)
{
    w->out->hops[w->out->hop_count++] =
        (struct route_hop){.host = h->name,
                           .address = address,
                           .port = w->port,
                           .preference = h->preference,
                           .secure = secure,
                           .tlsa_base = h->tlsa_base,
                           .tlsa = h->tlsa ? h->tlsa->records : NULL,
                           .tlsa_count = h->tlsa ? h->tlsa->count : 0};
}

static size_t
put_record(struct walk *w, const struct host *h, const struct dns_answer *a, size_t i)
{
    if (a->verdict != DNS_FOUND || i >= a->count)
        return 0;
    put_hop(w, h, a->records[i].data, a->secure);
    return 1;
}

static void
put_host(struct walk *w, struct host *h)
{
    const struct dns_answer *first = w->in->ipv6_first ? h->v6 : h->v4;
    const struct dns_answer *second = w->in->ipv6_first ? h->v4 : h->v6;
    size_t put = 0, most = first->count > second->count ? first->count : second->count;

    for (size_t i = 0; i < most && put < ROUTE_ADDRESSES_MAX; i++) {
        put += put_record(w, h, first, i);
        if (put < ROUTE_ADDRESSES_MAX)
            put += put_record(w, h, second, i);
    }
    if (put == 0 && route_is_unknown(first))
        route_leave_out(w, h, first);
    else if (put == 0 && route_is_unknown(second))
        route_leave_out(w, h, second);
}

void
route_put_hops(struct walk *w)
{
    for (size_t i = 0; i < w->host_count; i++) {
        struct host *h = &w->hosts[i];

        if (h->literal.len)
            put_hop(w, h, h->literal, false);
        else if (!h->unknown)
            put_host(w, h);
    }
}
