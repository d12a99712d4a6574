/* Any bytes as a file of the catalogue: either it is told what is wrong or nothing is, and whatever
 * was read can be checked and walked. */
#include "base/ensure.h"
#include "reason/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
count(void *ctx, const struct catalogue_mistake *m)
{
    size_t *mistakes = ctx;

    ensure(m->what.len > 0 && m->file.len == 1);
    ++*mistakes;
}

/* Every byte that a reader of the catalogue may look at. */
static size_t
walk(const struct catalogue *c)
{
    size_t octets = 0;

    for (size_t i = 0; i < catalogue_reasons(c); i++) {
        const struct catalogue_reason *r = catalogue_reason_at(c, i);

        ensure(r->number == i && catalogue_find(c, r->id) == r);
        for (const struct catalogue_says *s = r->says; s; s = s->next)
            octets += s->pattern.len + s->narrowed.len;
        for (const struct catalogue_reply *reply = r->replies; reply; reply = reply->next)
            ensure(reply->text.len > 0 && reply->text.len <= CATALOGUE_REPLY_MAX);
        for (enum catalogue_text t = 0; t < CATALOGUE_TEXTS; t++)
            octets += catalogue_text(c, r, t, SLICE("es")).len;
    }
    for (size_t i = 0; i < catalogue_providers(c); i++) {
        const struct catalogue_provider *p = catalogue_provider_at(c, i);

        ensure(p->number == i && catalogue_provider_find(c, p->id) == p);
    }
    return octets;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct catalogue *c = catalogue_new();
    struct slice text = slice_make(data, size);
    size_t mistakes = 0, found = 0;
    bool ok = catalogue_add(c, SLICE("f"), text, count, &mistakes);

    ensure(ok == (mistakes == 0));
    ensure(walk(c) <= size * CATALOGUE_TEXTS * CATALOGUE_REASONS_MAX);
    ensure(catalogue_check(c, SLICE("en es"), SLICE("x.1.1\t550\tx\n"), count, &found) ==
           (found == 0));
    catalogue_free(c);
    return 0;
}
