/* What did not work on the way to a site's servers: one hop, and what happened there. */
#ifndef COURIER_FAILURE_H
#define COURIER_FAILURE_H

#include "base/list.h"
#include "finding.h"
#include "hops.h"
#include "role/role.h"
#include "smtp/outcome.h"

struct failure {
    struct list link;
    struct smtp_outcome outcome; /* its text is the failure's own */
    struct slice remote;         /* of the hop's memory */
    const char *reason; /* in the catalogue, where we know better than the outcome; or NULL */
    uint8_t text[];
};

/* To the trace: this message had to go on to another server. */
void failure_tell(const struct failure *f, struct role *r, uint64_t message);

/* At the end of the list. */
void failure_put(struct list *failures, const struct smtp_outcome *o, struct slice remote,
                 const char *reason);
struct finding failure_finding(const struct failure *f);
void failures_free(struct list *failures);

/* The one that says most: what is temporary before what is for good, a server's own words before
 * our guess, and of equals the first, of the best server. NULL: there is none. */
const struct failure *failures_worst(const struct list *failures);

#endif
