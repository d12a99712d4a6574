/* What is done with a value: one row of key.def, one short function. */
#include <stdio.h>

#include "base/suggest.h"
#include "reason/read.h"

/* Memory of the catalogue; NULL, with reading about to end, where it has no more. */
static void *
take(struct catalogue_reader *r, size_t n)
{
    void *p = arena_take(r->c->arena, n);

    r->full = r->full || !p;
    return p;
}

/* The index of a word in a list; count, and the mistake told, where it is not one of them. */
static size_t
choose(struct catalogue_reader *r, struct slice word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(word, slice_of(words[i])))
            return i;
    catalogue_tell(&r->teller, r->at, "unknown {} '{}'", r->key, word,
                   suggest_name(word, words, count));
    return count;
}

/* Where a fact that is given once was given before: in this file it is a mistake; in another one
 * it is noted where it said otherwise. False: in this file. */
static bool
settle(struct catalogue_reader *r, const char *key, struct catalogue_place *place, bool differs)
{
    struct catalogue_place before = *place;
    struct catalogue_conflict *conflict;
    char digits[16];

    if (before.line && slice_eq(before.file, r->at.file)) {
        snprintf(digits, sizeof(digits), "%u", before.line);
        catalogue_complain(r, "'{}' was given already, in line {}", slice_of(key),
                           slice_of(digits));
        return false;
    }
    *place = r->at;
    if (before.line && differs && (conflict = take(r, sizeof(*conflict)))) {
        *conflict =
            (struct catalogue_conflict){r->reason->reason.id, key, before, r->at, r->c->conflicts};
        r->c->conflicts = conflict;
    }
    return true;
}

static void
take_class(struct catalogue_reader *r, struct slice value)
{
    struct catalogue_reason *reason = &r->reason->reason;
    size_t i = choose(r, value, catalogue_class_words, CATALOGUE_CLASSES);

    if (i < CATALOGUE_CLASSES && settle(r, "class", &reason->class_at, reason->class != i))
        reason->class = (enum catalogue_class)i;
}

static void
take_who(struct catalogue_reader *r, struct slice value)
{
    struct catalogue_reason *reason = &r->reason->reason;
    size_t i = choose(r, value, catalogue_who_words, CATALOGUE_WHOS);

    if (i < CATALOGUE_WHOS && settle(r, "who", &reason->who_at, reason->who != i))
        reason->who = (enum catalogue_who)i;
}

static void
take_retry(struct catalogue_reader *r, struct slice value)
{
    struct catalogue_reason *reason = &r->reason->reason;
    size_t i = choose(r, value, catalogue_retry_words, CATALOGUE_RETRIES);

    if (i < CATALOGUE_RETRIES && settle(r, "retry", &reason->retry_at, reason->retry != i))
        reason->retry = (enum catalogue_retry)i;
}

static bool
reply_name_ok(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((name.at[i] < 'A' || name.at[i] > 'Z') && name.at[i] != '_' &&
            (i == 0 || !ascii_is_digit(name.at[i])))
            return false;
    return name.len > 0 && name.len <= CATALOGUE_NAME_MAX;
}

static bool
reply_code_ok(struct slice code)
{
    if (slice_eq(code, SLICE("+OK")) || slice_eq(code, SLICE("-ERR")))
        return true;
    return code.len == 3 && code.at[0] >= '2' && code.at[0] <= '5' && ascii_is_digit(code.at[1]) &&
           ascii_is_digit(code.at[2]);
}

/* Three numbers of at most three digits; the first is one of `classes`. */
static bool
status_ok(struct slice status, const char *classes)
{
    struct slice part;

    if (!slice_cut(&status, '.', &part) || part.len != 1 || !strchr(classes, part.at[0]))
        return false;
    for (int i = 0; i < 2; i++) {
        bool more = slice_cut(&status, '.', &part);
        uint64_t number;

        if (more != (i == 0) || part.len > 3 || !slice_to_u64(part, &number))
            return false;
    }
    return true;
}

/* For POP3 a response code in brackets (RFC 2449 8). */
static bool
detail_ok(struct slice code, struct slice detail)
{
    if (slice_eq(detail, SLICE("-")))
        return true;
    if (code.len && ascii_is_digit(code.at[0]))
        return status_ok(detail, "245");
    return detail.len > 2 && detail.at[0] == '[' &&
           slice_find(detail, ']') == (ptrdiff_t)detail.len - 1;
}

/* Printable ASCII, short enough, and "{}" once at most, no brace otherwise. */
static bool
reply_text_ok(struct slice text)
{
    ptrdiff_t brace = slice_find(text, '{');

    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    if (brace >= 0 && !slice_eq(slice_head(slice_tail(text, (size_t)brace), 2), SLICE("{}")))
        return false;
    return text.len > 0 && text.len <= CATALOGUE_REPLY_MAX && slice_find_last(text, '{') == brace &&
           slice_find(text, '}') == (brace < 0 ? brace : brace + 1) &&
           slice_find_last(text, '}') == slice_find(text, '}');
}

static void
take_reply(struct catalogue_reader *r, struct slice value)
{
    struct catalogue_reply reply = {.file = r->at.file, .line = r->at.line}, *kept;
    struct slice text = value;

    if (!catalogue_cut_word(&text, &reply.name) || !reply_name_ok(reply.name))
        catalogue_complain(r, "'{}' is no name for a reply: capitals, digits and '_' are",
                           reply.name, SLICE(""));
    else if (!catalogue_cut_word(&text, &reply.code) || !reply_code_ok(reply.code))
        catalogue_complain(r, "'{}' is no reply code: 2yz to 5yz, +OK and -ERR are", reply.code,
                           SLICE(""));
    else if (!catalogue_cut_word(&text, &reply.detail) || !detail_ok(reply.code, reply.detail))
        catalogue_complain(r, "'{}' is neither an enhanced code, nor [A-RESPONSE-CODE], nor '-'",
                           reply.detail, SLICE(""));
    else if (!reply_text_ok(text))
        catalogue_complain(r,
                           "the text of a reply is ASCII, 200 characters at most, and has '{}' "
                           "once at most",
                           SLICE("{}"), SLICE(""));
    else if ((kept = take(r, sizeof(*kept)))) {
        if (slice_eq(reply.detail, SLICE("-")))
            reply.detail.len = 0;
        reply.text = text;
        *kept = reply;
        *r->reason->replies_end = kept;
        r->reason->replies_end = &kept->next;
    }
}

static void
take_code(struct catalogue_reader *r, struct slice value)
{
    struct catalogue_code *code;

    if (!status_ok(value, "245x")) {
        catalogue_complain(r, "'{}' is no enhanced code: 5.1.1, or x.1.1 for 4 and 5", value,
                           SLICE(""));
    } else if ((code = take(r, sizeof(*code)))) {
        *code = (struct catalogue_code){value, r->at.file, r->at.line, NULL};
        *r->reason->codes_end = code;
        r->reason->codes_end = &code->next;
    }
}

static void
add_line(struct catalogue_reader *r, struct catalogue_line ***end, struct slice value)
{
    struct catalogue_line *line = take(r, sizeof(*line));

    if (!line)
        return;
    *line = (struct catalogue_line){value, r->at.file, r->at.line, NULL};
    **end = line;
    *end = &line->next;
}

static void
take_says(struct catalogue_reader *r, struct slice value)
{
    struct catalogue_says *says;

    if (r->section == SECTION_PROVIDER) {
        add_line(r, &r->provider->says_end, value);
    } else if ((says = take(r, sizeof(*says)))) {
        *says = (struct catalogue_says){value, r->narrowed, r->at.file, r->at.line, NULL};
        *r->reason->says_end = says;
        r->reason->says_end = &says->next;
    }
}

static void
take_example(struct catalogue_reader *r, struct slice value)
{
    add_line(r, &r->reason->examples_end, value);
}

static void
take_host(struct catalogue_reader *r, struct slice value)
{
    add_line(r, &r->provider->hosts_end, value);
}

static void
take_name(struct catalogue_reader *r, struct slice value)
{
    r->provider->provider.name = value;
}

static void
put_text(struct catalogue_reader *r, struct slice key, struct slice value)
{
    struct catalogue_note note = {.subject = r->subject,
                                  .key = key,
                                  .language = r->language,
                                  .text = value,
                                  .file = r->at.file,
                                  .line = r->at.line};
    const struct catalogue_note *before = catalogue_note(r->c, r->subject, key, r->language);
    char digits[16];

    if (before && slice_eq(before->file, r->at.file)) {
        snprintf(digits, sizeof(digits), "%u", before->line);
        catalogue_complain(r, "'{}' was given already, in line {}", key, slice_of(digits));
    } else if (!catalogue_put_note(r->c, &note)) {
        r->full = true;
    }
}

static void
take_text(struct catalogue_reader *r, struct slice value)
{
    put_text(r, r->key, value);
}

static void
take_means(struct catalogue_reader *r, struct slice value)
{
    put_text(r, r->name, value);
}

static const struct key {
    const char *name;
    unsigned sections;
    void (*take)(struct catalogue_reader *, struct slice);
} keys[] = {
#define KEY(name, sections, take) {name, sections, take},
#include "reason/key.def"
#undef KEY
#define TEXT(name, words, jargon) {#name, SECTION_TEXT, take_text},
#include "reason/text.def"
#undef TEXT
};

static void
complain_key(struct catalogue_reader *r)
{
    const char *names[COUNT(keys)];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(keys); i++) {
        if (slice_eq(r->key, slice_of(keys[i].name))) {
            catalogue_complain(r, "'{}' has no place in {}", r->key, r->header);
            return;
        }
        if (keys[i].sections & r->section)
            names[count++] = keys[i].name;
    }
    catalogue_tell(&r->teller, r->at, "unknown key '{}'", r->key, SLICE(""),
                   suggest_name(r->key, names, count));
}

void
catalogue_take_value(struct catalogue_reader *r, struct slice value)
{
    if (r->narrowed.len && !(r->section == SECTION_REASON && slice_eq(r->key, SLICE("says")))) {
        catalogue_complain(r, "only 'says' of a reason can be narrowed down: '{}({})'", r->key,
                           r->narrowed);
        return;
    }
    if (r->section == SECTION_WORDS) {
        take_text(r, value);
        return;
    }
    for (size_t i = 0; i < COUNT(keys); i++)
        if (keys[i].sections & r->section && slice_eq(r->key, slice_of(keys[i].name))) {
            keys[i].take(r, value);
            return;
        }
    complain_key(r);
}
