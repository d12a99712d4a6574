/* The catalogue as it lies in memory: everything in one arena, found by the hash of its name. */
#include "reason/catalogue.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "reason/catalogue_private.h"

const char *const catalogue_class_words[CATALOGUE_CLASSES] = {
#define CLASS(name) #name,
#include "reason/class.def"
#undef CLASS
};

const char *const catalogue_who_words[CATALOGUE_WHOS] = {
#define WHO(name, word) word,
#include "reason/who.def"
#undef WHO
};

const char *const catalogue_retry_words[CATALOGUE_RETRIES] = {
#define RETRY(name) #name,
#include "reason/retry.def"
#undef RETRY
};

const char *const catalogue_text_words[CATALOGUE_TEXTS] = {
#define TEXT(key, words, jargon) #key,
#include "reason/text.def"
#undef TEXT
};

struct catalogue *
catalogue_new(void)
{
    struct catalogue *c = heap_take(sizeof(*c));

    c->arena = arena_new("catalogue", CATALOGUE_MEMORY_MAX);
    c->notes_end = &c->first_note;
    return c;
}

void
catalogue_free(struct catalogue *c)
{
    if (!c)
        return;
    map_clear(&c->notes);
    map_clear(&c->reason_map);
    map_clear(&c->provider_map);
    free(c->reasons);
    free(c->providers);
    arena_free(c->arena);
    free(c);
}

/* The hash that all the names have in a map; they come from files of our own or the
 * administrator's, so no seed guards it. */
static uint64_t
hash(struct slice name)
{
    return map_hash(0, name);
}

static uint64_t
note_hash(struct slice subject, struct slice key, struct slice language)
{
    return map_hash(map_hash(map_hash(0, subject), key), language);
}

const struct catalogue_note *
catalogue_note(const struct catalogue *c, struct slice subject, struct slice key,
               struct slice language)
{
    struct catalogue_note *n = map_get(&c->notes, note_hash(subject, key, language));

    while (n && (!slice_eq(n->subject, subject) || !slice_eq(n->key, key) ||
                 !slice_eq(n->language, language)))
        n = n->chain;
    return n;
}

bool
catalogue_put_note(struct catalogue *c, const struct catalogue_note *note)
{
    uint64_t key = note_hash(note->subject, note->key, note->language);
    struct catalogue_note *first = map_get(&c->notes, key), *n;

    for (n = first; n; n = n->chain) {
        if (slice_eq(n->subject, note->subject) && slice_eq(n->key, note->key) &&
            slice_eq(n->language, note->language)) {
            struct catalogue_note links = *n;

            *n = *note;
            n->chain = links.chain;
            n->next = links.next;
            return true;
        }
    }
    n = arena_take(c->arena, sizeof(*n));
    if (!n)
        return false;
    *n = *note;
    n->chain = first;
    *c->notes_end = n;
    c->notes_end = &n->next;
    map_put(&c->notes, key, n);
    return true;
}

static struct catalogue_reason_entry *
find_reason_entry(const struct catalogue *c, struct slice id)
{
    struct catalogue_reason_entry *e = map_get(&c->reason_map, hash(id));

    while (e && !slice_eq(e->reason.id, id))
        e = e->chain;
    return e;
}

static struct catalogue_provider_entry *
find_provider_entry(const struct catalogue *c, struct slice id)
{
    struct catalogue_provider_entry *s = map_get(&c->provider_map, hash(id));

    while (s && !slice_eq(s->provider.id, id))
        s = s->chain;
    return s;
}

/* An array of pointers with room for one more. */
static void *
with_room(void *array, size_t count, size_t *room)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 64;
    return heap_grow(array, *room * sizeof(void *));
}

struct catalogue_reason_entry *
catalogue_reason_entry(struct catalogue *c, struct slice id)
{
    struct catalogue_reason_entry *e = find_reason_entry(c, id);

    if (e)
        return e;
    if (c->reason_count == CATALOGUE_REASONS_MAX || !(e = arena_take(c->arena, sizeof(*e))))
        return NULL;
    e->reason.id = id;
    e->reason.number = (uint32_t)c->reason_count;
    e->says_end = &e->reason.says;
    e->codes_end = &e->reason.codes;
    e->examples_end = &e->reason.examples;
    e->replies_end = &e->reason.replies;
    e->chain = map_get(&c->reason_map, hash(id));
    map_put(&c->reason_map, hash(id), e);
    c->reasons = with_room(c->reasons, c->reason_count, &c->reason_room);
    c->reasons[c->reason_count++] = e;
    return e;
}

struct catalogue_provider_entry *
catalogue_provider_entry(struct catalogue *c, struct slice id)
{
    struct catalogue_provider_entry *s = find_provider_entry(c, id);

    if (s)
        return s;
    if (c->provider_count == CATALOGUE_REASONS_MAX || !(s = arena_take(c->arena, sizeof(*s))))
        return NULL;
    s->provider.id = id;
    s->provider.number = (uint32_t)c->provider_count;
    s->hosts_end = &s->provider.hosts;
    s->says_end = &s->provider.says;
    s->chain = map_get(&c->provider_map, hash(id));
    map_put(&c->provider_map, hash(id), s);
    c->providers = with_room(c->providers, c->provider_count, &c->provider_room);
    c->providers[c->provider_count++] = s;
    return s;
}

size_t
catalogue_reasons(const struct catalogue *c)
{
    return c->reason_count;
}

const struct catalogue_reason *
catalogue_reason_at(const struct catalogue *c, size_t i)
{
    ensure(i < c->reason_count);
    return &c->reasons[i]->reason;
}

const struct catalogue_reason *
catalogue_find(const struct catalogue *c, struct slice id)
{
    const struct catalogue_reason_entry *e = find_reason_entry(c, id);

    return e ? &e->reason : NULL;
}

size_t
catalogue_providers(const struct catalogue *c)
{
    return c->provider_count;
}

const struct catalogue_provider *
catalogue_provider_at(const struct catalogue *c, size_t i)
{
    ensure(i < c->provider_count);
    return &c->providers[i]->provider;
}

const struct catalogue_provider *
catalogue_provider_find(const struct catalogue *c, struct slice id)
{
    const struct catalogue_provider_entry *s = find_provider_entry(c, id);

    return s ? &s->provider : NULL;
}

static struct slice
text_or_english(const struct catalogue *c, struct slice subject, struct slice key,
                struct slice language)
{
    const struct catalogue_note *n = catalogue_note(c, subject, key, language);

    if (!n)
        n = catalogue_note(c, subject, key, SLICE("en"));
    return n ? n->text : (struct slice){NULL, 0};
}

struct slice
catalogue_text(const struct catalogue *c, const struct catalogue_reason *r,
               enum catalogue_text which, struct slice language)
{
    ensure(which < CATALOGUE_TEXTS);
    return text_or_english(c, r->id, slice_of(catalogue_text_words[which]), language);
}

struct slice
catalogue_code_means(const struct catalogue *c, struct slice kind, struct slice name,
                     struct slice language)
{
    return text_or_english(c, kind, name, language);
}

size_t
catalogue_languages(const struct catalogue *c, struct slice *languages, size_t room)
{
    size_t count = 0;

    for (const struct catalogue_note *n = c->first_note; n && count < room; n = n->next) {
        bool known = !slice_eq(n->subject, SLICE("words"));

        for (size_t i = 0; i < count; i++)
            known |= slice_eq(languages[i], n->language);
        if (!known)
            languages[count++] = n->language;
    }
    return count;
}

struct slice
catalogue_word(const struct catalogue *c, struct slice key, struct slice language)
{
    return text_or_english(c, SLICE("words"), key, language);
}
