/* The record, then perhaps the policy itself; lib/sts decides what is to be asked and what holds.
 * Whatever cannot be had in time is as if there were nothing, but for a policy that is known. */
#include "promise.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "fetching.h"
#include "hops.h"
#include "question.h"

enum { RECORDS_MAX = 1 << 17 }; /* bytes of the records at _mta-sts */

struct promise {
    struct courier *courier;
    promise_fn *fn;
    void *ctx;
    char domain[DNS_NAME_ROOM];
    struct arena *arena;
    struct question question;
    const struct dns_answer *txt; /* or NULL: it is asked for */
    struct fetching_wait wait;
    struct timer *patience;
};

static const struct dns_answer no_answer = {.verdict = DNS_TEMPORARY};

static bool
is_known(const struct dns_answer *txt)
{
    return txt->verdict != DNS_TEMPORARY && txt->verdict != DNS_BOGUS;
}

static void
end(struct promise *p, struct sts_policy *policy, uint64_t ms)
{
    promise_fn *fn = p->fn;
    void *ctx = p->ctx;

    question_cancel(&p->question);
    fetching_leave(&p->wait);
    timer_free(p->patience);
    arena_free(p->arena);
    free(p);
    fn(ctx, policy, ms);
}

static enum sts_kind
ask(const struct promise *p, struct sts_answer *a)
{
    sts_ask(p->courier->policies, slice_of(p->domain), clock_now_us() / 1000000, p->txt, a);
    return a->kind;
}

/* As long as its record says; what could not be had is asked for again as soon as it may be. */
static uint64_t
hold_ms(const struct promise *p, const struct sts_answer *a)
{
    uint32_t seconds = p->txt->ttl;

    if (!is_known(p->txt))
        return HOPS_HOLD_LEAST_MS;
    if (a->id[0] && !a->policy && seconds > STS_PAUSE_SECONDS)
        seconds = STS_PAUSE_SECONDS;
    return (uint64_t)seconds * 1000;
}

static void
decide(struct promise *p, const struct sts_answer *a)
{
    if (a->renew)
        fetching_start(p->courier, a, NULL); /* where there are too many: another time */
    end(p, a->policy, hold_ms(p, a));
}

static void
go_on(void *ctx)
{
    struct promise *p = ctx;
    struct sts_answer a;

    if (ask(p, &a) == STS_DECIDED)
        decide(p, &a);
    else if (!fetching_start(p->courier, &a, &p->wait))
        end(p, NULL, HOPS_HOLD_LEAST_MS);
}

static void
on_records(void *ctx, const struct dns_answer *txt)
{
    struct promise *p = ctx;

    p->txt = txt;
    go_on(p);
}

static void
on_patience_over(void *ctx)
{
    struct promise *p = ctx;
    struct sts_answer a;

    if (!p->txt)
        p->txt = &no_answer;
    if (ask(p, &a) == STS_DECIDED)
        decide(p, &a);
    else
        end(p, NULL, HOPS_HOLD_LEAST_MS);
}

struct promise *
promise_new(struct courier *c, struct slice domain, promise_fn *fn, void *ctx)
{
    struct sts_answer a;
    struct promise *p;

    sts_ask(c->policies, domain, clock_now_us() / 1000000, NULL, &a);
    if (a.kind == STS_DECIDED)
        return NULL;
    p = heap_take(sizeof(*p));
    *p = (struct promise){.courier = c,
                          .fn = fn,
                          .ctx = ctx,
                          .arena = arena_new("records", RECORDS_MAX),
                          .wait = {.ready = go_on, .ctx = p}};
    snprintf(p->domain, sizeof(p->domain), "%s", a.domain);
    p->question = (struct question){.type = DNS_TXT, .arena = p->arena, .fn = on_records, .ctx = p};
    p->patience =
        loop_after(c->role->loop, (uint32_t)role_limit(c->role, LIMIT_policy_seconds) * 1000,
                   on_patience_over, p);
    question_put(&p->question, c->role, a.name);
    return p;
}
