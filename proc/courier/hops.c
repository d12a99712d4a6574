#include "hops.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/ensure.h"

enum { MEMORY_MAX = 4 << 20 }; /* more than any route takes: our own bug */

static struct slice
keep(struct hops *h, struct slice s)
{
    struct slice kept = arena_copy(h->arena, s);

    ensure(kept.at || s.len == 0);
    return kept;
}

static const char *
keep_string(struct hops *h, struct slice s)
{
    char *kept = arena_take(h->arena, s.len + 1);

    ensure(kept && slice_to_string(s, kept, s.len + 1));
    return kept;
}

/* A literal is the same in words: "[192.0.2.1]". */
static struct slice
remote_of(struct hops *h, const struct route_hop *at)
{
    uint8_t room[HOPS_REMOTE_MAX];
    struct buf words = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    char text[INET6_ADDRSTRLEN];

    inet_ntop(at->address.len == 4 ? AF_INET : AF_INET6, at->address.at, text, sizeof(text));
    if (at->host.at[0] != '[' && !slice_eq(at->host, slice_of(text))) {
        buf_put(&words, at->host);
        buf_put_byte(&words, ' ');
    }
    buf_put_format(&words, "[%s]", text);
    return keep(h, buf_slice(&words));
}

/* The records of a host serve all its addresses. */
static const struct slice *
keep_tlsa(struct hops *h, const struct hop *hop, const struct hop *before)
{
    size_t count = hop->at.tlsa_count;
    struct slice *kept;

    if (count == 0)
        return NULL;
    if (before && slice_eq(before->at.host, hop->at.host))
        return before->tlsa;
    kept = arena_take(h->arena, count * sizeof(*kept));
    ensure(kept);
    for (size_t i = 0; i < count; i++)
        kept[i] = keep(h, hop->at.tlsa[i].data);
    return kept;
}

static void
take_hop(struct hops *h, size_t i, const struct route_hop *at)
{
    struct hop *hop = &h->at[i];

    hop->at = *at;
    hop->tlsa = keep_tlsa(h, hop, i ? hop - 1 : NULL);
    hop->at.tlsa = NULL;
    hop->at.host = keep(h, at->host);
    hop->at.address = keep(h, at->address);
    hop->at.tlsa_base = keep(h, at->tlsa_base);
    hop->remote = remote_of(h, &hop->at);
    hop->name = keep_string(h, hop->at.host);
    hop->tlsa_base = keep_string(h, hop->at.tlsa_base);
}

/* rfc8461#3.4-a */
static struct slice
keep_policy_domain(struct hops *h, const struct route *r, struct slice domain)
{
    char clean[DNS_NAME_ROOM];

    if (!dns_name_clean(r->configured ? r->configured->host : domain, clean) ||
        !dns_name_is_host(slice_of(clean)))
        return (struct slice){NULL, 0};
    return keep(h, slice_of(clean));
}

struct hops *
hops_new(const struct route *r, struct slice domain, struct settings *s, uint64_t until)
{
    struct hops *h = heap_take(sizeof(*h) + r->hop_count * sizeof(h->at[0]));

    *h = (struct hops){.users = 1,
                       .arena = arena_new("hops", MEMORY_MAX),
                       .settings = settings_get(s),
                       .route = settings_route_of(s, r->configured),
                       .until = until,
                       .incomplete = r->incomplete,
                       .count = r->hop_count};
    h->policy_domain = keep_policy_domain(h, r, domain);
    if (r->mx_secure && !r->configured)
        h->proven_domain = keep_string(h, domain);
    for (size_t i = 0; i < h->count; i++)
        take_hop(h, i, &r->hops[i]);
    return h;
}

/* What came late is not over before it began. */
void
hops_take_promise(struct hops *h, struct sts_policy *promise, uint64_t now, uint64_t ms)
{
    h->promise = promise;
    if (h->until > now + ms)
        h->until = now + ms;
    if (h->until < now + HOPS_HOLD_LEAST_MS)
        h->until = now + HOPS_HOLD_LEAST_MS;
}

struct hops *
hops_get(struct hops *h)
{
    h->users++;
    return h;
}

void
hops_put(struct hops *h)
{
    if (!h || --h->users)
        return;
    arena_free(h->arena);
    settings_put(h->settings);
    sts_policy_put(h->promise);
    free(h);
}

/* rfc5321#4.5.4.1-a */
int
hops_next(const struct hops *h, const bool tried[ROUTE_HOPS_MAX], uint64_t now)
{
    int resting = -1;

    for (size_t i = 0; i < h->count; i++) {
        if (tried[i])
            continue;
        if (h->at[i].rests_until <= now)
            return (int)i;
        if (resting < 0)
            resting = (int)i;
    }
    return resting;
}

bool
hops_has_other(const struct hops *h, const struct hop *than, uint64_t now)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->at[i].rests_until <= now && !slice_eq(h->at[i].at.host, than->at.host))
            return true;
    return false;
}
