/* Rows in the order in which they began, so that those of old days are at the front. */
#include "sts/tlsrpt.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/list.h"
#include "base/map.h"

enum { DAY_SECONDS = 86400 };

struct kept {
    struct list link;
    uint64_t key;
    struct tlsrpt_row row; /* its domain follows */
};

struct tlsrpt {
    uint64_t seed;
    struct map rows;
    struct list order;
    uint64_t dropped;
};

static const char *const policies[TLSRPT_POLICY_COUNT] = {
    [TLSRPT_TLSA] = "tlsa", [TLSRPT_STS] = "sts", [TLSRPT_NO_POLICY] = "no-policy-found"};

static const char *const results[TLSRPT_RESULT_COUNT] = {
#define RESULT(id, word) [TLSRPT_##id] = (word),
#include "sts/result.def"
#undef RESULT
};

const char *
tlsrpt_policy_word(enum tlsrpt_policy p)
{
    return policies[p];
}

const char *
tlsrpt_result_word(enum tlsrpt_result r)
{
    return results[r];
}

struct tlsrpt *
tlsrpt_new(uint64_t seed)
{
    struct tlsrpt *t = heap_take(sizeof(*t));

    t->seed = seed;
    list_init(&t->order);
    return t;
}

static void
forget(struct tlsrpt *t, struct kept *k)
{
    list_remove(&k->link);
    map_take(&t->rows, k->key);
    free(k);
}

void
tlsrpt_free(struct tlsrpt *t)
{
    if (!t)
        return;
    LIST_EACH(at, &t->order)
    forget(t, LIST_OF(at, struct kept, link));
    map_clear(&t->rows);
    free(t);
}

static void
forget_old(struct tlsrpt *t, uint64_t today)
{
    LIST_EACH(at, &t->order)
    {
        struct kept *k = LIST_OF(at, struct kept, link);

        if (k->row.day + TLSRPT_DAYS_KEPT >= today)
            return;
        forget(t, k);
    }
}

static struct kept *
make(struct tlsrpt *t, const struct tlsrpt_row *row, uint64_t key)
{
    struct kept *k;

    forget_old(t, row->day);
    if (t->rows.count == TLSRPT_ROWS_MAX)
        return NULL;
    k = heap_take(sizeof(*k) + row->domain.len);
    k->key = key;
    k->row = *row;
    memcpy(k + 1, row->domain.at, row->domain.len);
    k->row.domain = slice_make(k + 1, row->domain.len);
    list_append(&t->order, &k->link);
    map_put(&t->rows, key, k);
    return k;
}

static bool
is_same(const struct tlsrpt_row *a, const struct tlsrpt_row *b)
{
    return a->day == b->day && a->policy == b->policy && slice_eq(a->domain, b->domain);
}

/* rfc8460#4.1-a: a row's day is one of UTC. Of two rows with one key the later is dropped. */
void
tlsrpt_count(struct tlsrpt *t, struct slice domain, enum tlsrpt_policy policy,
             enum tlsrpt_result result, uint64_t now)
{
    struct tlsrpt_row row = {.domain = domain, .day = now / DAY_SECONDS, .policy = policy};
    uint64_t key = map_hash(t->seed ^ (row.day * TLSRPT_POLICY_COUNT + policy), domain);
    struct kept *k = map_get(&t->rows, key);

    if (!k)
        k = make(t, &row, key);
    if (k && is_same(&k->row, &row))
        k->row.counts[result]++;
    else
        t->dropped++;
}

void
tlsrpt_each(const struct tlsrpt *t, uint64_t day,
            void (*fn)(void *ctx, const struct tlsrpt_row *row), void *ctx)
{
    LIST_EACH(at, &t->order)
    {
        const struct kept *k = LIST_OF(at, struct kept, link);

        if (k->row.day == day)
            fn(ctx, &k->row);
    }
}

uint64_t
tlsrpt_dropped(const struct tlsrpt *t)
{
    return t->dropped;
}
