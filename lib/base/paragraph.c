/* Characters are counted as a terminal does for the languages there are: a UTF-8 sequence is one.
 */
#include "base/paragraph.h"

struct line {
    struct buf *out;
    const struct paragraph *p;
    unsigned hanging; /* spaces before the lines after the first */
    size_t column;
    bool is_empty; /* no word stands in it yet */
};

static bool
goes_on(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

static size_t
width_of(struct slice word)
{
    size_t n = 0;

    for (size_t i = 0; i < word.len; i++)
        n += !goes_on(word.at[i]);
    return n;
}

/* The first n characters of a word. */
static struct slice
head_of(struct slice word, size_t n)
{
    size_t i = 0;

    for (; i < word.len; i++)
        if (!goes_on(word.at[i]) && n-- == 0)
            break;
    return slice_head(word, i);
}

static void
indent(struct line *l, unsigned spaces)
{
    for (unsigned i = 0; i < spaces; i++)
        buf_put_byte(l->out, ' ');
    l->column = spaces;
    l->is_empty = true;
}

static void
put_piece(struct line *l, struct slice word)
{
    size_t width = width_of(word);

    if (!l->is_empty && l->column + 1 + width > l->p->width) {
        buf_put_byte(l->out, '\n');
        indent(l, l->hanging);
    } else if (!l->is_empty) {
        buf_put_byte(l->out, ' ');
        l->column++;
    }
    for (size_t i = 0; i < word.len; i++)
        buf_put_byte(l->out, word.at[i] < ' ' || word.at[i] == 0x7f ? '?' : word.at[i]);
    l->column += width;
    l->is_empty = false;
}

static void
put_word(struct line *l, struct slice word)
{
    size_t most = l->p->width > l->hanging ? l->p->width - l->hanging : 1;

    if (l->p->longest && width_of(word) > l->p->longest && width_of(word) > most) {
        for (struct slice piece; word.len; word = slice_tail(word, piece.len)) {
            piece = head_of(word, most);
            put_piece(l, piece);
        }
        return;
    }
    put_piece(l, word);
}

static void
put_line(struct buf *out, const struct paragraph *p, struct slice text)
{
    bool is_item = text.len > 2 && text.at[0] == '-' && text.at[1] == ' ';
    struct line l = {.out = out, .p = p, .hanging = p->indent + (is_item ? 2 : 0)};
    struct slice word;

    text = slice_trim(text);
    if (text.len)
        indent(&l, p->indent);
    while (text.len) {
        slice_cut(&text, ' ', &word);
        if (word.len)
            put_word(&l, word);
    }
    buf_put_byte(out, '\n');
}

bool
paragraph_put(struct buf *out, const struct paragraph *p, struct slice text)
{
    struct slice line;

    while (text.len && !out->full) {
        slice_cut(&text, '\n', &line);
        put_line(out, p, line);
    }
    return !out->full;
}
