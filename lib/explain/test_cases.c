/* Runs the .txt files of test/explain: inputs as real systems produce them, with the answer
 * expected written above. test/explain/README.md has the form. Each is read twice, its lines ending
 * in LF and in CR LF. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "explain/explain.h"
#include "explain/text.h"

enum { CASE_MAX = 1 << 20, PATH_SIZE = 512 };

static const char *const folder = "test/explain";

static struct catalogue *catalogue;
static struct explain *explain;
static struct arena *arena;

static int
set_up(void **state)
{
    (void)state;
    catalogue = catalogue_built_in();
    explain = explain_new(catalogue, NULL, NULL);
    arena = arena_new("test", EXPLAIN_MEMORY_MAX);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    explain_free(explain);
    catalogue_free(catalogue);
    return 0;
}

static struct slice
yes_or_no(bool value)
{
    return value ? SLICE("true") : SLICE("false");
}

/* What the answer has under that key. False: there is no such key. */
static bool
value_of(const struct explained *x, struct slice key, struct slice *value)
{
    const struct {
        const char *key;
        struct slice value;
    } rows[] = {
        {"recipient", x->recipient.len ? x->recipient : SLICE("-")},
        {"reason", x->reason->id},
        {"bounce_class", slice_of(catalogue_class_words[x->reason->class])},
        {"who", slice_of(catalogue_who_words[x->reason->who])},
        {"retry", slice_of(catalogue_retry_words[x->reason->retry])},
        {"hard", yes_or_no(x->hard)},
        {"permanent", yes_or_no(x->permanent)},
        {"contradicts", yes_or_no(x->contradicts)},
        {"status", x->status.len ? x->status : SLICE("-")},
        {"remote", x->remote.len ? x->remote : SLICE("-")},
        {"provider", x->provider ? x->provider->id : SLICE("-")},
        {"phase", slice_of(explain_phase_words[x->phase])},
        {"reference", x->reference},
        {"reply", x->reply},
        {"evidence", x->evidence},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        if (slice_eq(key, slice_of(rows[i].key))) {
            *value = rows[i].value;
            return true;
        }
    }
    return false;
}

/* Words are compared as a whole, a reply and evidence by a part of them. */
static bool
is_expected(struct slice key, struct slice wanted, struct slice value)
{
    if (slice_eq(key, SLICE("reply")) || slice_eq(key, SLICE("evidence")))
        return text_find(value, wanted) >= 0;
    return slice_eq(value, wanted);
}

static bool
complain(const char *path, unsigned line, struct slice key, struct slice wanted, struct slice value)
{
    fprintf(stderr, "%s:%u: %.*s: expected \"%.*s\", got \"%.*s\"\n", path, line, (int)key.len,
            (const char *)key.at, (int)wanted.len, (const char *)wanted.at, (int)value.len,
            (const char *)(value.len ? value.at : (const uint8_t *)""));
    return false;
}

/* Compare the lines above "=== input" with the answer. */
static bool
compare(const char *path, struct slice expected, const struct explain_answer *answer)
{
    struct slice line, key, value;
    size_t count = 0;
    bool fine = true;

    for (unsigned n = 1; text_take_line(&expected, &line); n++) {
        if (text_is_blank(line) || line.at[0] == '#')
            continue;
        slice_cut(&line, ':', &key);
        line = slice_trim(line);
        count += slice_eq(key, SLICE("recipient"));
        if (slice_eq(key, SLICE("kind")))
            value = slice_of(explain_kind_words[answer->kind]);
        else if (count == 0 || count > answer->count)
            return complain(path, n, key, line, SLICE("no such recipient"));
        else if (!value_of(&answer->of[count - 1], key, &value))
            return complain(path, n, key, line, SLICE("no such key"));
        if (!is_expected(key, line, value))
            fine = complain(path, n, key, line, value);
    }
    if (count != answer->count)
        fine = complain(path, 0, SLICE("recipients"), SLICE("those above"),
                        answer->of[answer->count - 1].recipient);
    return fine;
}

static void
put_crlf(struct buf *out, struct slice text)
{
    struct slice line;

    while (text.len) {
        bool ends = slice_cut(&text, '\n', &line);

        buf_put(out, line);
        if (ends)
            buf_put_string(out, "\r\n");
    }
}

static bool
run(const char *path, struct slice text)
{
    struct slice input = text, expected = text;
    struct explain_answer answer;
    struct buf crlf;
    bool fine;

    if (!text_after(&input, "\n=== input\n")) {
        fprintf(stderr, "%s: no line \"=== input\"\n", path);
        return false;
    }
    expected.len = (size_t)(input.at - text.at) - strlen("=== input\n");
    answer = explain_input(explain, input, arena);
    fine = compare(path, expected, &answer);
    arena_clear(arena);
    buf_init(&crlf, 2 * CASE_MAX);
    put_crlf(&crlf, input);
    answer = explain_input(explain, buf_slice(&crlf), arena);
    fine = compare(path, expected, &answer) && fine;
    arena_clear(arena);
    buf_clear(&crlf);
    return fine;
}

static bool
run_file(const char *name)
{
    static uint8_t room[CASE_MAX];
    char path[PATH_SIZE];
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(room, 1, sizeof(room), f);
    fclose(f);
    return run(path, slice_make(room, n));
}

static void
cases_are_explained_as_written(void **state)
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases_are_explained_as_written)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
