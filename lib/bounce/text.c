/* text     = 1*2language said
 * language = groups message [ withheld ] ( help / commands )
 * All of one language first, then all of the other: whoever reads one need not look for it between
 * the lines of the other. */
#include "base/clock.h"
#include "base/paragraph.h"
#include "bounce/telling.h"

enum {
    WIDTH = 76,    /* characters of a line */
    LONGEST = 260, /* of a word that is not broken: an address, a link */
};

void
telling_put_lines(struct buf *out, unsigned indent, struct slice text)
{
    const struct paragraph p = {.indent = indent, .width = WIDTH, .longest = LONGEST};

    paragraph_put(out, &p, text);
}

void
telling_end_paragraph(const struct telling *t)
{
    buf_put_byte(t->out, '\n');
}

void
telling_put_word(const struct telling *t, unsigned indent, const char *name,
                 const struct fill *fills, size_t count)
{
    struct buf line;

    buf_init(&line, TELLING_MAX);
    word_put(&line, word_find(t->n->c, t->language, "bounce", name), fills, count);
    telling_put_lines(t->out, indent, buf_slice(&line));
    buf_clear(&line);
}

void
telling_put_date(const struct telling *t, unsigned indent, const char *name, int64_t seconds)
{
    struct buf date;

    buf_init(&date, TELLING_MAX);
    word_put_date(&date, t->n, t->language, seconds);
    telling_put_word(t, indent, name, &(struct fill){"date", buf_slice(&date)}, 1);
    buf_clear(&date);
}

static bool
is_for_postmaster(const struct telling *t)
{
    return t->n->b->postmaster.len > 0;
}

/* Whose it is, for one who did not send it. */
static void
put_sender(const struct telling *t)
{
    struct buf sender;

    buf_init(&sender, BOUNCE_SAID_MAX);
    clean_put_exactly(&sender, t->n->b->sender, true);
    telling_put_word(t, TELLING_INDENT, "sender", &(struct fill){"sender", buf_slice(&sender)}, 1);
    buf_clear(&sender);
}

/* Which message this is about, as its sender knows it. */
static void
put_message(const struct telling *t)
{
    bool is_stranger = is_for_postmaster(t);
    int64_t arrived = t->n->b->arrived;
    struct buf subject;

    buf_init(&subject, TELLING_MAX);
    original_put_subject(&subject, t->n);
    if (subject.len || arrived || is_stranger) {
        telling_end_paragraph(t);
        telling_put_word(t, 0, is_stranger ? "held-message" : "message", NULL, 0);
    }
    if (is_stranger && t->n->b->sender.len)
        put_sender(t);
    if (subject.len)
        telling_put_word(t, TELLING_INDENT, "about", &(struct fill){"subject", buf_slice(&subject)},
                         1);
    if (arrived)
        telling_put_date(t, TELLING_INDENT, "arrived", arrived);
    buf_clear(&subject);
}

static void
put_withheld(const struct telling *t)
{
    for (size_t i = 0; i < t->n->b->count; i++) {
        if (!t->n->views[i].is_withheld)
            continue;
        telling_end_paragraph(t);
        telling_put_word(t, 0, "withheld", NULL, 0);
        return;
    }
}

static void
put_help(const struct telling *t)
{
    if (t->n->b->reference.len == 0)
        return;
    telling_end_paragraph(t);
    telling_put_word(t, 0, "help", NULL, 0);
    telling_put_lines(t->out, TELLING_INDENT, t->n->b->reference);
}

/* How it is released, given up, and looked into. */
static void
put_commands(const struct telling *t)
{
    static const char *const commands[] = {"release", "bounce"};
    char id[ID_TEXT_LEN + 1];
    struct buf line;

    id_format(t->n->b->held, id);
    buf_init(&line, TELLING_MAX);
    telling_end_paragraph(t);
    telling_put_word(t, 0, "commands", NULL, 0);
    for (size_t i = 0; i < COUNT(commands); i++)
        buf_put_format(&line, "valija queue %s %s\n", commands[i], id);
    buf_put_string(&line, "valija trace ");
    buf_put(&line, t->n->b->reference);
    telling_put_lines(t->out, TELLING_INDENT, buf_slice(&line));
    buf_clear(&line);
}

static void
put_language(const struct telling *t)
{
    groups_put(t);
    put_message(t);
    put_withheld(t);
    if (is_for_postmaster(t))
        put_commands(t);
    else
        put_help(t);
}

void
text_put(struct buf *out, const struct notice *n)
{
    const struct telling first = {out, n, n->b->languages[0]};
    const struct telling second = {out, n, n->b->languages[1]};

    if (second.language.len) {
        telling_put_word(&second, 0, "below", NULL, 0);
        telling_end_paragraph(&first);
    }
    put_language(&first);
    if (second.language.len) {
        buf_put_string(out, "\n* * *\n\n");
        put_language(&second);
    }
    said_put(out, n);
}
