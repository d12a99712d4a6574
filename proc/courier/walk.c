/* Rounds: walk with what is known, ask what that wants, and walk again once all answers are there.
 */
#include "walk.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "question.h"

enum { NAMES_MAX = 256 * 1024 }; /* bytes: more than the rounds of a walk have questions */

struct ask {
    struct walk *walk;
    struct question question;
};

struct walk {
    struct list link; /* of those that have not begun; else alone */
    struct courier *courier;
    struct settings *settings;
    walk_fn *fn;
    void *ctx;
    uint64_t random;
    struct arena *names, *answers;
    struct slice domain;
    struct route_known *known;
    size_t known_count;
    struct ask asks[ROUTE_ASKS_MAX]; /* of this round */
    size_t open;                     /* of them without an answer */
};

static struct list beginning; /* struct walk */

static void walk_on(struct walk *w);

/* ---- answers ---- */

static void
learn(struct walk *w, const struct question *q, const struct dns_answer *a)
{
    struct slice name = arena_copy(w->names, slice_of(q->name));

    ensure(name.at);
    w->known = heap_grow(w->known, (w->known_count + 1) * sizeof(*w->known));
    w->known[w->known_count++] = (struct route_known){q->type, name, a};
}

static void
on_answer(void *ctx, const struct dns_answer *a)
{
    struct ask *ask = ctx;

    learn(ask->walk, &ask->question, a);
    if (--ask->walk->open == 0)
        walk_on(ask->walk);
}

static void
put_asks(struct walk *w, const struct route *route)
{
    w->open = route->ask_count;
    for (size_t i = 0; i < route->ask_count; i++) {
        struct ask *ask = &w->asks[i];

        *ask = (struct ask){
            w, {.type = route->asks[i].type, .arena = w->answers, .fn = on_answer, .ctx = ask}};
        question_put(&ask->question, w->courier->role, route->asks[i].name);
    }
}

/* ---- rounds ---- */

static void
walk_free(struct walk *w)
{
    settings_put(w->settings);
    arena_free(w->names);
    arena_free(w->answers);
    free(w->known);
    free(w);
}

static void
end(struct walk *w, const struct walk_end *how)
{
    walk_fn *fn = w->fn;
    void *ctx = w->ctx;

    fn(ctx, how);
    walk_free(w);
}

static uint64_t
route_ms(const struct walk *w)
{
    uint64_t ms = WALK_ROUTE_MOST_MS;

    for (size_t i = 0; i < w->known_count; i++)
        if ((uint64_t)w->known[i].answer->ttl * 1000 < ms)
            ms = (uint64_t)w->known[i].answer->ttl * 1000;
    return ms > HOPS_HOLD_LEAST_MS ? ms : HOPS_HOLD_LEAST_MS;
}

/* Empty where the machine is called as the DNS calls nobody. */
static struct slice
own_name(const struct role *r, char room[DNS_NAME_ROOM])
{
    return dns_name_clean(slice_of(r->hostname), room) ? slice_of(room) : SLICE("");
}

static void
walk_on(struct walk *w)
{
    static struct route route;
    const struct role *r = w->courier->role;
    char clean[DNS_NAME_ROOM];
    struct slice hostname = own_name(r, clean);
    bool loopback = role_limit(r, LIMIT_remote_loopback);
    struct route_input in = {.domain = w->domain,
                             .fixed = w->settings->fixed,
                             .fixed_count = w->settings->route_count,
                             .own_names = &hostname,
                             .own_name_count = hostname.len != 0,
                             .own_addresses = w->settings->addresses,
                             .own_address_count = loopback ? 0 : w->settings->address_count,
                             .loopback_is_ours = !loopback,
                             .port = (uint16_t)role_limit(r, LIMIT_remote_port),
                             .random = w->random,
                             .ipv6_first = role_limit(r, LIMIT_ipv6_first),
                             .known = w->known,
                             .known_count = w->known_count};

    route_walk(&in, &route);
    if (route.kind == ROUTE_FOUND) {
        uint64_t until = loop_now_ms(r->loop) + route_ms(w);

        end(w, &(struct walk_end){.hops = hops_new(&route, w->domain, w->settings, until)});
    } else if (route.kind == ROUTE_ASK) {
        put_asks(w, &route);
    } else {
        end(w, &(struct walk_end){.failure = route.kind, .about = route.about, .why = route.why});
    }
}

static void
begin_all(void *ctx)
{
    (void)ctx;
    while (!list_empty(&beginning)) {
        struct walk *w = LIST_OF(beginning.next, struct walk, link);

        list_remove(&w->link);
        walk_on(w);
    }
}

struct walk *
walk_new(struct courier *c, struct slice domain, uint64_t random, walk_fn *fn, void *ctx)
{
    struct walk *w = heap_take(sizeof(*w));

    *w = (struct walk){.courier = c,
                       .settings = settings_get(c->settings),
                       .fn = fn,
                       .ctx = ctx,
                       .random = random,
                       .names = arena_new("names", NAMES_MAX),
                       .answers = arena_new("answers", WALK_MEMORY_MAX)};
    w->domain = arena_copy(w->names, domain);
    if (!beginning.next)
        list_init(&beginning);
    if (list_empty(&beginning))
        loop_later(c->role->loop, begin_all, NULL);
    list_append(&beginning, &w->link);
    return w;
}
