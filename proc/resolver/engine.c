/* What libunbound hands over is the packet of its answer, which lib/dns reads as it would a
 * stranger's. */
#include "engine.h"

#include <stdlib.h>
#include <unbound.h>

#include "base/ensure.h"
#include "base/list.h"
#include "events.h"

enum {
    CLASS_IN = 1,
    BOGUS = 1, /* the verdicts of ub_event_callback_type */
    SECURE = 2,
    WHY_MAX = 500,          /* bytes of an explanation */
    ANSWER_MAX = 4 * 65536, /* memory of one answer that is being read */
};

struct engine {
    struct ub_event_base *base;
    struct ub_ctx *unbound;
    struct arena *arena; /* of the answer that is being handed out */
    struct list asked;   /* struct pending */
    bool ending;
};

struct pending {
    struct list link;
    struct engine *engine;
    enum dns_type type;
    engine_fn *fn;
    void *ctx;
    bool *answered; /* set while engine_ask has not returned */
    char name[DNS_NAME_ROOM];
};

/* Names and values as in unbound.conf(5). Memory: the caches, and 64 KiB a TCP connection. */
static const struct option {
    const char *name, *value;
} options[] =
    {
        {"msg-cache-size:", "16m"},
        {"rrset-cache-size:", "32m"},
        {"key-cache-size:", "4m"},
        {"neg-cache-size:", "2m"},
        {"outgoing-range:", "256"}, /* questions to servers at a time, for each family */
        {"outgoing-num-tcp:", "32"},
        {"infra-keep-probing:", "yes"}, /* a server that was down is noticed when it is back */
        {"harden-below-nxdomain:", "yes"},
        {"qname-minimisation:", "yes"},
},
  forwarding[] = {
      /* a server of this network knows the names of its private addresses, which nobody signs */
      {"unblock-lan-zones:", "yes"},
      {"insecure-lan-zones:", "yes"},
};

static int
set_options(struct ub_ctx *c, const struct option *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ub_ctx_set_option(c, rows[i].name, rows[i].value) != 0)
            return UB_SYNTAX;
    return 0;
}

static int
set_sources(struct ub_ctx *c, const struct sources *s, bool validate)
{
    int failed = s->server_count ? set_options(c, forwarding, COUNT(forwarding)) : 0;
    const char *anchor;

    for (size_t i = 0; i < s->server_count && !failed; i++)
        failed = ub_ctx_set_fwd(c, s->servers[i]);
    for (size_t at = 0; validate && !failed && (anchor = sources_next_anchor(s, &at));)
        failed = ub_ctx_add_ta(c, anchor);
    return failed;
}

static void
ignore(void *ctx, int rcode, void *packet, int len, int security, char *why, int limited)
{
    (void)ctx, (void)rcode, (void)packet, (void)len, (void)security, (void)why, (void)limited;
}

/* libunbound answers for localhost itself; but all it was given must be well for that. */
static int
try_out(struct ub_ctx *c, const struct sources *s)
{
    int failed = ub_resolve_event(c, "localhost", DNS_A, CLASS_IN, NULL, ignore, NULL);

    if (!failed && s->server_count)
        failed = ub_ctx_zone_remove(c, "127.in-addr.arpa.");
    return failed;
}

struct engine *
engine_new(struct loop *l, const struct sources *s, bool validate, struct err *err)
{
    struct engine *e = heap_take(sizeof(*e));
    int failed;

    list_init(&e->asked);
    e->arena = arena_new("answer", ANSWER_MAX);
    e->base = events_new(l);
    e->unbound = ub_ctx_create_ub_event(e->base);
    ensure(e->unbound);
    ub_ctx_debugout(e->unbound, NULL);
    failed = set_options(e->unbound, options, COUNT(options));
    if (!failed)
        failed = set_sources(e->unbound, s, validate);
    if (!failed)
        failed = try_out(e->unbound, s);
    *err = failed ? err_make(ERR_PERMANENT, ub_strerror(failed)) : ERR_OK;
    if (!failed)
        return e;
    engine_free(e);
    return NULL;
}

static void
forget(struct pending *p)
{
    list_remove(&p->link);
    free(p);
}

void
engine_free(struct engine *e)
{
    if (!e)
        return;
    e->ending = true;
    ub_ctx_delete(e->unbound);
    while (!list_empty(&e->asked))
        forget(LIST_OF(e->asked.next, struct pending, link));
    events_free(e->base);
    arena_free(e->arena);
    free(e);
}

static void
read_answer(const struct pending *p, int rcode, struct slice packet, int security, const char *why,
            struct dns_answer *a)
{
    if (security == BOGUS) {
        *a = (struct dns_answer){.verdict = DNS_BOGUS, .why = slice_head(slice_of(why), WHY_MAX)};
        return;
    }
    if (rcode == 0 && dns_packet_read(packet, slice_of(p->name), p->type, p->engine->arena, a)) {
        a->secure = security == SECURE && a->verdict != DNS_TEMPORARY;
        return;
    }
    *a = (struct dns_answer){.verdict = DNS_TEMPORARY,
                             .why = rcode ? SLICE("no name server gave an answer")
                                          : SLICE("a name server's answer was malformed")};
}

static void
on_answer(void *ctx, int rcode, void *packet, int len, int security, char *why, int limited)
{
    struct pending *p = ctx;
    struct engine *e = p->engine;
    struct dns_answer answer;

    (void)limited; /* by settings that are not set */
    if (e->ending)
        return;
    read_answer(p, rcode, slice_make(packet, rcode || len < 0 ? 0 : (size_t)len), security, why,
                &answer);
    if (p->answered)
        *p->answered = true;
    p->fn(p->ctx, &answer);
    forget(p);
    arena_clear(e->arena);
}

bool
engine_ask(struct engine *e, const char *name, enum dns_type type, engine_fn *fn, void *ctx)
{
    struct pending *p = heap_take(sizeof(*p));
    bool answered = false;
    int failed;

    *p = (struct pending){.engine = e, .type = type, .fn = fn, .ctx = ctx, .answered = &answered};
    ensure(slice_to_string(slice_of(name), p->name, sizeof(p->name)));
    list_append(&e->asked, &p->link);
    failed = ub_resolve_event(e->unbound, name, (int)type, CLASS_IN, p, on_answer, NULL);
    if (answered)
        return true;
    p->answered = NULL;
    if (!failed)
        return false;
    fn(ctx, &(struct dns_answer){.verdict = DNS_TEMPORARY, .why = slice_of(ub_strerror(failed))});
    forget(p);
    return true;
}
