/* Invariant: the tally of an address is the sum of its tallies at the edges, and open is the sum of
 * all; tallies of nothing are freed. */
#include "session.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/ensure.h"

struct tally {
    uint64_t key, count;
};

/* Blocks of IPv6 that no network can have (RFC 4291 2.4, 2.5.5: 0000::/8), for what is no network.
 */
enum { BLOCK_IPV4 = 0xffff, BLOCK_OTHER = 0x00fe };

static uint64_t
read_number(const uint8_t *at, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

uint64_t
session_key(struct slice address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    struct slice rest = address, head;
    uint8_t bits[16];

    slice_cut(&rest, '%', &head); /* a link-local address names its interface */
    if (slice_to_string(head, text, sizeof(text))) {
        if (inet_pton(AF_INET, text, bits) == 1)
            return (uint64_t)BLOCK_IPV4 << 32 | read_number(bits, 4);
        if (inet_pton(AF_INET6, text, bits) == 1 && memcmp(bits, mapped, sizeof(mapped)) == 0)
            return (uint64_t)BLOCK_IPV4 << 32 | read_number(bits + sizeof(mapped), 4);
        if (inet_pton(AF_INET6, text, bits) == 1)
            return read_number(bits, 8) ? read_number(bits, 8) : 1; /* ::1 */
    }
    return (uint64_t)BLOCK_OTHER << 48 | (map_hash(0, address) >> 16);
}

static uint64_t
count_of(const struct map *m, uint64_t key)
{
    const struct tally *t = map_get(m, key);

    return t ? t->count : 0;
}

static void
add(struct map *m, uint64_t key)
{
    struct tally *t = map_get(m, key);

    if (!t) {
        t = heap_take(sizeof(*t));
        t->key = key;
        map_put(m, key, t);
    }
    t->count++;
}

static void
subtract(struct map *m, uint64_t key, uint64_t n)
{
    struct tally *t = map_get(m, key);

    ensure(t && t->count >= n);
    t->count -= n;
    if (t->count == 0)
        free(map_take(m, key));
}

enum guard_verdict_kind
sessions_open(struct sessions *s, unsigned edge, uint64_t key, uint64_t most,
              uint64_t most_per_address)
{
    enum guard_verdict_kind verdict = GUARD_OK;

    ensure(edge < SESSION_EDGES_MAX);
    if (count_of(&s->addresses, key) >= most_per_address)
        verdict = GUARD_MANY_FROM_ADDRESS;
    else if (s->open >= most)
        verdict = GUARD_MANY_SESSIONS;
    if (verdict != GUARD_OK) {
        s->refused++;
        return verdict;
    }
    add(&s->addresses, key);
    add(&s->edges[edge], key);
    s->open++;
    return GUARD_OK;
}

void
sessions_close(struct sessions *s, unsigned edge, uint64_t key)
{
    ensure(edge < SESSION_EDGES_MAX);
    if (count_of(&s->edges[edge], key) == 0)
        return;
    subtract(&s->edges[edge], key, 1);
    subtract(&s->addresses, key, 1);
    s->open--;
}

void
sessions_forget(struct sessions *s, unsigned edge)
{
    struct tally *t;

    ensure(edge < SESSION_EDGES_MAX);
    for (size_t at = 0; (t = map_next(&s->edges[edge], &at)); free(t)) {
        s->open -= t->count;
        subtract(&s->addresses, t->key, t->count);
    }
    map_clear(&s->edges[edge]);
}

void
sessions_clear(struct sessions *s)
{
    for (unsigned i = 0; i < SESSION_EDGES_MAX; i++)
        sessions_forget(s, i);
    map_clear(&s->addresses);
}
