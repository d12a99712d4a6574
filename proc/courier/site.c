/* Invariant: a site with jobs that wait either walks or asks for a promise, or has connections that
 * will ask for them, or stands among those that want one, or is due to be pumped. */
#include "site.h"

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

void
site_pump_later(struct site *s)
{
    if (!s->pump_due)
        loop_later(s->courier->role->loop, pump, s);
    s->pump_due = true;
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
    site_pump_later(s);
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

/* ---- the way ---- */

bool
site_is_current(const struct site *s, const struct hops *h)
{
    return s->hops && s->hops->settings == h->settings && s->hops->promise == h->promise &&
           h->settings == s->courier->settings;
}

static bool
has_way(const struct site *s)
{
    return s->hops && s->hops->until > now_ms(s) && s->hops->settings == s->courier->settings;
}

static void
take_way(struct site *s)
{
    hops_put(s->hops);
    s->hops = s->coming;
    s->coming = NULL;
    site_pump_later(s);
}

static void
on_promised(void *ctx, struct sts_policy *policy, uint64_t ms)
{
    struct site *s = ctx;

    s->promise = NULL;
    hops_take_promise(s->coming, policy, now_ms(s), ms);
    take_way(s);
}

static void
on_walked(void *ctx, const struct walk_end *end)
{
    struct site *s = ctx;
    struct finding f;

    s->walk = NULL;
    s->coming = end->hops;
    if (!end->hops) {
        hops_put(s->hops);
        s->hops = NULL;
        f = finding_of_route(end->failure, end->about, end->why);
        end_all(s, &f);
        return;
    }
    if (s->coming->policy_domain.len && policy_heeds_promises(s->coming->route))
        s->promise = promise_new(s->courier, s->coming->policy_domain, on_promised, s);
    if (!s->promise)
        take_way(s);
}

/* ---- connections ---- */

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
    sites_make_room(c);
}

static void
find_way(struct site *s)
{
    if (!s->walk && !s->promise)
        s->walk =
            walk_new(s->courier, slice_make(s->domain, s->domain_len), s->random, on_walked, s);
}

static void
use_way(struct site *s)
{
    use_idle(s);
    while (wants_connection(s) && sites_may_connect(s->courier))
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

/* ---- what connections say ---- */

void
site_lost_connection(struct site *s, struct list *conn)
{
    list_remove(conn);
    s->conn_count--;
    s->leaving--;
    if (wants_connection(s))
        site_pump_later(s);
}

void
site_went_well(struct site *s)
{
    window_grow(&s->window, (unsigned)role_limit(s->courier->role, LIMIT_site_connections));
    if (wants_connection(s))
        site_pump_later(s);
}

void
site_had_trouble(struct site *s)
{
    window_shrink(&s->window, now_ms(s));
    if (!list_empty(&s->jobs))
        site_pump_later(s);
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
    if (h->promise && s->hops)
        s->hops->until = 0; /* rfc8461#5.1-a: the next attempt sees what is published then */
    if (h->incomplete && f.verdict == COURIER_FAILED)
        f.verdict = COURIER_LATER; /* a server that could not be looked up may take it */
    if (f.verdict == COURIER_LATER && f.site == COURIER_SITE_OK)
        f.site = COURIER_SITE_DOWN;
    end_all(s, &f);
}
