/* valija explain: what a reply, a code, a log line or a whole bounce means. Needs no service and no
 * configuration: it explains other products' errors on any machine. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/file.h"
#include "explained.h"

static const struct {
    const char *name;
    enum catalogue_text advice;
} depths[] = {
    {"user", CATALOGUE_user},
    {"owner", CATALOGUE_owner},
    {"postmaster", CATALOGUE_postmaster},
};

static int
choose_depth(const struct ctl *c, enum catalogue_text *advice)
{
    const char *name = ctl_has(c, OPTION_depth) ? c->options[OPTION_depth] : depths[0].name;

    for (size_t i = 0; i < COUNT(depths); i++) {
        *advice = depths[i].advice;
        if (strcmp(name, depths[i].name) == 0)
            return 0;
    }
    return FAIL(bad_depth, name);
}

/* One byte more than is looked at may come, so that a longer text is known for one. */
static int
read_descriptor(int fd, struct buf *text)
{
    while (!text->full) {
        size_t want = buf_space(text) < 65536 ? buf_space(text) : 65536;
        uint8_t *at = want ? buf_reserve(text, want) : NULL;
        ssize_t got = at ? read(fd, at, want) : 0;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FAIL(text_not_read, "-", strerror(errno));
        if (got == 0)
            return 0;
        buf_added(text, (size_t)got);
    }
    return 0;
}

static int
read_text(const struct ctl *c, struct buf *text)
{
    bool from_input = c->count == 1 && strcmp(c->args[0], "-") == 0;

    if (ctl_has(c, OPTION_file) && strcmp(c->options[OPTION_file], "-") != 0) {
        struct err e = file_read(c->options[OPTION_file], text);

        return err_is(e) ? FAIL(text_not_read, c->options[OPTION_file], strerror(e.os)) : 0;
    }
    if (from_input || ctl_has(c, OPTION_file) || (c->count == 0 && !isatty(STDIN_FILENO)))
        return read_descriptor(STDIN_FILENO, text);
    for (size_t i = 0; i < c->count; i++) {
        buf_put_string(text, i ? " " : "");
        buf_put_string(text, c->args[i]);
    }
    return c->count ? 0 : FAIL(nothing_to_explain);
}

static void
tell_mistake(void *ctx, const struct catalogue_mistake *m)
{
    (void)ctx;
    fprintf(stderr, "%.*s:%u: %.*s\n", (int)m->file.len, (const char *)m->file.at, m->line,
            (int)m->what.len, (const char *)m->what.at);
}

static int
explain_text(const struct ctl *c, struct telling *t, const struct explain *e, struct slice text)
{
    struct arena *arena = arena_new("explain", EXPLAIN_MEMORY_MAX);
    struct explain_answer a = explain_input(e, text, arena);

    if (ctl_has(c, OPTION_json))
        explained_print_json(t, &a);
    else
        explained_print(t, &a);
    if (a.truncated)
        NOTE(explained_in_part);
    arena_free(arena);
    return 0;
}

static int
explain_with(const struct ctl *c, struct telling *t, struct catalogue *catalogue)
{
    const char *folder = c->options[OPTION_catalogue];
    struct explain *e;
    struct buf text;
    int status;

    if (folder && !catalogue_add_folder(catalogue, folder, tell_mistake, NULL))
        return FAIL(bad_catalogue, folder);
    t->catalogue = catalogue;
    buf_init(&text, EXPLAIN_INPUT_MAX + 1);
    e = explain_new(catalogue, tell_mistake, NULL);
    status = read_text(c, &text);
    if (status == 0)
        status = explain_text(c, t, e, buf_slice(&text));
    explain_free(e);
    buf_clear(&text);
    return status;
}

int
verb_explain(struct ctl *c)
{
    struct telling t = {
        .language = slice_of(ctl_has(c, OPTION_lang) ? c->options[OPTION_lang] : text_language())};
    struct catalogue *catalogue;
    int status = choose_depth(c, &t.advice);

    if (status)
        return status;
    catalogue = catalogue_built_in();
    status = explain_with(c, &t, catalogue);
    catalogue_free(catalogue);
    return status;
}
