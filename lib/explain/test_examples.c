/* Every example of the catalogue is explained as the reason it stands under, every pattern is met
 * by an example, and every reply of ours is explained as what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "explain/explain_private.h"
#include "reason/reason.h"

static struct catalogue *catalogue;
static struct explain *explain;
static struct arena *arena;
static unsigned mistakes;

static void
tell(void *ctx, const struct catalogue_mistake *m)
{
    (void)ctx;
    mistakes++;
    fprintf(stderr, "%.*s:%u: %.*s\n", (int)m->file.len, (const char *)m->file.at, m->line,
            (int)m->what.len, (const char *)m->what.at);
}

static int
set_up(void **state)
{
    (void)state;
    catalogue = catalogue_built_in();
    explain = explain_new(catalogue, tell, NULL);
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

static void
every_pattern_compiles(void **state)
{
    (void)state;
    assert_int_equal(mistakes, 0);
}

static bool
is_known(const struct catalogue_reason *r)
{
    for (size_t i = 0; i < COUNT(explain->known); i++)
        if (explain->known[i] == r)
            return true;
    return false;
}

static void
every_reason_has_something_that_leads_to_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalogue_reasons(catalogue); i++) {
        const struct catalogue_reason *r = catalogue_reason_at(catalogue, i);

        if (!r->replies && !r->says && !r->codes && !is_known(r))
            fail_msg("%.*s:%u: no reply, pattern or code leads to this reason", (int)r->file.len,
                     (const char *)r->file.at, r->line);
    }
}

/* False, with the place told, where the example is explained as something else. */
static bool
try_example(const struct catalogue_reason *r, const struct catalogue_line *example)
{
    struct explain_answer answer = explain_input(explain, example->text, arena);
    const struct explained *x = &answer.of[0];

    if (answer.count == 1 && x->reason == r)
        return true;
    fprintf(stderr, "%.*s:%u: explained as %.*s, by \"%.*s\"\n", (int)example->file.len,
            (const char *)example->file.at, example->line, (int)x->reason->id.len,
            (const char *)x->reason->id.at, (int)x->evidence.len,
            (const char *)(x->evidence.len ? x->evidence.at : (const uint8_t *)""));
    return false;
}

static void
examples_are_explained_as_their_reason(void **state)
{
    unsigned failed = 0, tried = 0;

    (void)state;
    for (size_t i = 0; i < catalogue_reasons(catalogue); i++) {
        const struct catalogue_reason *r = catalogue_reason_at(catalogue, i);

        for (const struct catalogue_line *l = r->examples; l; l = l->next) {
            tried++;
            failed += !try_example(r, l);
            arena_clear(arena);
        }
    }
    fprintf(stderr, "%u examples, %u explained as something else\n", tried, failed);
    assert_int_equal(failed, 0);
}

static void
see_examples(const struct catalogue_reason *r, bool *met)
{
    struct reader reader;

    reader_init(&reader, &explain->index, arena);
    for (const struct catalogue_line *l = r->examples; l; l = l->next) {
        reader_read(&reader, reply_join(l->text, arena));
        for (size_t i = 0; i < reader.count; i++)
            met[reader.matches[i].pattern->number] = true;
        reader_read(&reader, l->text);
        for (size_t i = 0; i < reader.count; i++)
            met[reader.matches[i].pattern->number] = true;
    }
    arena_clear(arena);
}

static void
patterns_are_met_by_an_example_of_their_reason(void **state)
{
    bool *met = calloc(explain->index.count, 1);
    unsigned failed = 0;

    (void)state;
    for (size_t i = 0; i < catalogue_reasons(catalogue); i++)
        see_examples(catalogue_reason_at(catalogue, i), met);
    for (uint32_t i = 0; i < explain->index.count; i++) {
        const struct pattern *p = &explain->index.patterns[i];

        if (!p->reason || met[i])
            continue;
        failed++;
        fprintf(stderr, "%.*s:%u: no example has these words\n", (int)p->file.len,
                (const char *)p->file.at, p->line);
    }
    free(met);
    fprintf(stderr, "%u patterns, %u without an example\n", explain->index.count, failed);
    assert_int_equal(failed, 0);
}

/* A reply without its "[id reference]" is still known by its words. */
static bool
try_reply(enum reason r, bool by_name)
{
    const struct reason_row *row = reason_row(r);
    struct buf out;
    struct slice line;
    struct explain_answer answer;
    bool fine;

    buf_init(&out, 1024);
    reason_put(&out, r, SLICE("ana@example.com"), SLICE("7KQ2M9"));
    line = buf_slice(&out);
    if (!by_name && slice_find_last(line, '[') > 5)
        line = slice_head(line, (size_t)slice_find_last(line, '['));
    answer = explain_input(explain, line, arena);
    fine = slice_eq(answer.of[0].reason->id, slice_of(row->id));
    if (fine && by_name)
        fine = !reason_is_refusal(r) || slice_eq(answer.of[0].reference, SLICE("7KQ2M9"));
    if (!fine)
        fprintf(stderr, "%s \"%s\": explained as %.*s, not %s\n", row->name, row->text,
                (int)answer.of[0].reason->id.len, (const char *)answer.of[0].reason->id.at,
                row->id);
    buf_clear(&out);
    arena_clear(arena);
    return fine;
}

static void
replies_of_ours_are_explained_by_their_name(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
        if (reason_is_refusal((enum reason)r))
            failed += !try_reply((enum reason)r, true);
    assert_int_equal(failed, 0);
}

static void
replies_of_ours_are_explained_by_their_words(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
        if (reason_is_refusal((enum reason)r))
            failed += !try_reply((enum reason)r, false);
    assert_int_equal(failed, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_compiles),
        cmocka_unit_test(every_reason_has_something_that_leads_to_it),
        cmocka_unit_test(examples_are_explained_as_their_reason),
        cmocka_unit_test(patterns_are_met_by_an_example_of_their_reason),
        cmocka_unit_test(replies_of_ours_are_explained_by_their_name),
        cmocka_unit_test(replies_of_ours_are_explained_by_their_words),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
