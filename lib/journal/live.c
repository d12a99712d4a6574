/* Open addressing as in base/map.c, but with the entries in the table: a million queued messages
 * are a million times 32 bytes over the load. The lowest id comes from a binary heap from which
 * ids that are gone are dropped when they reach the top, or when they are the larger part. */
#include "journal/live.h"

#include <stdlib.h>

#include "base/ensure.h"

enum { LIVE_FIRST_ROOM = 64, LIVE_KEEP_ROOM = 4096, HEAP_SLACK = 1024 };

_Static_assert(sizeof(struct live) == 32, "docs/journal.md section 7 says 32");

void
live_clear(struct live_table *t)
{
    free(t->at);
    free(t->heap);
    *t = (struct live_table){0};
}

static size_t
home_of(const struct live_table *t, uint64_t id)
{
    return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (t->room - 1);
}

static struct live *
find(const struct live_table *t, uint64_t id)
{
    size_t i = home_of(t, id);

    while (t->at[i].id != 0 && t->at[i].id != id)
        i = (i + 1) & (t->room - 1);
    return &t->at[i];
}

static void
rebuild(struct live_table *t, size_t room)
{
    struct live_table old = *t;

    t->room = room;
    t->at = heap_take(room * sizeof(*t->at));
    for (size_t i = 0; i < old.room; i++)
        if (old.at[i].id)
            *find(t, old.at[i].id) = old.at[i];
    free(old.at);
}

struct live *
live_get(const struct live_table *t, uint64_t id)
{
    struct live *e = t->room && id ? find(t, id) : NULL;

    return e && e->id ? e : NULL;
}

static void
sift_up(uint64_t *heap, size_t i)
{
    while (i && heap[(i - 1) / 2] > heap[i]) {
        uint64_t up = heap[(i - 1) / 2];

        heap[(i - 1) / 2] = heap[i];
        heap[i] = up;
        i = (i - 1) / 2;
    }
}

static void
sift_down(uint64_t *heap, size_t count, size_t i)
{
    for (size_t least; (least = 2 * i + 1) < count; i = least) {
        uint64_t down = heap[i];

        if (least + 1 < count && heap[least + 1] < heap[least])
            least++;
        if (heap[least] >= down)
            return;
        heap[i] = heap[least];
        heap[least] = down;
    }
}

/* Only the ids that are in the table. */
static void
rebuild_heap(struct live_table *t)
{
    size_t at = 0;

    t->heap_count = 0;
    t->heap_room = t->count + t->count / 4 + HEAP_SLACK;
    t->heap = heap_grow(t->heap, t->heap_room * sizeof(*t->heap));
    for (const struct live *e; (e = live_next(t, &at)) != NULL;)
        t->heap[t->heap_count++] = e->id;
    for (size_t i = t->heap_count / 2; i-- > 0;)
        sift_down(t->heap, t->heap_count, i);
}

struct live *
live_put(struct live_table *t, uint64_t id)
{
    struct live *e = live_get(t, id);

    ensure(id != 0);
    if (e)
        return e;
    if (t->count >= t->room / 8 * 7)
        rebuild(t, t->room ? t->room * 2 : LIVE_FIRST_ROOM);
    e = find(t, id);
    *e = (struct live){.id = id};
    t->count++;
    if (t->heap_count == t->heap_room) {
        rebuild_heap(t); /* the new one included */
    } else {
        t->heap[t->heap_count] = id;
        sift_up(t->heap, t->heap_count++);
    }
    return e;
}

void
live_remove(struct live_table *t, uint64_t id)
{
    struct live *e = live_get(t, id);
    size_t hole;

    ensure(e != NULL);
    hole = (size_t)(e - t->at);
    t->count--;
    for (size_t i = (hole + 1) & (t->room - 1); t->at[i].id; i = (i + 1) & (t->room - 1)) {
        size_t home = home_of(t, t->at[i].id);

        /* may move back only if its home is not between the hole and itself */
        if (((i - home) & (t->room - 1)) >= ((i - hole) & (t->room - 1))) {
            t->at[hole] = t->at[i];
            hole = i;
        }
    }
    t->at[hole] = (struct live){0};
    if (t->room > LIVE_KEEP_ROOM && t->count < t->room / 8) { /* a backlog is over */
        rebuild(t, t->room / 4);
        rebuild_heap(t);
    }
}

struct live *
live_next(const struct live_table *t, size_t *at)
{
    while (*at < t->room) {
        struct live *e = &t->at[(*at)++];

        if (e->id)
            return e;
    }
    return NULL;
}

void
live_sweep(struct live_table *t)
{
    size_t room = LIVE_FIRST_ROOM;

    t->count = 0;
    for (size_t i = 0; i < t->room; i++) {
        if (t->at[i].state != LIVE_LIVE && t->at[i].state != LIVE_DONE)
            t->at[i] = (struct live){0};
        t->count += t->at[i].id != 0;
    }
    while (t->count >= room / 8 * 7)
        room *= 2;
    rebuild(t, room);
    rebuild_heap(t);
}

uint64_t
live_lowest(struct live_table *t)
{
    while (t->heap_count && !live_get(t, t->heap[0])) {
        t->heap[0] = t->heap[--t->heap_count];
        sift_down(t->heap, t->heap_count, 0);
    }
    return t->heap_count ? t->heap[0] : UINT64_MAX;
}
