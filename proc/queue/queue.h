/* The queue: owns the journal, answers for what it keeps, hands deliveries to the stores until each
 * says that its copy is on stable storage. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "journal/journal.h"
#include "reason/catalogue.h"
#include "role/role.h"
#include "site.h"
#include "wheel.h"

enum {
    QUEUE_INLINE_MAX = 32 * 1024, /* bytes of a body that travels to a store inside a frame */
    QUEUE_OUT_INLINE_MAX =
        16 * 1024,                  /* the same to a courier, which keeps it as long as it takes */
    QUEUE_WINDOW_BYTES = 8 << 20,   /* bytes on their way to one store before others wait here */
    QUEUE_OUT_MAX = 2000,           /* transactions that the couriers have at a time */
    QUEUE_TICK_MS = 1000,           /* retries, lazy commits */
    QUEUE_PUMP_MS = 10,             /* while messages wait for a store's window */
    QUEUE_LAZY_MS = 10,             /* notes wait so long for a commit that has to be made anyway */
    QUEUE_IDLE_MS = 20,             /* between two steps of housekeeping */
    QUEUE_LOCAL_FIRST_SECONDS = 10, /* before a mailbox here is tried again; doubled each time */
    QUEUE_LOCAL_MOST_SECONDS = 3600,
    QUEUE_GATHER_SECONDS = 2,        /* what fails within so many is told in one notice */
    QUEUE_NOTICE_AGAIN_SECONDS = 30, /* after a notice that could not be written */
    QUEUE_PERSON_SECONDS = 1800, /* a sender is warned after so many where only a person can help */
    QUEUE_OUTCOMES_BYTES = 64 << 20, /* memory for what became of the targets of one message */
    QUEUE_HELD_TELL_SECONDS = 3600,  /* the postmaster is told so often at most of one reason */
    QUEUE_ID_MARGIN_SECONDS = 60,    /* between an edge's end of a slow transaction and its frame */
    QUEUE_TARGETS_MAX = 1 << 20,     /* mailboxes and addresses elsewhere of one message */
    QUEUE_REASONS_MAX = 4096,        /* different reasons for which mail waits */
};

/* The numbers lie in the journal: add at the end. */
enum target_state {
    TARGET_OPEN,     /* to be tried as soon as there is room */
    TARGET_SENT,     /* a store or a courier has it */
    TARGET_DEFERRED, /* until `next` */
    TARGET_DONE,     /* nothing is left to do */
    TARGET_FAILED,   /* given up; the sender is still to be told */
    TARGET_RELAYED,  /* taken, and the sender, who wants to know, is still to be told */
    TARGET_HELD,     /* until a person releases it */
};

#define TARGET_NONE UINT32_MAX

/* One mailbox, or one address elsewhere, that a message goes to. Its index is the recipient index
 * of the journal. */
struct target {
    uint64_t account; /* 0: elsewhere */
    struct job *job;  /* elsewhere: what brings it there; NULL once it is settled */
    uint32_t chain;   /* the next target of the same job; TARGET_NONE: there is none */
    uint32_t next;    /* DEFERRED: when it is tried again, seconds since 1970 */
    uint16_t reason;  /* of the last attempt that failed: reasons.c; 0: none */
    uint8_t state;    /* enum target_state */
    uint8_t attempts;
    uint8_t notify;  /* RFC 3461 NOTIFY */
    bool warned;     /* its sender was told that it is late */
    bool person;     /* only a person can mend what it waits for: the sender is warned sooner */
    bool by_command; /* HELD: by a person, so it does not expire */
    bool expired;    /* FAILED: for that reason */
    bool relayed;    /* RELAYED: to a server that tells nobody */
};

enum alarm_kind { ALARM_LOCAL, ALARM_MESSAGE, ALARM_JOB, ALARM_SITE, ALARM_KINDS };

struct message {
    struct list all;      /* in the order of arrival */
    struct list waiting;  /* to be sent to stores when there is a window; else alone */
    struct alarm local;   /* deferred mailboxes */
    struct alarm message; /* its time is over, or its sender is to be told something */
    uint64_t id;
    uint64_t received, size;
    char *sender;
    uint32_t lifetime;    /* seconds; 0: the service's */
    uint32_t count, open; /* targets; those not DONE */
    uint32_t tell_at;     /* seconds since 1970: a notice is owed then; 0: none */
    uint32_t noted;       /* the commit that makes its last CHANGE durable */
    uint8_t lane;         /* of its sites: a hash of who sends it */
    bool is_notice;       /* it tells of another message */
    bool has_local;       /* some of its targets are mailboxes here */
    bool telling;         /* a notice is being written */
    struct target targets[];
};

/* A message's targets at one destination. */
struct job {
    struct list link; /* in a lane of its site, while it is ready; else alone */
    struct alarm again;
    struct message *message;
    struct site *site;
    uint32_t first; /* of its targets, by their chain */
    uint32_t open;  /* targets of its that are not settled */
    bool sent;      /* a courier has it */
};

/* What one attempt came to. */
struct attempt {
    struct queue_outcome outcome; /* attempts, tried and warned are set by who notes it */
    enum catalogue_retry retry;
    struct slice address, stage, tls; /* for the trace */
};

struct queue {
    struct role *role;
    struct journal *journal;
    struct map messages;     /* id -> struct message */
    struct list all;         /* struct message by `all` */
    struct list sending;     /* struct message by `waiting` */
    struct list arrived;     /* struct submit: not yet in the journal's batch */
    struct list batch;       /* struct submit: in it, not yet answered */
    bool commit_due;         /* a commit is scheduled for the end of this turn */
    bool committing;         /* a thread writes the batch */
    bool idle_due, tidy_due; /* after it */
    uint32_t begun, ended;   /* commits, by number */
    struct list old_notices; /* at the start: those that the journal brought */
    struct list acted;       /* struct act of act.c: answered after a commit */
    void (*on_finished)(struct queue *q);
    struct wheel wheel;
    struct sites sites;
    struct timer *tick, *pump, *idle, *lazy;
    bool lazy_set;
    uint32_t held_told[QUEUE_REASONS_MAX]; /* when the postmaster was told, by reason */
    uint64_t accepted, delivered, deferrals, sent, failed, notices, doubtful;
};

static inline uint32_t
queue_now(void)
{
    return (uint32_t)(clock_now_us() / 1000000);
}

/* envelope.c: reading what an edge, or an earlier run, wrote. */

/* A message from its encoded envelope; its targets are those of all recipients, each once. NULL:
 * malformed. */
struct message *envelope_message(struct queue *q, uint64_t id, struct slice envelope,
                                 uint64_t size);

/* A target as the envelope has it. */
struct envelope_target {
    uint32_t index;
    struct queue_recipient recipient;
    struct queue_target to;
    struct slice address; /* where it goes: an address elsewhere, or the recipient's own */
};

/* Calls fn for each target; false: malformed. */
typedef void envelope_target_fn(void *ctx, const struct envelope_target *t);
bool envelope_targets(struct slice envelope, envelope_target_fn *fn, void *ctx);
bool envelope_decode(struct slice envelope, struct queue_envelope *out);

/* The envelope of a message in the journal, appended to room; false: it cannot be read. */
bool envelope_read(struct queue *q, const struct message *m, struct buf *room);

/* Its body: all of it in room where it has `most` bytes at most, else a descriptor of the segment
 * it lies in, from `offset` on. False: it cannot be read now. */
struct found_body {
    struct slice bytes;
    int fd; /* -1: it is in bytes; else to be closed */
    uint64_t offset;
};
bool body_find(struct queue *q, const struct message *m, uint64_t most, struct buf *room,
               struct found_body *found);

/* message.c: the life of one. */
void message_start(struct queue *q, struct message *m); /* whatever can be sent goes */
void message_free(struct queue *q, struct message *m);
/* A target needs nothing further. True: it was the last one, and the message is no more. */
bool message_settle(struct queue *q, struct message *m, uint32_t index);
void message_end(struct queue *q, struct message *m);
/* Its alarm at whatever comes first: its end, the sender's warning, a notice that is owed. */
void message_watch(struct queue *q, struct message *m);
void message_attend(struct queue *q, struct message *m);                /* that alarm rang */
uint32_t message_until(const struct queue *q, const struct message *m); /* it is given up then */
bool message_must_warn(const struct queue *q, const struct message *m, const struct target *t);

/* target.c: what becomes of one, in memory, in the journal and in the trace. The last two may end
 * the message: true. */
void target_defer(struct queue *q, struct message *m, uint32_t index, const struct attempt *a,
                  uint32_t next);
void target_hold(struct queue *q, struct message *m, uint32_t index, const struct attempt *a,
                 bool by_command);
void target_release(struct queue *q, struct message *m, uint32_t index, const struct attempt *a);
bool target_fail(struct queue *q, struct message *m, uint32_t index, const struct attempt *a,
                 bool expired);
bool target_arrive(struct queue *q, struct message *m, uint32_t index, const struct attempt *a,
                   bool relayed);
/* The newest outcome of each target, as the journal has it; those of others stay zero. The texts
 * lie in a. NULL: it cannot be read now. */
const struct queue_outcome *target_outcomes(struct queue *q, const struct message *m,
                                            struct arena *a);
/* What is known of one: its own outcome, or that of its site. */
struct queue_outcome target_outcome(const struct target *t, const struct queue_outcome *all,
                                    uint32_t index);
void target_note_warned(struct queue *q, struct message *m, uint32_t index,
                        const struct queue_outcome *o);

/* submit.c: from an edge, or a courier, to the journal. */
extern const struct chan_handler submit_handlers[];

/* local.c: to the stores, and their outcomes. envelope and body as at hand, or NULL: from the
 * journal. */
void local_send(struct queue *q, struct message *m, const struct slice *envelope,
                const struct slice *body);
void local_flush(struct queue *q);                 /* what local_send put together goes out */
void local_pump(struct queue *q);                  /* as many of `sending` as the windows allow */
void local_again(struct queue *q, unsigned store); /* a store was replaced: it forgot what it had */
void local_due(struct queue *q, struct message *m);    /* deferred ones whose time has come */
void local_resume(struct queue *q, struct message *m); /* what waits, as its states say */
uint64_t queue_oldest_id(const struct queue *q);       /* that an edge may still submit */
extern const struct chan_handler local_handlers[];

/* job.c: what a message has for one destination. */
struct job *job_new(struct message *m, struct site *site, uint32_t index);
void job_add(struct job *j, uint32_t index);
void job_free(struct queue *q, struct job *j);
void job_place(struct queue *q, struct job *j); /* where its targets' states say: ready, or later */
void job_due(struct queue *q, struct job *j);   /* deferred targets whose time has come */

/* out.c: to the couriers, and their outcomes. */
void out_pump(struct queue *q); /* as much as the windows allow */

/* notice.c: telling senders. */
void notice_owe(struct queue *q, struct message *m);  /* soon, with what else there is by then */
void notice_tell(struct queue *q, struct message *m); /* what is owed, as soon as it can be read */
/* A notice is on stable storage: those it tells of need no further one. */
void notice_kept(struct queue *q, const struct queue_envelope *notice);

/* show.c, act.c: for `valija queue`. */
extern const struct chan_handler ctl_handlers[];
void act_on_ask(void *ctx, struct chan_call *call, const union msg_any *any);
void act_answer(struct queue *q, bool failed); /* a commit has ended */

#endif
