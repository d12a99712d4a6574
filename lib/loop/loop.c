/* libuv handles are freed in their close callbacks, so every free here is safe inside callbacks. */
#include "loop/loop.h"

#include <stdlib.h>
#include <uv.h>

#include "base/ensure.h"
#include "loop/crew.h"

struct later {
    loop_fn *fn;
    void *ctx;
};

struct laters {
    struct later *at;
    size_t count, room;
};

struct loop {
    uv_loop_t uv;
    uv_check_t check; /* runs the later list at the end of a turn */
    uv_idle_t idle;   /* keeps the next turn from sleeping while the list is not empty */
    struct laters later, running;
    uv_prepare_t prepare; /* runs the last list before the loop sleeps */
    struct laters last;
    struct crew *crew;
    uv_poll_t ended; /* work of it; keeps the loop alive while there is some */
};

struct watch {
    uv_poll_t poll;
    unsigned want;
    loop_fd_fn *fn;
    void *ctx;
};

struct timer {
    uv_timer_t timer;
    loop_fn *fn;
    void *ctx;
};

struct on_signal {
    uv_signal_t signal;
    loop_fn *fn;
    void *ctx;
};

static void
free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

static void
stay_awake(uv_idle_t *idle)
{
    (void)idle;
}

static void
put_later(struct laters *list, loop_fn *fn, void *ctx)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 16;
        list->at = heap_grow(list->at, list->room * sizeof(*list->at));
    }
    list->at[list->count++] = (struct later){fn, ctx};
}

/* What a callback adds while the list runs waits for the next turn. */
static void
run_later(uv_check_t *check)
{
    struct loop *l = check->data;
    struct laters list = l->later;

    l->later = l->running;
    l->later.count = 0;
    for (size_t i = 0; i < list.count; i++)
        list.at[i].fn(list.at[i].ctx);
    l->running = list;
    if (l->later.count == 0)
        uv_idle_stop(&l->idle);
}

static void
run_last(struct loop *l)
{
    for (size_t i = 0; i < l->last.count; i++)
        l->last.at[i].fn(l->last.at[i].ctx);
    l->last.count = 0;
}

static void
before_sleep(uv_prepare_t *prepare)
{
    run_last(prepare->data);
}

static void
on_ended(uv_poll_t *poll, int status, int events)
{
    struct loop *l = poll->data;

    (void)status, (void)events;
    if (crew_finish(l->crew) == 0)
        uv_unref((uv_handle_t *)poll);
}

static void
init_crew(struct loop *l)
{
    l->crew = crew_new();
    l->ended.data = l;
    ensure(uv_poll_init(&l->uv, &l->ended, crew_fd(l->crew)) == 0);
    ensure(uv_poll_start(&l->ended, UV_READABLE, on_ended) == 0);
    uv_unref((uv_handle_t *)&l->ended);
}

struct loop *
loop_new(void)
{
    struct loop *l = heap_take(sizeof(*l));

    ensure(uv_loop_init(&l->uv) == 0);
    uv_check_init(&l->uv, &l->check);
    uv_idle_init(&l->uv, &l->idle);
    uv_prepare_init(&l->uv, &l->prepare);
    l->check.data = l;
    l->prepare.data = l;
    uv_check_start(&l->check, run_later);
    uv_prepare_start(&l->prepare, before_sleep);
    uv_unref((uv_handle_t *)&l->check);
    uv_unref((uv_handle_t *)&l->prepare);
    init_crew(l);
    return l;
}

static void
close_left_over(uv_handle_t *handle, void *ctx)
{
    struct loop *l = ctx;
    bool ours = handle == (uv_handle_t *)&l->check || handle == (uv_handle_t *)&l->idle ||
                handle == (uv_handle_t *)&l->prepare || handle == (uv_handle_t *)&l->ended;

    if (!uv_is_closing(handle))
        uv_close(handle, ours ? NULL : free_handle);
}

void
loop_free(struct loop *l)
{
    uv_walk(&l->uv, close_left_over, l);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    ensure(uv_loop_close(&l->uv) == 0);
    crew_free(l->crew);
    free(l->later.at);
    free(l->running.at);
    free(l->last.at);
    free(l);
}

void
loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
    run_last(l);
}

void
loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

uint64_t
loop_now_ms(const struct loop *l)
{
    return uv_now(&l->uv);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    unsigned ready = 0;

    if (status < 0) { /* libuv has stopped watching: go on */
        unsigned want = w->want;

        w->want = 0;
        watch_want(w, want);
    }
    if (status < 0 || events & UV_DISCONNECT)
        ready = LOOP_READ | LOOP_WRITE; /* the next call on the descriptor tells what is wrong */
    if (events & UV_READABLE)
        ready |= LOOP_READ;
    if (events & UV_WRITABLE)
        ready |= LOOP_WRITE;
    w->fn(w->ctx, ready);
}

struct watch *
loop_watch(struct loop *l, int fd, unsigned want, loop_fd_fn *fn, void *ctx)
{
    struct watch *w = heap_take(sizeof(*w));

    w->fn = fn;
    w->ctx = ctx;
    w->poll.data = w;
    ensure(uv_poll_init(&l->uv, &w->poll, fd) == 0);
    watch_want(w, want);
    return w;
}

void
watch_want(struct watch *w, unsigned want)
{
    int events = (want & LOOP_READ ? UV_READABLE : 0) | (want & LOOP_WRITE ? UV_WRITABLE : 0);

    if (want == w->want)
        return;
    w->want = want;
    if (events)
        ensure(uv_poll_start(&w->poll, events, on_poll) == 0);
    else
        uv_poll_stop(&w->poll);
}

void
watch_free(struct watch *w)
{
    if (w && !uv_is_closing((uv_handle_t *)&w->poll))
        uv_close((uv_handle_t *)&w->poll, free_handle);
}

static void
on_timer(uv_timer_t *timer)
{
    struct timer *t = timer->data;

    t->fn(t->ctx);
}

struct timer *
loop_after(struct loop *l, uint32_t ms, loop_fn *fn, void *ctx)
{
    struct timer *t = heap_take(sizeof(*t));

    t->fn = fn;
    t->ctx = ctx;
    t->timer.data = t;
    uv_timer_init(&l->uv, &t->timer);
    uv_timer_start(&t->timer, on_timer, ms, 0);
    return t;
}

void
timer_restart(struct timer *t, uint32_t ms)
{
    uv_timer_start(&t->timer, on_timer, ms, 0);
}

void
timer_stop(struct timer *t)
{
    uv_timer_stop(&t->timer);
}

void
timer_free(struct timer *t)
{
    if (t && !uv_is_closing((uv_handle_t *)&t->timer))
        uv_close((uv_handle_t *)&t->timer, free_handle);
}

void
loop_later(struct loop *l, loop_fn *fn, void *ctx)
{
    put_later(&l->later, fn, ctx);
    uv_idle_start(&l->idle, stay_awake);
}

void
loop_last(struct loop *l, loop_fn *fn, void *ctx)
{
    put_later(&l->last, fn, ctx);
}

void
loop_work(struct loop *l, loop_fn *run, loop_fn *done, void *ctx)
{
    uv_ref((uv_handle_t *)&l->ended);
    crew_put(l->crew, run, done, ctx);
}

static void
on_signal(uv_signal_t *signal, int number)
{
    struct on_signal *s = signal->data;

    (void)number;
    s->fn(s->ctx);
}

void
loop_on_signal(struct loop *l, int signal, loop_fn *fn, void *ctx)
{
    struct on_signal *s = heap_take(sizeof(*s));

    s->fn = fn;
    s->ctx = ctx;
    s->signal.data = s;
    uv_signal_init(&l->uv, &s->signal);
    uv_signal_start(&s->signal, on_signal, signal);
    uv_unref((uv_handle_t *)&s->signal);
}
