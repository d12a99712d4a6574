/* A question to the resolver. It takes so many at a time from one asker; what is more waits here
 * for its turn. */
#ifndef COURIER_QUESTION_H
#define COURIER_QUESTION_H

#include "base/list.h"
#include "dns/dns.h"
#include "role/role.h"

enum { QUESTION_OPEN_MAX = 1500 }; /* at the resolver at a time */

typedef void question_fn(void *ctx, const struct dns_answer *a);

/* Embedded where it is asked from, and all zero until it is put. */
struct question {
    struct list link; /* of those that wait; else alone */
    struct role *role;
    struct chan_ask *at; /* at the resolver, or NULL */
    enum dns_type type;
    char name[DNS_NAME_ROOM];
    struct arena *arena; /* where the answer will lie */
    question_fn *fn;
    void *ctx;
};

/* type, arena, fn and ctx are set; the name is one that lib/dns would take. fn runs once, in a
 * later turn, and may free the question.
 */
void question_put(struct question *q, struct role *r, const char *name);
void
question_cancel(struct question *q); /* fn will not run; fine where it has, or nothing was put */

#endif
