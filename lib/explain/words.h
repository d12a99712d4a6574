/* A text made simple: words in lower case without accents, everything else a space. Patterns and
 * the texts they are looked for in go through the same door, so neither has to guess how the
 * other was written. docs/explain.md has the rule. */
#ifndef EXPLAIN_WORDS_H
#define EXPLAIN_WORDS_H

#include "base/arena.h"

enum {
    EXPLAIN_WORDS_MAX = 8192, /* words of one text; what follows is not looked at */
    EXPLAIN_WORD_MAX = 1000,  /* bytes of a word; a longer one is cut */
};

struct word {
    uint32_t at, end; /* its bytes in the text */
    uint32_t simple;  /* where its bytes begin in words.simple */
    uint16_t len;     /* and how many they are */
    bool is_first;    /* of a paragraph: a blank line stands before it */
};

/* Used again for text after text; its memory is the arena's. */
struct words {
    struct arena *arena;
    struct slice text;
    struct word *of;
    size_t count, room;
    uint8_t *simple;
    size_t simple_len, simple_room;
    bool truncated; /* too many words, or the arena's cap: the last ones are missing */
};

void words_init(struct words *w, struct arena *a);

/* The words of text, in place of those before. Bytes that are no UTF-8 count as Latin-1, which is
 * what they nearly always are. Letters of Chinese, Japanese and Korean are a word each. */
void words_read(struct words *w, struct slice text);

static inline struct slice
words_at(const struct words *w, size_t i)
{
    return slice_make(w->simple + w->of[i].simple, w->of[i].len);
}

#endif
