/* A site: a destination, with the jobs that wait for it, the way to its servers, and the
 * connections it has. A site with nothing to do is remembered as long as its route holds. */
#ifndef COURIER_SITE_H
#define COURIER_SITE_H

#include "courier.h"
#include "hops.h"
#include "job.h"
#include "promise.h"
#include "walk.h"
#include "window.h"

struct site {
    struct list link;    /* of courier.sites */
    struct list wanting; /* of courier.wanting; else alone */
    struct courier *courier;
    uint64_t key, random;
    struct walk *walk;       /* under way, or NULL */
    struct hops *coming;     /* that the walk found, while their domain's promise is asked for */
    struct promise *promise; /* that asks, or NULL */
    struct hops *hops;       /* or NULL */
    struct list jobs;        /* struct job, that wait */
    size_t job_count;
    struct list conns;                /* struct conn, by of_site */
    size_t conn_count, leaving, busy; /* leaving: those that get no further message */
    struct window window;
    bool pump_due;
    size_t domain_len;
    uint8_t domain[];
};

/* sites.c */
void sites_put(struct job *j);       /* it has come */
void sites_sweep(struct courier *c); /* forgets old ones */
void sites_drop_jobs(struct courier *c, enum role_id asker, unsigned index);
bool sites_may_connect(const struct courier *c);
void sites_make_room(struct courier *c);       /* an idle connection goes, where all are taken */
void sites_connection_free(struct courier *c); /* one more may be made */

/* site.c */
void site_pump_later(struct site *s); /* do all that can be done, at the end of this turn */

/* What its connections say. */
struct job *site_next(struct site *s);             /* the job whose turn it is, or NULL */
void site_put_back(struct site *s, struct job *j); /* it could not be sent: its turn is next */
bool site_is_current(const struct site *s, const struct hops *h); /* are these still the way? */
void site_lost_connection(struct site *s, struct list *conn);     /* it is closed */
void site_went_well(struct site *s);
void site_had_trouble(struct site *s);
void site_cannot_be_reached(struct site *s, const struct hops *h, const struct list *failures);

#endif
