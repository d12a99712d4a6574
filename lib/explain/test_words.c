/* A text made simple: the same words, however it was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "explain/words.h"

static struct arena *arena;

static int
set_up(void **state)
{
    (void)state;
    arena = arena_new("test", 64 << 20);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void
text_becomes_simple_words(void **state)
{
    static const struct {
        const char *why, *text, *expected;
    } rows[] = {
        {"nothing", "", ""},
        {"signs alone", " -- !? ", ""},
        {"letters and digits", "Mailbox FULL 42", "mailbox full 42"},
        {"an apostrophe parts", "isn't", "isn t"},
        {"a curly one, too", "isn\xe2\x80\x99t", "isn t"},
        {"a code is three words", "5.7.1", "5 7 1"},
        {"underscores part", "no_such_user", "no such user"},
        {"accents go", "Buz\xc3\xb3n lleno, se\xc3\xb1or", "buzon lleno senor"},
        {"combining accents go", "buzo\xcc\x81n", "buzon"},
        {"sharp s",
         "Gr\xc3\xb6\xc3\x9f"
         "e",
         "grosse"},
        {"Latin-1 is understood", "Buz\xf3n", "buzon"},
        {"a broken sequence is Latin-1", "a\xc3", "aa"},
        {"Cyrillic in lower case", "\xd0\x9f\xd0\xbe\xd0\xbb\xd1\x8c",
         "\xd0\xbf\xd0\xbe\xd0\xbb\xd1\x8c"},
        {"Chinese, a character a word",
         "\xe9\x82\xae\xe7\xae\xb1"
         "a",
         "\xe9\x82\xae \xe7\xae\xb1 a"},
        {"Korean syllables stay whole", "\xeb\xa9\x94\xec\x9d\xbc", "\xeb\xa9\x94 \xec\x9d\xbc"},
        {"full width is plain", "\xef\xbc\xa1\xef\xbc\xa2", "ab"},
        {"no-break space parts",
         "a\xc2\xa0"
         "b",
         "a b"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct words w;
        struct buf out;

        words_init(&w, arena);
        words_read(&w, slice_of(rows[i].text));
        buf_init(&out, 1000);
        for (size_t k = 0; k < w.count; k++) {
            if (k)
                buf_put_byte(&out, ' ');
            buf_put(&out, words_at(&w, k));
        }
        buf_put_byte(&out, '\0');
        assert_string_equal((const char *)out.at, rows[i].expected);
        buf_clear(&out);
        arena_clear(arena);
    }
}

static void
words_know_their_place(void **state)
{
    struct words w;

    (void)state;
    words_init(&w, arena);
    words_read(&w, SLICE(" Se\xc3\xb1or, hola\n\n a"));
    assert_int_equal(w.count, 3);
    assert_int_equal(w.of[0].at, 1);
    assert_int_equal(w.of[0].end, 7);
    assert_int_equal(w.of[1].at, 9);
    assert_int_equal(w.of[1].end, 13);
    assert_false(w.of[1].is_first);
    assert_true(w.of[2].is_first); /* after a blank line */
}

static void
too_many_words_are_cut(void **state)
{
    static uint8_t text[4 * EXPLAIN_WORDS_MAX];
    struct words w;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 ? ' ' : 'a';
    words_init(&w, arena);
    words_read(&w, slice_make(text, sizeof(text)));
    assert_int_equal(w.count, EXPLAIN_WORDS_MAX);
    assert_true(w.truncated);
    words_read(&w, SLICE("short again"));
    assert_int_equal(w.count, 2);
    assert_false(w.truncated);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_simple_words),
        cmocka_unit_test(words_know_their_place),
        cmocka_unit_test(too_many_words_are_cut),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
