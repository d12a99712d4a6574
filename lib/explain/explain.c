/* What kind of input is this, and what does it say about whom? The readers are asked from the most
 * to the least particular form; what none of them knows is taken for the words of a reply. */
#include "explain/explain.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "explain/explain_private.h"

const char *const explain_kind_words[EXPLAIN_KINDS] = {
#define KIND(name) #name,
#include "explain/kind.def"
#undef KIND
};

const char *const explain_phase_words[EXPLAIN_PHASES] = {
#define PHASE(name, word) word,
#include "explain/phase.def"
#undef PHASE
};

/* In the place of a known reason that a catalogue lacks. */
static const struct catalogue_reason nameless[KNOWN_COUNT] = {
#define KNOWN(name, word) {.id = {(const uint8_t *)(word), sizeof(word) - 1}},
#include "explain/known.def"
#undef KNOWN
};

static void
prepare_known(struct explain *e)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        e->known[i] = catalogue_find(e->catalogue, nameless[i].id);
        if (!e->known[i])
            e->known[i] = &nameless[i];
    }
}

static void
add_code(struct explain *e, struct slice code, const struct catalogue_reason *r)
{
    struct code_row *row = &e->codes[e->code_count];
    uint16_t enhanced[3];
    uint8_t room[16] = {0};
    bool both = code.len && code.at[0] == 'x';

    if (code.len > sizeof(room))
        return;
    memcpy(room, code.at, code.len);
    room[0] = both ? '5' : room[0];
    if (!codes_parse_enhanced(slice_make(room, code.len), enhanced))
        return; /* the catalogue has told it */
    *row = (struct code_row){both ? 0 : enhanced[0], enhanced[1], enhanced[2], r};
    e->code_count++;
}

static void
prepare_codes(struct explain *e)
{
    size_t n = 0;

    for (size_t i = 0; i < catalogue_reasons(e->catalogue); i++)
        for (const struct catalogue_code *c = catalogue_reason_at(e->catalogue, i)->codes; c;
             c = c->next)
            n++;
    e->codes = heap_take((n + 1) * sizeof(*e->codes));
    for (size_t i = 0; i < catalogue_reasons(e->catalogue); i++) {
        const struct catalogue_reason *r = catalogue_reason_at(e->catalogue, i);

        for (const struct catalogue_code *c = r->codes; c; c = c->next)
            add_code(e, c->code, r);
    }
}

struct explain *
explain_new(const struct catalogue *c, catalogue_mistake_fn *fn, void *ctx)
{
    struct explain *e = heap_take(sizeof(*e));

    e->catalogue = c;
    index_init(&e->index, c, fn, ctx);
    prepare_known(e);
    prepare_codes(e);
    provider_prepare(e);
    return e;
}

void
explain_free(struct explain *e)
{
    if (!e)
        return;
    index_clear(&e->index);
    provider_release(e);
    free(e->codes);
    free(e);
}

/* The id of a reason alone, as it stands in our replies and in `valija trace`. */
static bool
read_id(struct session *s, struct slice input)
{
    const struct catalogue_reason *r;
    struct finding *f;

    while (input.len && (input.at[input.len - 1] == '\n' || input.at[input.len - 1] == '\r'))
        input.len--;
    r = catalogue_find(s->explain->catalogue, slice_trim(input));
    f = r ? findings_get(&s->findings, (struct slice){NULL, 0}) : NULL;
    if (f)
        f->form = r;
    return f != NULL;
}

/* The words of a reply, or what nobody knows. */
static enum explain_kind
read_reply(struct session *s, struct slice input)
{
    struct finding *f = findings_get(&s->findings, (struct slice){NULL, 0});
    struct explain_codes codes;

    if (f)
        f->text = slice_head(input, NOTICE_TEXT_MAX);
    s->findings.truncated |= input.len > NOTICE_TEXT_MAX;
    if (codes_alone(slice_head(input, REPLY_MAX), &codes))
        return EXPLAIN_code;
    return EXPLAIN_reply;
}

static enum explain_kind
read_input(struct session *s, struct slice input)
{
    enum explain_kind kind;

    if (read_id(s, input))
        return EXPLAIN_code;
    if (message_read(s, input, &kind))
        return kind;
    s->is_notice = true;
    if (delivery_read(s, input) || notice_read(s, input))
        return EXPLAIN_bounce;
    s->is_notice = false;
    if (log_read(s, input))
        return EXPLAIN_log;
    if (client_read(s, input))
        return EXPLAIN_client;
    return read_reply(s, input);
}

static void
decide_all(struct session *s, struct explain_answer *answer)
{
    answer->of = arena_take(s->arena, s->findings.count * sizeof(*answer->of));
    if (!answer->of) {
        answer->truncated = true;
        return;
    }
    for (const struct finding *f = s->findings.first; f; f = f->next)
        decide(s, f, &answer->of[answer->count++]);
    answer->truncated = s->findings.truncated || s->reader.truncated;
}

/* Some kinds show in what was understood: words without any code that mean a mail program's error,
 * words that mean nothing, a message that turned out to speak of a failure. */
static enum explain_kind
kind_by_answer(const struct explain_answer *answer)
{
    const struct explained *x = answer->of;

    if (answer->count != 1)
        return answer->kind;
    if (answer->kind == EXPLAIN_reply && x->basis == EXPLAIN_BY_NOTHING)
        return EXPLAIN_unknown;
    if (answer->kind == EXPLAIN_reply && x->codes.basic == 0 && x->codes.enhanced[0] == 0 &&
        slice_starts_nocase(x->reason->id, SLICE("client-")))
        return EXPLAIN_client;
    if (answer->kind == EXPLAIN_unknown && x->basis == EXPLAIN_BY_TEXT)
        return EXPLAIN_bounce;
    return answer->kind;
}

struct explain_answer
explain_input(const struct explain *e, struct slice input, struct arena *a)
{
    struct session s = {.explain = e, .arena = a};
    struct explain_answer answer = {0};

    reader_init(&s.reader, &e->index, a);
    findings_init(&s.findings, a);
    answer.kind = read_input(&s, slice_head(input, EXPLAIN_INPUT_MAX));
    decide_all(&s, &answer);
    findings_clear(&s.findings);
    answer.kind = kind_by_answer(&answer);
    answer.truncated = answer.truncated || input.len > EXPLAIN_INPUT_MAX;
    return answer;
}
