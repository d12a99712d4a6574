/* One walk over the text. ASCII, which is nearly everything, costs a table look-up a byte; the rest
 * is decomposed and folded by utf8proc, so that "Ü", "ü" and "u" with a combining mark are all "u".
 */
#include "explain/words.h"

#include <utf8proc.h>

enum {
    FIRST_WORDS = 256,
    FIRST_SIMPLE = 2048,
    DECOMPOSED_MAX = 24, /* code points that one becomes at most; U+FDFA becomes 18 */
};

/* The word being read. */
struct scan {
    size_t begin;   /* of it, in the text */
    size_t simple;  /* of it, in w->simple */
    unsigned lines; /* line ends since the word before */
};

void
words_init(struct words *w, struct arena *a)
{
    *w = (struct words){.arena = a};
}

/* Twice the room in the arena; the old place is lost until the arena is cleared, so all growing
 * together costs no more than the last. */
static void *
grown(struct arena *a, const void *old, size_t used, size_t size)
{
    void *more = arena_take(a, size);

    if (more && used)
        memcpy(more, old, used);
    return more;
}

static bool
put_simple(struct words *w, const uint8_t *bytes, size_t n)
{
    if (w->simple_len + n > w->simple_room) {
        size_t room = w->simple_room ? 2 * w->simple_room : FIRST_SIMPLE;
        uint8_t *more = grown(w->arena, w->simple, w->simple_len, room);

        if (!more)
            return false;
        w->simple = more;
        w->simple_room = room;
    }
    memcpy(w->simple + w->simple_len, bytes, n);
    w->simple_len += n;
    return true;
}

/* The word that began at `simple` in w->simple is complete; none, where it has no bytes. */
static bool
end_word(struct words *w, struct scan *s, size_t end)
{
    size_t len = w->simple_len - s->simple;

    if (len == 0)
        return true;
    if (w->count == EXPLAIN_WORDS_MAX)
        return false;
    if (w->count == w->room) {
        size_t room = w->room ? 2 * w->room : FIRST_WORDS;
        struct word *more =
            grown(w->arena, w->of, w->count * sizeof(*w->of), room * sizeof(*w->of));

        if (!more)
            return false;
        w->of = more;
        w->room = room;
    }
    w->of[w->count++] = (struct word){
        .at = (uint32_t)s->begin,
        .end = (uint32_t)end,
        .simple = (uint32_t)s->simple,
        .len = (uint16_t)(len < EXPLAIN_WORD_MAX ? len : EXPLAIN_WORD_MAX),
        .is_first = s->lines > 1,
    };
    s->simple = w->simple_len;
    s->lines = 0;
    return true;
}

static bool
stands_alone(utf8proc_int32_t c)
{
    static const struct {
        utf8proc_int32_t first, last;
    } ranges[] = {
        {0x3005, 0x3007}, {0x3040, 0x30ff}, {0x31f0, 0x31ff}, {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
        {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xff66, 0xff9d}, {0x20000, 0x3ffff},
    };

    for (size_t i = 0; i < COUNT(ranges); i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

static bool
is_letter(utf8proc_int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
           category == UTF8PROC_CATEGORY_ND;
}

static bool
is_mark(utf8proc_int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

/* Append c folded and without its marks; a Korean syllable stays whole. */
static bool
put_folded(struct words *w, utf8proc_int32_t c)
{
    utf8proc_int32_t parts[DECOMPOSED_MAX] = {c};
    utf8proc_ssize_t n = 1;
    int boundary = 0;

    if (c < 0xac00 || c > 0xd7a3)
        n = utf8proc_decompose_char(c, parts, DECOMPOSED_MAX,
                                    UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                                        UTF8PROC_STRIPMARK,
                                    &boundary);
    for (utf8proc_ssize_t i = 0; i < n && i < DECOMPOSED_MAX; i++) {
        uint8_t bytes[4] = {0};

        if (is_letter(parts[i]) &&
            !put_simple(w, bytes, (size_t)utf8proc_encode_char(parts[i], bytes)))
            return false;
    }
    return true;
}

/* The code point at the front of text and how many bytes it has. */
static size_t
take_point(struct slice text, utf8proc_int32_t *c)
{
    utf8proc_ssize_t n = utf8proc_iterate(text.at, (utf8proc_ssize_t)text.len, c);

    if (n > 0)
        return (size_t)n;
    *c = text.at[0]; /* Latin-1 */
    return 1;
}

/* The character at i that is not ASCII: a part of a word, a word, or none. */
static bool
take_far(struct words *w, struct scan *s, size_t i, size_t *n)
{
    utf8proc_int32_t c;

    *n = take_point(slice_tail(w->text, i), &c);
    if (is_mark(c))
        return true;
    if (is_letter(c) && !stands_alone(c))
        return put_folded(w, c);
    if (!end_word(w, s, i))
        return false;
    s->begin = i;
    if (stands_alone(c) && !(put_folded(w, c) && end_word(w, s, i + *n)))
        return false;
    s->begin = i + *n;
    return true;
}

static bool
take_ascii(struct words *w, struct scan *s, size_t i)
{
    uint8_t c = ascii_lower(w->text.at[i]);

    if (ascii_is_alnum(c))
        return put_simple(w, &c, 1);
    if (!end_word(w, s, i))
        return false;
    s->lines += c == '\n';
    s->begin = i + 1;
    return true;
}

void
words_read(struct words *w, struct slice text)
{
    struct scan s = {0, 0, 0};
    bool fits = true;
    size_t n;

    w->text = slice_head(text, UINT32_MAX);
    w->count = w->simple_len = 0;
    for (size_t i = 0; i < w->text.len && fits; i += n) {
        n = 1;
        fits = w->text.at[i] < 0x80 ? take_ascii(w, &s, i) : take_far(w, &s, i, &n);
    }
    w->truncated = !fits || !end_word(w, &s, w->text.len);
}
