/* Blocks taken from the heap and handed out front to back. The first block is kept over a clear, so
 * a session that works in small transactions allocates once. */
#include "base/arena.h"

#include <stdlib.h>

#include "base/ensure.h"

enum { ARENA_BLOCK = 2048, ARENA_ALIGN = 16 };

struct block {
    struct block *next;
    size_t used, room;
    _Alignas(ARENA_ALIGN) uint8_t bytes[];
};

struct at_clear {
    struct at_clear *next;
    void (*fn)(void *);
    void *arg;
};

struct arena {
    const char *owner;
    size_t cap, used;
    struct block *blocks; /* newest first; the last one is kept over a clear */
    struct at_clear *at_clear;
};

struct arena *
arena_new(const char *owner, size_t cap)
{
    struct arena *a = heap_take(sizeof(*a));

    a->owner = owner;
    a->cap = cap;
    return a;
}

void
arena_clear(struct arena *a)
{
    while (a->at_clear) {
        struct at_clear *first = a->at_clear;

        a->at_clear = first->next;
        first->fn(first->arg);
    }
    while (a->blocks && a->blocks->next) {
        struct block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
    if (a->blocks)
        a->blocks->used = 0;
    a->used = 0;
}

void
arena_free(struct arena *a)
{
    if (!a)
        return;
    arena_clear(a);
    free(a->blocks);
    free(a);
}

static void
add_block(struct arena *a, size_t n)
{
    size_t room = n > ARENA_BLOCK ? n : ARENA_BLOCK;
    struct block *b = heap_grow(NULL, sizeof(*b) + room);

    *b = (struct block){.next = a->blocks, .room = room};
    a->blocks = b;
}

void *
arena_take(struct arena *a, size_t n)
{
    uint8_t *p;

    if (n > a->cap - a->used)
        return NULL;
    n = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (n > a->cap - a->used)
        return NULL;
    if (!a->blocks || n > a->blocks->room - a->blocks->used)
        add_block(a, n);
    p = a->blocks->bytes + a->blocks->used;
    a->blocks->used += n;
    a->used += n;
    memset(p, 0, n);
    return p;
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
    uint8_t *p = arena_take(a, s.len);

    if (!p)
        return (struct slice){NULL, 0};
    if (s.len)
        memcpy(p, s.at, s.len);
    return (struct slice){p, s.len};
}

bool
arena_at_clear(struct arena *a, void (*fn)(void *), void *arg)
{
    struct at_clear *entry = arena_take(a, sizeof(*entry));

    if (!entry)
        return false;
    *entry = (struct at_clear){.next = a->at_clear, .fn = fn, .arg = arg};
    a->at_clear = entry;
    return true;
}

size_t
arena_used(const struct arena *a)
{
    return a->used;
}
