/* valija trace: what happened to a message, or to an attempt that was refused. What it shows comes
 * in threads, the newest first. */
#include <stdlib.h>

#include "base/map.h"
#include "out.h"
#include "traced.h"

enum {
    THREADS_SHOWN = 50, /* without --all */
    THREADS_PAGE = 256, /* no answer names more */
    EVENTS_PAGE = 1024, /* and more events have no room in one */
};

struct tracing {
    struct ctl *ctl;
    struct traced traced;
    struct map seen; /* thread -> itself */
    size_t left;     /* threads that may still be shown */
};

static int
by_time(const void *a, const void *b)
{
    const struct trace_event *one = a, *other = b;

    return one->time < other->time ? -1 : one->time > other->time;
}

/* Several processes tell of a message, each a moment after it has done something: the events of an
 * answer come in the order they were heard, and are shown in the order they happened. */
static void
show_events(struct tracing *t, struct slice items)
{
    static struct trace_event events[EVENTS_PAGE];
    size_t count = 0;

    while (count < EVENTS_PAGE && msg_items_take(&items, MSG_trace_event, &events[count]))
        count++;
    qsort(events, count, sizeof(events[0]), by_time);
    for (size_t i = 0; i < count; i++)
        if (ctl_has(t->ctl, OPTION_json))
            traced_print_json(&t->traced, &events[i]);
        else
            traced_print(&t->traced, &events[i]);
}

static int
show_thread(struct tracing *t, uint64_t id)
{
    struct trace_show ask = {.id = id};
    struct service_question q = {
        .role = ROLE_trace, .type = MSG_trace_show, .message = &ask, .expected = MSG_trace_shown};
    union msg_any answer;
    int status = 0;

    traced_begin(&t->traced);
    do {
        status = service_ask(&t->ctl->service, &q, &answer);
        if (status)
            return status;
        show_events(t, answer.trace_shown.events);
        ask.after = answer.trace_shown.next;
    } while (ask.after);
    return 0;
}

static int
show_threads(struct tracing *t, const uint64_t *ids, size_t count)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < count && t->left; i++) {
        if (map_get(&t->seen, ids[i]))
            continue;
        if (t->seen.count && !ctl_has(t->ctl, OPTION_json))
            putchar('\n');
        map_put(&t->seen, ids[i], t);
        t->left--;
        status = show_thread(t, ids[i]);
    }
    return status;
}

/* The ids of a page are copied, as the next question overwrites it. */
static size_t
take_ids(struct slice items, uint64_t ids[THREADS_PAGE])
{
    struct trace_thread thread;
    size_t n = 0;

    while (n < THREADS_PAGE && msg_items_take(&items, MSG_trace_thread, &thread))
        ids[n++] = thread.id;
    return n;
}

static int
find(struct tracing *t, struct slice what)
{
    struct trace_find ask = {what, UINT64_MAX};
    struct service_question q = {
        .role = ROLE_trace, .type = MSG_trace_find, .message = &ask, .expected = MSG_trace_found};
    uint64_t ids[THREADS_PAGE];
    union msg_any answer;
    int status = 0;

    while (status == 0 && ask.before && t->left) {
        status = service_ask(&t->ctl->service, &q, &answer);
        if (status)
            return status;
        ask.before = answer.trace_found.next;
        status = show_threads(t, ids, take_ids(answer.trace_found.threads, ids));
    }
    if (status == 0 && ask.before && t->seen.count == THREADS_SHOWN)
        NOTE(trace_more);
    return status;
}

/* What is pasted may be "<id@host>", or "[no-mailbox 7KQ2M9]" as a reply ends. */
static struct slice
bare(struct slice what)
{
    ptrdiff_t space;

    what = slice_trim(what);
    if (what.len > 2 && (what.at[0] == '<' || what.at[0] == '['))
        what = slice_head(slice_tail(what, 1), what.len - 2);
    space = slice_find_last(what, ' ');
    return slice_tail(what, (size_t)(space + 1));
}

int
verb_trace(struct ctl *c)
{
    struct tracing t = {.ctl = c, .left = ctl_has(c, OPTION_all) ? SIZE_MAX : THREADS_SHOWN};
    struct catalogue *catalogue = catalogue_built_in();
    int status;

    t.traced.catalogue = catalogue;
    status = find(&t, bare(slice_of(c->args[0])));
    if (status == 0 && t.seen.count == 0)
        status = FAIL(trace_nothing, c->args[0]);
    traced_begin(&t.traced);
    catalogue_free(catalogue);
    map_clear(&t.seen);
    return status;
}
