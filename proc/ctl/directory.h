/* Asking the directory: changes that end in directory_done, and lists that come in pages. */
#ifndef CTL_DIRECTORY_H
#define CTL_DIRECTORY_H

#include "out.h"

enum {
    DIRECTORY_PAGE = 256,     /* items asked for at once */
    DIRECTORY_NAME_MAX = 512, /* bytes of an address or a name, with a NUL */
};

/* Ask accounts for a change about `name`. Not 0: it was refused, and the reason is said. account,
 * which may be NULL, is the one that was changed. */
int directory_change(struct ctl *c, enum msg_type type, const void *message, const char *name,
                     uint64_t *account);

/* The exit status for a result, 0 for DIRECTORY_OK; the reason is said. detail: the directory's own
 * words. */
int directory_verdict(uint32_t result, const char *name, struct slice detail);

/* A time as `36h`, or the word default, which is 0. Not 0: it is neither, and that is said. */
int directory_read_lifetime(const char *word, uint32_t *seconds);

/* A language, or the word default, which is the empty one. */
struct slice directory_read_language(const char *word);

/* Say that a change is done: the sentence, or with --json an object with `verb` and `name`. */
void directory_report(const struct ctl *c, enum text done, const char *verb, const char *name);

/* Walk a list: `ask` is sent, `each` gets every item and writes into `ask` where the next page
 * begins; it may stop the walk with a status. */
struct directory_walk {
    enum msg_type ask_type, answer_type, item_type;
    const void *ask;
    const char *name; /* of what is listed, for a refusal */
    int (*each)(void *ctx, const union msg_any *item);
    void *ctx;
};
int directory_walk(struct ctl *c, const struct directory_walk *w);

/* All accounts of a domain, or with "" of all. */
int directory_each_account(struct ctl *c, const char *domain,
                           int (*each)(void *ctx, const struct directory_account *a), void *ctx);

/* One account. The slices are good until the next question. */
int directory_find_account(struct ctl *c, const char *address, struct directory_account *found);

#endif
