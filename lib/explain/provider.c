/* Whose host is it? The rows are ordered by name, so a host is looked up as a whole and then label
 * by label: mx.example.com, *.example.com, *.com. */
#include <stdlib.h>

#include "base/ensure.h"
#include "explain/explain_private.h"

static int
by_name(const void *a, const void *b)
{
    const struct host_row *x = a, *y = b;

    if (x->is_end != y->is_end)
        return x->is_end - y->is_end;
    return slice_compare(x->name, y->name);
}

void
provider_prepare(struct explain *e)
{
    size_t n = 0;

    for (size_t i = 0; i < catalogue_providers(e->catalogue); i++)
        for (const struct catalogue_line *h = catalogue_provider_at(e->catalogue, i)->hosts; h;
             h = h->next)
            n++;
    e->hosts = heap_take((n + 1) * sizeof(*e->hosts));
    for (size_t i = 0; i < catalogue_providers(e->catalogue); i++) {
        const struct catalogue_provider *p = catalogue_provider_at(e->catalogue, i);

        for (const struct catalogue_line *h = p->hosts; h; h = h->next) {
            struct host_row row = {h->text, false, p};

            row.is_end = slice_take_prefix(&row.name, SLICE("*."));
            e->hosts[e->host_count++] = row;
        }
    }
    qsort(e->hosts, e->host_count, sizeof(*e->hosts), by_name);
}

void
provider_release(struct explain *e)
{
    free(e->hosts);
}

static const struct catalogue_provider *
find(const struct explain *e, struct slice name, bool is_end)
{
    struct host_row wanted = {name, is_end, NULL};
    const struct host_row *row =
        bsearch(&wanted, e->hosts, e->host_count, sizeof(*e->hosts), by_name);

    return row ? row->provider : NULL;
}

const struct catalogue_provider *
provider_of_host(const struct explain *e, struct slice host)
{
    uint8_t room[256];
    struct slice name = {room, host.len}, label;
    const struct catalogue_provider *p;

    if (host.len == 0 || host.len > sizeof(room))
        return NULL;
    for (size_t i = 0; i < host.len; i++)
        room[i] = ascii_lower(host.at[i]);
    p = find(e, name, false);
    while (!p && name.len) {
        p = find(e, name, true); /* *.example.com is example.com, too */
        slice_cut(&name, '.', &label);
    }
    return p;
}
