/* All words come from the catalogue, so that a language is a matter of its files alone. */
#include "explained.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "out.h"

enum {
    TOLD_MOST = 20,       /* recipients named one by one where many share an explanation */
    DIFFERENT_MOST = 100, /* explanations of one input; all of them are in the JSON */
    KEY_MAX = 64,
};

static struct slice
word_of(const struct telling *t, const char *group, const char *name)
{
    char key[KEY_MAX];

    snprintf(key, sizeof(key), "%s.%s", group, name);
    return catalogue_word(t->catalogue, slice_of(key), t->language);
}

static struct slice
text_of(const struct telling *t, const struct explained *x, enum catalogue_text which)
{
    return catalogue_text(t->catalogue, x->reason, which, t->language);
}

/* ---- for scripts ---- */

static json_t *
string_or_null(struct slice s)
{
    return s.len ? out_string(s) : json_null();
}

static json_t *
code_or_null(uint16_t code)
{
    return code ? json_integer(code) : json_null();
}

static struct slice
remote_of(const struct explained *x)
{
    return x->remote.len || !x->provider ? x->remote : x->provider->id;
}

/* A code alone says no reason, but whether a later try is worth while. */
static const char *
retry_of(const struct explained *x)
{
    bool says_little = x->basis == EXPLAIN_BY_BASIC_CODE && !x->permanent;

    return catalogue_retry_words[says_little ? CATALOGUE_RETRY_soon : x->reason->retry];
}

static json_t *
recipient_json(const struct telling *t, const struct explained *x)
{
    const struct catalogue_reason *r = x->reason;

    return json_pack(
        "{s:o, s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:f, s:b, s:o, "
        "s:o, "
        "s:s, s:o}",
        "recipient", string_or_null(x->recipient), "reason", out_string(r->id), "bounce_class",
        catalogue_class_words[r->class], "hard", x->hard, "permanent", x->permanent, "status",
        string_or_null(x->status), "code", code_or_null(x->codes.basic), "reply",
        string_or_null(x->reply), "who", catalogue_who_words[r->who], "retry", retry_of(x),
        "summary", out_string(text_of(t, x, CATALOGUE_summary)), "what",
        out_string(text_of(t, x, CATALOGUE_what)), "advice", out_string(text_of(t, x, t->advice)),
        "evidence", string_or_null(x->evidence), "confidence", x->confidence, "contradicts",
        x->contradicts, "remote", string_or_null(remote_of(x)), "provider",
        x->provider ? out_string(x->provider->name) : json_null(), "phase",
        explain_phase_words[x->phase], "reference", string_or_null(x->reference));
}

void
explained_print_json(const struct telling *t, const struct explain_answer *a)
{
    json_t *recipients = json_array();

    for (size_t i = 0; i < a->count; i++)
        json_array_append_new(recipients, recipient_json(t, &a->of[i]));
    out_json(json_pack("{s:s, s:o, s:b}", "kind", explain_kind_words[a->kind], "recipients",
                       recipients, "truncated", a->truncated));
}

/* ---- for people ---- */

static void
print_slice(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        putchar(s.at[i] < ' ' || s.at[i] == 0x7f ? '?' : s.at[i]);
}

static void
print_label(struct slice label)
{
    printf("  ");
    print_slice(label);
    printf("\n");
}

/* A heading and what stands under it; nothing where there is nothing. */
static void
print_section(const struct telling *t, const char *label, struct slice text)
{
    if (text.len == 0)
        return;
    print_label(word_of(t, "label", label));
    out_paragraph(4, text);
}

/* A contradiction's sentence, with the two summaries for its two "{}". */
static void
print_contradiction(const struct telling *t, const struct explained *x)
{
    struct slice rest = catalogue_word(t->catalogue, SLICE("contradiction"), t->language), part;
    struct slice said[] = {catalogue_text(t->catalogue, x->meant, CATALOGUE_summary, t->language),
                           text_of(t, x, CATALOGUE_summary)};
    uint8_t room[1024];
    struct buf line = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    for (size_t i = 0; i <= COUNT(said); i++) {
        bool more = slice_cut(&rest, '{', &part);

        buf_put(&line, part);
        if (more && i < COUNT(said))
            buf_put(&line, said[i]);
        slice_take_prefix(&rest, SLICE("}"));
    }
    out_paragraph(4, buf_slice(&line));
}

static void
print_meaning(const struct telling *t, const char *kind, const char *name)
{
    struct slice means =
        catalogue_code_means(t->catalogue, slice_of(kind), slice_of(name), t->language);
    uint8_t room[1024];
    struct buf line = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    if (means.len == 0)
        return;
    buf_put_format(&line, "- %s: ", name);
    buf_put(&line, slice_head(means, buf_space(&line)));
    out_paragraph(4, buf_slice(&line));
}

/* Requirement E1: each digit by itself, then the whole. */
static void
print_codes(const struct telling *t, const struct explained *x)
{
    char name[EXPLAIN_NAME_SIZE];

    if (x->codes.basic)
        print_label(word_of(t, "label", "code"));
    for (unsigned i = 0; x->codes.basic && i < 3; i++)
        if (explain_basic_name(x->codes.basic, i, name))
            print_meaning(t, "code", name);
    if (x->codes.enhanced[0])
        print_label(word_of(t, "label", "status"));
    for (unsigned i = 0; x->codes.enhanced[0] && i < 3; i++)
        if (explain_enhanced_name(x->codes.enhanced, i, name))
            print_meaning(t, "status", name);
}

static void
print_evidence(const struct telling *t, const struct explained *x)
{
    uint8_t room[1024];
    struct buf line = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct slice confidence = word_of(t, "label", "confidence");

    if (x->evidence.len) {
        buf_put_string(&line, "\"");
        buf_put(&line, slice_head(x->evidence, sizeof(room) / 2));
        buf_put_string(&line, "\" ");
    }
    buf_put_format(&line, "(%.*s: %.0f %%)", (int)confidence.len, (const char *)confidence.at,
                   x->confidence * 100);
    print_section(t, "evidence", buf_slice(&line));
    if (x->contradicts)
        print_contradiction(t, x);
}

static void
print_remote(const struct telling *t, const struct explained *x)
{
    struct slice phase = word_of(t, "phase", explain_phase_words[x->phase]), who = remote_of(x);
    uint8_t room[1024];
    struct buf line = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    if (who.len == 0)
        return;
    buf_put(&line, slice_head(who, sizeof(room) / 2));
    if (x->provider && x->remote.len)
        buf_put_format(&line, " (%.*s)", (int)x->provider->name.len,
                       (const char *)x->provider->name.at);
    if (phase.len)
        buf_put_format(&line, ", %.*s", (int)phase.len, (const char *)phase.at);
    print_section(t, "remote", buf_slice(&line));
}

static void
print_explanation(const struct telling *t, enum explain_kind kind, const struct explained *x)
{
    static const char *const lasts[] = {"temporary", "permanent"};
    bool failed = x->reason->class != CATALOGUE_CLASS_delivered;
    struct slice summary = text_of(t, x, CATALOGUE_summary),
                 how = word_of(t, "lasts", lasts[x->permanent]);

    print_slice(summary);
    printf("\n  [");
    print_slice(x->reason->id);
    printf("]");
    if (failed && x->basis != EXPLAIN_BY_NOTHING) {
        printf(" ");
        print_slice(how);
    }
    printf("\n");
    print_section(t, "what", text_of(t, x, CATALOGUE_what));
    print_section(t, "causes", text_of(t, x, CATALOGUE_causes));
    print_section(t, "todo", text_of(t, x, t->advice));
    print_section(t, "fixed", text_of(t, x, CATALOGUE_fixed));
    if (failed) {
        print_section(t, "who", word_of(t, "who", catalogue_who_words[x->reason->who]));
        print_section(t, "retry", word_of(t, "retry", retry_of(x)));
    }
    print_evidence(t, x);
    if (kind != EXPLAIN_code)
        print_section(t, "reply", x->reply);
    print_remote(t, x);
    print_codes(t, x);
}

static bool
are_alike(const struct explained *a, const struct explained *b)
{
    return a->reason == b->reason && a->permanent == b->permanent &&
           a->codes.basic == b->codes.basic && slice_eq(a->status, b->status) &&
           slice_eq(a->evidence, b->evidence);
}

/* Who shares the explanation of the one at `first`: addresses, a line each. */
static void
print_recipients(const struct explain_answer *a, size_t first, bool *told)
{
    size_t count = 0;

    for (size_t i = first; i < a->count; i++) {
        if (!are_alike(&a->of[first], &a->of[i]))
            continue;
        told[i] = true;
        if (a->of[i].recipient.len == 0 || count++ >= TOLD_MOST)
            continue;
        print_slice(a->of[i].recipient);
        printf("\n");
    }
    if (count > TOLD_MOST)
        printf("... + %zu\n", count - TOLD_MOST);
}

void
explained_print(const struct telling *t, const struct explain_answer *a)
{
    bool *told = heap_take(a->count + 1);
    size_t different = 0;

    for (size_t i = 0; i < a->count && different < DIFFERENT_MOST; i++) {
        if (told[i])
            continue;
        printf(different++ ? "\n" : "");
        print_recipients(a, i, told);
        print_explanation(t, a->kind, &a->of[i]);
    }
    if (different == DIFFERENT_MOST)
        NOTE(explained_most);
    free(told);
}
