/* Mistakes as text. Words of the file are cut short, so that a mistake always fits its room. */
#include "base/buf.h"
#include "base/ensure.h"
#include "reason/catalogue_private.h"

enum { TELL_MAX = 500, WORD_MAX = 80 };

static void
put_word(struct buf *out, struct slice word)
{
    size_t n = WORD_MAX;

    if (word.len <= n) {
        buf_put(out, word);
        return;
    }
    while ((word.at[n] & 0xc0) == 0x80 && n > 0) /* cut before a character, not within one */
        n--;
    buf_put(out, slice_head(word, n));
    buf_put_string(out, "...");
}

void
catalogue_tell(struct catalogue_teller *t, struct catalogue_place at, const char *text,
               struct slice first, struct slice second, struct slice suggestion)
{
    const struct slice words[] = {first, second};
    struct slice rest = slice_of(text), head;
    uint8_t room[TELL_MAX];
    struct buf out = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct catalogue_mistake mistake = {at.file, at.line, {NULL, 0}};
    bool more;

    for (size_t i = 0; (more = slice_cut(&rest, '{', &head)), buf_put(&out, head), more; i++) {
        ensure(i < COUNT(words) && slice_take_prefix(&rest, SLICE("}")));
        put_word(&out, words[i]);
    }
    if (suggestion.len) {
        buf_put_string(&out, ", did you mean '");
        put_word(&out, suggestion);
        buf_put_byte(&out, '\'');
    }
    ensure(!out.full);
    mistake.what = buf_slice(&out);
    t->mistakes++;
    t->fn(t->ctx, &mistake);
}
