/* Recipients that the directory knew a moment ago, so that mail that comes thick and fast does not
 * ask for each. Bounded, short-lived, and forgotten when the directory says that it has changed. */
#ifndef EDGE_KNOWN_H
#define EDGE_KNOWN_H

#include "edge.h"
#include "smtp/server.h"

/* What was said of an address: true only of one that may have mail. */
bool known_get(const struct edge *e, struct slice address, struct smtp_answer *a);

/* Kept only where it is simple: mailboxes of ours, with room for all that may come meanwhile. */
void known_put(const struct edge *e, struct slice address, const struct accounts_rcpt_answer *said);

void known_clear(void);

#endif
