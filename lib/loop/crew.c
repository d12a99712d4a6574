/* Work waits in one list for any thread; what has ended waits in another for the loop. */
#include "loop/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/list.h"

enum { CREW_THREADS_MAX = 4 };

struct crew {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    struct list waiting, ended; /* struct work */
    size_t waiting_count, idle, threads;
    bool closing;
    pthread_t thread[CREW_THREADS_MAX];

    int fd;
    size_t open; /* put, and not yet finished: the loop's alone */
};

struct work {
    struct list link;
    loop_fn *run, *done;
    void *ctx;
};

struct crew *
crew_new(void)
{
    struct crew *c = heap_take(sizeof(*c));

    c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ensure(c->fd >= 0);
    ensure(pthread_mutex_init(&c->lock, NULL) == 0 && pthread_cond_init(&c->wake, NULL) == 0);
    list_init(&c->waiting);
    list_init(&c->ended);
    return c;
}

static struct work *
take_first(struct list *list)
{
    struct work *w = LIST_OF(list->next, struct work, link);

    list_remove(&w->link);
    return w;
}

/* NULL: there will be none any more. */
static struct work *
wait_for_work(struct crew *c)
{
    c->idle++;
    while (list_empty(&c->waiting) && !c->closing)
        pthread_cond_wait(&c->wake, &c->lock);
    c->idle--;
    if (c->closing)
        return NULL;
    c->waiting_count--;
    return take_first(&c->waiting);
}

static void *
serve(void *ctx)
{
    struct crew *c = ctx;
    struct work *w;

    pthread_mutex_lock(&c->lock);
    while ((w = wait_for_work(c)) != NULL) {
        pthread_mutex_unlock(&c->lock);
        w->run(w->ctx);
        pthread_mutex_lock(&c->lock);
        list_append(&c->ended, &w->link);
        ensure(eventfd_write(c->fd, 1) == 0);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Signals are the loop's. */
static void
start_thread(struct crew *c)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ensure(pthread_create(&c->thread[c->threads++], NULL, serve, c) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
crew_put(struct crew *c, loop_fn *run, loop_fn *done, void *ctx)
{
    struct work *w = heap_take(sizeof(*w));

    *w = (struct work){.run = run, .done = done, .ctx = ctx};
    c->open++;
    pthread_mutex_lock(&c->lock);
    list_append(&c->waiting, &w->link);
    if (++c->waiting_count > c->idle && c->threads < CREW_THREADS_MAX)
        start_thread(c);
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

int
crew_fd(const struct crew *c)
{
    return c->fd;
}

static struct work *
take_ended(struct crew *c)
{
    struct work *w;

    pthread_mutex_lock(&c->lock);
    w = list_empty(&c->ended) ? NULL : take_first(&c->ended);
    pthread_mutex_unlock(&c->lock);
    return w;
}

size_t
crew_finish(struct crew *c)
{
    eventfd_t count;

    (void)eventfd_read(c->fd, &count);
    for (struct work *w; (w = take_ended(c)) != NULL; free(w)) {
        c->open--;
        w->done(w->ctx);
    }
    return c->open;
}

static void
drop_all(struct list *list)
{
    while (!list_empty(list))
        free(take_first(list));
}

void
crew_free(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    pthread_cond_broadcast(&c->wake);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < c->threads; i++)
        pthread_join(c->thread[i], NULL);
    drop_all(&c->waiting);
    drop_all(&c->ended);
    close(c->fd);
    free(c);
}
