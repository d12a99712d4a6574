/* said = [ heading 1*( 1*( address "(" server ")" ) words ) ]      the other servers'
 *        [ heading 1*( 1*( address "(" server ")" ) words ) ]      our own
 * Words need no translation, so they come once, under a heading in each language; recipients that
 * stand together and heard the same share them. */
#include "bounce/telling.h"

enum speaker { NOBODY, OTHER, OURS };

static enum speaker
speaker_of(const struct view *v)
{
    if (v->said.len == 0)
        return NOBODY;
    return v->of->is_ours ? OURS : OTHER;
}

static void
put_heading(struct buf *out, const struct notice *n, const char *group, const char *name)
{
    struct buf line;

    buf_init(&line, TELLING_MAX);
    for (size_t i = 0; i < BOUNCE_LANGUAGES; i++) {
        if (i && n->b->languages[i].len == 0)
            break;
        buf_put_string(&line, i ? " / " : "");
        buf_put(&line, word_find(n->c, n->b->languages[i], group, name));
    }
    buf_put_byte(out, '\n');
    telling_put_lines(out, 0, buf_slice(&line));
    buf_clear(&line);
}

static void
put_hearer(struct buf *out, const struct view *v)
{
    struct buf line;

    buf_init(&line, TELLING_MAX);
    clean_put_exactly(&line, v->address, true);
    if (v->remote.len) {
        buf_put_string(&line, " (");
        clean_put_exactly(&line, v->remote, false);
        buf_put_byte(&line, ')');
    }
    telling_put_lines(out, TELLING_INDENT, buf_slice(&line));
    buf_clear(&line);
}

static void
put_words(struct buf *out, struct slice said)
{
    struct buf words;

    buf_init(&words, TELLING_MAX);
    clean_put(&words, said, BOUNCE_SAID_MAX);
    telling_put_lines(out, 2 * TELLING_INDENT, buf_slice(&words));
    buf_clear(&words);
}

static bool
heard_the_same(const struct view *a, const struct view *b)
{
    return speaker_of(a) == speaker_of(b) && slice_eq(a->said, b->said) &&
           slice_eq(a->remote, b->remote);
}

static void
put_words_of(struct buf *out, const struct notice *n, enum speaker speaker)
{
    size_t count = 0;

    for (size_t i = 0; i < n->b->count; i++) {
        const struct view *v = &n->views[i];
        bool is_last = i + 1 == n->b->count || !heard_the_same(v, v + 1);

        if (speaker_of(v) != speaker || count++ >= BOUNCE_TOLD_MAX)
            continue;
        if (count == 1 && speaker == OTHER)
            put_heading(out, n, "label", "reply");
        else if (count == 1)
            put_heading(out, n, "bounce", "noted");
        put_hearer(out, v);
        if (is_last || count == BOUNCE_TOLD_MAX)
            put_words(out, v->said);
    }
    if (count > BOUNCE_TOLD_MAX)
        put_heading(out, n, "bounce", "more-words");
}

void
said_put(struct buf *out, const struct notice *n)
{
    put_words_of(out, n, OTHER);
    put_words_of(out, n, OURS);
}
