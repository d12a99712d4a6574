/* A waiter is in three lists: of its question, of its asker, and of all in the order in which they
 * give up. Invariant: an asker's count is the length of its list, and one that waits for nothing is
 * freed. */
#include "questions.h"

#include <stdlib.h>

#include "base/ensure.h"

struct asker {
    uint64_t id;
    size_t count;
    struct list waiting;
};

struct waiter {
    struct list of_question, of_asker, of_all;
    struct asker *asker;
    struct chan_call call;
    uint64_t until_ms;
};

void
questions_init(struct questions *qs, uint64_t seed)
{
    *qs = (struct questions){.seed = seed};
    list_init(&qs->waiting);
}

/* Where names collide the next key is tried. A hole that an answered question leaves may hide a
 * later one; then it is asked twice, and nothing worse. */
static struct question *
find(struct questions *qs, const char *name, enum dns_type type, uint64_t *key)
{
    struct question *q;

    *key = map_hash(qs->seed ^ (uint64_t)type, slice_of(name));
    while ((q = map_get(&qs->open, *key))) {
        if (q->type == type && strcmp(q->name, name) == 0)
            return q;
        *key = *key + 1 ? *key + 1 : 1;
    }
    return NULL;
}

static struct asker *
find_asker(struct questions *qs, uint64_t id)
{
    struct asker *a = map_get(&qs->askers, id);

    if (a)
        return a;
    a = heap_take(sizeof(*a));
    a->id = id;
    list_init(&a->waiting);
    map_put(&qs->askers, id, a);
    return a;
}

static void
drop(struct questions *qs, struct waiter *w)
{
    struct asker *a = w->asker;

    list_remove(&w->of_question);
    list_remove(&w->of_asker);
    list_remove(&w->of_all);
    free(w);
    if (--a->count)
        return;
    map_take(&qs->askers, a->id);
    free(a);
}

static void
wait_for(struct questions *qs, struct question *q, uint64_t asker, const struct chan_call *call,
         uint64_t until_ms)
{
    struct waiter *w = heap_take(sizeof(*w));

    *w = (struct waiter){.asker = find_asker(qs, asker), .call = *call, .until_ms = until_ms};
    w->asker->count++;
    list_append(&q->waiting, &w->of_question);
    list_append(&w->asker->waiting, &w->of_asker);
    list_append(&qs->waiting, &w->of_all);
}

static bool
is_too_much(struct questions *qs, uint64_t asker, const struct question *q)
{
    const struct asker *a = map_get(&qs->askers, asker);

    return (a && a->count >= QUESTIONS_PER_ASKER) || (!q && qs->open.count >= QUESTIONS_MAX);
}

void
questions_ask(struct questions *qs, uint64_t asker, const struct chan_call *call, const char *name,
              enum dns_type type, uint64_t until_ms)
{
    uint64_t key;
    struct question *q = find(qs, name, type, &key);

    qs->asked++;
    if (is_too_much(qs, asker, q)) {
        qs->refused++;
        qs->answer(qs->ctx, call,
                   &(struct dns_answer){.verdict = DNS_TEMPORARY,
                                        .why = SLICE("too many questions at a time")});
        return;
    }
    if (q) {
        qs->joined++;
        wait_for(qs, q, asker, call, until_ms);
        return;
    }
    q = heap_take(sizeof(*q));
    q->key = key;
    q->type = type;
    ensure(slice_to_string(slice_of(name), q->name, sizeof(q->name)));
    list_init(&q->waiting);
    map_put(&qs->open, key, q);
    wait_for(qs, q, asker, call, until_ms);
    qs->begin(qs->ctx, q);
}

void
questions_answer(struct questions *qs, struct question *q, const struct dns_answer *a)
{
    map_take(&qs->open, q->key);
    LIST_EACH(at, &q->waiting)
    {
        struct waiter *w = LIST_OF(at, struct waiter, of_question);

        qs->answer(qs->ctx, &w->call, a);
        drop(qs, w);
    }
    free(q);
}

void
questions_forget(struct questions *qs, uint64_t asker)
{
    struct asker *a;

    while ((a = map_get(&qs->askers, asker)))
        drop(qs, LIST_OF(a->waiting.next, struct waiter, of_asker));
}

uint64_t
questions_give_up(struct questions *qs, uint64_t now_ms)
{
    static const struct dns_answer late = {.verdict = DNS_TEMPORARY,
                                           .why = {(const uint8_t *)"no answer in time", 17}};

    while (!list_empty(&qs->waiting)) {
        struct waiter *w = LIST_OF(qs->waiting.next, struct waiter, of_all);

        if (w->until_ms > now_ms)
            return w->until_ms;
        qs->late++;
        qs->answer(qs->ctx, &w->call, &late);
        drop(qs, w);
    }
    return 0;
}

/* Collected first: an answer that comes at once changes the map. */
void
questions_begin_again(struct questions *qs, bool held_only)
{
    struct question **all = heap_take((qs->open.count + 1) * sizeof(struct question *)), *q;
    size_t count = 0;

    for (size_t at = 0; (q = map_next(&qs->open, &at));)
        if (q->held || !held_only)
            all[count++] = q;
    for (size_t i = 0; i < count; i++) {
        all[i]->held = false;
        qs->begin(qs->ctx, all[i]);
    }
    free(all);
}
