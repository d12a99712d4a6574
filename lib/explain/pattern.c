/* pattern = element *( SP element )
 * element = "*" / ( way *( "|" way ) [ "?" ] )
 * way     = word [ "*" ]
 * A word with punctuation in it is several ("isn't"), in the pattern as in the text.
 *
 * Matching walks from the element that was met towards both ends with the set of places that can be
 * reached, a bit each: gaps and words that may be missing cost no backtracking. */
#include "explain/pattern.h"

#include "explain/codes.h"

enum { UNMISTAKABLE = 10, PREFIX_LETTERS = 3 };

static const float GAP_FACTOR = 0.95f; /* words in a row say a little more than words apart */

static bool
is_foreign(struct slice word)
{
    return vocabulary_letters(word) < word.len;
}

/* How many pieces slice_cut makes of it. */
static size_t
pieces(struct slice text, uint8_t separator)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == separator;
    return n;
}

static const char *
compile_way(struct pattern_way *way, struct slice text, struct vocabulary *v, struct words *scratch,
            struct arena *a)
{
    bool is_prefix = text.len > 1 && text.at[text.len - 1] == '*';

    text.len -= is_prefix;
    if (slice_find(text, '*') >= 0 || slice_find(text, '?') >= 0)
        return "a sign stands where it means nothing";
    words_read(scratch, text);
    if (scratch->count == 0)
        return "an empty word";
    way->words = arena_take(a, scratch->count * sizeof(*way->words));
    if (!way->words)
        return "too many patterns";
    for (size_t i = 0; i < scratch->count; i++) {
        struct slice word = arena_copy(a, words_at(scratch, i));
        bool last = is_prefix && i + 1 == scratch->count;

        if (!word.at)
            return "too many patterns";
        if (last && (vocabulary_letters(word) < PREFIX_LETTERS || word.len > VOCABULARY_PREFIX_MAX))
            return "a beginning such as exceed* has three letters at least";
        way->words[way->count++] = vocabulary_add(v, word, last);
    }
    return NULL;
}

/* "550", "5.7.1"; other numbers may be words. */
static bool
is_code(struct slice text)
{
    uint16_t enhanced[3];
    uint64_t number;

    return codes_parse_enhanced(text, enhanced) ||
           (text.len == 3 && slice_to_u64(text, &number) && number >= 400 && number < 560);
}

static const char *
compile_element(struct pattern_element *e, struct slice text, struct vocabulary *v,
                struct words *scratch, struct arena *a)
{
    bool more = true;
    struct slice way;

    if (slice_eq(text, SLICE("*")))
        return NULL; /* a gap */
    if (is_code(text))
        return "a code belongs into says(...), not into the words";
    e->optional = text.at[text.len - 1] == '?';
    text.len -= e->optional;
    if (pieces(text, '|') > PATTERN_WAYS_MAX)
        return "too many words to choose from";
    e->ways = arena_take(a, pieces(text, '|') * sizeof(*e->ways));
    if (!e->ways)
        return "too many patterns";
    while (more) {
        const char *wrong;

        more = slice_cut(&text, '|', &way);
        wrong = compile_way(&e->ways[e->count++], way, v, scratch, a);
        if (wrong)
            return wrong;
    }
    return NULL;
}

static size_t
longest(const struct pattern_element *e)
{
    size_t most = e->count ? 0 : PATTERN_GAP;

    for (size_t i = 0; i < e->count; i++)
        most = e->ways[i].count > most ? e->ways[i].count : most;
    return most;
}

/* Enough words to mean something, few enough to be matched. */
static const char *
check(const struct pattern *p, const struct vocabulary *v)
{
    size_t span = 0, certain = 0;
    bool unmistakable = false;

    for (size_t i = 0; i < p->count; i++) {
        const struct pattern_element *e = &p->elements[i];

        span += longest(e);
        if (!e->count || e->optional)
            continue;
        certain += e->ways[0].count;
        unmistakable = true;
        for (size_t k = 0; k < e->count; k++) {
            struct slice word = v->of[e->ways[k].words[0]].word;

            unmistakable =
                unmistakable && (vocabulary_letters(word) >= UNMISTAKABLE || is_foreign(word));
        }
    }
    if (span > PATTERN_SPAN_MAX)
        return "too long";
    if (certain == 0)
        return "no word that must be there";
    return certain == 1 && !unmistakable && p->reason ? "one short word alone means too much"
                                                      : NULL;
}

const char *
pattern_compile(struct pattern *p, struct slice text, struct vocabulary *v, struct words *scratch,
                struct arena *a)
{
    struct slice word;
    bool more = true;

    if (pieces(text, ' ') > PATTERN_ELEMENTS_MAX)
        return "too long";
    p->elements = arena_take(a, pieces(text, ' ') * sizeof(*p->elements));
    if (!p->elements)
        return "too many patterns";
    while (more) {
        const char *wrong;

        more = slice_cut(&text, ' ', &word);
        if (word.len == 0)
            continue;
        wrong = compile_element(&p->elements[p->count++], word, v, scratch, a);
        if (wrong)
            return wrong;
        p->has_gap = p->has_gap || p->elements[p->count - 1].count == 0;
    }
    return check(p, v);
}

static bool
parse_phase(struct slice text, enum explain_phase *phase)
{
    for (int i = EXPLAIN_PHASE_none + 1; i < EXPLAIN_PHASES; i++) {
        if (slice_eq(text, slice_of(explain_phase_words[i]))) {
            *phase = (enum explain_phase)i;
            return true;
        }
    }
    return false;
}

/* Whoever knows more about the circumstances is to be believed more. */
static float
factor_of(const struct pattern_narrowing *n)
{
    return (n->provider ? 1.3f : 1) * (n->code_count ? 1.2f : 1) *
           (n->phase != EXPLAIN_PHASE_none ? 1.2f : 1) * (n->boilerplate ? 0.3f : 1);
}

const char *
pattern_narrow(struct pattern *p, struct slice narrowed, const struct catalogue *c)
{
    struct pattern_narrowing *n = &p->narrowing;
    bool more = narrowed.len > 0;

    p->factor = 1;
    while (more) {
        struct slice word;

        more = slice_cut(&narrowed, ',', &word);
        word = slice_trim(word);
        if (slice_take_prefix(&word, SLICE("after "))) {
            if (!parse_phase(slice_trim(word), &n->phase))
                return "no such moment of the dialogue";
        } else if (slice_eq(word, SLICE("boilerplate"))) {
            n->boilerplate = true;
        } else if (codes_is_mask(word)) {
            if (n->code_count == PATTERN_CODES_MAX)
                return "too many codes";
            n->codes[n->code_count++] = word;
        } else {
            n->provider = catalogue_provider_find(c, word);
            if (!n->provider)
                return "neither a code nor a provider of providers.txt";
        }
    }
    p->factor = factor_of(n);
    return NULL;
}

/* The words of a text seen from one place, towards its end or towards its beginning. */
struct view {
    const struct vocabulary *v;
    const struct vocabulary_found *found;
    size_t at, count;
    bool back;
};

static bool
is_word(const struct view *view, size_t distance, uint32_t wanted)
{
    const struct vocabulary_found *f =
        &view->found[view->back ? view->at - 1 - distance : view->at + distance];

    if (!view->v->of[wanted].is_prefix)
        return f->word == wanted;
    for (uint32_t prefix = f->prefix; prefix; prefix = view->v->of[prefix].shorter)
        if (prefix == wanted)
            return true;
    return false;
}

static bool
is_way(const struct view *view, const struct pattern_way *way, size_t distance)
{
    size_t room = view->back ? view->at : view->count - view->at;

    if (distance + way->count > room)
        return false;
    for (uint32_t i = 0; i < way->count; i++)
        if (!is_word(view, distance + i, way->words[view->back ? way->count - 1 - i : i]))
            return false;
    return true;
}

/* The places after the element, from the places before it. */
static uint64_t
pass(const struct view *view, const struct pattern_element *e, uint64_t reach)
{
    uint64_t next = e->optional ? reach : 0;

    if (e->count == 0) {
        for (int i = 0; i < PATTERN_GAP; i++)
            reach |= reach << 1;
        return reach;
    }
    for (uint64_t left = reach; left; left &= left - 1) {
        unsigned distance = (unsigned)__builtin_ctzll(left);

        for (uint32_t i = 0; i < e->count; i++)
            if (distance + e->ways[i].count <= PATTERN_SPAN_MAX &&
                is_way(view, &e->ways[i], distance))
                next |= 1ull << (distance + e->ways[i].count);
    }
    return next;
}

bool
pattern_match(const struct pattern *p, uint32_t k, const struct vocabulary *v,
              const struct vocabulary_found *found, size_t count, size_t at, size_t *first,
              size_t *last)
{
    struct view ahead = {v, found, at, count, false}, back = {v, found, at, count, true};
    uint64_t after = 1, before = 1;

    for (uint32_t i = k; i < p->count && after; i++)
        after = pass(&ahead, &p->elements[i], after);
    for (uint32_t i = k; i > 0 && before && after; i--)
        before = pass(&back, &p->elements[i - 1], before);
    if (!after || !before)
        return false;
    *first = at - (size_t)__builtin_ctzll(before);
    *last = at + (size_t)__builtin_ctzll(after) - 1;
    return true;
}

/* Is the word one that p asks for somewhere, rather than one in a gap? */
static bool
asks_for(const struct pattern *p, const struct vocabulary *v, const struct vocabulary_found *found)
{
    const struct view view = {v, found, 0, 1, false};

    for (uint32_t i = 0; i < p->count; i++)
        for (uint32_t k = 0; k < p->elements[i].count; k++)
            for (uint32_t n = 0; n < p->elements[i].ways[k].count; n++)
                if (is_word(&view, 0, p->elements[i].ways[k].words[n]))
                    return true;
    return false;
}

float
pattern_weight(const struct pattern *p, const struct vocabulary *v,
               const struct vocabulary_found *found, size_t first, size_t last)
{
    float weight = 0;

    for (size_t i = first; i <= last; i++)
        if (!p->has_gap || asks_for(p, v, &found[i]))
            weight += v->of[found[i].word ? found[i].word : found[i].prefix].weight;
    return weight * p->factor * (p->has_gap ? GAP_FACTOR : 1);
}
