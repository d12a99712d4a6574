/* The reasons for which mail waits, as small numbers: a message in memory has no room for words. */
#ifndef QUEUE_REASONS_H
#define QUEUE_REASONS_H

#include "base/slice.h"

/* 0 is no reason, "". A name that finds no more room is 0 as well. */
uint16_t reasons_number(struct slice name);
struct slice reasons_name(uint16_t number);

#endif
