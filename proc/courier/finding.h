/* What became of a recipient, as the queue, the sender and the trace are told: an outcome of the
 * SMTP client or of a walk, with the reason that the catalogue finds in it. */
#ifndef COURIER_FINDING_H
#define COURIER_FINDING_H

#include "ipc/verdict.h"
#include "reason/catalogue.h"
#include "route/route.h"
#include "smtp/outcome.h"

/* Slices are valid until the next finding is made. */
struct finding {
    enum courier_verdict verdict;
    enum courier_site site; /* what it says of the whole destination */
    enum catalogue_retry retry;
    uint32_t wait; /* seconds that the server asked for; 0: it did not say */
    const char *stage;
    const char *tls;     /* "TLSv1.3", or "" */
    bool ours;           /* the words are our own */
    struct slice reason; /* id in the catalogue; empty: it went well */
    struct slice status; /* "5.1.1" */
    struct slice remote; /* "mx.there.example [192.0.2.1]", or empty */
    struct slice said;   /* in one line; a server's with its codes in front */
};

struct finding finding_of_outcome(const struct smtp_outcome *o, struct slice remote,
                                  const char *tls);
void finding_give_reason(struct finding *f, const char *id); /* a better one */
struct finding finding_of_route(enum route_kind failure, struct slice about, struct slice why);

#endif
