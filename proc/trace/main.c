/* trace: keeps what the others tell it, for `valija trace`. Nobody waits for it; what is lost with
 * it is no mail. docs/trace.md says what it keeps and for how long. */
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "role/role.h"
#include "role/spawn.h"
#include "shelf.h"

enum {
    COMMIT_MS = 1000,
    REST_MS = 10 * 1000, /* without events and searches; then books are closed */
    TIDY_MS = 60 * 60 * 1000,
    BEHIND_MAIL = 5, /* nice(2): the processors are the mail's first */
    PAGE_BYTES = 32 * 1024,
    PAGE_THREADS = 200,
};

static struct trace {
    struct role *role;
    struct shelf shelf;
    struct timer *commit, *rest, *tidy;
    bool committing; /* the timer runs */
    uint64_t dropped;
} trace;

static uint64_t
now_seconds(void)
{
    return clock_now_us() / 1000000;
}

/* ---- events in ---- */

static void
on_commit(void *ctx)
{
    struct trace *t = ctx;

    t->committing = false;
    shelf_commit(&t->shelf);
    shelf_tidy(&t->shelf, now_seconds());
    timer_restart(t->rest, REST_MS);
}

static void
on_events(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct trace *t = ((struct role *)ctx)->state;
    struct slice events = m->trace_events.events;
    uint64_t now = now_seconds();
    struct trace_event e;

    (void)call;
    t->dropped += m->trace_events.dropped;
    while (msg_items_take(&events, MSG_trace_event, &e))
        shelf_put(&t->shelf, &e, now);
    if (!t->committing)
        timer_restart(t->commit, COMMIT_MS);
    t->committing = true;
}

/* ---- searches ---- */

/* An answer that is being put together. */
struct page {
    struct buf items;
    uint64_t last;   /* place of the last event in it */
    uint64_t thread; /* of that */
    unsigned count;
    bool full;
};

static bool
put_thread(void *ctx, uint64_t place, const struct trace_event *e)
{
    struct page *p = ctx;
    struct trace_thread item = {e->message ? e->message : e->session};

    if (item.id != p->thread && p->count == PAGE_THREADS) {
        p->full = true;
        return false;
    }
    if (item.id != p->thread && msg_items_put(&p->items, MSG_trace_thread, &item))
        p->count++;
    p->thread = item.id;
    p->last = place;
    return true;
}

static bool
put_event(void *ctx, uint64_t place, const struct trace_event *e)
{
    struct page *p = ctx;
    size_t before = p->items.len;

    if (!msg_items_put(&p->items, MSG_trace_event, e)) {
        buf_cut(&p->items, before);
        p->full = true;
        return false;
    }
    p->last = place;
    return true;
}

static void
on_find(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct trace *t = ((struct role *)ctx)->state;
    struct page p = {0};

    buf_init(&p.items, PAGE_BYTES);
    shelf_find(&t->shelf, m->trace_find.what, m->trace_find.before, put_thread, &p);
    chan_answer(call, MSG_trace_found,
                &(struct trace_found){buf_slice(&p.items), p.full ? p.last : 0}, -1);
    buf_clear(&p.items);
    timer_restart(t->rest, REST_MS);
}

static void
on_show(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct trace *t = ((struct role *)ctx)->state;
    struct page p = {0};

    buf_init(&p.items, PAGE_BYTES);
    shelf_show(&t->shelf, m->trace_show.id, m->trace_show.after, put_event, &p);
    chan_answer(call, MSG_trace_shown,
                &(struct trace_shown){buf_slice(&p.items), p.full ? p.last : 0}, -1);
    buf_clear(&p.items);
    timer_restart(t->rest, REST_MS);
}

/* ---- life ---- */

static void
on_rest(void *ctx)
{
    shelf_rest(&((struct trace *)ctx)->shelf);
}

static void
on_tidy(void *ctx)
{
    struct trace *t = ctx;

    shelf_tidy(&t->shelf, now_seconds());
    timer_restart(t->tidy, TIDY_MS);
}

/* What the jail would not let us do later: chance for SQLite is a file. */
static void
prepare(struct role *r)
{
    uint8_t byte;

    (void)r;
    umask(077);
    sqlite3_randomness(sizeof(byte), &byte);
    setpriority(PRIO_PROCESS, 0, BEHIND_MAIL);
}

static struct err
start(struct role *r)
{
    struct trace *t = &trace;

    r->state = t;
    t->role = r;
    shelf_open(&t->shelf);
    t->commit = loop_after(r->loop, COMMIT_MS, on_commit, t);
    t->committing = true;
    t->rest = loop_after(r->loop, REST_MS, on_rest, t);
    t->tidy = loop_after(r->loop, TIDY_MS, on_tidy, t);
    return ERR_OK;
}

static void
configured(struct role *r)
{
    struct trace *t = r->state;

    t->shelf.bytes_max = role_limit(r, LIMIT_trace_bytes);
    t->shelf.days = role_limit(r, LIMIT_trace_days);
}

/* The last words of those who have ended lie in their channels. */
static void
drain(struct role *r, enum role_id from)
{
    for (unsigned i = 0; i < ROLE_INSTANCES_MAX; i++)
        if (role_peer(r, from, i))
            chan_drain(role_peer(r, from, i));
}

static void
stop(struct role *r, unsigned seconds)
{
    struct trace *t = r->state;

    (void)seconds;
    drain(r, ROLE_mx);
    drain(r, ROLE_access);
    drain(r, ROLE_queue);
    drain(r, ROLE_courier);
    on_commit(t);
    shelf_close(&t->shelf);
    role_end(r);
}

static void
status(struct role *r, struct buf *values)
{
    const struct trace *t = r->state;

    role_put_value(values, "events", t->shelf.kept);
    role_put_value(values, "dropped_events", t->dropped);
    role_put_value(values, "lost_events", t->shelf.lost);
    role_put_value(values, "trace_bytes", t->shelf.bytes);
    role_put_value(values, "trace_books", t->shelf.count);
}

static const struct chan_handler told[] = {{MSG_trace_events, on_events}, {MSG_NONE, NULL}};
static const struct chan_handler asked[] = {
    {MSG_trace_find, on_find}, {MSG_trace_show, on_show}, {MSG_NONE, NULL}};

static const struct role_door doors[] = {
    {.from = ROLE_mx, .handlers = told},    {.from = ROLE_access, .handlers = told},
    {.from = ROLE_queue, .handlers = told}, {.from = ROLE_courier, .handlers = told},
    {.from = ROLE_ctl, .handlers = asked},  {.from = ROLE_parent},
};

int
main(int argc, char **argv)
{
    static const struct role_spec spec = {.doors = doors,
                                          .prepare = prepare,
                                          .start = start,
                                          .configured = configured,
                                          .stop = stop,
                                          .status = status};

    return role_main(argc, argv, &spec);
}
