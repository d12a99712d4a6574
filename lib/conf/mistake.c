/* Mistakes as text. Words of the file are cut short, so that a mistake always fits its room. */
#include "base/ensure.h"
#include "conf/conf_private.h"

static const struct {
    enum { ERROR, WARNING } weight;
    const char *text;
} rows[MISTAKE_COUNT] = {
#define MISTAKE(id, weight, text) {weight, text},
#include "conf/mistake.def"
#undef MISTAKE
};

static void
put_word(struct buf *out, struct slice word)
{
    size_t n = CONF_MISTAKE_WORD_MAX;

    if (word.len <= n) {
        buf_put(out, word);
        return;
    }
    while ((word.at[n] & 0xc0) == 0x80) /* cut before a character, not within one */
        n--;
    buf_put(out, slice_head(word, n));
    buf_put_string(out, "...");
}

void
conf_mistakes_init(struct conf_mistakes *m, const char *file)
{
    m->file = file;
    m->count = m->missed = m->errors = 0;
}

void
conf_fault_put(struct conf_mistakes *m, const struct conf_fault *fault)
{
    struct conf_mistake *row = &m->at[m->count];
    struct slice text = slice_of(rows[fault->id].text), head;
    struct buf out;
    bool more;

    m->errors += rows[fault->id].weight == ERROR;
    if (m->count == CONF_MISTAKES_MAX) {
        m->missed++;
        return;
    }
    buf_init(&out, sizeof(row->what) - 1);
    for (size_t i = 0; (more = slice_cut(&text, '{', &head)), buf_put(&out, head), more; i++) {
        ensure(i < COUNT(fault->args) && slice_take_prefix(&text, SLICE("}")));
        put_word(&out, fault->args[i]);
    }
    if (fault->hint.len) {
        buf_put_string(&out, ", did you mean '");
        put_word(&out, fault->hint);
        buf_put_string(&out, "'?");
    }
    *row = (struct conf_mistake){fault->line, fault->column, rows[fault->id].weight == WARNING, ""};
    ensure(!out.full && slice_to_string(buf_slice(&out), row->what, sizeof(row->what)));
    buf_clear(&out);
    m->count++;
}

bool
conf_mistakes_put(const struct conf_mistakes *m, struct buf *out)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct conf_mistake *row = &m->at[i];

        buf_put_string(out, m->file);
        if (row->line)
            buf_put_format(out, ":%u:%u", row->line, row->column);
        buf_put_format(out, ": %s%s\n", row->warning ? "warning: " : "", row->what);
    }
    if (m->missed)
        buf_put_format(out, "%s: %zu more are not shown\n", m->file, m->missed);
    return !out->full;
}
