/* What only shows in the catalogue as a whole: texts that are missing, too long or too technical,
 * two that claim the same, codes that nobody registered. */
#include <stdio.h>

#include "reason/catalogue_private.h"
#include "reason/registry.h"

enum { PLAIN, TECHNICAL };

static const struct {
    size_t words; /* 0: any number */
    int jargon;
} texts[CATALOGUE_TEXTS] = {
#define TEXT(key, words, jargon) {words, jargon},
#include "reason/text.def"
#undef TEXT
};

struct checker {
    const struct catalogue *c;
    struct slice languages, registry;
    struct catalogue_teller teller;
    struct map seen; /* codes, or names of replies: a struct claim of each */
    struct arena *arena;
};

struct claim {
    struct slice what, id;
};

static void
complain(struct checker *k, struct slice file, uint32_t line, const char *text, struct slice first,
         struct slice second)
{
    catalogue_tell(&k->teller, (struct catalogue_place){file, line}, text, first, second,
                   SLICE(""));
}

/* Two reasons, or one twice, must not claim the same code or reply. */
static void
claim(struct checker *k, const struct catalogue_reason *r, struct slice what, struct slice file,
      uint32_t line)
{
    uint64_t key = map_hash(0, what);
    struct claim *before = map_get(&k->seen, key), *mine;

    if (before && slice_eq(before->what, what)) {
        complain(k, file, line, "{} is claimed by [{}], too", what, before->id);
    } else if (!before && (mine = arena_take(k->arena, sizeof(*mine)))) {
        *mine = (struct claim){what, r->id};
        map_put(&k->seen, key, mine);
    }
}

/* ---- facts ---- */

static void
check_given(struct checker *k, const struct catalogue_reason *r, const char *key,
            const struct catalogue_place *at)
{
    if (at->line == 0)
        complain(k, r->file, r->line, "[{}] has no '{}'", r->id, slice_of(key));
}

static void
check_code(struct checker *k, const struct catalogue_reason *r, const struct catalogue_code *code)
{
    struct slice basic;

    claim(k, r, code->code, code->file, code->line);
    if (k->registry.len && !registry_find(k->registry, code->code, &basic))
        complain(k, code->file, code->line, "{} is not in the registry of enhanced codes",
                 code->code, SLICE(""));
}

static void
check_reply(struct checker *k, const struct catalogue_reason *r,
            const struct catalogue_reply *reply)
{
    struct slice basic;

    claim(k, r, reply->name, reply->file, reply->line);
    if (reply->detail.len == 0 || reply->detail.at[0] == '[')
        return;
    if (reply->detail.at[0] != reply->code.at[0])
        complain(k, reply->file, reply->line, "{} is of another class than {}", reply->detail,
                 reply->code);
    if (k->registry.len == 0)
        return;
    if (!registry_find(k->registry, reply->detail, &basic))
        complain(k, reply->file, reply->line, "{} is not in the registry of enhanced codes",
                 reply->detail, SLICE(""));
    else if (!registry_goes_with(basic, reply->code, reply->detail))
        complain(k, reply->file, reply->line, "{} is not registered for {}", reply->detail,
                 reply->code);
}

/* ---- texts ---- */

static bool
may_lack(const struct catalogue_reason *r, enum catalogue_text which)
{
    return r->class == CATALOGUE_CLASS_delivered && which != CATALOGUE_summary &&
           which != CATALOGUE_what;
}

static void
check_texts(struct checker *k, const struct catalogue_reason *r)
{
    for (enum catalogue_text t = 0; t < CATALOGUE_TEXTS; t++) {
        struct slice rest = k->languages, language, key = slice_of(catalogue_text_words[t]);

        while (!may_lack(r, t) && catalogue_cut_word(&rest, &language)) {
            char section[2 * CATALOGUE_NAME_MAX];

            snprintf(section, sizeof(section), "%.*s %.*s", (int)r->id.len, (const char *)r->id.at,
                     (int)language.len, (const char *)language.at);
            if (!catalogue_note(k->c, r->id, key, language))
                complain(k, r->file, r->line, "there is no '{}' in [{}]", key, slice_of(section));
        }
    }
}

static size_t
count_words(struct slice text)
{
    struct slice line, word;
    size_t count = 0;
    bool more = true;

    while (more) {
        more = slice_cut(&text, '\n', &line);
        while (catalogue_cut_word(&line, &word))
            count += !slice_eq(word, SLICE("-"));
    }
    return count;
}

/* The first run of letters and digits at or after *text's front; *text goes on behind it. Octets
 * beyond ASCII are letters. */
static bool
cut_bare_word(struct slice *text, struct slice *word)
{
    size_t from = 0, to;

    while (from < text->len && !ascii_is_alnum(text->at[from]) && text->at[from] < 0x80)
        from++;
    for (to = from; to < text->len && (ascii_is_alnum(text->at[to]) || text->at[to] >= 0x80);)
        to++;
    *word = slice_head(slice_tail(*text, from), to - from);
    *text = slice_tail(*text, to);
    return word->len > 0;
}

static void
check_jargon(struct checker *k, const struct catalogue_note *n)
{
    const struct catalogue_note *list =
        catalogue_note(k->c, SLICE("words"), SLICE("jargon"), n->language);
    struct slice text = n->text, word, terms, term;

    while (list && cut_bare_word(&text, &word))
        for (terms = list->text; cut_bare_word(&terms, &term);)
            if (slice_eq_nocase(word, term))
                complain(k, n->file, n->line, "'{}' is no word for '{}', which everybody reads",
                         word, n->key);
}

static void
check_text(struct checker *k, const struct catalogue_note *n)
{
    char digits[16];

    if (!catalogue_find(k->c, n->subject))
        complain(k, n->file, n->line, "'{}' of a reason that there is not: [{}]", n->key,
                 n->subject);
    for (enum catalogue_text t = 0; t < CATALOGUE_TEXTS; t++) {
        if (!slice_eq(n->key, slice_of(catalogue_text_words[t])))
            continue;
        snprintf(digits, sizeof(digits), "%zu", texts[t].words);
        if (texts[t].words && count_words(n->text) > texts[t].words)
            complain(k, n->file, n->line, "'{}' has more than {} words", n->key, slice_of(digits));
        if (texts[t].jargon == PLAIN)
            check_jargon(k, n);
    }
}

static bool
has_word(struct slice words, struct slice word)
{
    struct slice one;

    while (catalogue_cut_word(&words, &one))
        if (slice_eq(one, word))
            return true;
    return false;
}

/* What a code means, and the words of the answers: all of them in every language. */
static void
check_translated(struct checker *k, const struct catalogue_note *n)
{
    struct slice rest = k->languages, language;

    if (slice_eq(n->key, SLICE("jargon")) || !has_word(k->languages, n->language))
        return;
    while (catalogue_cut_word(&rest, &language))
        if (!catalogue_note(k->c, n->subject, n->key, language))
            complain(k, n->file, n->line, "'{}' is not there in '{}'", n->key, language);
}

static void
check_reason(struct checker *k, const struct catalogue_reason *r)
{
    check_given(k, r, "class", &r->class_at);
    if (r->class != CATALOGUE_CLASS_delivered) {
        check_given(k, r, "who", &r->who_at);
        check_given(k, r, "retry", &r->retry_at);
    }
    check_texts(k, r);
    for (const struct catalogue_code *code = r->codes; code; code = code->next)
        check_code(k, r, code);
    for (const struct catalogue_reply *reply = r->replies; reply; reply = reply->next)
        check_reply(k, r, reply);
}

static void
check_conflict(struct checker *k, const struct catalogue_conflict *c)
{
    char room[CATALOGUE_LINE_MAX];

    snprintf(room, sizeof(room), "%.*s:%u", (int)c->first.file.len, (const char *)c->first.file.at,
             c->first.line);
    complain(k, c->then.file, c->then.line, "another '{}' was given in {}", slice_of(c->key),
             slice_of(room));
}

bool
catalogue_check(const struct catalogue *c, struct slice languages, struct slice registry,
                catalogue_mistake_fn *fn, void *ctx)
{
    struct checker k = {c, languages, registry, {fn, ctx, 0}, {0}, NULL};

    k.arena = arena_new("catalogue check", CATALOGUE_MEMORY_MAX);
    for (size_t i = 0; i < catalogue_reasons(c); i++)
        check_reason(&k, catalogue_reason_at(c, i));
    for (const struct catalogue_note *n = c->first_note; n; n = n->next)
        if (catalogue_is_reserved(n->subject))
            check_translated(&k, n);
        else
            check_text(&k, n);
    for (const struct catalogue_conflict *x = c->conflicts; x; x = x->next)
        check_conflict(&k, x);
    map_clear(&k.seen);
    arena_free(k.arena);
    return k.teller.mistakes == 0;
}
