/* Every sentence of a notice is the catalogue's, so that a language is a matter of its files. */
#include <stdio.h>
#include <stdlib.h>

#include "bounce/bounce_private.h"
#include "mime/date.h"

enum { KEY_MAX = 64, HOUR_MINUTES = 60 };

struct slice
word_find(const struct catalogue *c, struct slice language, const char *group, const char *name)
{
    char key[KEY_MAX];

    snprintf(key, sizeof(key), "%s.%s", group, name);
    return catalogue_word(c, slice_of(key), language);
}

static const struct fill *
find(struct slice name, const struct fill *fills, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(name, slice_of(fills[i].name)))
            return &fills[i];
    return NULL;
}

/* A name in braces that nobody knows says nothing. */
void
word_put(struct buf *out, struct slice word, const struct fill *fills, size_t count)
{
    struct slice head, name;

    while (slice_cut(&word, '{', &head)) {
        const struct fill *f;

        buf_put(out, head);
        slice_cut(&word, '}', &name);
        f = find(name, fills, count);
        if (f)
            buf_put(out, f->value);
    }
    buf_put(out, head);
}

void
word_put_date(struct buf *out, const struct notice *n, struct slice language, int64_t seconds)
{
    int offset = n->b->offset, ahead = abs(offset);
    struct mime_date d = mime_date_of(seconds, offset);
    char day[16], month[16], year[16], time[32], zone[32];

    snprintf(day, sizeof(day), "%d", d.day);
    snprintf(month, sizeof(month), "%d", d.month + 1);
    snprintf(year, sizeof(year), "%d", d.year);
    snprintf(time, sizeof(time), "%d:%02d", d.hour, d.minute);
    snprintf(zone, sizeof(zone), "%c%02d:%02d", offset < 0 ? '-' : '+', ahead / HOUR_MINUTES,
             ahead % HOUR_MINUTES);
    const struct fill fills[] = {
        {"day", slice_of(day)},   {"month", word_find(n->c, language, "month", month)},
        {"year", slice_of(year)}, {"time", slice_of(time)},
        {"zone", slice_of(zone)},
    };
    word_put(out, word_find(n->c, language, "bounce", "date"), fills, COUNT(fills));
}
