/* Notices: what became of a message, written to its sender, or to the postmaster, and submitted to
 * the queue as any other message. They are written here because this process may read a stranger's
 * message and can open nothing; the queue, which decides on them, may not read one. */
#ifndef COURIER_NOTICE_H
#define COURIER_NOTICE_H

#include "role/role.h"

enum { NOTICES_MAX = 64 }; /* under way at a time; who asks for more hears NOTICE_LATER */

/* MSG_courier_notify: the answer comes once the queue has the notice. */
chan_handler_fn notice_on_ask;

/* A peer of the role is gone: whoever waited on its channel does no more. */
void notice_peer_down(struct role *r);

/* Counters for `valija status`. */
void notice_status(struct buf *values);

#endif
