/* Invariant: a site is in sites.ready exactly while it has a ready job, a free place in its window
 * and is not waiting. */
#include "site.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "dns/dns.h"
#include "queue.h"

void
sites_init(struct sites *s)
{
    *s = (struct sites){.sent = 0};
    list_init(&s->ready);
    random_fill(&s->seed, sizeof(s->seed));
}

static struct site *
make(struct sites *s, uint64_t key, struct slice domain)
{
    struct site *t = heap_take(sizeof(*t) + domain.len + 1);

    *t = (struct site){.key = key, .window = SITE_WINDOW_FIRST};
    list_init(&t->link);
    alarm_init(&t->again, ALARM_SITE);
    slice_to_string(domain, t->domain, domain.len + 1);
    t->same_key = map_get(&s->by_key, key);
    map_put(&s->by_key, key, t);
    return t;
}

struct site *
site_of(struct sites *s, struct slice domain)
{
    struct slice name = slice_head(domain, SITE_DOMAIN_MAX);
    uint64_t key = map_hash(s->seed, name);

    for (struct site *t = map_get(&s->by_key, key); t; t = t->same_key)
        if (slice_eq(slice_of(t->domain), name))
            return t;
    return make(s, key, name);
}

/* Domains are clean where the directory or an edge made the address. */
struct site *
site_of_address(struct sites *s, struct slice address)
{
    struct slice domain = slice_tail(address, (size_t)(slice_find_last(address, '@') + 1));
    char clean[DNS_NAME_ROOM];

    return site_of(s, dns_name_clean(domain, clean) ? slice_of(clean) : domain);
}

void
site_hold(struct site *t)
{
    t->jobs++;
}

static void
unlink_key(struct sites *s, struct site *t)
{
    struct site *first = map_get(&s->by_key, t->key);

    if (first == t && t->same_key)
        map_put(&s->by_key, t->key, t->same_key);
    else if (first == t)
        map_take(&s->by_key, t->key);
    while (first != t && first->same_key != t)
        first = first->same_key;
    if (first != t)
        first->same_key = t->same_key;
}

void
site_let_go(struct sites *s, struct site *t)
{
    if (--t->jobs)
        return;
    unlink_key(s, t);
    list_remove(&t->link);
    alarm_cancel(&t->again);
    free(t->lanes);
    free(t->outcome);
    free(t);
}

/* Where the invariant says it is. */
static void
place(struct sites *s, struct site *t)
{
    bool may = t->ready && t->sent < t->window && !site_is_waiting(t);

    if (!may)
        list_remove(&t->link);
    else if (list_empty(&t->link))
        list_append(&s->ready, &t->link);
}

void
site_put(struct sites *s, struct site *t, struct list *job, unsigned lane)
{
    if (!t->lanes) {
        t->lanes = heap_take(SITE_LANES * sizeof(t->lanes[0]));
        for (unsigned i = 0; i < SITE_LANES; i++)
            list_init(&t->lanes[i]);
    }
    list_append(&t->lanes[lane % SITE_LANES], job);
    t->ready++;
    place(s, t);
}

static void
count_out(struct sites *s, struct site *t)
{
    if (--t->ready == 0) {
        free(t->lanes);
        t->lanes = NULL;
    }
    place(s, t);
}

void
site_take_out(struct sites *s, struct site *t, struct list *job)
{
    if (list_empty(job))
        return;
    list_remove(job);
    count_out(s, t);
}

struct list *
sites_next(struct sites *s, struct site **site, unsigned most)
{
    struct site *t;
    struct list *job;

    if (list_empty(&s->ready) || s->sent >= most)
        return NULL;
    t = LIST_OF(s->ready.next, struct site, link);
    while (list_empty(&t->lanes[t->lane]))
        t->lane = (t->lane + 1) % SITE_LANES;
    job = t->lanes[t->lane].next;
    t->lane = (t->lane + 1) % SITE_LANES;
    list_remove(job);
    list_remove(&t->link); /* to the end, where it still may have one */
    t->sent++;
    s->sent++;
    count_out(s, t);
    *site = t;
    return job;
}

void
site_came_back(struct sites *s, struct site *t)
{
    ensure(t->sent && s->sent);
    t->sent--;
    s->sent--;
    place(s, t);
}

void
site_went_well(struct sites *s, struct site *t, unsigned window_most)
{
    t->failures = 0;
    t->window += t->window < window_most;
    place(s, t);
}

static void
wait_until(struct sites *s, struct site *t, struct wheel *w, uint32_t until)
{
    wheel_set(w, &t->again, until);
    place(s, t);
}

void
site_slow_down(struct sites *s, struct site *t, struct wheel *w, uint32_t until)
{
    t->window = t->window > 1 ? t->window / 2 : 1;
    wait_until(s, t, w, until);
}

/* One attempt finds out for all when it is back. */
void
site_went_down(struct sites *s, struct site *t, struct wheel *w, uint32_t until, uint16_t reason,
               struct slice outcome)
{
    t->window = 1;
    t->reason = reason;
    t->outcome = heap_grow(t->outcome, outcome.len + 1);
    memcpy(t->outcome, outcome.at, outcome.len);
    t->outcome_len = outcome.len;
    wait_until(s, t, w, until);
}

void
site_open(struct sites *s, struct site *t)
{
    alarm_cancel(&t->again);
    place(s, t);
}
