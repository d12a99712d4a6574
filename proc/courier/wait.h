/* How long a server asks to wait, read from its words: "try again in 5 minutes". Pure. */
#ifndef COURIER_WAIT_H
#define COURIER_WAIT_H

#include "base/slice.h"

enum { WAIT_MOST_SECONDS = 24 * 60 * 60 }; /* who asks for more is asked again after a day */

/* Seconds; 0: it does not say. */
uint32_t wait_find(struct slice text);

#endif
