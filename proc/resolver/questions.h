/* Questions under way, and who waits for them: the same question is asked once, nobody waits longer
 * than the limit, and nobody has more than a fair number. Knows no DNS and no channel. */
#ifndef RESOLVER_QUESTIONS_H
#define RESOLVER_QUESTIONS_H

#include "base/list.h"
#include "base/map.h"
#include "dns/dns.h"
#include "ipc/chan.h"

enum {
    QUESTIONS_MAX = 8192, /* different ones under way; some 50 KiB each, most of it libunbound's */
    QUESTIONS_PER_ASKER = 2048 /* that one process waits for */
};

/* From its first asker until its answer, even if everybody has given up meanwhile: what comes then
 * is in the cache when they ask again. */
struct question {
    uint64_t key; /* in `open` */
    enum dns_type type;
    char name[DNS_NAME_ROOM]; /* clean */
    bool held;                /* the owner's */
    struct list waiting;      /* struct waiter */
};

struct questions {
    struct map open;     /* struct question */
    struct map askers;   /* struct asker */
    struct list waiting; /* struct waiter, who gives up first in front */
    uint64_t seed;       /* of the keys: strangers choose names */
    uint64_t asked, joined, refused, late;

    void (*begin)(void *ctx, struct question *q); /* ends in questions_answer, at once or later */
    void (*answer)(void *ctx, const struct chan_call *call, const struct dns_answer *a);
    void *ctx;
};

void questions_init(struct questions *qs, uint64_t seed);

/* asker is not 0; a copy of call comes back with the answer. */
void questions_ask(struct questions *qs, uint64_t asker, const struct chan_call *call,
                   const char *name, enum dns_type type, uint64_t until_ms);

void questions_answer(struct questions *qs, struct question *q, const struct dns_answer *a);

/* The asker is gone: what it waits for is not answered. */
void questions_forget(struct questions *qs, uint64_t asker);

/* Answers whose time is over. Returns when the next one's is; 0: nobody waits. */
uint64_t questions_give_up(struct questions *qs, uint64_t now_ms);

/* Begins again what is under way: all, or only what is held. */
void questions_begin_again(struct questions *qs, bool held_only);

#endif
