/* One pattern of the catalogue, compiled. docs/explain.md has the language. */
#ifndef EXPLAIN_PATTERN_H
#define EXPLAIN_PATTERN_H

#include "explain/explain.h"
#include "explain/vocabulary.h"
#include "explain/words.h"

enum {
    PATTERN_ELEMENTS_MAX = 40, /* words, gaps and choices of one pattern */
    PATTERN_WAYS_MAX = 40,     /* words of one choice */
    PATTERN_GAP = 8,           /* words that "*" bridges at most */
    PATTERN_SPAN_MAX = 63,     /* words of text a pattern can cover: a bit each while matching */
    PATTERN_CODES_MAX = 4,     /* codes in one says(...) */
};

/* One way to say an element: a word, or several in a row ("can't" is "can t"). */
struct pattern_way {
    uint32_t *words; /* numbers of the vocabulary */
    uint32_t count;
};

struct pattern_element {
    struct pattern_way *ways; /* none: a gap */
    uint32_t count;
    bool optional;
};

/* What says(...) asks for besides the words; all of it must hold, of several codes one. */
struct pattern_narrowing {
    const struct catalogue_provider *provider; /* or NULL */
    struct slice codes[PATTERN_CODES_MAX];     /* as codes_match takes them */
    uint32_t code_count;
    enum explain_phase phase; /* EXPLAIN_PHASE_none: any */
    bool boilerplate; /* the standard's words for a code, which anything else in the text outdoes */
};

struct pattern {
    struct pattern_element *elements;
    uint32_t count;
    struct pattern_narrowing narrowing;
    /* Whose words these are: one of the three. */
    const struct catalogue_reason *reason;
    const struct catalogue_provider *provider;
    enum explain_phase phase;
    struct slice file;
    uint32_t line;
    uint32_t number; /* among all patterns */
    bool has_gap;
    float factor; /* how much more it weighs for being narrowed down; less for being vague */
};

/* Compile the words of text into p, which is zeroed; memory comes from a, words go to v. Scratch is
 * the caller's. NULL, or what is wrong: a literal. */
const char *pattern_compile(struct pattern *p, struct slice text, struct vocabulary *v,
                            struct words *scratch, struct arena *a);

/* What stands in says(...). NULL, or what is wrong. */
const char *pattern_narrow(struct pattern *p, struct slice narrowed, const struct catalogue *c);

/* Where the element k of p stands at word `at` of the text: does all of p match there? *first and
 * *last are the words it covers. found has one entry a word. */
bool pattern_match(const struct pattern *p, uint32_t k, const struct vocabulary *v,
                   const struct vocabulary_found *found, size_t count, size_t at, size_t *first,
                   size_t *last);

/* How much the words [first, last] of a text say that p covers: long and rare ones the most. */
float pattern_weight(const struct pattern *p, const struct vocabulary *v,
                     const struct vocabulary_found *found, size_t first, size_t last);

#endif
