/* bounce-print CASE: the notice that a case of this folder makes, as it would be sent.
 * bounce-print CASE -: the same as people read it, which is how it stands in the case.
 * bounce-print CASE REASON: why is REASON, whatever the case says.
 * bounce-print: the ids of all reasons. */
#include <stdio.h>

#include "base/file.h"
#include "test/bounce/story.h"

enum { CASE_MAX = 4 << 20 };

static void
tell(void *ctx, const struct catalogue_mistake *m)
{
    (void)ctx;
    fprintf(stderr, "%.*s:%u: %.*s\n", (int)m->file.len, (const char *)m->file.at, m->line,
            (int)m->what.len, (const char *)m->what.at);
}

static int
list(const struct catalogue *c)
{
    for (size_t i = 0; i < catalogue_reasons(c); i++) {
        const struct catalogue_reason *r = catalogue_reason_at(c, i);

        printf("%.*s %s\n", (int)r->id.len, (const char *)r->id.at,
               catalogue_class_words[r->class]);
    }
    return 0;
}

static int
print(const struct catalogue *c, const char *path, const char *reason, struct arena *a)
{
    static struct story s;
    bool readable = reason && strcmp(reason, "-") == 0, fine;
    struct buf text, out, shown;

    buf_init(&text, CASE_MAX);
    buf_init(&out, CASE_MAX);
    buf_init(&shown, CASE_MAX);
    fine = !err_is(file_read(path, &text)) && story_read(&s, buf_slice(&text), a);
    for (size_t i = 0; i < s.b.count && reason && !readable; i++)
        s.recipients[i].reason = slice_of(reason);
    fine = fine && bounce_put(&out, c, &s.b);
    story_put_readable(&shown, buf_slice(&out));
    if (fine && readable)
        fwrite(buf_slice(&shown).at, 1, shown.len, stdout);
    else if (fine)
        fwrite(buf_slice(&out).at, 1, out.len, stdout);
    else
        fprintf(stderr, "%s:%u: not understood\n", path, s.line);
    buf_clear(&text);
    buf_clear(&out);
    buf_clear(&shown);
    return fine ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct catalogue *c = catalogue_built_in();
    struct arena *a = arena_new("bounce-print", STORY_MEMORY);
    struct buf pinned;
    int status = 1;

    buf_init(&pinned, CATALOGUE_FILE_MAX);
    if (argc > 1 && err_is(file_read("test/bounce/reasons", &pinned)))
        fprintf(stderr, "to be run from the root of the tree\n");
    else if (argc == 1)
        status = list(c);
    else if (catalogue_add(c, SLICE("reasons"), buf_slice(&pinned), tell, NULL))
        status = print(c, argv[1], argv[2], a);
    buf_clear(&pinned);
    arena_free(a);
    catalogue_free(c);
    return status;
}
