/* text = 1*2( [ below ] 1*( intro 1*group ) message help ) words                  words = 1*(
 * address "(" server ")" said ) Recipients that share a reason share its explanation: a group.
 * Every line in which a stranger has a say is set in. */
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/paragraph.h"
#include "bounce/bounce_private.h"
#include "mime/header.h"
#include "mime/value.h"

enum {
    WIDTH = 76,    /* characters of a line */
    LONGEST = 260, /* of a word that is not broken: an address, a link */
    SENTENCE_MAX = CATALOGUE_VALUE_MAX + 4 * BOUNCE_SAID_MAX,
};

/* A notice told in one language. */
struct telling {
    struct buf *out;
    const struct notice *n;
    struct slice language;
};

static void
put_indented(struct buf *out, unsigned indent, struct slice text)
{
    const struct paragraph p = {.indent = indent, .width = WIDTH, .longest = LONGEST};

    paragraph_put(out, &p, text);
}

static void
end_paragraph(const struct telling *t)
{
    buf_put_byte(t->out, '\n');
}

static struct slice
word(const struct telling *t, const char *group, const char *name)
{
    return word_find(t->n->c, t->language, group, name);
}

/* The word "bounce.name", filled, as lines. */
static void
put_word(const struct telling *t, unsigned indent, const char *name, const struct fill *fills,
         size_t count)
{
    struct buf line;

    buf_init(&line, SENTENCE_MAX);
    word_put(&line, word(t, "bounce", name), fills, count);
    put_indented(t->out, indent, buf_slice(&line));
    buf_clear(&line);
}

static void
put_word_date(const struct telling *t, unsigned indent, const char *name, int64_t seconds)
{
    struct buf date;

    buf_init(&date, SENTENCE_MAX);
    word_put_date(&date, t->n, t->language, seconds);
    put_word(t, indent, name, &(struct fill){"date", buf_slice(&date)}, 1);
    buf_clear(&date);
}

/* A heading and what stands under it; nothing where there is nothing. */
static void
put_section(const struct telling *t, const char *label, struct slice text)
{
    if (text.len == 0)
        return;
    end_paragraph(t);
    put_indented(t->out, 0, word(t, "label", label));
    put_indented(t->out, 4, text);
}

/* "ana@example.com (for sales@here.example)" */
static void
put_address(const struct telling *t, const struct view *v)
{
    struct buf address, written;
    struct fill fills[2];

    buf_init(&address, SENTENCE_MAX);
    buf_init(&written, SENTENCE_MAX);
    clean_put_exactly(&address, v->address, true);
    clean_put_exactly(&written, v->written, true);
    fills[0] = (struct fill){"address", buf_slice(&address)};
    fills[1] = (struct fill){"written", buf_slice(&written)};
    if (v->written.len)
        put_word(t, 4, "forwarded", fills, COUNT(fills));
    else
        put_indented(t->out, 4, buf_slice(&address));
    buf_clear(&address);
    buf_clear(&written);
}

static void
put_more(const struct telling *t, size_t count)
{
    char digits[24];

    if (count == 0)
        return;
    snprintf(digits, sizeof(digits), "%zu", count);
    put_word(t, 4, "more", &(struct fill){"count", slice_of(digits)}, 1);
}

/* What to know of a reason, and what to do. */
static void
put_reason(const struct telling *t, const struct view *v)
{
    const struct catalogue *c = t->n->c;
    const struct catalogue_reason *r = v->reason;
    bool is_tried = v->of->action == BOUNCE_delayed;

    end_paragraph(t);
    put_indented(t->out, 0, catalogue_text(c, r, CATALOGUE_summary, t->language));
    put_section(t, "what", catalogue_text(c, r, CATALOGUE_what, t->language));
    if (r->class == CATALOGUE_CLASS_delivered)
        return;
    put_section(t, "who", word(t, "who", catalogue_who_words[r->who]));
    put_section(t, "todo", catalogue_text(c, r, CATALOGUE_user, t->language));
    put_section(t, "retry",
                is_tried ? word(t, "bounce", "tried")
                         : word(t, "retry", catalogue_retry_words[r->retry]));
}

/* The recipients that share what became of the one at `first`, and why. */
static void
put_group(const struct telling *t, size_t first, bool *told)
{
    const struct view *views = t->n->views;
    bool is_success = action_rows[views[first].of->action].is_success;
    size_t count = 0;

    end_paragraph(t);
    for (size_t i = first; i < t->n->b->count; i++) {
        if (views[i].of->action != views[first].of->action ||
            (!is_success && views[i].reason != views[first].reason))
            continue;
        told[i] = true;
        if (count++ < BOUNCE_TOLD_MAX)
            put_address(t, &views[i]);
    }
    put_more(t, count > BOUNCE_TOLD_MAX ? count - BOUNCE_TOLD_MAX : 0);
    if (!is_success)
        put_reason(t, &views[first]);
}

/* Until when the last of them is tried; 0: nobody said. */
static int64_t
latest(const struct notice *n)
{
    int64_t until = 0;

    for (size_t i = 0; i < n->b->count; i++)
        if (n->b->recipients[i].action == BOUNCE_delayed && n->b->recipients[i].until > until)
            until = n->b->recipients[i].until;
    return until;
}

static void
put_intro(const struct telling *t, enum bounce_action action, size_t count)
{
    char name[64];

    snprintf(name, sizeof(name), "%s.%s", bounce_action_words[action], count == 1 ? "one" : "many");
    put_word(t, 0, name, NULL, 0);
    if (action == BOUNCE_delayed && latest(t->n))
        put_word_date(t, 0, "until", latest(t->n));
}

static void
put_actions(const struct telling *t)
{
    const struct bounce *b = t->n->b;
    bool *told = heap_take(b->count);
    bool is_first = true;

    for (int a = 0; a < BOUNCE_ACTIONS; a++) {
        size_t count = view_count(t->n, (enum bounce_action)a);

        if (count == 0)
            continue;
        if (!is_first)
            end_paragraph(t);
        is_first = false;
        put_intro(t, (enum bounce_action)a, count);
        for (size_t i = 0; i < b->count; i++)
            if ((int)b->recipients[i].action == a && !told[i])
                put_group(t, i, told);
    }
    free(told);
}

/* Which message this is about, as its sender knows it. */
static void
put_message(const struct telling *t)
{
    struct slice value;
    struct buf subject;
    bool has_subject = mime_field_find(t->n->header, SLICE("Subject"), &value) && value.len;

    if (!has_subject && t->n->b->arrived == 0)
        return;
    end_paragraph(t);
    put_word(t, 0, "message", NULL, 0);
    if (has_subject) {
        buf_init(&subject, BOUNCE_SUBJECT_MAX);
        mime_words_put(&subject, value);
        put_word(t, 4, "about", &(struct fill){"subject", buf_slice(&subject)}, 1);
        buf_clear(&subject);
    }
    if (t->n->b->arrived)
        put_word_date(t, 4, "arrived", t->n->b->arrived);
}

static void
put_help(const struct telling *t)
{
    const struct bounce *b = t->n->b;

    if (b->reference.len == 0)
        return;
    end_paragraph(t);
    put_word(t, 0, "help", NULL, 0);
    put_indented(t->out, 4, b->reference);
}

/* ---- the words about them ---- */

enum speaker { OTHER, OURS, NOBODY };

static enum speaker
speaker_of(const struct view *v)
{
    if (v->said.len == 0)
        return NOBODY;
    return v->of->is_ours ? OURS : OTHER;
}

/* A word in the notice's languages, one behind the other. */
static void
put_heading(struct buf *out, const struct notice *n, const char *group, const char *name)
{
    struct buf line;

    buf_init(&line, SENTENCE_MAX);
    for (size_t i = 0; i < BOUNCE_LANGUAGES; i++) {
        if (i && n->b->languages[i].len == 0)
            break;
        buf_put_string(&line, i ? " / " : "");
        buf_put(&line, word_find(n->c, n->b->languages[i], group, name));
    }
    buf_put_byte(out, '\n');
    put_indented(out, 0, buf_slice(&line));
    buf_clear(&line);
}

/* "ana@example.com (mx.example.com)", and what was said unless the next heard the same. */
static void
put_said(struct buf *out, const struct view *v, bool is_last)
{
    struct buf line;

    buf_init(&line, SENTENCE_MAX);
    clean_put_exactly(&line, v->address, true);
    if (v->remote.len) {
        buf_put_string(&line, " (");
        clean_put_exactly(&line, slice_head(v->remote, BOUNCE_SUBJECT_MAX), false);
        buf_put_byte(&line, ')');
    }
    put_indented(out, 4, buf_slice(&line));
    buf_reset(&line);
    if (is_last) {
        clean_put(&line, v->said, BOUNCE_SAID_MAX);
        put_indented(out, 8, buf_slice(&line));
    }
    buf_clear(&line);
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

        if (speaker_of(v) != speaker)
            continue;
        if (count++ == 0)
            put_heading(out, n, speaker == OTHER ? "label" : "bounce",
                        speaker == OTHER ? "reply" : "noted");
        if (count <= BOUNCE_TOLD_MAX)
            put_said(out, v, is_last || count == BOUNCE_TOLD_MAX);
    }
    if (count > BOUNCE_TOLD_MAX)
        put_heading(out, n, "bounce", "more-words");
}

static void
put_withheld(const struct telling *t)
{
    for (size_t i = 0; i < t->n->b->count; i++) {
        if (!t->n->views[i].is_withheld)
            continue;
        end_paragraph(t);
        put_word(t, 0, "withheld", NULL, 0);
        return;
    }
}

static void
put_language(const struct telling *t)
{
    put_actions(t);
    put_message(t);
    put_withheld(t);
    put_help(t);
}

void
text_put(struct buf *out, const struct notice *n)
{
    const struct telling first = {out, n, n->b->languages[0]};
    const struct telling second = {out, n, n->b->languages[1]};

    if (second.language.len) {
        put_word(&second, 0, "below", NULL, 0);
        end_paragraph(&first);
    }
    put_language(&first);
    if (second.language.len) {
        buf_put_string(out, "\n* * *\n\n");
        put_language(&second);
    }
    put_words_of(out, n, OTHER);
    put_words_of(out, n, OURS);
}
