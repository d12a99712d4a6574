/* Domains, accounts and aliases: questions and changes. docs/directory.md says what they mean. All
 * of it runs on one thread; what the disk did not do sticks in db.err (see db_settle). */
#ifndef ACCOUNTS_DIRECTORY_H
#define ACCOUNTS_DIRECTORY_H

#include "base/arena.h"
#include "base/map.h"
#include "bounce/srs.h"
#include "credentials.h"
#include "db.h"
#include "ipc/msg.h"
#include "name.h"

enum {
    DIRECTORY_DEPTH_MAX = 10,                    /* aliases that lead to aliases */
    DIRECTORY_TARGETS_MAX = 1000,                /* that one address may lead to, followed or not */
    DIRECTORY_ANSWER_MAX = MSG_FRAME_MAX - 2048, /* bytes of them in one frame */
    DIRECTORY_USAGE_MAX = 10000,                 /* reports kept before they are written */
    DIRECTORY_LANGUAGE_MAX = 8,                  /* bytes of a language's name */
    DIRECTORY_SECRET_MAX = 32,                   /* bytes of a secret */
    DIRECTORY_PAGE_MAX = 1000,                   /* items of one answer to a list */
    DIRECTORY_TEXT_MAX = 1024,
};

#define DIRECTORY_QUOTA_DEFAULT UINT64_MAX /* and for a login delay UINT32_MAX */

struct directory {
    struct db db;
    struct arena *texts;  /* of the aliases being walked, and of what the walk found */
    struct map usage;     /* account to what it holds, as reported and not written yet */
    uint64_t quota;       /* bytes, of accounts without one of their own; 0: no limit */
    uint32_t login_delay; /* seconds: the service's, and the most an account may have */
    struct srs srs;       /* of forwards; its domain is set for each */
    uint8_t srs_keys[SRS_KEYS][DIRECTORY_SECRET_MAX];
    bool changed; /* since this was last set to false */
};

/* Files are those of the current directory; see db_open. */
struct err directory_open(struct directory *d);
void directory_close(struct directory *d);

/* Where mail for an address goes. Slices are good until the directory is asked or changed again. */
struct expansion {
    enum accounts_verdict verdict;
    uint64_t room;     /* bytes free in the target that has the most; UINT64_MAX: no limit */
    struct slice told; /* FORWARDS, MOVED: the address that the sender may know */
    char language[DIRECTORY_LANGUAGE_MAX + 1]; /* the reader's; "": not known */
    size_t count; /* of targets, which may also hold full mailboxes when the verdict is not OK */
    struct queue_target targets[DIRECTORY_TARGETS_MAX];
};

/* hostname: the service's own, for "postmaster" alone. sender: the reverse-path. */
void directory_expand(struct directory *d, struct slice hostname, struct slice address,
                      struct slice sender, struct expansion *x);

/* Is the address at a domain of ours? */
bool directory_is_ours(struct directory *d, struct slice address);

/* Is this one of the account's own addresses? x is room to work in. */
bool directory_may_send(struct directory *d, uint64_t account, struct slice address,
                        struct expansion *x);

/* What a login needs to know. Wipe it after use. */
struct account {
    uint64_t id; /* 0: there is no such account */
    bool suspended, domain_suspended;
    uint32_t login_delay; /* seconds; UINT32_MAX: the service's default */
    struct credentials credentials;
};
bool directory_account_get(struct directory *d, const struct name *n, struct account *a);

/* Seconds that mail of an account may wait in the queue; 0: the service's default. */
uint32_t directory_lifetime(struct directory *d, uint64_t account);

/* A secret by its name, "salt" for credentials_fake; empty: there is none. */
struct slice directory_secret(struct directory *d, const char *name,
                              uint8_t room[DIRECTORY_SECRET_MAX]);

/* The keys of d->srs: at the start, and once the database was replaced. */
void directory_read_keys(struct directory *d);

/* SCRAM keys for an account, unless its hash is no longer c->hash. Commits. */
void directory_learn_scram(struct directory *d, uint64_t account, const struct credentials *c);

/* A report from store; written by the next flush, at the latest when DIRECTORY_USAGE_MAX wait. */
void directory_report(struct directory *d, uint64_t account, uint64_t bytes, uint64_t messages);
struct err directory_flush(struct directory *d); /* commits; a report that failed is lost */

struct totals {
    uint64_t domains, accounts, aliases;
};
struct totals directory_totals(struct directory *d);

/* What became of a change. */
struct outcome {
    enum directory_result result;
    uint64_t account;
    char text[DIRECTORY_TEXT_MAX]; /* a sentence */
};

/* One change, as a message of change.def asks for it; credentials: those made for it, or NULL. The
 * caller brackets changes with directory_begin and directory_commit; where one is refused, nothing
 * of it remains. */
void directory_begin(struct directory *d);
void directory_change(struct directory *d, enum msg_type type, const union msg_any *m,
                      const struct credentials *c, struct outcome *o);
struct err directory_commit(struct directory *d);

/* Lists: items are appended to out until `most`, its cap or the end is reached. */
enum directory_result directory_list_domains(struct directory *d, struct slice after, uint32_t most,
                                             struct buf *out);
enum directory_result directory_list_accounts(struct directory *d,
                                              const struct directory_account_list *m,
                                              struct buf *out);
enum directory_result directory_list_aliases(struct directory *d,
                                             const struct directory_alias_list *m, struct buf *out);
enum directory_result directory_show_domain(struct directory *d, struct slice name,
                                            struct buf *out);
enum directory_result directory_show_account(struct directory *d, struct slice address,
                                             struct buf *out);

#endif
