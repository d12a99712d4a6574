/* libunbound: a validating resolver with a cache, on our loop. */
#ifndef RESOLVER_ENGINE_H
#define RESOLVER_ENGINE_H

#include "base/err.h"
#include "dns/dns.h"
#include "loop/loop.h"
#include "sources.h"

struct engine;

/* validate: against the anchors, if there are any. NULL: libunbound takes the sources not, and why
 * not is in *e. */
struct engine *engine_new(struct loop *l, const struct sources *s, bool validate, struct err *e);

/* What was asked is forgotten: no answer comes. Not from within an engine_fn. */
void engine_free(struct engine *e); /* NULL is fine */

/* The answer lives until the call returns. */
typedef void engine_fn(void *ctx, const struct dns_answer *answer);

/* Ask for a clean name. fn runs once, perhaps before this returns: then the answer was in the
 * cache, or there was no asking, and this is true. */
bool engine_ask(struct engine *e, const char *name, enum dns_type type, engine_fn *fn, void *ctx);

#endif
