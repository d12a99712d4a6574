/* Whoever waits longest is asked for next, in a turn of its own: no answer comes while one asks. */
#include "question.h"

#include <unistd.h>

#include "base/ensure.h"

static struct list waiting; /* struct question */
static size_t open_questions;
static bool put_due;

/* ---- answers ---- */

static const struct dns_answer no_resolver = {
    .verdict = DNS_TEMPORARY, .why = {(const uint8_t *)"the resolver is being replaced", 30}};
static const struct dns_answer too_much = {
    .verdict = DNS_TEMPORARY, .why = {(const uint8_t *)"the answers are too large", 25}};

/* False: the arena is full. */
static bool
copy_records(struct arena *arena, struct slice items, struct dns_answer *a)
{
    struct resolver_record r;
    struct slice rest = items;
    struct dns_record *records;
    size_t count = 0;

    while (msg_items_take(&rest, MSG_resolver_record, &r))
        count++;
    records = arena_take(arena, count * sizeof(*records));
    for (size_t i = 0; records && i < count; i++) {
        msg_items_take(&items, MSG_resolver_record, &r);
        records[i] = (struct dns_record){r.preference, arena_copy(arena, r.data)};
        if (!records[i].data.at && r.data.len)
            return false;
    }
    a->records = records;
    a->count = count;
    return records != NULL;
}

static const struct dns_answer *
copy_answer(struct arena *arena, const struct resolver_answer *m)
{
    struct dns_answer *a = arena_take(arena, sizeof(*a));

    if (!a)
        return &too_much;
    *a = (struct dns_answer){
        .verdict = m->verdict < DNS_VERDICT_COUNT ? (enum dns_verdict)m->verdict : DNS_TEMPORARY,
        .secure = m->secure != 0,
        .cut = m->cut != 0,
        .ttl = m->ttl,
        .why = arena_copy(arena, m->why),
        .canonical = arena_copy(arena, m->canonical)};
    if ((m->why.len && !a->why.at) || (m->canonical.len && !a->canonical.at) ||
        !copy_records(arena, m->records, a))
        return &too_much;
    return a;
}

/* ---- questions ---- */

static void put_waiting(void *ctx);

static void
put_later(struct role *r)
{
    if (!put_due)
        loop_later(r->loop, put_waiting, r);
    put_due = true;
}

static void
on_answer(void *ctx, const union msg_any *m, int fd)
{
    struct question *q = ctx;

    if (fd >= 0)
        close(fd);
    q->at = NULL;
    open_questions--;
    if (!list_empty(&waiting))
        put_later(q->role);
    q->fn(q->ctx, m ? copy_answer(q->arena, &m->resolver_answer) : &no_resolver);
}

static void
put(struct question *q)
{
    struct chan *c = role_peer(q->role, ROLE_resolver, 0);
    struct resolver_ask m = {slice_of(q->name), q->type};

    if (!c) {
        q->fn(q->ctx, &no_resolver);
        return;
    }
    open_questions++;
    q->at = chan_ask(c, MSG_resolver_ask, &m, -1, MSG_resolver_answer, on_answer, q);
}

static void
put_waiting(void *ctx)
{
    (void)ctx;
    put_due = false;
    while (!list_empty(&waiting) && open_questions < QUESTION_OPEN_MAX) {
        struct question *q = LIST_OF(waiting.next, struct question, link);

        list_remove(&q->link);
        put(q);
    }
}

void
question_put(struct question *q, struct role *r, const char *name)
{
    ensure(slice_to_string(slice_of(name), q->name, sizeof(q->name)));
    if (!waiting.next)
        list_init(&waiting);
    q->role = r;
    list_append(&waiting, &q->link);
    put_later(r);
}

void
question_cancel(struct question *q)
{
    if (!q->role)
        return;
    list_remove(&q->link);
    if (!q->at)
        return;
    chan_ask_cancel(q->at);
    q->at = NULL;
    open_questions--;
    if (!list_empty(&waiting))
        put_later(q->role);
}
