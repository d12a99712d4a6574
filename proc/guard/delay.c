/* Entries that are over are dropped from the old end whenever one is added. With delays of
 * different lengths one may lie behind a longer one for a while; `most` bounds that too. */
#include "delay.h"

#include <stdlib.h>

#include "base/ensure.h"

struct delay {
    struct list link;
    uint64_t account, until_ms;
};

void
delays_init(struct delays *d, size_t most)
{
    *d = (struct delays){.most = most};
    list_init(&d->order);
}

static void
drop(struct delays *d, struct delay *e)
{
    map_take(&d->accounts, e->account);
    list_remove(&e->link);
    free(e);
}

void
delays_clear(struct delays *d)
{
    LIST_EACH(at, &d->order)
    drop(d, LIST_OF(at, struct delay, link));
    map_clear(&d->accounts);
}

static void
make_room(struct delays *d, uint64_t now_ms)
{
    while (!list_empty(&d->order)) {
        struct delay *oldest = LIST_OF(d->order.next, struct delay, link);

        if (oldest->until_ms > now_ms && d->accounts.count < d->most)
            return;
        drop(d, oldest);
    }
}

uint32_t
delays_login(struct delays *d, uint64_t account, uint32_t seconds, uint64_t now_ms)
{
    struct delay *e = map_get(&d->accounts, account);

    if (e && seconds && e->until_ms > now_ms)
        return (uint32_t)((e->until_ms - now_ms + 999) / 1000);
    if (e)
        drop(d, e);
    if (seconds == 0 || account == 0)
        return 0;
    make_room(d, now_ms);
    e = heap_take(sizeof(*e));
    *e = (struct delay){.account = account, .until_ms = now_ms + (uint64_t)seconds * 1000};
    list_append(&d->order, &e->link);
    map_put(&d->accounts, account, e);
    return 0;
}
