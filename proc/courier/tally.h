/* How TLS with other domains' servers went, counted for their reports (RFC 8460), and told to who
 * asks. */
#ifndef COURIER_TALLY_H
#define COURIER_TALLY_H

#include "conn.h"

void tally_ready(const struct conn *c);  /* it takes mail */
void tally_failed(const struct conn *c); /* it ended before it did */

/* courier_tls_report, of ctl. */
void tally_on_report(void *ctx, struct chan_call *call, const union msg_any *m);

#endif
