/* The process: its state, and the handlers of its doors. */
#ifndef ACCOUNTS_ACCOUNTS_H
#define ACCOUNTS_ACCOUNTS_H

#include "directory.h"
#include "role/role.h"
#include "verified.h"
#include "worker.h"

enum {
    ACCOUNTS_VERIFIED_MAX = 100000,  /* passwords remembered, some 120 bytes each */
    ACCOUNTS_COPY_AFTER_MS = 5000,   /* from a change to the next copy of the directory */
    ACCOUNTS_COPY_STEP_MS = 5,       /* between two steps of a copy */
    ACCOUNTS_FLUSH_AFTER_MS = 10000, /* from a report of usage to its writing */
};

struct accounts {
    struct role *role;
    struct directory directory;
    struct verified verified;
    struct workers workers;
    uint64_t seed; /* of the keys that keep one user's jobs apart from another's */
    uint8_t
        salt[DIRECTORY_SECRET_MAX]; /* the directory's own, for SCRAM with users who do not exist */
    struct slice secret;            /* in salt */
    struct list askers;             /* all that wait for an answer that takes time */
    struct list changes;            /* for the next transaction, which is due when not empty */
    struct timer *copy, *flush;
    bool copying;
    uint64_t logins, cached, failed;
    struct expansion expansion;
};

extern const struct role_spec accounts_spec;

static inline struct accounts *
accounts_of(void *ctx)
{
    return ((struct role *)ctx)->state;
}

/* What is to be done after the directory was used: troubles are logged, a damaged database
 * replaced, a copy planned. False: there was trouble. */
bool accounts_settle(struct accounts *a);

/* The edges forget what they were told of recipients, before anything else is said. */
void accounts_tell_changed(const struct accounts *a);

/* Who waits for an answer: forgotten when its channel goes, so that a late answer goes nowhere. */
struct asker {
    struct list link;
    struct chan_call call; /* chan NULL: gone */
    enum role_id from;
    unsigned index;
};

void asker_add(struct accounts *a, struct asker *k, const struct chan_call *call);
void asker_answer(struct asker *k, enum msg_type type, const void *message); /* once */
void askers_forget(struct accounts *a, enum role_id from, unsigned index);   /* it is gone */

/* Handlers of the doors. */
chan_handler_fn rcpt_on_ask, rcpt_on_sender, rcpt_on_usage;
chan_handler_fn login_on_ask, login_on_apop, login_on_scram_salt, login_on_scram_proof;
chan_handler_fn show_on_domains, show_on_domain, show_on_accounts, show_on_account, show_on_aliases;
#define CHANGE(message, fn, proof)                                                                 \
    void change_on_##fn(void *, struct chan_call *, const union msg_any *);
#include "change.def"
#undef CHANGE

#endif
