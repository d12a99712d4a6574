/* Patterns: what they match, what they must not, what is wrong with them, and which one wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "explain/explain_private.h"

static struct arena *arena;
static struct buf told;

static int
set_up(void **state)
{
    (void)state;
    arena = arena_new("test", 64 << 20);
    buf_init(&told, 10000);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    buf_clear(&told);
    return 0;
}

static void
tell(void *ctx, const struct catalogue_mistake *m)
{
    (void)ctx;
    buf_put_format(&told, "%.*s:%u: %.*s\n", (int)m->file.len, (const char *)m->file.at, m->line,
                   (int)m->what.len, (const char *)m->what.at);
}

/* A catalogue of reasons named a, b, ...; each line is "reason says" or "reason code". */
static struct catalogue *
catalogue_of(const char *text)
{
    struct catalogue *c = catalogue_new();

    catalogue_add(c, SLICE("test.txt"), slice_of(text), NULL, NULL);
    return c;
}

static bool
matches(const char *pattern, const char *text)
{
    struct pattern p = {0};
    struct vocabulary v;
    struct words w;
    struct vocabulary_found found[100];
    size_t first, last;
    bool is_match = false, tried = false;

    vocabulary_init(&v);
    words_init(&w, arena);
    assert_null(pattern_compile(&p, slice_of(pattern), &v, &w, arena));
    vocabulary_finish(&v);
    words_read(&w, slice_of(text));
    assert_true(w.count <= COUNT(found));
    for (size_t i = 0; i < w.count; i++)
        found[i] = vocabulary_find(&v, words_at(&w, i));
    for (uint32_t k = 0; k < p.count; k++) {
        bool here = false;

        if (p.elements[k].count == 0 || p.elements[k].optional)
            continue;
        for (size_t i = 0; i < w.count && !here; i++)
            here = pattern_match(&p, k, &v, found, w.count, i, &first, &last);
        if (tried && is_match != here)
            fail_msg("\"%s\" depends on the place it is filed under", pattern);
        is_match = here;
        tried = true;
    }
    vocabulary_clear(&v);
    arena_clear(arena);
    return is_match;
}

static void
patterns_match_as_the_page_says(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool expected;
    } rows[] = {
        {"mailbox full", "Mailbox FULL!", true},
        {"mailbox full", "the mailbox-full case", true},
        {"mailbox full", "full mailbox", false},
        {"mailbox full", "mailbox is full", false},
        {"mailbox is? full", "mailbox is full", true},
        {"mailbox is? full", "mailbox full", true},
        {"mailbox is? full", "mailbox was full", false},
        {"mailbox|inbox|user is|was? full", "inbox was full", true},
        {"mailbox|inbox is? full", "account is full", false},
        {"exceed* quota", "Exceeded quota", true},
        {"exceed* quota", "exceeds quota", true},
        {"exceed* quota", "exc quota", false},
        {"exceed*|over quota", "over quota", true},
        {"user * not found", "user not found", true},
        {"user * not found", "user ana at example.com was not found", true},
        {"user * not found", "user a b c d e f g h not found", true},
        {"user * not found", "user a b c d e f g h i not found", false},
        {"user * not * found", "user ana is not a thing to be found", true},
        {"user * unknown * here", "user unknown user a unknown b here", true},
        {"can't be delivered", "This can\xe2\x80\x99t be delivered", true},
        {"can't|cannot be delivered", "cannot be delivered", true},
        {"can't|cannot be delivered", "can be delivered", false},
        {"a? user? unknown recipient", "unknown recipient", true},
        {"badmailfrom", "in my badmailfrom list", true},
        {"\xe7\x84\xa1\xe6\xb3\x95\xe6\x8a\x95\xe9\x81\x9e",
         "\xe5\xae\x83\xe7\x84\xa1\xe6\xb3\x95\xe6\x8a\x95\xe9\x81\x9e", true},
        {"buz\xc3\xb3n lleno", "BUZON LLENO", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (matches(rows[i].pattern, rows[i].text) != rows[i].expected)
            fail_msg("\"%s\" in \"%s\"", rows[i].pattern, rows[i].text);
}

static void
mistakes_are_told_with_their_place(void **state)
{
    static const struct {
        const char *says, *expected;
    } rows[] = {
        {"says: full", "test.txt:2: one short word alone means too much\n"},
        {"says: * *", "test.txt:2: no word that must be there\n"},
        {"says: full? mailbox?", "test.txt:2: no word that must be there\n"},
        {"says: ab* quota", "test.txt:2: a beginning such as exceed* has three letters at least\n"},
        {"says: 550 user unknown",
         "test.txt:2: a code belongs into says(...), not into the words\n"},
        {"says: 5.1.1 user unknown",
         "test.txt:2: a code belongs into says(...), not into the words\n"},
        {"says: us*er unknown", "test.txt:2: a sign stands where it means nothing\n"},
        {"says: user|? unknown name", "test.txt:2: an empty word\n"},
        {"says(nobody): user unknown",
         "test.txt:2: neither a code nor a provider of providers.txt\n"},
        {"says(after lunch): user unknown", "test.txt:2: no such moment of the dialogue\n"},
        {"says: a * b * c * d * e * f * g * h * i", "test.txt:2: too long\n"},
        {"says(550,4yz,x.1.1,after rcpt): user unknown", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        struct catalogue *c;

        snprintf(text, sizeof(text), "[a]\n%s\n", rows[i].says);
        c = catalogue_of(text);
        buf_reset(&told);
        explain_free(explain_new(c, tell, NULL));
        buf_put_byte(&told, '\0');
        assert_string_equal((const char *)told.at, rows[i].expected);
        catalogue_free(c);
    }
}

static void
the_heaviest_pattern_wins(void **state)
{
    static const char catalogue[] = "[provider google]\n"
                                    "name: Google\n"
                                    "host: *.google.example\n"
                                    "says: gsmtp\n"
                                    "[unknown]\n"
                                    "class: userunknown\n"
                                    "code: x.1.1\n"
                                    "says: user unknown\n"
                                    "[full]\n"
                                    "class: mailboxfull\n"
                                    "code: x.2.2\n"
                                    "says: mailbox is? full\n"
                                    "says: user unknown because the mailbox overflows\n"
                                    "[busy]\n"
                                    "class: onhold\n"
                                    "says(4yz): mailbox is? full\n"
                                    "[theirs]\n"
                                    "class: filtered\n"
                                    "says(google): mailbox full\n"
                                    "[late]\n"
                                    "class: blocked\n"
                                    "says(after data): mailbox full\n";
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"550 User unknown", "unknown"},
        {"550 User unknown because the mailbox overflows", "full"},
        {"550 Mailbox is full", "full"},
        {"450 Mailbox is full", "busy"},
        {"550 Mailbox full - gsmtp", "theirs"},
        {"host mx.google.example[192.0.2.1] said: 550 Mailbox full", "theirs"},
        {"host mx.example.com[192.0.2.1] said: 550 Mailbox full (in reply to DATA command)",
         "late"},
        {"550 5.2.2 Something", "full"},
        {"550 Something", "unknown-failure"},
    };
    struct catalogue *c = catalogue_of(catalogue);
    struct explain *e = explain_new(c, tell, NULL);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct explain_answer answer = explain_input(e, slice_of(rows[i].text), arena);

        assert_int_equal(answer.count, 1);
        if (!slice_eq(answer.of[0].reason->id, slice_of(rows[i].reason)))
            fail_msg("%s: %.*s", rows[i].text, (int)answer.of[0].reason->id.len,
                     (const char *)answer.of[0].reason->id.at);
        arena_clear(arena);
    }
    explain_free(e);
    catalogue_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_the_page_says),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(the_heaviest_pattern_wins),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
