/* What happened, told to the trace role. Events gather for a moment and leave in one frame; nobody
 * ever waits for the trace. While it reads too slowly, or is being replaced, so much is kept and
 * the rest is dropped and counted. Needs a door to trace. */
#ifndef ROLE_TELL_H
#define ROLE_TELL_H

#include "role/role.h"

enum {
    TELL_AFTER_MS = 100,           /* how long an event waits for others */
    TELL_FRAME_MAX = 32 * 1024,    /* bytes of events in one frame */
    TELL_BACKLOG_MAX = 512 * 1024, /* bytes the trace may leave unread here */
};

/* Copies the event; its time is set where it is 0. */
void tell_event(struct role *r, struct trace_event *e);

/* What has gathered leaves now; role_end does it too. */
void tell_flush(struct role *r);

#endif
