/* A forward that fails must not tell a stranger where it leads (rfc3464#4.2-a). Words and names of
 * the other server are left out whole: they may tell the target in ways that no search would find,
 * such as the name of a person, a link, or a further forward. */
#include <stdlib.h>

#include "base/ensure.h"
#include "bounce/bounce_private.h"

const char *const bounce_action_names[BOUNCE_ACTIONS] = {
#define ACTION(name, word, status, is_success) #name,
#include "bounce/action.def"
#undef ACTION
};

const struct action_row action_rows[BOUNCE_ACTIONS] = {
#define ACTION(name, word, status, is_success) {word, status, is_success},
#include "bounce/action.def"
#undef ACTION
};

static const struct catalogue_reason *
reason_of(const struct catalogue *c, struct slice id)
{
    const struct catalogue_reason *r = catalogue_find(c, id);

    if (!r)
        r = catalogue_find(c, SLICE("unknown-failure"));
    ensure(r != NULL);
    return r;
}

static struct view
view_one(const struct catalogue *c, const struct bounce_recipient *r)
{
    struct view v = {.reason = reason_of(c, r->reason), .of = r};

    if (r->is_hidden) {
        ensure(r->written.len > 0);
        v.address = r->written;
        v.is_withheld = r->said.len > 0 || r->remote.len > 0;
        return v;
    }
    ensure(r->address.len > 0);
    v.address = r->address;
    if (!slice_eq(r->written, r->address))
        v.written = r->written;
    v.said = r->said;
    v.remote = r->remote;
    return v;
}

void
view_all(struct notice *n)
{
    n->views = heap_take(n->b->count * sizeof(*n->views));
    for (size_t i = 0; i < n->b->count; i++)
        n->views[i] = view_one(n->c, &n->b->recipients[i]);
}

void
view_clear(struct notice *n)
{
    free(n->views);
    n->views = NULL;
}

size_t
view_count(const struct notice *n, enum bounce_action action)
{
    size_t count = 0;

    for (size_t i = 0; i < n->b->count; i++)
        count += n->b->recipients[i].action == action;
    return count;
}

enum bounce_action
view_gravest(const struct notice *n)
{
    int action = 0;

    while (view_count(n, (enum bounce_action)action) == 0)
        action++;
    return (enum bounce_action)action;
}
