/* A hash that grows a byte at a time (FNV-1a), so that one walk over a word asks for the word and
 * for each of its beginnings. */
#include "explain/vocabulary.h"

#include <math.h>
#include <stdlib.h>

#include "base/ensure.h"

enum { FIRST_ENTRIES = 1024 };

static const double RARITY = 0.15; /* how much less a word says each time twice as many have it */

static const uint32_t HASH_BEGIN = 2166136261u;

static uint32_t
hash_byte(uint32_t hash, uint8_t c)
{
    return (hash ^ c) * 16777619u;
}

/* Beginnings live in the same table as words, under a hash of their own. */
static uint32_t
hash_end(uint32_t hash, bool is_prefix)
{
    hash ^= is_prefix ? 0x9e3779b9u : 0;
    return hash ^ hash >> 15;
}

void
vocabulary_init(struct vocabulary *v)
{
    *v = (struct vocabulary){.count = 1};
}

void
vocabulary_clear(struct vocabulary *v)
{
    free(v->of);
    free(v->places);
    vocabulary_init(v);
}

static uint32_t
find(const struct vocabulary *v, uint32_t hash, struct slice word, bool is_prefix)
{
    if (v->place_count == 0)
        return VOCABULARY_UNKNOWN;
    for (uint32_t i = hash;; i++) {
        uint32_t at = v->places[i & (v->place_count - 1)];
        const struct vocabulary_entry *e = &v->of[at];

        if (at == 0)
            return VOCABULARY_UNKNOWN;
        if (e->hash == hash && e->is_prefix == is_prefix && slice_eq(e->word, word))
            return at;
    }
}

static void
place(struct vocabulary *v, uint32_t at)
{
    uint32_t i = v->of[at].hash;

    while (v->places[i & (v->place_count - 1)] != 0)
        i++;
    v->places[i & (v->place_count - 1)] = at;
}

/* A quarter full at most: a text's words are mostly not there, and a free place says so at once. */
static void
grow(struct vocabulary *v)
{
    v->room = v->room ? 2 * v->room : FIRST_ENTRIES;
    v->of = heap_grow(v->of, v->room * sizeof(*v->of));
    v->place_count = 4 * v->room;
    free(v->places);
    v->places = heap_take(v->place_count * sizeof(*v->places));
    v->of[0] = (struct vocabulary_entry){0};
    for (uint32_t i = 1; i < v->count; i++)
        place(v, i);
}

uint32_t
vocabulary_add(struct vocabulary *v, struct slice word, bool is_prefix)
{
    uint32_t hash = HASH_BEGIN, at;

    for (size_t i = 0; i < word.len; i++)
        hash = hash_byte(hash, word.at[i]);
    hash = hash_end(hash, is_prefix);
    at = find(v, hash, word, is_prefix);
    if (at != VOCABULARY_UNKNOWN)
        return at;
    if (v->count + 1 > v->room)
        grow(v);
    at = v->count++;
    v->of[at] = (struct vocabulary_entry){.word = word, .hash = hash, .is_prefix = is_prefix};
    if (is_prefix)
        v->prefix_lengths |= 1u << word.len;
    place(v, at);
    return at;
}

struct vocabulary_found
vocabulary_find(const struct vocabulary *v, struct slice word)
{
    struct vocabulary_found found = {VOCABULARY_UNKNOWN, VOCABULARY_UNKNOWN};
    uint32_t hash = HASH_BEGIN;

    for (size_t i = 0; i < word.len; i++) {
        size_t n = i + 1;

        hash = hash_byte(hash, word.at[i]);
        if (n <= VOCABULARY_PREFIX_MAX && v->prefix_lengths >> n & 1) {
            uint32_t at = find(v, hash_end(hash, true), slice_head(word, n), true);

            found.prefix = at != VOCABULARY_UNKNOWN ? at : found.prefix;
        }
    }
    found.word = find(v, hash_end(hash, false), word, false);
    return found;
}

size_t
vocabulary_letters(struct slice word)
{
    size_t n = 0;

    for (size_t i = 0; i < word.len; i++)
        n += (word.at[i] & 0xc0) != 0x80;
    return n;
}

/* A long word says more than a short one, a rare one more than a frequent one. */
static float
weight_of(const struct vocabulary_entry *e)
{
    size_t n = vocabulary_letters(e->word);

    if (n == 1 && e->word.len > 1)
        n = 4; /* a character that is a word */
    n = n < VOCABULARY_LETTERS_MAX ? n : VOCABULARY_LETTERS_MAX;
    return (float)((double)n / (1 + RARITY * log2(1 + e->owners)));
}

void
vocabulary_finish(struct vocabulary *v)
{
    for (uint32_t i = 1; i < v->count; i++) {
        struct vocabulary_entry *e = &v->of[i];

        e->weight = weight_of(e);
        if (e->is_prefix)
            e->shorter = vocabulary_find(v, slice_head(e->word, e->word.len - 1)).prefix;
    }
}
