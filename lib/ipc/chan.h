/* A channel to one other process: messages with descriptors, questions with answers. A malformed
 * frame is its sender's crime: it is dropped, on_bad names the peer, nobody here exits. */
#ifndef IPC_CHAN_H
#define IPC_CHAN_H

#include "base/err.h"
#include "ipc/msg.h"
#include "loop/loop.h"

struct chan;

enum {
    CHAN_BACKLOG_MAX = 64 << 20,   /* bytes a slow peer may make us keep */
    CHAN_FRAMES_PER_TURN = 256,    /* before others have their turn */
    CHAN_GATHER_BYTES = 16 * 1024, /* of small frames that leave together */
};

/* A message that came in. fd: a descriptor that came with it, or -1; closed after the handler
 * unless that takes it by setting it to -1. serial 0: no answer is expected. */
struct chan_call {
    struct chan *chan;
    uint32_t serial;
    int fd;
};

typedef void chan_handler_fn(void *ctx, struct chan_call *call, const union msg_any *m);

/* What may come in: a table that ends with a zero row. Anything else is a malformed frame. */
struct chan_handler {
    enum msg_type type;
    chan_handler_fn *run;
};

struct chan_events {
    void (*on_closed)(void *ctx, struct chan *c); /* the peer is gone; free the channel here */
    void (*on_bad)(void *ctx, struct chan *c);    /* the peer sent a malformed frame; may be NULL */
};

/* Takes the descriptor. owner is for the owner's use. */
struct chan *chan_new(struct loop *l, int fd, const struct chan_handler *handlers,
                      const struct chan_events *events, void *ctx);
void chan_free(struct chan *c); /* answers open questions with NULL; safe in handlers */

/* From now on what is sent in one turn of the loop leaves together at its end: one system call and
 * one wake-up of the peer for all of it. What goes to other channels may so overtake it. */
void chan_gather(struct chan *c);
void chan_flush(struct chan *c); /* at once: order between two channels */

/* Send. fd, or -1, goes along and stays the caller's. AGAIN never comes back: what the peer does
 * not read yet is kept. LIMIT: the backlog is full. CLOSED: the peer is gone. */
struct err chan_send(struct chan *c, enum msg_type type, const void *message, int fd);

/* Answer a call: at once, or later with a copy of its chan and serial (the channel must live). */
struct err chan_answer(const struct chan_call *call, enum msg_type type, const void *message,
                       int fd);

/* Ask. fn runs once, with NULL where the peer died or the question could not be sent. fd in the
 * answer is the callee's to close. Cancelling forgets fn; a late answer is dropped. */
typedef void chan_answer_fn(void *ctx, const union msg_any *answer, int fd);
struct chan_ask;
struct chan_ask *chan_ask(struct chan *c, enum msg_type type, const void *message, int fd,
                          enum msg_type expected, chan_answer_fn *fn, void *ctx);
void chan_ask_cancel(struct chan_ask *ask); /* before fn ran only */

/* Ask and wait here, at most ms milliseconds, on a channel used for nothing else. False: no answer.
 * The message lies in room until the next call. For callers that cannot return to a loop. */
bool chan_ask_now(int fd, enum msg_type type, const void *message, int send_fd,
                  enum msg_type expected, union msg_any *answer, int *answer_fd, struct buf *room,
                  int ms);

/* Handle what has already arrived before going on: order between two channels. */
void chan_drain(struct chan *c);

/* Take nothing further, not by chan_drain either, or go on: meanwhile what the peer sends stays
 * with it, and it sees that by chan_backlog. Its death, too, is noticed afterwards only. */
void chan_pause(struct chan *c, bool paused);

size_t chan_backlog(const struct chan *c); /* bytes the peer has not taken yet */

#endif
