/* Who has how many sessions: counts per address, per edge and in all. Pure. */
#ifndef GUARD_SESSION_H
#define GUARD_SESSION_H

#include "base/map.h"
#include "ipc/verdict.h"

enum { SESSION_EDGES_MAX = 128 }; /* two groups of ROLE_INSTANCES_MAX */

struct sessions {
    struct map addresses; /* key to struct tally: of all edges */
    struct map
        edges[SESSION_EDGES_MAX]; /* key to struct tally: of each, so that its end frees them */
    uint64_t open, refused;
};

void sessions_clear(struct sessions *s);

/* What counts as one address: an IPv4 address; an IPv6 network of 64 bits, as one customer has all
 * of it; anything else, such as "local", by its text. Never 0. */
uint64_t session_key(struct slice address);

/* One more session, counted where the answer is GUARD_OK. */
enum guard_verdict_kind sessions_open(struct sessions *s, unsigned edge, uint64_t key,
                                      uint64_t most, uint64_t most_per_address);

/* One less; one that this edge never opened is not counted. */
void sessions_close(struct sessions *s, unsigned edge, uint64_t key);

void sessions_forget(struct sessions *s, unsigned edge); /* that edge is gone, and they with it */

#endif
