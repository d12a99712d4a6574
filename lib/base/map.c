/* Open addressing with linear probing; a removal moves the followers back, so there are no
 * tombstones and a lookup is short however long the map lives. */
#include "base/map.h"

#include <stdlib.h>

#include "base/ensure.h"

enum { MAP_FIRST_ROOM = 16 };

/* Keys are often consecutive: spread them (the multiplier is 2^64 over the golden ratio). */
static size_t
home_of(const struct map *m, uint64_t key)
{
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (m->room - 1);
}

static size_t
place_of(const struct map *m, uint64_t key)
{
    size_t i = home_of(m, key);

    while (m->entries[i].key != 0 && m->entries[i].key != key)
        i = (i + 1) & (m->room - 1);
    return i;
}

static void
grow(struct map *m)
{
    struct map old = *m;

    m->room = old.room ? old.room * 2 : MAP_FIRST_ROOM;
    m->entries = heap_take(m->room * sizeof(*m->entries));
    for (size_t i = 0; i < old.room; i++)
        if (old.entries[i].key)
            m->entries[place_of(m, old.entries[i].key)] = old.entries[i];
    free(old.entries);
}

void
map_clear(struct map *m)
{
    free(m->entries);
    *m = (struct map){0};
}

void *
map_get(const struct map *m, uint64_t key)
{
    return m->room && key ? m->entries[place_of(m, key)].value : NULL;
}

void
map_put(struct map *m, uint64_t key, void *value)
{
    struct map_entry *e;

    ensure(key != 0 && value != NULL);
    if (m->count * 4 >= m->room * 3)
        grow(m);
    e = &m->entries[place_of(m, key)];
    m->count += e->key == 0;
    *e = (struct map_entry){key, value};
}

void *
map_take(struct map *m, uint64_t key)
{
    size_t hole, i;
    void *value;

    if (!m->room || !key)
        return NULL;
    hole = place_of(m, key);
    value = m->entries[hole].value;
    if (m->entries[hole].key == 0)
        return NULL;
    m->count--;
    for (i = (hole + 1) & (m->room - 1); m->entries[i].key; i = (i + 1) & (m->room - 1)) {
        size_t home = home_of(m, m->entries[i].key);

        /* may move back only if its home is not between the hole and itself */
        if (((i - home) & (m->room - 1)) >= ((i - hole) & (m->room - 1))) {
            m->entries[hole] = m->entries[i];
            hole = i;
        }
    }
    m->entries[hole] = (struct map_entry){0};
    return value;
}

void *
map_next(const struct map *m, size_t *at)
{
    while (*at < m->room) {
        const struct map_entry *e = &m->entries[(*at)++];

        if (e->key)
            return e->value;
    }
    return NULL;
}

/* FNV-1a over the bytes, then a finaliser so that the seed reaches every bit. */
uint64_t
map_hash(uint64_t seed, struct slice bytes)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;

    for (size_t i = 0; i < bytes.len; i++)
        h = (h ^ bytes.at[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93) ^ (seed | 1);
    h ^= h >> 29;
    return h ? h : 1;
}
