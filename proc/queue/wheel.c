/* A hashed wheel: an alarm lies in the slot of its second modulo the number of slots, so a turn
 * looks at each waiting thing once in WHEEL_SLOTS seconds. */
#include "wheel.h"

void
wheel_init(struct wheel *w, uint32_t now)
{
    w->now = now;
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        list_init(&w->slots[i]);
}

void
alarm_init(struct alarm *a, uint8_t kind)
{
    list_init(&a->link);
    a->at = 0;
    a->kind = kind;
}

void
wheel_set(struct wheel *w, struct alarm *a, uint32_t at)
{
    list_remove(&a->link);
    a->at = at > w->now ? at : w->now + 1;
    list_append(&w->slots[a->at % WHEEL_SLOTS], &a->link);
}

void
alarm_cancel(struct alarm *a)
{
    list_remove(&a->link);
}

/* Those of the slot are taken out first: fn may set an alarm into the very same. */
static void
ring_slot(struct wheel *w, uint32_t second, wheel_fn *fn, void *ctx)
{
    struct list *slot = &w->slots[second % WHEEL_SLOTS];
    struct list due;

    list_init(&due);
    LIST_EACH(at, slot)
    {
        struct alarm *a = LIST_OF(at, struct alarm, link);

        if (a->at > w->now)
            continue;
        list_remove(at);
        list_append(&due, at);
    }
    while (!list_empty(&due)) {
        struct alarm *a = LIST_OF(due.next, struct alarm, link);

        list_remove(&a->link);
        fn(ctx, a);
    }
}

void
wheel_turn(struct wheel *w, uint32_t now, wheel_fn *fn, void *ctx)
{
    uint32_t from = w->now + 1;

    if (now <= w->now)
        return;
    if (now - w->now > WHEEL_SLOTS)
        from = now - WHEEL_SLOTS + 1; /* each slot once, however long the machine slept */
    w->now = now;
    for (uint32_t second = from; second <= now; second++)
        ring_slot(w, second, fn, ctx);
}
