/* Destinations: what waits for each, in which order it goes, and when there is a next try. A
 * destination is the domain behind the at sign, or an address literal. */
#ifndef QUEUE_SITE_H
#define QUEUE_SITE_H

#include "base/map.h"
#include "base/slice.h"
#include "wheel.h"

enum {
    SITE_LANES = 8,        /* senders take turns, by a hash of who they are */
    SITE_WINDOW_FIRST = 4, /* transactions at a time to one that nothing is known of */
    SITE_DOMAIN_MAX = 320, /* bytes of its name: what is longer is no domain, and fails as such */
};

struct job;

struct site {
    struct list link;      /* in sites.ready; else alone */
    struct site *same_key; /* the next one with the same hash */
    struct alarm again;    /* set: nothing goes there until then */
    struct list *lanes;    /* SITE_LANES of struct job by `link`; NULL: none is ready */
    unsigned lane;         /* whose turn it is */
    unsigned ready;        /* jobs in lanes */
    unsigned jobs;         /* that name it, ready or not: it ends with the last */
    unsigned sent, window; /* jobs at the courier; how many may be */
    unsigned failures;     /* in a row: it could not be reached */
    uint16_t reason;       /* of the last one, and what it came to: a queue_outcome */
    uint8_t *outcome;
    size_t outcome_len;
    uint64_t key;
    char domain[];
};

struct sites {
    struct map by_key; /* hash of the domain -> struct site */
    uint64_t seed;
    struct list ready; /* sites that something may be sent to, in turn */
    unsigned sent;     /* jobs at couriers, in all */
};

void sites_init(struct sites *s);

/* The site of that domain, which is made where there is none. It lives as long as it has jobs:
 * site_hold and site_let_go count them. */
struct site *site_of(struct sites *s, struct slice domain);
struct site *site_of_address(struct sites *s, struct slice address);
void site_hold(struct site *t);
void site_let_go(struct sites *s, struct site *t);

/* A job may go; jobs of one lane keep their order, lanes take turns. */
void site_put(struct sites *s, struct site *t, struct list *job, unsigned lane);
void site_take_out(struct sites *s, struct site *t, struct list *job); /* it may not, any more */

/* The job whose turn it is, taken out and counted as sent; NULL: no site may have one now. */
struct list *sites_next(struct sites *s, struct site **site, unsigned most);
void site_came_back(struct sites *s, struct site *t); /* a job that was sent */

/* What an attempt says about the site. */
void site_went_well(struct sites *s, struct site *t, unsigned window_most);
void site_slow_down(struct sites *s, struct site *t, struct wheel *w, uint32_t until);
void site_went_down(struct sites *s, struct site *t, struct wheel *w, uint32_t until,
                    uint16_t reason, struct slice outcome);
void site_open(struct sites *s, struct site *t); /* it may be tried again */

static inline bool
site_is_waiting(const struct site *t)
{
    return alarm_is_set(&t->again);
}

#endif
