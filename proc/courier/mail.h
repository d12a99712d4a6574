/* Jobs as they come in, and what becomes of them when whoever sent them is gone. */
#ifndef COURIER_MAIL_H
#define COURIER_MAIL_H

#include "job.h"

void mail_on_send(void *ctx, struct chan_call *call, const union msg_any *m);

/* To its site; or it waits for an orphan, one of the same message that nobody waits for any more
 * but that is under way. */
void mail_take(struct job *j);

/* A queue, or a command, is gone: what waits is dropped, what is under way ends as it may. */
void mail_asker_gone(struct courier *c, enum role_id asker, unsigned index);

#endif
