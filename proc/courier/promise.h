/* What a domain promises about TLS at its servers: its MTA-STS policy (RFC 8461), asked for before
 * mail goes to them. Mail waits `limit policy_seconds` at most for one that is not known. */
#ifndef COURIER_PROMISE_H
#define COURIER_PROMISE_H

#include "courier.h"
#include "sts/sts.h"

struct promise;

/* policy: that holds, or NULL; the callee becomes one of its owners. ms: so long nothing else needs
 * to be asked. */
typedef void promise_fn(void *ctx, struct sts_policy *policy, uint64_t ms);

/* fn runs once, in a later turn. NULL, and it does not: such a domain has none. */
struct promise *promise_new(struct courier *c, struct slice domain, promise_fn *fn, void *ctx);

#endif
