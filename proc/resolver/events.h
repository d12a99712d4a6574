/* libunbound's event interface (unbound-event.h) over our own loop, so that it needs no thread and
 * no process of its own. */
#ifndef RESOLVER_EVENTS_H
#define RESOLVER_EVENTS_H

#include <unbound-event.h>

#include "loop/loop.h"

/* One base serves any number of contexts; free it after them. */
struct ub_event_base *events_new(struct loop *l);
void events_free(struct ub_event_base *base);

#endif
