/* Every word that stands in a pattern, numbered. A word of a text is looked up once; from then on
 * matching compares numbers. */
#ifndef EXPLAIN_VOCABULARY_H
#define EXPLAIN_VOCABULARY_H

#include "base/arena.h"

enum {
    VOCABULARY_UNKNOWN = 0,      /* the number of a word that no pattern has */
    VOCABULARY_PREFIX_MAX = 31,  /* bytes of a beginning such as "exceed*" */
    VOCABULARY_LETTERS_MAX = 12, /* letters that count for a word's weight */
};

struct vocabulary_entry {
    struct slice word;
    uint32_t hash;
    uint32_t shorter; /* the next shorter beginning that is one of this beginning, or 0 */
    uint32_t uses;    /* patterns that have it */
    uint32_t owners;  /* reasons that have it in a pattern: the fewer, the more it says */
    uint32_t owner;   /* the last of them */
    float weight;     /* how much it says, once owners are known */
    bool is_prefix;   /* "exceed*": any word that begins so */
};

struct vocabulary {
    struct vocabulary_entry *of; /* [0] is nobody */
    uint32_t count, room;
    uint32_t *places; /* open addressing over the hashes; 0 is free */
    uint32_t place_count;
    uint32_t prefix_lengths; /* bit n: there is a beginning of n bytes */
};

void vocabulary_init(struct vocabulary *v);
void vocabulary_clear(struct vocabulary *v);

/* The number of a word (a beginning), new where it is not there yet. The bytes are not copied. */
uint32_t vocabulary_add(struct vocabulary *v, struct slice word, bool is_prefix);

/* Once all are added and their uses counted: each beginning's shorter one, each word's weight. */
void vocabulary_finish(struct vocabulary *v);

/* How many letters a word has. */
size_t vocabulary_letters(struct slice word);

/* What a text's word is: the number of the word itself and that of the longest beginning it has,
 * each VOCABULARY_UNKNOWN where there is none. */
struct vocabulary_found {
    uint32_t word, prefix;
};
struct vocabulary_found vocabulary_find(const struct vocabulary *v, struct slice word);

#endif
