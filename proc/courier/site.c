/* Invariant: a site with jobs that wait either walks, or has connections that will ask for them, or
 * stands among those that want one, or is due to be pumped. */
#include "site.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "conn.h"
#include "failure.h"

static void pump(void *ctx);

static uint64_t
now_ms(const struct site *s)
{
    return loop_now_ms(s->courier->role->loop);
}

static void
pump_later(struct site *s)
{
    if (!s->pump_due)
        loop_later(s->courier->role->loop, pump, s);
    s->pump_due = true;
}

/* ---- finding and forgetting ---- */

/* Where names collide the next key is tried. A hole that a forgotten site leaves may hide a later
 * one; then there are two of it, and nothing worse. */
static struct site *
find(struct courier *c, struct slice domain, uint64_t *key)
{
    struct site *s;

    *key = map_hash(c->seed, domain);
    while ((s = map_get(&c->sites_by_domain, *key))) {
        if (slice_eq(slice_make(s->domain, s->domain_len), domain))
            return s;
        *key = *key + 1 ? *key + 1 : 1;
    }
    return NULL;
}

static struct site *
site_new(struct courier *c, struct slice domain, uint64_t key)
{
    struct site *s = heap_take(sizeof(*s) + domain.len);

    s->courier = c;
    s->key = key;
    s->domain_len = domain.len;
    memcpy(s->domain, domain.at, domain.len);
    random_fill(&s->random, sizeof(s->random));
    window_init(&s->window);
    list_init(&s->wanting);
    list_init(&s->jobs);
    list_init(&s->conns);
    list_append(&c->sites, &s->link);
    map_put(&c->sites_by_domain, key, s);
    c->site_count++;
    return s;
}

static bool
is_at_rest(const struct site *s)
{
    return list_empty(&s->jobs) && list_empty(&s->conns) && !s->walk && !s->pump_due;
}

static void
site_free(struct site *s)
{
    struct courier *c = s->courier;

    map_take(&c->sites_by_domain, s->key);
    list_remove(&s->link);
    list_remove(&s->wanting);
    hops_put(s->hops);
    c->site_count--;
    free(s);
}

void
sites_sweep(struct courier *c)
{
    LIST_EACH(at, &c->sites)
    {
        struct site *s = LIST_OF(at, struct site, link);

        if (is_at_rest(s) &&
            (!s->hops || s->hops->until < now_ms(s) || c->site_count > COURIER_SITES_MAX))
            site_free(s);
    }
}

void
sites_put(struct job *j)
{
    struct courier *c = j->courier;
    uint64_t key;
    struct site *s = find(c, j->domain, &key);

    if (!s)
        s = site_new(c, j->domain, key);
    list_remove(&s->link);
    list_append(&c->sites, &s->link);
    list_append(&s->jobs, &j->link);
    s->job_count++;
    pump_later(s);
}

/* ---- jobs ---- */

struct job *
site_next(struct site *s)
{
    struct job *j;

    if (list_empty(&s->jobs))
        return NULL;
    j = LIST_OF(s->jobs.next, struct job, link);
    list_remove(&j->link);
    s->job_count--;
    return j;
}

void
site_put_back(struct site *s, struct job *j)
{
    list_append(s->jobs.next, &j->link); /* before the first */
    s->job_count++;
    pump_later(s);
}

static void
end_all(struct site *s, const struct finding *f)
{
    struct job *j;

    while ((j = site_next(s))) {
        job_settle_all(j, f);
        job_end(j);
    }
}

void
sites_drop_jobs(struct courier *c, enum role_id asker, unsigned index)
{
    LIST_EACH(at, &c->sites)
    {
        struct site *s = LIST_OF(at, struct site, link);

        LIST_EACH(job, &s->jobs)
        {
            struct job *j = LIST_OF(job, struct job, link);

            if (j->asker != asker || j->asker_index != index)
                continue;
            s->job_count--;
            job_drop(j);
        }
    }
}

/* ---- the way ---- */

bool
site_is_current(const struct site *s, const struct hops *h)
{
    return s->hops && s->hops->settings == h->settings && h->settings == s->courier->settings;
}

static bool
has_way(const struct site *s)
{
    return s->hops && s->hops->until > now_ms(s) && s->hops->settings == s->courier->settings;
}

static void
on_walked(void *ctx, const struct walk_end *end)
{
    struct site *s = ctx;
    struct finding f;

    s->walk = NULL;
    hops_put(s->hops);
    s->hops = end->hops;
    if (end->hops) {
        pump_later(s);
        return;
    }
    f = finding_of_route(end->failure, end->about, end->why);
    end_all(s, &f);
}

/* ---- connections ---- */

static bool
may_connect(struct courier *c)
{
    return c->conn_count < role_limit(c->role, LIMIT_remote_connections);
}

/* Somebody else's connection that does nothing makes room. */
static void
make_room(struct courier *c)
{
    if (!may_connect(c) && !list_empty(&c->idle))
        conn_quit(LIST_OF(c->idle.next, struct conn, idle));
}

static bool
wants_connection(const struct site *s)
{
    return s->conn_count - s->leaving < s->busy + s->job_count && s->conn_count < s->window.size;
}

static struct conn *
idle_connection(struct site *s)
{
    LIST_EACH(at, &s->conns)
    {
        struct conn *c = LIST_OF(at, struct conn, of_site);

        if (!list_empty(&c->idle))
            return c;
    }
    return NULL;
}

static void
use_idle(struct site *s)
{
    struct conn *c;

    while (!list_empty(&s->jobs) && (c = idle_connection(s))) {
        if (site_is_current(s, c->hops))
            deliver_take(c, site_next(s));
        else
            conn_quit(c);
        conn_pump(c);
    }
}

static void
want_connection(struct site *s)
{
    struct courier *c = s->courier;

    if (list_empty(&s->wanting))
        list_append(&c->wanting, &s->wanting);
    make_room(c);
}

static void
find_way(struct site *s)
{
    if (!s->walk)
        s->walk =
            walk_new(s->courier, slice_make(s->domain, s->domain_len), s->random, on_walked, s);
}

static void
use_way(struct site *s)
{
    use_idle(s);
    while (wants_connection(s) && may_connect(s->courier))
        conn_new(s);
    if (wants_connection(s))
        want_connection(s);
}

/* A connection that this site was given and does not want any more is the next one's. */
static void
pump(void *ctx)
{
    struct site *s = ctx;

    s->pump_due = false;
    if (s->courier->role->stopping)
        return;
    if (!list_empty(&s->jobs) && !has_way(s))
        find_way(s);
    else if (!list_empty(&s->jobs))
        use_way(s);
    sites_connection_free(s->courier);
}

/* Whoever waits longest gets it, and waits again behind all others if one is not enough. */
void
sites_connection_free(struct courier *c)
{
    struct site *s;

    if (list_empty(&c->wanting) || !may_connect(c))
        return;
    s = LIST_OF(c->wanting.next, struct site, wanting);
    list_remove(&s->wanting);
    pump_later(s);
}

/* ---- what connections say ---- */

void
site_lost_connection(struct site *s, struct list *conn)
{
    list_remove(conn);
    s->conn_count--;
    s->leaving--;
    if (wants_connection(s))
        pump_later(s);
}

void
site_went_well(struct site *s)
{
    window_grow(&s->window, (unsigned)role_limit(s->courier->role, LIMIT_site_connections));
    if (wants_connection(s))
        pump_later(s);
}

void
site_had_trouble(struct site *s)
{
    window_shrink(&s->window, now_ms(s));
    if (!list_empty(&s->jobs))
        pump_later(s);
}

/* While there is another connection nothing is said of the jobs, and no further one is tried. */
void
site_cannot_be_reached(struct site *s, const struct hops *h, const struct list *failures)
{
    const struct failure *worst = failures_worst(failures);
    struct finding f;

    if (s->conn_count > 1) {
        window_stop(&s->window, (unsigned)s->conn_count - 1);
        return;
    }
    window_shrink(&s->window, now_ms(s));
    if (list_empty(&s->jobs) || !worst)
        return;
    failures_tell(failures, worst, s->courier->role,
                  LIST_OF(s->jobs.next, const struct job, link)->id);
    f = failure_finding(worst);
    if (h->incomplete && f.verdict == COURIER_FAILED)
        f.verdict = COURIER_LATER; /* a server that could not be looked up may take it */
    if (f.verdict == COURIER_LATER && f.site == COURIER_SITE_OK)
        f.site = COURIER_SITE_DOWN;
    end_all(s, &f);
}
