/* Findings, in the order found, and found again by address: a notice often names a recipient in
 * several of its parts. */
#include "explain/explain_private.h"

const char *const action_words[ACTION_COUNT] = {
#define ACTION(name) #name,
#include "explain/action.def"
#undef ACTION
};

void
findings_init(struct findings *f, struct arena *a)
{
    *f = (struct findings){.arena = a};
    f->end = &f->first;
}

void
findings_clear(struct findings *f)
{
    map_clear(&f->by_address);
}

static uint64_t
key_of(struct slice address)
{
    uint8_t room[256];
    size_t n = address.len < sizeof(room) ? address.len : sizeof(room);

    for (size_t i = 0; i < n; i++)
        room[i] = ascii_lower(address.at[i]);
    return map_hash(0, slice_make(room, n));
}

struct finding *
findings_find(const struct findings *f, struct slice recipient)
{
    struct finding *x = recipient.len ? map_get(&f->by_address, key_of(recipient)) : NULL;

    return x && slice_eq_nocase(x->recipient, recipient) ? x : NULL;
}

struct finding *
findings_get(struct findings *f, struct slice recipient)
{
    struct finding *x = findings_find(f, recipient);

    if (x)
        return x;
    if (f->count == EXPLAIN_RECIPIENTS_MAX || !(x = arena_take(f->arena, sizeof(*x)))) {
        f->truncated = true;
        return NULL;
    }
    x->recipient = recipient;
    *f->end = x;
    f->end = &x->next;
    f->count++;
    if (recipient.len)
        map_put(&f->by_address, key_of(recipient), x);
    return x;
}
