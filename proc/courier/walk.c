/* Rounds: walk with what is known, ask what that wants, and walk again once all answers are there.
 * Walks that have something to ask take turns while too many questions are open. */
#include "walk.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"

enum { NAMES_MAX = 256 * 1024 }; /* bytes: more than the rounds of a walk have questions */

struct ask {
    struct walk *walk;
    struct chan_ask *at; /* NULL: not asked yet, or answered */
    struct route_question question;
};

struct walk {
    struct list link; /* of those with something to ask; else alone */
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
    size_t ask_count, asked, answered;
};

static struct list asking; /* struct walk */
static size_t open_questions;
static bool go_on_due;

static void walk_on(struct walk *w);

static struct list *
asking_walks(void)
{
    if (!asking.next)
        list_init(&asking);
    return &asking;
}

/* ---- answers ---- */

static const struct dns_answer no_resolver = {
    .verdict = DNS_TEMPORARY, .why = {(const uint8_t *)"the resolver is being replaced", 30}};
static const struct dns_answer too_much = {
    .verdict = DNS_TEMPORARY, .why = {(const uint8_t *)"the answers are too large", 25}};

/* False: the arena is full. */
static bool
copy_records(struct walk *w, struct slice items, struct dns_answer *a)
{
    struct resolver_record r;
    struct slice rest = items;
    struct dns_record *records;
    size_t count = 0;

    while (msg_items_take(&rest, MSG_resolver_record, &r))
        count++;
    records = arena_take(w->answers, count * sizeof(*records));
    for (size_t i = 0; records && i < count; i++) {
        msg_items_take(&items, MSG_resolver_record, &r);
        records[i] = (struct dns_record){r.preference, arena_copy(w->answers, r.data)};
        if (!records[i].data.at && r.data.len)
            return false;
    }
    a->records = records;
    a->count = count;
    return records != NULL;
}

static const struct dns_answer *
copy_answer(struct walk *w, const struct resolver_answer *m)
{
    struct dns_answer *a = arena_take(w->answers, sizeof(*a));

    if (!a)
        return &too_much;
    *a = (struct dns_answer){
        .verdict = m->verdict < DNS_VERDICT_COUNT ? (enum dns_verdict)m->verdict : DNS_TEMPORARY,
        .secure = m->secure != 0,
        .cut = m->cut != 0,
        .ttl = m->ttl,
        .why = arena_copy(w->answers, m->why),
        .canonical = arena_copy(w->answers, m->canonical)};
    if ((m->why.len && !a->why.at) || (m->canonical.len && !a->canonical.at) ||
        !copy_records(w, m->records, a))
        return &too_much;
    return a;
}

static void
learn(struct walk *w, const struct route_question *q, const struct dns_answer *a)
{
    struct slice name = arena_copy(w->names, slice_of(q->name));

    ensure(name.at);
    w->known = heap_grow(w->known, (w->known_count + 1) * sizeof(*w->known));
    w->known[w->known_count++] = (struct route_known){q->type, name, a};
}

/* ---- questions ---- */

static void
go_on(void *ctx)
{
    struct list *walks = asking_walks();

    (void)ctx;
    go_on_due = false;
    while (!list_empty(walks) && open_questions < WALK_QUESTIONS_MAX) {
        struct walk *w = LIST_OF(walks->next, struct walk, link);

        list_remove(&w->link);
        walk_on(w);
    }
}

static void
go_on_later(struct courier *c)
{
    if (!go_on_due)
        loop_later(c->role->loop, go_on, NULL);
    go_on_due = true;
}

static void
on_answer(void *ctx, const union msg_any *m, int fd)
{
    struct ask *ask = ctx;
    struct walk *w = ask->walk;

    if (fd >= 0)
        close(fd);
    ask->at = NULL;
    open_questions--;
    learn(w, &ask->question, m ? copy_answer(w, &m->resolver_answer) : &no_resolver);
    w->answered++;
    if (w->answered == w->ask_count)
        list_append(asking_walks(), &w->link);
    go_on_later(w->courier);
}

static void
put_question(struct walk *w, struct ask *ask)
{
    struct chan *c = role_peer(w->courier->role, ROLE_resolver, 0);
    struct resolver_ask m = {slice_of(ask->question.name), ask->question.type};

    w->asked++;
    if (!c) {
        learn(w, &ask->question, &no_resolver);
        w->answered++;
        return;
    }
    open_questions++;
    ask->at = chan_ask(c, MSG_resolver_ask, &m, -1, MSG_resolver_answer, on_answer, ask);
}

/* ---- rounds ---- */

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
    return ms > WALK_ROUTE_LEAST_MS ? ms : WALK_ROUTE_LEAST_MS;
}

/* Where it ends, true. Else the questions of the next round stand in asks. */
static bool
try(struct walk *w)
{
    static struct route route;
    const struct role *r = w->courier->role;
    char clean[DNS_NAME_ROOM];
    struct slice hostname = {NULL, 0};
    bool loopback = role_limit(r, LIMIT_remote_loopback);
    if (dns_name_clean(slice_of(r->hostname), clean))
        hostname = slice_of(clean);
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
        return true;
    }
    if (route.kind != ROUTE_ASK) {
        end(w, &(struct walk_end){.failure = route.kind, .about = route.about, .why = route.why});
        return true;
    }
    w->ask_count = route.ask_count;
    w->asked = w->answered = 0;
    for (size_t i = 0; i < w->ask_count; i++)
        w->asks[i] = (struct ask){w, NULL, route.asks[i]};
    return false;
}

static void
walk_on(struct walk *w)
{
    if (w->answered == w->ask_count && try(w))
        return;
    while (w->asked < w->ask_count && open_questions < WALK_QUESTIONS_MAX)
        put_question(w, &w->asks[w->asked]);
    if (w->asked < w->ask_count || w->answered == w->ask_count)
        list_append(asking_walks(), &w->link);
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
    list_append(asking_walks(), &w->link);
    go_on_later(c);
    return w;
}

void
walk_free(struct walk *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->ask_count; i++)
        if (w->asks[i].at) {
            chan_ask_cancel(w->asks[i].at);
            open_questions--;
        }
    list_remove(&w->link);
    settings_put(w->settings);
    arena_free(w->names);
    arena_free(w->answers);
    free(w->known);
    free(w);
}
