/* Shared by the files that make up the directory. */
#ifndef ACCOUNTS_DIRECTORY_PRIVATE_H
#define ACCOUNTS_DIRECTORY_PRIVATE_H

#include "directory.h"

/* The handlers of change.def. */
#define CHANGE(message, fn, proof)                                                                 \
    void fn(struct directory *d, const struct message *m, const struct credentials *c,             \
            struct outcome *o);
#include "change.def"
#undef CHANGE

/* Sets the result and the sentence. */
void outcome_set(struct outcome *o, enum directory_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool directory_has_domain(struct directory *d, struct slice domain);
bool directory_has_alias(struct directory *d, const struct name *n);
uint64_t directory_account_id(struct directory *d, const struct name *n); /* 0: none */

/* The account of an address, its id in o; a domain. False, with the outcome set: there is none. */
bool directory_find_account(struct directory *d, struct name *n, struct slice address,
                            struct outcome *o);
bool directory_find_domain(struct directory *d, struct name *n, struct slice domain,
                           struct outcome *o);

/* Texts in the directory's arena, the last one first: what was read before the next statement runs.
 */
struct listed {
    struct listed *next;
    struct slice text;
};

/* Put a copy in front. False: the arena is full. */
bool directory_list_text(struct directory *d, struct listed **list, struct slice text);

/* Where an address has neither an account nor an alias any more, aliases stop naming it, and those
 * that named nothing else end likewise. False, with the outcome set, where a postmaster would end
 * so. */
bool directory_forget_target(struct directory *d, const struct name *n, struct outcome *o);

/* Is this a postmaster's address that neither an account nor an alias has? */
bool directory_lacks_postmaster(struct directory *d, const struct name *n);

/* The reverse-path that mail of `sender` through this alias travels with, in the directory's arena;
 * at is NULL where that is full. */
struct slice directory_return_path(struct directory *d, struct slice alias, struct slice sender);

/* Is the address, which n is, such a reverse-path coming back? SRS_GOOD: to *origin, in the arena.
 */
enum srs_verdict directory_return(struct directory *d, const struct name *n, struct slice address,
                                  struct slice *origin);

/* As directory_expand, for a name of any kind, and for the null sender. */
void directory_expand_name(struct directory *d, struct name *n, struct expansion *x);

/* What an account holds: as reported, or else as the row says. */
uint64_t directory_used(const struct directory *d, uint64_t account, uint64_t bytes,
                        uint64_t *messages);

#endif
