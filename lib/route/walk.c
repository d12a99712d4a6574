/* The steps of a walk: the servers, their addresses, ourselves among them, their TLSA records. Each
 * looks up all it needs before the walk stops to ask, so that a route takes few rounds. */
#include "route/route_private.h"

static const struct {
    const char *code, *text;
} failures[ROUTE_KIND_COUNT] = {
#define FAILURE(id, code, text) [ROUTE_##id] = {code, text},
#include "route/failure.def"
#undef FAILURE
};

const char *
route_code(enum route_kind failure)
{
    return failures[failure].code;
}

const char *
route_text(enum route_kind failure)
{
    return failures[failure].text;
}

bool
route_fail(struct walk *w, enum route_kind failure, struct slice about, struct slice why)
{
    w->out->kind = failure;
    w->out->about = about;
    w->out->why = why;
    return false;
}

const struct dns_answer *
route_look_up(struct walk *w, struct slice name, enum dns_type type)
{
    struct route *out = w->out;

    for (size_t i = 0; i < w->in->known_count; i++)
        if (w->in->known[i].type == type && slice_eq(w->in->known[i].name, name))
            return w->in->known[i].answer;
    for (size_t i = 0; i < out->ask_count; i++)
        if (out->asks[i].type == type && slice_eq(slice_of(out->asks[i].name), name))
            return NULL;
    ensure(out->ask_count < ROUTE_ASKS_MAX);
    out->asks[out->ask_count].type = type;
    ensure(slice_to_string(name, out->asks[out->ask_count].name, DNS_NAME_ROOM));
    out->ask_count++;
    return NULL;
}

bool
route_is_unknown(const struct dns_answer *a)
{
    return a->verdict == DNS_TEMPORARY || a->verdict == DNS_BOGUS;
}

static void
find_addresses(struct walk *w)
{
    for (size_t i = 0; i < w->host_count; i++) {
        struct host *h = &w->hosts[i];

        if (h->literal.len)
            continue;
        h->v4 = route_look_up(w, h->name, DNS_A);
        h->v6 = route_look_up(w, h->name, DNS_AAAA);
    }
}

bool
route_is_own(const struct slice *own, size_t count, struct slice s)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(own[i], s))
            return true;
    return false;
}

/* And those of IPv4 in their IPv6 form. */
bool
route_is_loopback(struct slice address)
{
    static const uint8_t zeros[12], mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct slice last = slice_tail(address, address.len - 4);

    if (address.len == 16 && memcmp(address.at, zeros, sizeof(zeros)) == 0)
        return last.at[0] == 0 && last.at[1] == 0 && last.at[2] == 0 && last.at[3] <= 1;
    if (address.len == 16 && memcmp(address.at, mapped, sizeof(mapped)) != 0)
        return false;
    return last.at[0] == 127 || last.at[0] == 0;
}

bool
route_is_own_address(const struct route_input *in, struct slice address)
{
    return route_is_own(in->own_addresses, in->own_address_count, address) ||
           (in->loopback_is_ours && route_is_loopback(address));
}

static bool
has_own_address(const struct route_input *in, const struct dns_answer *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (route_is_own_address(in, a->records[i].data))
            return true;
    return false;
}

/* We are one of the servers, by a name we do not know: those that are not better than we are would
 * send it back (rfc5321#5.1-f). The hosts are in order. */
static bool
cut_at_ourselves(struct walk *w)
{
    for (size_t i = 0; i < w->host_count; i++) {
        const struct host *h = &w->hosts[i];

        if (!has_own_address(w->in, h->v4) && !has_own_address(w->in, h->v6))
            continue;
        while (i && w->hosts[i - 1].preference == h->preference)
            i--;
        w->host_count = i;
        return i != 0 || route_fail(w, ROUTE_LOOP, w->in->domain, SLICE(""));
    }
    return true;
}

/* No host has an address: the DNS failed, or there is none. */
static bool
fail_without_hops(struct walk *w)
{
    struct route *out = w->out;
    struct slice domain = w->in->domain;

    if (out->incomplete)
        return route_fail(w, w->bogus ? ROUTE_BOGUS : ROUTE_DNS, out->about, out->why);
    if (out->configured)
        return route_fail(w, ROUTE_NEXT_HOP, w->hosts[0].name, SLICE(""));
    if (!w->implicit)
        return route_fail(w, ROUTE_NO_HOST, domain, SLICE(""));
    if (w->hosts[0].v4->verdict == DNS_NO_DOMAIN)
        return route_fail(w, ROUTE_NO_DOMAIN, domain, SLICE(""));
    return route_fail(w, ROUTE_NO_RECORD, domain, SLICE(""));
}

static bool
has_to_ask(const struct walk *w)
{
    return w->out->ask_count != 0;
}

void
route_walk(const struct route_input *in, struct route *route)
{
    struct walk w = {.in = in, .out = route};

    memset(route, 0, sizeof(*route)); /* ROUTE_ASK */
    if (!route_find_hosts(&w) || has_to_ask(&w))
        return;
    find_addresses(&w);
    if (has_to_ask(&w))
        return;
    if (!route->configured && !w.hosts[0].literal.len && !cut_at_ourselves(&w))
        return;
    route_find_tlsa(&w);
    if (has_to_ask(&w))
        return;
    route_put_hops(&w);
    route->kind = ROUTE_FOUND;
    if (route->hop_count == 0)
        fail_without_hops(&w);
}
