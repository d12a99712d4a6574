/* A map from a non-zero 64-bit key to a pointer: pending questions, messages, sessions. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

struct map {
    struct map_entry {
        uint64_t key; /* 0: the place is free */
        void *value;
    } * entries;
    size_t count, room; /* room is 0 or a power of two */
};

void map_clear(struct map *m); /* frees the map's own memory, never the values */

void *map_get(const struct map *m, uint64_t key);       /* NULL: not there */
void map_put(struct map *m, uint64_t key, void *value); /* replaces; value is not NULL */
void *map_take(struct map *m, uint64_t key);            /* removes and returns, or NULL */

/* Walk in no order: *at begins as 0; NULL at the end. The map must not change meanwhile. */
void *map_next(const struct map *m, size_t *at);

/* A key for bytes: a 64-bit hash under `seed`, which is random per process where peers choose the
 * bytes. Never 0. Different bytes may share a key: compare what is found. */
uint64_t map_hash(uint64_t seed, struct slice bytes);

#endif
