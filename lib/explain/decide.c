/* The verdict on one recipient. Text weighs more than codes, as the codes of many systems say
 * little or lie; of several texts the remote server's own words are read first, then what was
 * written about this recipient, then what was written about all. */
#include <stdio.h>

#include "explain/explain_private.h"
#include "reason/reason.h"

/* What the patterns met in one text come to. */
struct verdict {
    const struct catalogue_reason *reason; /* or NULL */
    struct slice evidence;
    float weight;
};

static bool
is_late(const struct explain *e, const struct catalogue_reason *r)
{
    return r == e->known[KNOWN_expired] || r == e->known[KNOWN_delayed];
}

/* What the enhanced code alone means; NULL where no reason claims it. */
static const struct catalogue_reason *
reason_of_code(const struct explain *e, const uint16_t enhanced[3])
{
    for (size_t i = 0; i < e->code_count; i++) {
        const struct code_row *row = &e->codes[i];

        if (row->subject == enhanced[1] && row->detail == enhanced[2] &&
            (row->class == 0 ? enhanced[0] != 2 : row->class == enhanced[0]) && enhanced[0] != 0)
            return row->reason;
    }
    return NULL;
}

/* Does all hold that says(...) asks for? */
static bool
holds(const struct pattern_narrowing *n, const struct explained *x)
{
    bool code = n->code_count == 0;

    if ((n->provider && n->provider != x->provider) ||
        (n->phase != EXPLAIN_PHASE_none && n->phase != x->phase))
        return false;
    for (uint32_t i = 0; i < n->code_count; i++)
        code = code || codes_match(n->codes[i], &x->codes);
    return code;
}

static void
weigh(struct verdict *v, const struct match *m, struct slice text, float weight)
{
    if (weight <= v->weight)
        return;
    *v = (struct verdict){
        .reason = m->pattern->reason,
        .evidence = slice_make(text.at + m->at, m->end - m->at),
        .weight = weight,
    };
}

/* Can a message that came too late have come too late because of this? Trouble on the way is what
 * being late means; a reason such as a full mailbox is news. */
static bool
is_cause(const struct catalogue_reason *r)
{
    return r->class != CATALOGUE_CLASS_networkerror && r->class != CATALOGUE_CLASS_expired &&
           r->class != CATALOGUE_CLASS_delivered && r->class != CATALOGUE_CLASS_vacation &&
           r->class != CATALOGUE_CLASS_undefined;
}

/* "queue too long" in "this message has been in the queue too long" is no cause of its own. */
static bool
is_part_of_lateness(const struct session *s, const struct match *m)
{
    for (size_t i = 0; i < s->reader.count; i++) {
        const struct match *other = &s->reader.matches[i];

        if (is_late(s->explain, other->pattern->reason) && m->at < other->end && other->at < m->end)
            return true;
    }
    return false;
}

/* The heaviest of what the reader met in text; where it says that time ran out, the cause it gives
 * besides that. */
static struct verdict
heaviest(struct session *s, struct slice text, const struct explained *x)
{
    struct verdict best = {0}, late = {0}, cause = {0};
    const struct catalogue_reason *meant = reason_of_code(s->explain, x->codes.enhanced);

    for (size_t i = 0; i < s->reader.count; i++) {
        const struct match *m = &s->reader.matches[i];
        const struct catalogue_reason *r = m->pattern->reason;
        float weight = m->weight;

        if (!r || !holds(&m->pattern->narrowing, x))
            continue;
        if (r == meant)
            weight *= 1.2f;
        weigh(&best, m, text, weight);
        if (is_late(s->explain, r))
            weigh(&late, m, text, weight);
        else if (is_cause(r) && m->pattern->factor >= 1 && !is_part_of_lateness(s, m))
            weigh(&cause, m, text, weight);
    }
    if (late.reason)
        return cause.reason ? cause : late;
    return best;
}

/* Phase and provider are whatever the patterns of phase.def and providers.txt say, the heaviest
 * first. */
static void
take_circumstances(const struct reader *r, struct explained *x)
{
    float phase = 0, provider = 0;
    bool has_phase = x->phase != EXPLAIN_PHASE_none, has_provider = x->provider != NULL;

    for (size_t i = 0; i < r->count; i++) {
        const struct pattern *p = r->matches[i].pattern;
        float weight = r->matches[i].weight;

        if (!has_phase && p->phase != EXPLAIN_PHASE_none && weight > phase) {
            x->phase = p->phase;
            phase = weight;
        }
        if (!has_provider && p->provider && weight > provider) {
            x->provider = p->provider;
            provider = weight;
        }
    }
}

/* A session's reference: letters and digits; a reply without a session has none. */
static bool
is_reference(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_alnum(text.at[i]))
            return false;
    return text.len <= REASON_REFERENCE_MAX;
}

/* "[no-mailbox 7KQ2M9]" at the end of one of valija's own replies, or a field of one of its
 * notices: nothing needs guessing. */
static bool
read_own_name(struct session *s, const struct finding *f, struct explained *x)
{
    ptrdiff_t begin = slice_find_last(x->reply, '[');
    struct slice inside, reference, id;
    const struct catalogue_reason *r;

    if (f->named) {
        x->reason = f->named;
        x->evidence = f->named->id;
        x->basis = EXPLAIN_BY_NAME;
        return true;
    }
    if (begin < 0 || x->reply.at[x->reply.len - 1] != ']')
        return false;
    inside = slice_make(x->reply.at + begin + 1, x->reply.len - (size_t)begin - 2);
    reference = inside;
    slice_cut(&reference, ' ', &id);
    r = catalogue_find(s->explain->catalogue, id);
    if (!r || !is_reference(reference))
        return false;
    x->reason = r;
    x->reference = reference;
    x->evidence = inside;
    x->basis = EXPLAIN_BY_NAME;
    return true;
}

static bool
is_specific(const uint16_t enhanced[3])
{
    return enhanced[0] && (enhanced[1] || enhanced[2]) && enhanced[2] != 0;
}

/* The codes of the words, and that of the Status field where the words have none that says more, or
 * where valija itself wrote it. */
static void
take_codes(struct session *s, const struct finding *f, struct explained *x)
{
    uint16_t status[3] = {0};
    char text[24];

    x->codes = codes_find(x->reply);
    if (!x->codes.basic && !x->codes.enhanced[0] && !f->named)
        x->codes = codes_find(f->text.len ? f->text : slice_head(f->wider, NOTICE_TEXT_MAX));
    if (codes_parse_enhanced(f->status, status) &&
        (f->named || !x->codes.enhanced[0] ||
         (!is_specific(x->codes.enhanced) && is_specific(status))))
        memcpy(x->codes.enhanced, status, sizeof(status));
    if (x->codes.enhanced[0]) {
        snprintf(text, sizeof(text), "%u.%u.%u", x->codes.enhanced[0], x->codes.enhanced[1],
                 x->codes.enhanced[2]);
        x->status = arena_copy(s->arena, slice_of(text));
    }
}

static void
take_remote(struct session *s, const struct finding *f, struct explained *x)
{
    x->remote = f->remote.len ? f->remote : said_remote(f->text);
    if (x->remote.len == 0)
        x->remote = said_remote(slice_head(f->wider, NOTICE_TEXT_MAX));
    x->provider = provider_of_host(s->explain, x->remote);
    if (!x->provider && x->remote.len == 0)
        x->provider = provider_of_host(s->explain, f->reporter);
}

/* What one text says; phase and provider are noted in x. */
static struct verdict
read_text(struct session *s, struct slice text, struct explained *x)
{
    if (text.len == 0)
        return (struct verdict){0};
    reader_read(&s->reader, text);
    take_circumstances(&s->reader, x);
    return heaviest(s, text, x);
}

/* The nearest text that says something counts; one that says only that time ran out leaves the
 * cause to the next. */
static void
use(struct session *s, const struct verdict *v, struct explained *x)
{
    if (!v->reason || (x->reason && !(is_late(s->explain, x->reason) && is_cause(v->reason))))
        return;
    x->reason = v->reason;
    x->evidence = v->evidence;
    x->basis = EXPLAIN_BY_TEXT;
}

/* The paragraph is read first, as it says when the reply was given and by whom; the reply in it is
 * judged first. */
static void
take_text(struct session *s, const struct finding *f, struct explained *x)
{
    struct verdict near = read_text(s, f->text, x), v = read_text(s, x->reply, x);

    use(s, &v, x);
    use(s, &near, x);
    if (!x->reason || is_late(s->explain, x->reason)) {
        v = read_text(s, slice_head(f->wider, NOTICE_TEXT_MAX), x);
        use(s, &v, x);
    }
}

/* A failure that was only for now, and yet is the last word: time ran out. */
static void
see_lateness(struct session *s, const struct finding *f, struct explained *x)
{
    const struct catalogue_reason *expired = s->explain->known[KNOWN_expired];
    bool for_now =
        x->codes.enhanced[0] == 4 || (!x->codes.enhanced[0] && x->codes.basic / 100 == 4);

    if (s->is_notice && f->action == ACTION_delayed && !is_cause(x->reason))
        x->reason = s->explain->known[KNOWN_delayed];
    else if (s->is_notice && f->action == ACTION_failed && for_now &&
             x->reason->class == CATALOGUE_CLASS_networkerror)
        x->reason = expired;
}

static double
confidence(const struct explained *x, const struct catalogue_reason *meant)
{
    switch (x->basis) {
    case EXPLAIN_BY_NAME:
    case EXPLAIN_BY_FORM:
        return 1;
    case EXPLAIN_BY_TEXT:
        return x->contradicts ? 0.75 : meant ? 0.95 : 0.85;
    case EXPLAIN_BY_ENHANCED_CODE:
        return 0.55;
    case EXPLAIN_BY_BASIC_CODE:
        return 0.3;
    case EXPLAIN_BY_NOTHING:
    default:
        return 0;
    }
}

/* What the codes mean beside the text, or instead of one. */
static void
weigh_codes(struct session *s, struct explained *x)
{
    const struct catalogue_reason *meant = reason_of_code(s->explain, x->codes.enhanced);

    if (!x->reason && meant) {
        x->reason = meant;
        x->basis = EXPLAIN_BY_ENHANCED_CODE;
        x->evidence = x->status;
    } else if (!x->reason) {
        x->reason = s->explain->known[KNOWN_unknown];
        x->basis =
            x->codes.basic || x->codes.enhanced[0] ? EXPLAIN_BY_BASIC_CODE : EXPLAIN_BY_NOTHING;
    } else if (x->basis == EXPLAIN_BY_TEXT && meant && meant->class != x->reason->class) {
        x->contradicts = true;
        x->meant = meant;
    }
    x->confidence = confidence(x, meant);
}

static bool
is_permanent(const struct session *s, const struct finding *f, const struct explained *x)
{
    enum catalogue_class class = x->reason->class;

    if (class == CATALOGUE_CLASS_delivered || class == CATALOGUE_CLASS_vacation ||
        class == CATALOGUE_CLASS_feedback)
        return false;
    if (f->action != ACTION_none)
        return f->action == ACTION_failed;
    if (s->is_notice)
        return x->reason != s->explain->known[KNOWN_delayed];
    if (x->codes.basic)
        return x->codes.basic / 100 == 5;
    if (x->codes.enhanced[0])
        return x->codes.enhanced[0] == 5;
    return x->reason->retry == CATALOGUE_RETRY_no && x->basis != EXPLAIN_BY_NOTHING;
}

static bool
is_hard(const struct explained *x)
{
    switch ((int)x->reason->class) {
    case CATALOGUE_CLASS_userunknown:
    case CATALOGUE_CLASS_hostunknown:
    case CATALOGUE_CLASS_hasmoved:
        return true;
    case CATALOGUE_CLASS_notaccept:
        return x->permanent && x->codes.enhanced[0] != 4;
    default:
        return false;
    }
}

/* The remote server's words where they can be told from those about them, else the first paragraph
 * of what there is. */
static struct slice
find_reply(const struct finding *f, struct arena *a)
{
    struct slice words = f->reply.len ? f->reply : f->text, rest = words, reply;
    struct explain_codes codes;

    if (f->named)
        return reply_join(f->reply, a);
    if (codes_take(&rest, &codes) && codes.basic)
        return reply_join(words, a); /* what it quotes is its own affair */
    reply = said_reply(words.len ? words : slice_head(f->wider, NOTICE_TEXT_MAX));
    return reply_join(reply.len ? reply : text_paragraph(words), a);
}

void
decide(struct session *s, const struct finding *f, struct explained *x)
{
    *x = (struct explained){
        .recipient = f->recipient,
        .phase = f->phase,
        .reference = f->reference,
        .reply = find_reply(f, s->arena),
    };
    take_codes(s, f, x);
    take_remote(s, f, x);
    if (f->form) {
        x->reason = f->form;
        x->basis = EXPLAIN_BY_FORM;
    } else if (!read_own_name(s, f, x)) {
        take_text(s, f, x);
    }
    weigh_codes(s, x);
    if (x->basis < EXPLAIN_BY_FORM)
        see_lateness(s, f, x);
    x->permanent = is_permanent(s, f, x);
    x->hard = is_hard(x);
}
