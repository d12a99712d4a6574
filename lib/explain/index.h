/* All patterns, filed under their rarest word, so that a text is compared only with those of which
 * it has that word. */
#ifndef EXPLAIN_INDEX_H
#define EXPLAIN_INDEX_H

#include "explain/pattern.h"

struct index_entry {
    uint32_t pattern, element;
};

struct index {
    struct arena *arena; /* of the patterns */
    struct vocabulary vocabulary;
    struct pattern *patterns;
    uint32_t count, room;
    struct index_entry *entries; /* of word w: [first[w], first[w + 1]) */
    uint32_t *first;
    catalogue_mistake_fn *fn;
    void *ctx;
    struct words scratch;
};

/* A pattern that a text meets, and where. */
struct match {
    const struct pattern *pattern;
    uint32_t at, end; /* bytes of the text */
    float weight;
};

/* What is needed to look at texts, one after the other; memory is the arena's. */
struct reader {
    const struct index *index;
    struct arena *arena;
    struct words words;
    struct vocabulary_found *found;
    size_t found_room;
    uint64_t *seen; /* a bit a pattern */
    struct match *matches;
    size_t count, room;
    bool truncated; /* a text was too long, or the arena's cap is reached */
};

/* Every pattern of the catalogue and of phase.def; those with a mistake are told and left out. */
void index_init(struct index *x, const struct catalogue *c, catalogue_mistake_fn *fn, void *ctx);
void index_clear(struct index *x);

void reader_init(struct reader *r, const struct index *x, struct arena *a);

/* The patterns that text meets, each once, in place of those of the text before. */
void reader_read(struct reader *r, struct slice text);

#endif
