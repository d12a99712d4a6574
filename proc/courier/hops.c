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
static void
keep_tlsa(struct hops *h, struct hop *hop, const struct hop *before)
{
    struct dns_record *kept;

    if (before && slice_eq(before->at.host, hop->at.host)) {
        hop->at.tlsa = before->at.tlsa;
        return;
    }
    kept = arena_take(h->arena, hop->at.tlsa_count * sizeof(*kept));
    for (size_t i = 0; i < hop->at.tlsa_count; i++)
        kept[i] = (struct dns_record){0, keep(h, hop->at.tlsa[i].data)};
    hop->at.tlsa = kept;
}

struct hops *
hops_new(const struct route *r, struct settings *s, uint64_t until)
{
    struct hops *h = heap_take(sizeof(*h) + r->hop_count * sizeof(h->at[0]));

    *h = (struct hops){.users = 1,
                       .arena = arena_new("hops", MEMORY_MAX),
                       .settings = settings_get(s),
                       .route = settings_route_of(s, r->configured),
                       .until = until,
                       .incomplete = r->incomplete,
                       .count = r->hop_count};
    for (size_t i = 0; i < h->count; i++) {
        struct hop *hop = &h->at[i];

        hop->at = r->hops[i];
        hop->at.host = keep(h, hop->at.host);
        hop->at.address = keep(h, hop->at.address);
        hop->at.tlsa_base = keep(h, hop->at.tlsa_base);
        hop->remote = remote_of(h, &hop->at);
        hop->name = keep_string(h, hop->at.host);
        if (hop->at.tlsa_count)
            keep_tlsa(h, hop, i ? hop - 1 : NULL);
    }
    return h;
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
    free(h);
}

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
