/* "Did you mean": the name with the smallest edit distance, where it is small enough to be likely.
 * The distance counts letters added, left out, changed, or swapped with their neighbour. */
#include "base/suggest.h"

#include "base/ensure.h"

enum { PREFIX_MIN = 3 };

/* Capitals, and hyphens for underscores, are no mistake worth counting. */
static bool
same(uint8_t a, uint8_t b)
{
    return ascii_lower(a == '-' ? '_' : a) == ascii_lower(b == '-' ? '_' : b);
}

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Row by row over the table of distances between the heads of a and b; three rows are enough. */
static unsigned
distance(struct slice a, struct slice b)
{
    unsigned rows[3][SUGGEST_NAME_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *now = rows[2];

    for (unsigned j = 0; j <= b.len; j++)
        above[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *spare = before;

        now[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            now[j] = above[j - 1] + !same(a.at[i - 1], b.at[j - 1]);
            now[j] = least(now[j], least(above[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && same(a.at[i - 1], b.at[j - 2]) && same(a.at[i - 2], b.at[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        before = above;
        above = now;
        now = spare;
    }
    return above[b.len];
}

struct slice
suggest_name(struct slice word, const char *const *names, size_t count)
{
    struct slice best = {NULL, 0};
    unsigned best_distance = (unsigned)(word.len < 4 ? 1 : word.len / 3) + 1;

    if (word.len == 0 || word.len > SUGGEST_NAME_MAX)
        return best;
    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_of(names[i]);
        unsigned d;

        ensure(name.len <= SUGGEST_NAME_MAX);
        d = distance(word, name);
        if (d > 1 && word.len >= PREFIX_MIN && slice_starts_nocase(name, word))
            d = 1; /* an abbreviation */
        if (d >= best_distance)
            continue;
        best_distance = d;
        best = name;
    }
    return best;
}
