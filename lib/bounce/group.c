/* groups = 1*( intro 1*( addresses reason ) )
 * What became of a message is told once for each kind of fate, and a reason once for all that share
 * it. A success needs no reason. */
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "bounce/telling.h"

enum { NAME_SIZE = 64 };

/* Between what is about these recipients and about those. */
static void
put_rule(const struct telling *t)
{
    buf_put_string(t->out, "\n----------------------------------------\n");
}

/* A heading, the word "group.name", and what stands under it; nothing where there is nothing. */
static void
put_section(const struct telling *t, const char *group, const char *name, struct slice text)
{
    if (text.len == 0)
        return;
    telling_end_paragraph(t);
    telling_put_lines(t->out, 0, word_find(t->n->c, t->language, group, name));
    telling_put_lines(t->out, TELLING_INDENT, text);
}

/* "ana@example.com (you wrote to sales@here.example, ...)" */
static void
put_address(const struct telling *t, const struct view *v)
{
    struct buf address, written;

    buf_init(&address, BOUNCE_SAID_MAX);
    buf_init(&written, BOUNCE_SAID_MAX);
    clean_put_exactly(&address, v->address, true);
    clean_put_exactly(&written, v->written, true);
    const struct fill fills[] = {{"address", buf_slice(&address)},
                                 {"written", buf_slice(&written)}};
    if (v->written.len)
        telling_put_word(t, TELLING_INDENT,
                         v->of->action == BOUNCE_held ? "held-forwarded" : "forwarded", fills,
                         COUNT(fills));
    else
        telling_put_lines(t->out, TELLING_INDENT, buf_slice(&address));
    buf_clear(&address);
    buf_clear(&written);
}

static void
put_more(const struct telling *t, size_t count)
{
    char digits[NAME_SIZE];

    snprintf(digits, sizeof(digits), "%zu", count);
    telling_put_word(t, TELLING_INDENT, "more", &(struct fill){"count", slice_of(digits)}, 1);
}

/* What to do. What is still being tried needs nothing done; what is held needs who looks after the
 * server. */
static void
put_advice(const struct telling *t, const struct view *v)
{
    const struct catalogue *c = t->n->c;
    bool is_held = v->of->action == BOUNCE_held;
    struct slice steps =
        catalogue_text(c, v->reason, is_held ? CATALOGUE_postmaster : CATALOGUE_user, t->language);
    const char *retry = catalogue_retry_words[v->reason->retry];

    if (v->of->action == BOUNCE_delayed) {
        put_section(t, "label", "retry", word_find(c, t->language, "bounce", "tried"));
        put_section(t, "bounce", "urgent", steps);
    } else {
        put_section(t, "label", "todo", steps);
        put_section(t, "label", "retry", word_find(c, t->language, "retry", retry));
    }
}

static void
put_reason(const struct telling *t, const struct view *v)
{
    const struct catalogue *c = t->n->c;
    const struct catalogue_reason *r = v->reason;

    telling_end_paragraph(t);
    telling_put_lines(t->out, 0, catalogue_text(c, r, CATALOGUE_summary, t->language));
    put_section(t, "label", "what", catalogue_text(c, r, CATALOGUE_what, t->language));
    if (r->class == CATALOGUE_CLASS_delivered)
        return;
    put_section(t, "label", "who", word_find(c, t->language, "who", catalogue_who_words[r->who]));
    put_advice(t, v);
}

static bool
are_alike(const struct view *a, const struct view *b)
{
    return a->of->action == b->of->action &&
           (action_rows[a->of->action].is_success || a->reason == b->reason);
}

/* The recipients that share what became of the one at `first`, and why. */
static void
put_group(const struct telling *t, size_t first, bool *told)
{
    const struct view *views = t->n->views;
    size_t count = 0;

    telling_end_paragraph(t);
    for (size_t i = first; i < t->n->b->count; i++) {
        if (!are_alike(&views[first], &views[i]))
            continue;
        told[i] = true;
        if (count++ < BOUNCE_TOLD_MAX)
            put_address(t, &views[i]);
    }
    if (count > BOUNCE_TOLD_MAX)
        put_more(t, count - BOUNCE_TOLD_MAX);
    if (!action_rows[views[first].of->action].is_success)
        put_reason(t, &views[first]);
}

static void
put_groups_of(const struct telling *t, enum bounce_action action, bool *told)
{
    bool is_first = true;

    for (size_t i = 0; i < t->n->b->count; i++) {
        if (t->n->b->recipients[i].action != action || told[i])
            continue;
        if (!is_first)
            put_rule(t);
        put_group(t, i, told);
        is_first = false;
    }
}

/* Until when the last of them is or was tried; 0: nobody said. */
static int64_t
latest(const struct notice *n, enum bounce_action action)
{
    int64_t until = 0;

    for (size_t i = 0; i < n->b->count; i++)
        if (n->b->recipients[i].action == action && n->b->recipients[i].until > until)
            until = n->b->recipients[i].until;
    return until;
}

static void
put_intro(const struct telling *t, enum bounce_action action, size_t count)
{
    int64_t until = latest(t->n, action);
    char name[NAME_SIZE];

    snprintf(name, sizeof(name), "%s.%s", bounce_action_names[action], count == 1 ? "one" : "many");
    telling_put_word(t, 0, name, NULL, 0);
    if (until && !action_rows[action].is_success)
        telling_put_date(t, 0, action == BOUNCE_delayed ? "until" : "expired", until);
}

void
groups_put(const struct telling *t)
{
    bool *told = heap_take(t->n->b->count);
    bool is_first = true;

    for (int a = 0; a < BOUNCE_ACTIONS; a++) {
        size_t count = view_count(t->n, (enum bounce_action)a);

        if (count == 0)
            continue;
        if (!is_first) {
            put_rule(t);
            telling_end_paragraph(t);
        }
        put_intro(t, (enum bounce_action)a, count);
        put_groups_of(t, (enum bounce_action)a, told);
        is_first = false;
    }
    free(told);
}
