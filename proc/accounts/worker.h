/* Slow work on other threads, a few at a time and never two for the same user at once: whoever
 * floods one name with guesses waits for himself. */
#ifndef ACCOUNTS_WORKER_H
#define ACCOUNTS_WORKER_H

#include "base/list.h"
#include "loop/loop.h"

enum {
    WORKER_THREADS_MAX = 4,
    WORKER_WAITING_MAX = 1000, /* jobs of one lane: half a minute of work for two threads */
};

/* Jobs of both lanes take turns, so that neither ten thousand new accounts nor a flood of logins
 * stops the other. */
enum worker_lane { WORKER_LOGINS, WORKER_CHANGES, WORKER_LANES };

/* Embedded in the caller's own, which stays where it is until done. */
struct job {
    struct list link;
    struct workers *workers;
    uint64_t key;                /* jobs of one key run one after the other */
    bool (*skip)(struct job *j); /* when its turn comes: is run not needed? May be NULL */
    void (*run)(struct job *j);  /* on another thread */
    void (*done)(struct job *j); /* here; the job may be freed in it */
};

struct workers {
    struct loop *loop;
    unsigned most;
    unsigned running;
    struct list active;
    struct list waiting[WORKER_LANES];
    unsigned counts[WORKER_LANES];
    enum worker_lane turn;
};

void workers_init(struct workers *w, struct loop *l, unsigned threads);

/* False: too much waits in that lane, and the job was not taken. done may run before this returns.
 */
bool workers_put(struct workers *w, enum worker_lane lane, struct job *j);

#endif
