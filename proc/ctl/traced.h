/* What the trace knows of one thread, a message with every step of its way or a session with what
 * it was told, as people and scripts get it. */
#ifndef CTL_TRACED_H
#define CTL_TRACED_H

#include "base/map.h"
#include "ctl.h"
#include "reason/catalogue.h"

struct traced {
    const struct catalogue *catalogue;
    size_t steps;     /* of this thread, so far */
    struct map names; /* of its mailboxes: number -> address, as received tells */
};

void traced_begin(struct traced *t); /* another thread; or the end: nothing is kept */

/* One event, in their order. */
void traced_print(struct traced *t, const struct trace_event *e);
void traced_print_json(const struct traced *t, const struct trace_event *e); /* one line */

/* What its reason means, in the user's language; empty where it has none. */
struct slice traced_summary(const struct traced *t, const struct trace_event *e);
const char *traced_protocol(const struct trace_event *e);

#endif
