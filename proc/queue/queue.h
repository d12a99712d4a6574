/* The queue: owns the journal, answers for what it keeps, hands deliveries to the stores until each
 * says that its copy is on stable storage. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/list.h"
#include "base/map.h"
#include "journal/journal.h"
#include "role/role.h"

enum {
    QUEUE_INLINE_MAX = 32 * 1024,   /* bytes of a body that travels to a store inside a frame */
    QUEUE_WINDOW_BYTES = 8 << 20,   /* bytes on their way to one store before others wait here */
    QUEUE_TICK_MS = 1000,           /* retries, lazy commits */
    QUEUE_PUMP_MS = 10,             /* while messages wait for a store's window */
    QUEUE_IDLE_MS = 20,             /* between two steps of housekeeping */
    QUEUE_RETRY_FIRST_SECONDS = 10, /* doubled at each attempt */
    QUEUE_RETRY_MOST_SECONDS = 3600,
    QUEUE_ID_MARGIN_SECONDS = 60, /* between an edge's end of a slow transaction and its frame */
    QUEUE_TARGETS_MAX = 1 << 20,  /* mailboxes of one message */
};

enum target_state { TARGET_OPEN, TARGET_SENT, TARGET_DEFERRED, TARGET_DONE };

/* One mailbox a message goes to. Its index is the recipient index of the journal. */
struct target {
    uint64_t account;
    uint32_t next; /* DEFERRED: when it is tried again, seconds since 1970 */
    uint8_t state; /* enum target_state */
    uint8_t attempts;
    uint16_t reason; /* DEFERRED: enum store_outcome_kind */
};

struct message {
    struct list all;     /* in the order of arrival */
    struct list waiting; /* to be sent when there is a window, or deferred; else alone */
    uint64_t id;
    uint64_t received, size;
    char *sender;
    uint32_t count, open; /* targets; those not done */
    struct target targets[];
};

struct queue {
    struct role *role;
    struct journal *journal;
    struct map messages;           /* id -> struct message */
    struct list all;               /* struct message by `all` */
    struct list sending, deferred; /* struct message by `waiting` */
    struct list arrived;           /* struct submit: not yet in the journal's batch */
    struct list batch;             /* struct submit: in it, not yet answered */
    bool commit_due;               /* a commit is scheduled for the end of this turn */
    bool committing;               /* a thread writes the batch */
    bool idle_due, tidy_due;       /* after it */
    void (*on_finished)(struct queue *q);
    struct timer *tick, *pump, *idle;
    uint64_t accepted, delivered, deferrals;
};

/* envelope.c: reading what an edge, or an earlier run, wrote. */

/* A message from its encoded envelope; its targets are the mailboxes of all recipients, each once.
 * NULL: malformed. */
struct message *envelope_message(uint64_t id, struct slice envelope, uint64_t size);

/* Calls fn for each target with the quota and the address it was named by; false: malformed. */
typedef void envelope_target_fn(void *ctx, uint32_t index, const struct queue_target *mailbox,
                                struct slice address);
bool envelope_targets(struct slice envelope, envelope_target_fn *fn, void *ctx);
bool envelope_decode(struct slice envelope, struct queue_envelope *out);
void message_free(struct message *m);

/* submit.c: from an edge to the journal. */
extern const struct chan_handler submit_handlers[];

/* send.c: to the stores, and their outcomes. envelope and body as at hand, or NULL: from the
 * journal. */
void send_message(struct queue *q, struct message *m, const struct slice *envelope,
                  const struct slice *body);
void send_flush(struct queue *q);                 /* what send_message put together goes out */
uint64_t queue_oldest_id(const struct queue *q);  /* that an edge may still submit */
void send_pump(struct queue *q);                  /* as many of `sending` as the windows allow */
void send_again(struct queue *q, unsigned store); /* a store was replaced: it forgot what it had */
void send_due(struct queue *q);                   /* deferred ones whose time has come */
extern const struct chan_handler send_handlers[];
extern const char *const send_reasons[]; /* by enum store_outcome_kind: why a target waits */

/* show.c: for `valija queue`. */
extern const struct chan_handler show_handlers[];

#endif
