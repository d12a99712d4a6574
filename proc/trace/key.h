/* By what an event is found: texts, in any case of letters. */
#ifndef TRACE_KEY_H
#define TRACE_KEY_H

#include "ipc/msg.h"

enum { KEYS_MAX = 6 };

/* The numbers under which a book files the event; returns how many, all different. They lie on
 * disk. */
size_t keys_of_event(const struct trace_event *e, uint32_t keys[KEYS_MAX]);

/* The one or two numbers of what is searched for, in both places. Events under them may still be
 * others. An id is asked for by itself or by its reference. */
void keys_of_text(struct slice what, uint32_t keys[2]);

/* Is it what is searched for? */
bool event_matches(const struct trace_event *e, struct slice what);

/* The number of a thread, under which there may be others; and whether an event belongs to it. */
uint32_t key_of_thread(uint64_t id);
bool event_is_of(const struct trace_event *e, uint64_t thread);

/* The message, or without one the session. */
static inline uint64_t
event_thread(const struct trace_event *e)
{
    return e->message ? e->message : e->session;
}

#endif
