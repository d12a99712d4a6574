/* What waits for stable storage, and the commits that bring it there. */
#ifndef QUEUE_COMMIT_H
#define QUEUE_COMMIT_H

#include "queue.h"

/* A message between its frame and the answer. */
struct submit {
    struct list link;
    enum role_id role; /* who asked: its channel may be gone when there is an answer */
    unsigned index;
    struct chan *chan;
    uint32_t serial;
    struct message *message;
    struct slice envelope, body; /* in bytes; a body in a descriptor is read back later */
    int fd;
    uint8_t bytes[];
};

void submit_free(struct submit *s); /* not its message */

/* Takes s and its message; it is answered after the next commit. */
void commit_take(struct queue *q, struct submit *s);

/* A commit at the end of this turn, for what the journal has waiting. */
void commit_soon(struct queue *q);

/* A commit before long: what was noted is shared with messages that come meanwhile, so that a lone
 * client does not wait for a sync of somebody else's. */
void commit_lazily(struct queue *q);
void commit_on_lazy(void *ctx); /* its timer */

/* The number of the commit that takes along what is put now, and whether it has ended. */
static inline uint32_t
commit_next(const struct queue *q)
{
    return q->begun + 1;
}

static inline bool
commit_has_ended(const struct queue *q, uint32_t number)
{
    return (int32_t)(q->ended - number) >= 0;
}

/* One step of the journal's housekeeping (`idle`), or of tidying, as soon as no commit is under
 * way. */
void commit_idle(struct queue *q);
void commit_tidy(struct queue *q);

/* Everything that was taken is made durable and answered, then fn runs. */
void commit_finish(struct queue *q, void (*fn)(struct queue *q));

#endif
