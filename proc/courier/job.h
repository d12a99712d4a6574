/* A job: one message to recipients at one destination, as the queue sent it, until each of them has
 * an outcome. */
#ifndef COURIER_JOB_H
#define COURIER_JOB_H

#include "courier.h"
#include "finding.h"
#include "smtp/envelope.h"

enum {
    JOB_TRIES_MAX = 3,           /* connections that may break under it before it goes back */
    JOB_OUTCOME_MAX = 1000,      /* bytes of a queue_outcome: fewer than JOURNAL_REASON_MAX */
    JOB_BODY_PIECE = 128 * 1024, /* bytes read from a descriptor at a time */
};

struct job_rcpt {
    struct smtp_rcpt smtp;
    uint32_t index; /* the queue's */
    bool settled;
};

struct job {
    struct list link; /* of its site's jobs that wait; alone while a connection has it */
    struct courier *courier;
    struct chan_call call; /* whom to answer; chan NULL: nobody, any more */
    enum role_id asker;
    unsigned asker_index;
    uint64_t id; /* of the message */
    struct smtp_envelope envelope;
    struct job_rcpt *rcpts;
    size_t rcpt_count, open; /* open: those without an outcome */
    unsigned tries;
    struct slice body; /* or, where fd is not -1, so much from offset on: */
    int fd;
    uint64_t offset, size;
    enum courier_site site;
    uint32_t wait;
    struct buf outcomes; /* courier_outcome items */
    size_t bytes;        /* of memory */
};

/* A copy of all it needs; takes the descriptor. NULL: it was malformed, or there are too many, and
 * it is answered. */
struct job *job_new(struct courier *c, const struct courier_send *m, struct chan_call *call);

/* The envelope of the next transaction: the recipients that are open. */
const struct smtp_envelope *job_envelope(struct job *j);

/* The body from `at` on, as much as is at hand; valid until the next call. Empty before the end:
 * the descriptor could not be read. */
struct slice job_body(const struct job *j, uint64_t at);

/* That is what became of one recipient, or of all that are open. */
void job_settle(struct job *j, struct job_rcpt *r, const struct finding *f);
void job_settle_all(struct job *j, const struct finding *f);

/* Answers, with COURIER_UNDECIDED for whom nothing was found, and frees. */
void job_end(struct job *j);

#endif
