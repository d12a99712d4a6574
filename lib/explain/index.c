/* Building: compile, count how many patterns use each word, file each pattern under the word fewest
 * use. Reading: look up each word once; the work for a word is bounded by the patterns filed under
 * it, so a text is read in linear time. */
#include "explain/index.h"

#include <stdlib.h>

#include "base/ensure.h"

enum {
    PATTERNS_MEMORY_MAX = 256 << 20,
    PATTERNS_MAX = 200000,
    FIRST_PATTERNS = 1024,
    FIRST_MATCHES = 64,
};

static const float VAGUE_FACTOR = 0.6f;

static struct pattern *
new_pattern(struct index *x)
{
    if (x->count == x->room) {
        x->room = x->room ? 2 * x->room : FIRST_PATTERNS;
        x->patterns = heap_grow(x->patterns, x->room * sizeof(*x->patterns));
    }
    x->patterns[x->count] = (struct pattern){.number = x->count, .factor = 1};
    return &x->patterns[x->count];
}

/* Where it has no mistake, the pattern that new_pattern gave counts. */
static void
keep(struct index *x, struct pattern *p, struct slice text, const char *wrong)
{
    if (!wrong && x->count == PATTERNS_MAX)
        wrong = "too many patterns";
    if (!wrong)
        wrong = pattern_compile(p, text, &x->vocabulary, &x->scratch, x->arena);
    if (!wrong) {
        x->count++;
        return;
    }
    if (x->fn) {
        struct catalogue_mistake mistake = {p->file, p->line, slice_of(wrong)};

        x->fn(x->ctx, &mistake);
    }
}

static bool
is_vague(const struct catalogue_reason *r)
{
    static const char *const ids[] = {
#define VAGUE(id) id,
#include "explain/vague.def"
#undef VAGUE
    };

    for (size_t i = 0; i < COUNT(ids); i++)
        if (slice_eq(r->id, slice_of(ids[i])))
            return true;
    return false;
}

static void
add_reasons(struct index *x, const struct catalogue *c)
{
    for (size_t i = 0; i < catalogue_reasons(c); i++) {
        const struct catalogue_reason *r = catalogue_reason_at(c, i);

        for (const struct catalogue_says *s = r->says; s; s = s->next) {
            struct pattern *p = new_pattern(x);
            const char *wrong = pattern_narrow(p, s->narrowed, c);

            p->reason = r;
            p->file = s->file;
            p->line = s->line;
            p->factor *= is_vague(r) ? VAGUE_FACTOR : 1;
            keep(x, p, s->pattern, wrong);
        }
    }
}

static void
add_providers(struct index *x, const struct catalogue *c)
{
    for (size_t i = 0; i < catalogue_providers(c); i++) {
        const struct catalogue_provider *provider = catalogue_provider_at(c, i);

        for (const struct catalogue_line *s = provider->says; s; s = s->next) {
            struct pattern *p = new_pattern(x);

            p->provider = provider;
            p->file = s->file;
            p->line = s->line;
            keep(x, p, s->text, NULL);
        }
    }
}

static void
add_phases(struct index *x)
{
    static const struct {
        enum explain_phase phase;
        const char *text;
    } rows[] = {
#define PHASE(name, word)
#define SAYS(phase, pattern) {EXPLAIN_PHASE_##phase, pattern},
#include "explain/phase.def"
#undef PHASE
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pattern *p = new_pattern(x);

        p->phase = rows[i].phase;
        p->file = SLICE("phase.def");
        keep(x, p, slice_of(rows[i].text), NULL);
    }
}

/* The patterns of a reason stand together. */
static void
count_word(struct index *x, uint32_t word, const struct pattern *p)
{
    struct vocabulary_entry *e = &x->vocabulary.of[word];
    uint32_t owner = p->reason ? p->reason->number + 1 : UINT32_MAX;

    e->uses++;
    e->owners += e->owner != owner;
    e->owner = owner;
}

static void
count_words(struct index *x)
{
    for (uint32_t i = 0; i < x->count; i++) {
        const struct pattern *p = &x->patterns[i];

        for (uint32_t k = 0; k < p->count; k++)
            for (uint32_t n = 0; n < p->elements[k].count; n++)
                for (uint32_t w = 0; w < p->elements[k].ways[n].count; w++)
                    count_word(x, p->elements[k].ways[n].words[w], p);
    }
}

/* The word that a way of an element begins with. */
static uint32_t
first_word(const struct pattern_element *e, uint32_t way)
{
    return e->ways[way].words[0];
}

/* The element to file p under: its words are the rarest, and among equals the longest. */
static uint32_t
rarest(const struct index *x, const struct pattern *p)
{
    uint32_t best = 0;
    uint64_t least = UINT64_MAX;

    for (uint32_t k = 0; k < p->count; k++) {
        const struct pattern_element *e = &p->elements[k];
        uint64_t cost = 0;

        if (e->count == 0 || e->optional)
            continue;
        for (uint32_t way = 0; way < e->count; way++) {
            const struct vocabulary_entry *entry = &x->vocabulary.of[first_word(e, way)];

            cost += 64 * (uint64_t)entry->uses / (entry->word.len < 16 ? entry->word.len : 16) + 1;
        }
        if (cost < least) {
            least = cost;
            best = k;
        }
    }
    return best;
}

static void
file(struct index *x)
{
    uint32_t words = x->vocabulary.count;
    uint32_t *at;

    x->first = heap_take((words + 1) * sizeof(*x->first));
    for (uint32_t i = 0; i < x->count; i++) {
        const struct pattern_element *e = &x->patterns[i].elements[rarest(x, &x->patterns[i])];

        for (uint32_t way = 0; way < e->count; way++)
            x->first[first_word(e, way) + 1]++;
    }
    for (uint32_t w = 0; w < words; w++)
        x->first[w + 1] += x->first[w];
    x->entries = heap_take((x->first[words] + 1) * sizeof(*x->entries));
    at = heap_take((words + 1) * sizeof(*at));
    memcpy(at, x->first, (words + 1) * sizeof(*at));
    for (uint32_t i = 0; i < x->count; i++) {
        uint32_t k = rarest(x, &x->patterns[i]);
        const struct pattern_element *e = &x->patterns[i].elements[k];

        for (uint32_t way = 0; way < e->count; way++)
            x->entries[at[first_word(e, way)]++] = (struct index_entry){i, k};
    }
    free(at);
}

void
index_init(struct index *x, const struct catalogue *c, catalogue_mistake_fn *fn, void *ctx)
{
    *x = (struct index){.fn = fn, .ctx = ctx};
    x->arena = arena_new("patterns", PATTERNS_MEMORY_MAX);
    vocabulary_init(&x->vocabulary);
    words_init(&x->scratch, x->arena);
    add_reasons(x, c);
    add_providers(x, c);
    add_phases(x);
    count_words(x);
    vocabulary_finish(&x->vocabulary);
    file(x);
}

void
index_clear(struct index *x)
{
    free(x->patterns);
    free(x->entries);
    free(x->first);
    vocabulary_clear(&x->vocabulary);
    arena_free(x->arena);
}

void
reader_init(struct reader *r, const struct index *x, struct arena *a)
{
    *r = (struct reader){.index = x, .arena = a};
    words_init(&r->words, a);
    r->seen = arena_take(a, (x->count / 64 + 1) * sizeof(*r->seen));
}

static void
add_match(struct reader *r, const struct pattern *p, size_t first, size_t last)
{
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : FIRST_MATCHES;
        struct match *more = arena_take(r->arena, room * sizeof(*more));

        if (!more) {
            r->truncated = true;
            return;
        }
        if (r->count)
            memcpy(more, r->matches, r->count * sizeof(*more));
        r->matches = more;
        r->room = room;
    }
    r->seen[p->number / 64] |= 1ull << p->number % 64;
    r->matches[r->count++] = (struct match){
        .pattern = p,
        .at = r->words.of[first].at,
        .end = r->words.of[last].end,
        .weight = pattern_weight(p, &r->index->vocabulary, r->found, first, last),
    };
}

/* Do all words stand in one paragraph? What a blank line parts does not belong together. */
static bool
is_together(const struct words *w, size_t first, size_t last)
{
    for (size_t i = first + 1; i <= last; i++)
        if (w->of[i].is_first)
            return false;
    return true;
}

/* The patterns filed under `word`, which the text has at its word i. */
static void
look(struct reader *r, uint32_t word, size_t i)
{
    const struct index *x = r->index;

    for (uint32_t n = x->first[word]; n < x->first[word + 1]; n++) {
        const struct pattern *p = &x->patterns[x->entries[n].pattern];
        size_t first, last;

        if (!(r->seen[p->number / 64] >> p->number % 64 & 1) &&
            pattern_match(p, x->entries[n].element, &x->vocabulary, r->found, r->words.count, i,
                          &first, &last) &&
            is_together(&r->words, first, last))
            add_match(r, p, first, last);
    }
}

static bool
look_up(struct reader *r)
{
    if (r->words.count > r->found_room) {
        r->found = arena_take(r->arena, r->words.room * sizeof(*r->found));
        r->found_room = r->found ? r->words.room : 0;
    }
    if (!r->seen || r->words.count > r->found_room)
        return false;
    for (size_t i = 0; i < r->words.count; i++)
        r->found[i] = vocabulary_find(&r->index->vocabulary, words_at(&r->words, i));
    return true;
}

void
reader_read(struct reader *r, struct slice text)
{
    const struct vocabulary *v = &r->index->vocabulary;

    for (size_t i = 0; i < r->count; i++)
        r->seen[r->matches[i].pattern->number / 64] = 0;
    r->count = 0;
    words_read(&r->words, text);
    r->truncated = !look_up(r) || r->words.truncated || r->truncated;
    for (size_t i = 0; i < r->words.count && i < r->found_room; i++) {
        if (r->found[i].word)
            look(r, r->found[i].word, i);
        for (uint32_t prefix = r->found[i].prefix; prefix; prefix = v->of[prefix].shorter)
            look(r, prefix, i);
    }
}
