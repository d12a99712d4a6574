/* Invariant: a job is in one of the waiting lists or in active; running counts those in active. */
#include "worker.h"

#include "base/slice.h"

void
workers_init(struct workers *w, struct loop *l, unsigned threads)
{
    *w = (struct workers){.loop = l, .most = threads < 1 ? 1 : threads};
    if (w->most > WORKER_THREADS_MAX)
        w->most = WORKER_THREADS_MAX;
    list_init(&w->active);
    for (size_t i = 0; i < WORKER_LANES; i++)
        list_init(&w->waiting[i]);
}

static bool
is_active(const struct workers *w, uint64_t key)
{
    LIST_EACH(at, &w->active)
    if (LIST_OF(at, struct job, link)->key == key)
        return true;
    return false;
}

static struct job *
next_of(struct workers *w, enum worker_lane lane)
{
    LIST_EACH(at, &w->waiting[lane])
    {
        struct job *j = LIST_OF(at, struct job, link);

        if (is_active(w, j->key))
            continue;
        list_remove(&j->link);
        w->counts[lane]--;
        return j;
    }
    return NULL;
}

static struct job *
next(struct workers *w)
{
    struct job *j = NULL;

    for (unsigned i = 0; i < WORKER_LANES && !j; i++) {
        j = next_of(w, w->turn);
        w->turn = (w->turn + 1) % WORKER_LANES;
    }
    return j;
}

static void
run(void *ctx)
{
    struct job *j = ctx;

    j->run(j);
}

static void pump(struct workers *w);

static void
done(void *ctx)
{
    struct job *j = ctx;
    struct workers *w = j->workers;

    list_remove(&j->link);
    w->running--;
    j->done(j);
    pump(w);
}

static void
pump(struct workers *w)
{
    struct job *j;

    while (w->running < w->most && (j = next(w)) != NULL) {
        if (j->skip && j->skip(j)) {
            j->done(j);
            continue;
        }
        list_append(&w->active, &j->link);
        w->running++;
        loop_work(w->loop, run, done, j);
    }
}

bool
workers_put(struct workers *w, enum worker_lane lane, struct job *j)
{
    if (w->counts[lane] >= WORKER_WAITING_MAX)
        return false;
    j->workers = w;
    list_append(&w->waiting[lane], &j->link);
    w->counts[lane]++;
    pump(w);
    return true;
}
