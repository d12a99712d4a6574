/* Runs the .txt files of test/bounce: what became of a message, and the notice expected below. Each
 * is made twice, the original's lines ending in LF and in CR LF. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "test/bounce/story.h"

enum { PATH_SIZE = 512, NOTICE_MAX = 4 << 20 };

static const char folder[] = "test/bounce";

static struct catalogue *catalogue;
static struct arena *arena;

static void
tell(void *ctx, const struct catalogue_mistake *m)
{
    (void)ctx;
    fprintf(stderr, "reasons:%u: %.*s\n", m->line, (int)m->what.len, (const char *)m->what.at);
}

static int
set_up(void **state)
{
    struct buf text;
    bool fine;

    (void)state;
    buf_init(&text, CATALOGUE_FILE_MAX);
    catalogue = catalogue_built_in();
    arena = arena_new("test", STORY_MEMORY);
    fine = !err_is(file_read("test/bounce/reasons", &text)) &&
           catalogue_add(catalogue, SLICE("reasons"), buf_slice(&text), tell, NULL);
    buf_clear(&text);
    return fine ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    catalogue_free(catalogue);
    return 0;
}

static struct slice
with_crlf(struct slice text)
{
    struct buf out;
    struct slice line, copy;

    buf_init(&out, 2 * NOTICE_MAX);
    while (text.len) {
        slice_cut(&text, '\n', &line);
        buf_put(&out, line);
        buf_put_string(&out, "\r\n");
    }
    copy = arena_copy(arena, buf_slice(&out));
    buf_clear(&out);
    return copy;
}

/* The first line that differs is told. */
static bool
compare(const char *path, struct slice expected, struct slice got)
{
    struct slice want, have;

    for (unsigned n = 1; expected.len || got.len; n++) {
        slice_cut(&expected, '\n', &want);
        slice_cut(&got, '\n', &have);
        if (slice_eq(want, have))
            continue;
        fprintf(stderr, "%s: line %u of the notice: expected \"%.*s\", got \"%.*s\"\n", path, n,
                (int)want.len, (const char *)want.at, (int)have.len, (const char *)have.at);
        return false;
    }
    return true;
}

static bool
run(const char *path, const struct story *s)
{
    struct buf out, readable;
    bool fine;

    buf_init(&out, NOTICE_MAX);
    buf_init(&readable, NOTICE_MAX);
    fine = bounce_put(&out, catalogue, &s->b);
    story_put_readable(&readable, buf_slice(&out));
    fine = compare(path, s->expected, buf_slice(&readable)) && fine;
    buf_clear(&out);
    buf_clear(&readable);
    return fine;
}

static bool
run_file(const char *name)
{
    static struct story s;
    char path[PATH_SIZE];
    struct buf text;
    bool fine;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    buf_init(&text, NOTICE_MAX);
    assert_false(err_is(file_read(path, &text)));
    if (!story_read(&s, buf_slice(&text), arena))
        fail_msg("%s:%u: not understood", path, s.line);
    fine = run(path, &s);
    s.b.original = with_crlf(s.b.original);
    fine = run(path, &s) && fine;
    buf_clear(&text);
    arena_clear(arena);
    return fine;
}

/* rfc3464#2.1-a rfc3464#2.2.1-a rfc3464#2.2.2-a rfc3464#2.2.5-a rfc3464#2.3.1-a rfc3464#2.3.2-a
 * rfc3464#2.3.3-a rfc3464#2.3.4-a rfc3464#2.3.5-a rfc3464#2.3.6-a rfc3464#2.3.7-a rfc3464#2.3.9-a
 * rfc3464#2.4-a rfc3461#4.3-b rfc3461#6.3-a rfc3461#6.3-b rfc6533#4-a rfc6533#4-b rfc6533#5-b */
static void
notices_are_as_written(void **state)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    unsigned ran = 0, failed = 0;

    (void)state;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        size_t len = strlen(entries[i]->d_name);

        if (len > 4 && strcmp(entries[i]->d_name + len - 4, ".txt") == 0) {
            ran++;
            failed += !run_file(entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    fprintf(stderr, "%u cases, %u failed\n", ran, failed);
    assert_true(ran > 0);
    assert_int_equal(failed, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(notices_are_as_written)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
