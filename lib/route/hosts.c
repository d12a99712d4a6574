/* The servers of a domain: of a fixed route, of a literal, of its MX records, or itself. */
#include <arpa/inet.h>

#include "route/route_private.h"

size_t
route_literal_read(struct slice text, uint8_t bytes[16])
{
    char room[INET6_ADDRSTRLEN];
    bool tagged = slice_take_prefix_nocase(&text, SLICE("IPv6:"));

    if (!slice_to_string(text, room, sizeof(room)))
        return 0;
    if (!tagged && inet_pton(AF_INET, room, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, room, bytes) == 1 ? 16 : 0;
}

static struct host *
only_host(struct walk *w, struct slice name)
{
    w->hosts[0] = (struct host){.name = name};
    w->host_count = 1;
    return &w->hosts[0];
}

static const struct route_fixed *
find_fixed(const struct route_input *in)
{
    const struct route_fixed *rest = NULL;

    for (size_t i = 0; i < in->fixed_count; i++) {
        if (slice_eq_nocase(in->fixed[i].domain, in->domain))
            return &in->fixed[i];
        if (slice_eq(in->fixed[i].domain, SLICE("*")))
            rest = &in->fixed[i];
    }
    return rest;
}

static bool
go_fixed(struct walk *w, const struct route_fixed *fixed)
{
    struct host *h = only_host(w, fixed->host);

    w->out->configured = fixed;
    w->port = fixed->port;
    h->literal = slice_make(w->out->literal, route_literal_read(fixed->host, w->out->literal));
    return h->literal.len || dns_name_is_host(h->name) ||
           route_fail(w, ROUTE_NEXT_HOP, h->name, SLICE(""));
}

/* user@[192.0.2.1] (rfc5321#4.1.3-b): no DNS is asked. */
static bool
go_literal(struct walk *w)
{
    struct slice domain = w->in->domain;
    struct host *h = only_host(w, domain);
    struct slice inside = slice_make(domain.at + 1, domain.len < 2 ? 0 : domain.len - 2);

    h->literal = slice_make(w->out->literal, route_literal_read(inside, w->out->literal));
    if (!h->literal.len || domain.at[domain.len - 1] != ']')
        return route_fail(w, ROUTE_NO_DOMAIN, domain, SLICE(""));
    return !route_is_own_address(w->in, h->literal) || route_fail(w, ROUTE_LOOP, domain, SLICE(""));
}

/* The null MX is alone (rfc7505#3-a); beside others the root is no server (rfc7505#3-b). */
static bool
is_null(const struct dns_answer *mx)
{
    return mx->count == 1 && slice_eq(mx->records[0].data, SLICE("."));
}

/* A number for record i out of the one that was handed in, by the steps of splitmix64. */
static uint64_t
shuffle(uint64_t random, size_t i)
{
    uint64_t z = random + (uint64_t)(i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool
is_before(const struct host *a, const struct host *b)
{
    return a->preference != b->preference ? a->preference < b->preference : a->shuffle < b->shuffle;
}

static void
remove_host(struct walk *w, size_t i)
{
    w->host_count--;
    memmove(&w->hosts[i], &w->hosts[i + 1], (w->host_count - i) * sizeof(w->hosts[0]));
}

/* In its place among the best; a host that is named twice counts by its better preference. */
static void
insert_host(struct walk *w, const struct host *new)
{
    size_t i;

    for (i = 0; i < w->host_count; i++) {
        if (!slice_eq(w->hosts[i].name, new->name))
            continue;
        if (!is_before(new, &w->hosts[i]))
            return;
        remove_host(w, i);
        break;
    }
    for (i = w->host_count; i && is_before(new, &w->hosts[i - 1]); i--)
        ;
    if (i == ROUTE_HOSTS_MAX)
        return;
    if (w->host_count == ROUTE_HOSTS_MAX)
        w->host_count--;
    memmove(&w->hosts[i + 1], &w->hosts[i], (w->host_count - i) * sizeof(w->hosts[0]));
    w->hosts[i] = *new;
    w->host_count++;
}

static bool
is_own_name(const struct walk *w, struct slice name)
{
    return route_is_own(w->in->own_names, w->in->own_name_count, name);
}

/* The preference of ourselves among the servers, or one that no record has. */
static uint32_t
find_ourselves(const struct walk *w, const struct dns_answer *mx)
{
    uint32_t best = UINT32_MAX;

    for (size_t i = 0; i < mx->count; i++)
        if (is_own_name(w, mx->records[i].data) && mx->records[i].preference < best)
            best = mx->records[i].preference;
    return best;
}

/* Lower preferences first (rfc5321#5.1-d), equal ones in any order (rfc5321#5.1-e), and none that
 * is not better than we are (rfc5321#5.1-f). */
static bool
take_mx(struct walk *w, const struct dns_answer *mx)
{
    uint32_t ours = find_ourselves(w, mx);

    for (size_t i = 0; i < mx->count; i++) {
        const struct dns_record *r = &mx->records[i];

        if (dns_name_is_host(r->data) && r->preference < ours)
            insert_host(w, &(struct host){.name = r->data,
                                          .preference = r->preference,
                                          .shuffle = shuffle(w->in->random, i)});
    }
    /* rfc5321#5.1-c: useless MX records are no reason to try the domain's own address */
    return w->host_count ||
           route_fail(w, ours == UINT32_MAX ? ROUTE_NO_HOST : ROUTE_LOOP, w->in->domain, SLICE(""));
}

/* rfc5321#5.1-a; and where nothing is known nothing is concluded (rfc5321#5.1-h). */
static bool
go_by_mx(struct walk *w)
{
    struct slice domain = w->in->domain;
    const struct dns_answer *mx = route_look_up(w, domain, DNS_MX);

    if (!mx)
        return true;
    if (mx->verdict == DNS_NO_DOMAIN)
        return route_fail(w, ROUTE_NO_DOMAIN, domain, SLICE(""));
    if (route_is_unknown(mx))
        return route_fail(w, mx->verdict == DNS_BOGUS ? ROUTE_BOGUS : ROUTE_DNS, domain, mx->why);
    w->out->mx_secure = mx->secure;
    if (mx->verdict == DNS_NO_RECORD) {
        w->implicit = true; /* rfc5321#5.1-b */
        only_host(w, domain);
        return !is_own_name(w, domain) || route_fail(w, ROUTE_LOOP, domain, SLICE(""));
    }
    if (is_null(mx))
        return route_fail(w, ROUTE_NULL_MX, domain, SLICE(""));
    return take_mx(w, mx);
}

bool
route_find_hosts(struct walk *w)
{
    const struct route_fixed *fixed = find_fixed(w->in);
    struct slice domain = w->in->domain;

    w->port = w->in->port;
    if (fixed)
        return go_fixed(w, fixed);
    if (domain.len && domain.at[0] == '[')
        return go_literal(w);
    if (!dns_name_is_host(domain))
        return route_fail(w, ROUTE_NO_DOMAIN, domain, SLICE(""));
    return go_by_mx(w);
}
