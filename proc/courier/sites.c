/* All sites: found by their domain, forgotten when they have nothing to do, and sharing what
 * connections there are. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "conn.h"

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
    return list_empty(&s->jobs) && list_empty(&s->conns) && !s->walk && !s->promise && !s->pump_due;
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

        if (is_at_rest(s) && (!s->hops || s->hops->until < loop_now_ms(c->role->loop) ||
                              c->site_count > COURIER_SITES_MAX))
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
    site_pump_later(s);
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

bool
sites_may_connect(const struct courier *c)
{
    return c->conn_count < role_limit(c->role, LIMIT_remote_connections);
}

/* Somebody else's connection that does nothing makes room. */
void
sites_make_room(struct courier *c)
{
    if (!sites_may_connect(c) && !list_empty(&c->idle))
        conn_quit(LIST_OF(c->idle.next, struct conn, idle));
}

/* Whoever waits longest gets it, and waits again behind all others if one is not enough. */
void
sites_connection_free(struct courier *c)
{
    struct site *s;

    if (list_empty(&c->wanting) || !sites_may_connect(c))
        return;
    s = LIST_OF(c->wanting.next, struct site, wanting);
    list_remove(&s->wanting);
    site_pump_later(s);
}
