/* What a catalogue is made of; for the files of this room. */
#ifndef REASON_CATALOGUE_PRIVATE_H
#define REASON_CATALOGUE_PRIVATE_H

#include "base/arena.h"
#include "base/map.h"
#include "reason/catalogue.h"

/* A piece of text in a language, and whose it is: ("mailbox-full", "summary"), ("code", "5yz"),
 * ("words", "label.what"). So no reason may be called as one of the latter. */
struct catalogue_note {
    struct slice subject, key, language, text;
    struct slice file;
    uint32_t line;
    struct catalogue_note *chain; /* another of the same hash */
    struct catalogue_note *next;  /* in the order of first appearance */
};

/* A reason with the ends of its lists, where the next line is added. */
struct catalogue_reason_entry {
    struct catalogue_reason reason;
    struct catalogue_says **says_end;
    struct catalogue_code **codes_end;
    struct catalogue_line **examples_end;
    struct catalogue_reply **replies_end;
    struct catalogue_reason_entry *chain;
};

struct catalogue_provider_entry {
    struct catalogue_provider provider;
    struct catalogue_line **hosts_end, **says_end;
    struct catalogue_provider_entry *chain;
};

/* A fact that two files give differently: the later one holds, and catalogue_check tells. */
struct catalogue_conflict {
    struct slice id;
    const char *key;
    struct catalogue_place first, then;
    struct catalogue_conflict *next;
};

struct catalogue {
    struct arena *arena;
    struct map notes, reason_map, provider_map; /* by the hash of what names them */
    struct catalogue_note *first_note, **notes_end;
    struct catalogue_reason_entry **reasons; /* by number */
    size_t reason_count, reason_room;
    struct catalogue_provider_entry **providers;
    size_t provider_count, provider_room;
    struct catalogue_conflict *conflicts; /* newest first */
};

struct catalogue_teller {
    catalogue_mistake_fn *fn;
    void *ctx;
    unsigned mistakes; /* told so far */
};

/* Tell a mistake: each "{}" of the text stands for the next of the two words, which are cut short.
 * A suggestion that is not empty is added as a question. */
void catalogue_tell(struct catalogue_teller *t, struct catalogue_place at, const char *text,
                    struct slice first, struct slice second, struct slice suggestion);

/* NULL, or an empty slice: there is none. */
const struct catalogue_note *catalogue_note(const struct catalogue *c, struct slice subject,
                                            struct slice key, struct slice language);

/* NULL, where it was not there and there is no room for it: a limit of catalogue.h. */
struct catalogue_reason_entry *catalogue_reason_entry(struct catalogue *c, struct slice id);
struct catalogue_provider_entry *catalogue_provider_entry(struct catalogue *c, struct slice id);
bool catalogue_put_note(struct catalogue *c, const struct catalogue_note *note);

extern const char *const catalogue_text_words[CATALOGUE_TEXTS];

/* One of the words that are no reason's id. */
bool catalogue_is_reserved(struct slice word);

/* Cut the first of several words, separated by spaces or tabs; false: there is none. */
bool catalogue_cut_word(struct slice *text, struct slice *word);

#endif
