/* The registry of enhanced status codes (RFC 5248, kept by the IANA), as catalogue/
 * enhanced-codes.tsv has it: code, basic codes it goes with or "any", what it means. */
#ifndef REASON_REGISTRY_H
#define REASON_REGISTRY_H

#include "base/slice.h"

/* The row of "5.1.1" or "x.1.1", found by its subject and detail: the rows stand for all classes.
 * basic: "451,550", or "any". False: there is none. */
bool registry_find(struct slice registry, struct slice code, struct slice *basic);

/* May a reply be `code` with `status`, which is registered for the codes `basic`? Where they do not
 * have it, deviation.def must. */
bool registry_goes_with(struct slice basic, struct slice code, struct slice status);

#endif
