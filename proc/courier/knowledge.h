/* What failures mean: for recognising what other servers say, and for telling senders of it. */
#ifndef COURIER_KNOWLEDGE_H
#define COURIER_KNOWLEDGE_H

#include "reason/catalogue.h"

/* The built-in catalogue: read when it is first asked for, which takes some milliseconds, and kept.
 */
const struct catalogue *courier_catalogue(void);

#endif
