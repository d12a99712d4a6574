/* Everything is filed as text: the references of session and message, the addresses, the
 * Message-ID. Who knows an id can make its reference, so an id costs no row of its own. The number
 * of a text is half of its FNV-1a hash, as few texts share one and what is found is compared. */
#include "key.h"

#include "base/clock.h"

#define FNV_BEGIN UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint32_t
key(struct slice text)
{
    uint64_t h = FNV_BEGIN;

    for (size_t i = 0; i < text.len; i++)
        h = (h ^ ascii_lower(text.at[i])) * FNV_PRIME;
    return (uint32_t)(h >> 32 ^ h);
}

struct texts {
    char session[ID_REFERENCE_LEN + 1], message[ID_REFERENCE_LEN + 1];
    struct slice of[KEYS_MAX];
};

/* Those that are empty do not count. */
static void
read_texts(const struct trace_event *e, struct texts *t)
{
    id_reference(e->session, t->session);
    id_reference(e->message, t->message);
    t->of[0] = e->session ? slice_of(t->session) : SLICE("");
    t->of[1] = e->message ? slice_of(t->message) : SLICE("");
    t->of[2] = e->sender;
    t->of[3] = e->recipient;
    t->of[4] = e->login;
    t->of[5] = e->message_id;
}

size_t
keys_of_event(const struct trace_event *e, uint32_t keys[KEYS_MAX])
{
    struct texts t;
    size_t n = 0;

    read_texts(e, &t);
    for (size_t i = 0; i < KEYS_MAX; i++) {
        uint32_t k = key(t.of[i]);
        bool known = t.of[i].len == 0;

        for (size_t j = 0; j < n; j++)
            known |= keys[j] == k;
        if (!known)
            keys[n++] = k;
    }
    return n;
}

uint32_t
key_of_thread(uint64_t id)
{
    char reference[ID_REFERENCE_LEN + 1];

    id_reference(id, reference);
    return key(slice_of(reference));
}

/* What reads as an id may be somebody's name as well. */
void
keys_of_text(struct slice what, uint32_t keys[2])
{
    uint64_t id = id_parse(what.at, what.len);

    keys[0] = key(what);
    keys[1] = id ? key_of_thread(id) : keys[0];
}

bool
event_matches(const struct trace_event *e, struct slice what)
{
    uint64_t id = id_parse(what.at, what.len);
    struct texts t;

    read_texts(e, &t);
    for (size_t i = 0; i < KEYS_MAX; i++)
        if (t.of[i].len && slice_eq_nocase(t.of[i], what))
            return true;
    return id && (id == e->session || id == e->message);
}

bool
event_is_of(const struct trace_event *e, uint64_t thread)
{
    return event_thread(e) == thread;
}
