/* The catalogue's files: what is read from them, what is told of bad ones, and the whole that is
 * compiled in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "reason/catalogue.h"

enum { TOLD_MAX = 1 << 16 };

/* "file:line: what" lines */
static void
note(void *ctx, const struct catalogue_mistake *m)
{
    buf_put(ctx, m->file);
    buf_put_format(ctx, ":%u: ", m->line);
    buf_put(ctx, m->what);
    buf_put_byte(ctx, '\n');
}

static bool
is(struct slice s, const char *expected)
{
    struct slice want = slice_of(expected);

    if (!slice_eq(s, want))
        print_error("got '%.*s', not '%.*s'\n", (int)s.len, (const char *)s.at, (int)want.len,
                    (const char *)want.at);
    return slice_eq(s, want);
}

/* A catalogue of one text that has no mistake. */
static struct catalogue *
made_of(const char *text)
{
    struct catalogue *c = catalogue_new();
    struct buf told;

    buf_init(&told, TOLD_MAX);
    if (!catalogue_add(c, SLICE("a.txt"), slice_of(text), note, &told))
        fail_msg("%.*s", (int)told.len, (const char *)buf_slice(&told).at);
    assert_int_equal(told.len, 0);
    buf_clear(&told);
    return c;
}

static void
reason_is_read_with_all_its_facts(void **state)
{
    struct catalogue *c = made_of("# a comment\n"
                                  "[full]\n"
                                  "class:   mailboxfull\n"
                                  "who:     recipient\n"
                                  "retry:   slowly\n"
                                  "reply:   SMTP_FULL 452 4.2.2 Mailbox {} is full\n"
                                  "reply:   POP3_FULL -ERR [IN-USE] full\n"
                                  "code:    x.2.2\n"
                                  "says:    mailbox|inbox is? full\n"
                                  "says( google, 550 ): out of * space\n"
                                  "example: 552 5.2.2 <ana@example.com>... Mailbox full\n");
    const struct catalogue_reason *r = catalogue_find(c, SLICE("full"));

    (void)state;
    assert_non_null(r);
    assert_null(catalogue_find(c, SLICE("empty")));
    assert_int_equal(catalogue_reasons(c), 1);
    assert_ptr_equal(catalogue_reason_at(c, 0), r);
    assert_int_equal(r->class, CATALOGUE_CLASS_mailboxfull);
    assert_int_equal(r->who, CATALOGUE_WHO_recipient);
    assert_int_equal(r->retry, CATALOGUE_RETRY_slowly);
    assert_true(is(r->replies->name, "SMTP_FULL") && is(r->replies->code, "452"));
    assert_true(is(r->replies->detail, "4.2.2") && is(r->replies->text, "Mailbox {} is full"));
    assert_true(is(r->replies->next->detail, "[IN-USE]") && !r->replies->next->next);
    assert_true(is(r->codes->code, "x.2.2") && !r->codes->next);
    assert_true(is(r->says->pattern, "mailbox|inbox is? full") && is(r->says->narrowed, ""));
    assert_true(is(r->says->next->narrowed, "google, 550"));
    assert_true(is(r->says->next->file, "a.txt") && r->says->next->line == 10);
    assert_true(is(r->examples->text, "552 5.2.2 <ana@example.com>... Mailbox full"));
    catalogue_free(c);
}

static void
values_go_on_in_indented_lines(void **state)
{
    static const struct {
        const char *why, *text, *expected;
    } rows[] = {
        {"one line", "what: one", "one"},
        {"joined by a space", "what: one\n  two\n\tthree\n", "one two three"},
        {"begun on the next line", "what:\n  one\n  two", "one two"},
        {"items stay lines", "what:\n  - one\n    and more\n  - two\n", "- one and more\n- two"},
        {"comments and blank lines are not there", "what: one\n# no\n\n  two\n", "one two"},
        {"a Windows editor's line ends", "what: one\r\n  two\r\n", "one two"},
        {"a '#' within is text", "what: one\n  #2\n", "one #2"},
        {"the colon may come again", "what: a: b", "a: b"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct catalogue *c;
        struct buf text;

        buf_init(&text, 1000);
        buf_put_format(&text, "\xef\xbb\xbf[r]\n[r en]\n%s%c", rows[i].text, '\0');
        c = made_of((const char *)buf_slice(&text).at);
        if (!is(catalogue_text(c, catalogue_find(c, SLICE("r")), CATALOGUE_what, SLICE("en")),
                rows[i].expected))
            fail_msg("%s", rows[i].why);
        catalogue_free(c);
        buf_clear(&text);
    }
}

static void
providers_codes_and_words_have_sections_of_their_own(void **state)
{
    struct catalogue *c = made_of("[provider google]\n"
                                  "name: Google\n"
                                  "host: *.google.com\n"
                                  "host: *.googlemail.com\n"
                                  "says: gsmtp\n"
                                  "[code 5yz en]\n"
                                  "means: a lasting refusal\n"
                                  "[code 5yz es]\n"
                                  "means: un rechazo definitivo\n"
                                  "[status x.1.1 en]\n"
                                  "means: no such mailbox\n"
                                  "[words es]\n"
                                  "who.recipient: el destinatario\n"
                                  "[words en]\n"
                                  "who.sender: you\n");
    struct slice languages[3];
    const struct catalogue_provider *p = catalogue_provider_find(c, SLICE("google"));

    (void)state;
    assert_int_equal(catalogue_providers(c), 1);
    assert_ptr_equal(catalogue_provider_at(c, 0), p);
    assert_null(catalogue_provider_find(c, SLICE("yahoo")));
    assert_true(is(p->name, "Google") && is(p->says->text, "gsmtp"));
    assert_true(is(p->hosts->next->text, "*.googlemail.com") && !p->hosts->next->next);
    assert_true(is(catalogue_code_means(c, SLICE("code"), SLICE("5yz"), SLICE("es")),
                   "un rechazo definitivo"));
    assert_true(is(catalogue_code_means(c, SLICE("status"), SLICE("x.1.1"), SLICE("es")),
                   "no such mailbox"));
    assert_true(is(catalogue_code_means(c, SLICE("code"), SLICE("4yz"), SLICE("en")), ""));
    assert_true(is(catalogue_word(c, SLICE("who.recipient"), SLICE("es")), "el destinatario"));
    assert_true(is(catalogue_word(c, SLICE("who.recipient"), SLICE("en")), ""));
    assert_int_equal(catalogue_languages(c, languages, COUNT(languages)), 2);
    assert_true(is(languages[0], "es") && is(languages[1], "en"));
    assert_int_equal(catalogue_languages(c, languages, 1), 1);
    catalogue_free(c);
}

/* A third language is a file of texts and nothing else: french/fr.txt, beside this file. */
static void
partial_language_falls_back_to_english(void **state)
{
    struct catalogue *c = catalogue_built_in();
    const struct catalogue_reason *r = catalogue_find(c, SLICE("no-mailbox"));
    struct slice english = catalogue_text(c, r, CATALOGUE_what, SLICE("en"));
    struct buf told;

    (void)state;
    buf_init(&told, TOLD_MAX);
    assert_true(catalogue_add_folder(c, "lib/reason/french", note, &told));
    assert_true(is(catalogue_text(c, r, CATALOGUE_summary, SLICE("fr")),
                   "Cette adresse n'existe pas chez le destinataire."));
    assert_true(is(catalogue_text(c, r, CATALOGUE_user, SLICE("fr")),
                   "- Vérifiez l'adresse, lettre par lettre.\n- Demandez-la au destinataire."));
    assert_true(is(catalogue_word(c, SLICE("who.sender"), SLICE("fr")), "Vous (l'expéditeur)"));
    assert_true(english.len > 0);
    assert_true(slice_eq(catalogue_text(c, r, CATALOGUE_what, SLICE("fr")), english));
    r = catalogue_find(c, SLICE("mailbox-full"));
    assert_true(slice_eq(catalogue_text(c, r, CATALOGUE_summary, SLICE("fr")),
                         catalogue_text(c, r, CATALOGUE_summary, SLICE("en"))));
    assert_false(catalogue_add_folder(c, "lib/reason/klingon", note, &told));
    buf_clear(&told);
    catalogue_free(c);
}

static void
later_file_adds_lines_and_replaces_texts(void **state)
{
    struct catalogue *c = made_of("[r]\nclass: blocked\nsays: one two\n[r en]\nwhat: before\n");
    const struct catalogue_reason *r = catalogue_find(c, SLICE("r"));
    struct buf told;

    (void)state;
    buf_init(&told, TOLD_MAX);
    assert_true(catalogue_add(
        c, SLICE("b.txt"), SLICE("[r en]\nwhat: after\n[r]\nclass: filtered\nsays: three four\n"),
        note, &told));
    assert_int_equal(catalogue_reasons(c), 1);
    assert_int_equal(r->class, CATALOGUE_CLASS_filtered);
    assert_true(is(r->says->next->pattern, "three four") && is(r->says->next->file, "b.txt"));
    assert_true(is(catalogue_text(c, r, CATALOGUE_what, SLICE("en")), "after"));
    assert_false(catalogue_check(c, SLICE(""), SLICE(""), note, &told));
    assert_true(is(buf_slice(&told), "a.txt:1: [r] has no 'who'\na.txt:1: [r] has no 'retry'\n"
                                     "b.txt:4: another 'class' was given in a.txt:2\n"));
    buf_clear(&told);
    catalogue_free(c);
}

static void
mistakes_are_told_with_their_line(void **state)
{
    static const struct {
        const char *why, *text, *told;
    } rows[] = {
        {"before a section", "class: blocked\n",
         "f:1: 'class: blocked' stands before the first [section]\n"},
        {"a key that is nearly one", "[r]\n[r en]\nsumary: x\n",
         "f:3: unknown key 'sumary', did you mean 'summary'\n"},
        {"a key that is none", "[r]\ncolour: x\n", "f:2: unknown key 'colour'\n"},
        {"a text without a language", "[r]\nsummary: x\n", "f:2: 'summary' has no place in [r]\n"},
        {"a fact with a language", "[r en]\nclass: blocked\n",
         "f:2: 'class' has no place in [r en]\n"},
        {"a class", "[r]\nclass: mailbxfull\n",
         "f:2: unknown class 'mailbxfull', did you mean 'mailboxfull'\n"},
        {"a who", "[r]\nwho: me\n", "f:2: unknown who 'me'\n"},
        {"a retry", "[r]\nretry: slow\n", "f:2: unknown retry 'slow', did you mean 'slowly'\n"},
        {"nothing in it", "[r]\nclass:\nwho: sender\n", "f:2: 'class' has no value\n"},
        {"no colon", "[r]\njust words\n",
         "f:2: 'just words' is neither [a section] nor a 'key: value'\n"},
        {"an open parenthesis", "[r]\nsays(550: x y\n",
         "f:2: 'says' is neither [a section] nor a 'key: value'\n"},
        {"what cannot be narrowed", "[r]\ncode(google): 5.1.1\n",
         "f:2: only 'says' of a reason can be narrowed down: 'code(google)'\n"},
        {"twice", "[r]\nclass: blocked\nclass: blocked\n",
         "f:3: 'class' was given already, in line 2\n"},
        {"a text twice", "[r]\n[r en]\nwhat: a\nwhat: b\n",
         "f:4: 'what' was given already, in line 3\n"},
        {"an indented line alone", "[r]\n  what\n",
         "f:2: an indented line that no value goes on in: 'what'\n"},
        {"a code", "[r]\ncode: 5.1\n",
         "f:2: '5.1' is no enhanced code: 5.1.1, or x.1.1 for 4 and 5\n"},
        {"a code of no class", "[r]\ncode: 3.1.1\n",
         "f:2: '3.1.1' is no enhanced code: 5.1.1, or x.1.1 for 4 and 5\n"},
        {"a reply's name", "[r]\nreply: Full 552 - full\n",
         "f:2: 'Full' is no name for a reply: capitals, digits and '_' are\n"},
        {"a reply's code", "[r]\nreply: FULL 652 - full\n",
         "f:2: '652' is no reply code: 2yz to 5yz, +OK and -ERR are\n"},
        {"a reply's enhanced code", "[r]\nreply: FULL 552 [IN-USE] full\n",
         "f:2: '[IN-USE]' is neither an enhanced code, nor [A-RESPONSE-CODE], nor '-'\n"},
        {"a reply without text", "[r]\nreply: FULL 552 -\n",
         "f:2: the text of a reply is ASCII, 200 characters at most, and has '{}' once at most\n"},
        {"a reply with two arguments", "[r]\nreply: FULL 552 - {} and {}\n",
         "f:2: the text of a reply is ASCII, 200 characters at most, and has '{}' once at most\n"},
        {"a reply with accents", "[r]\nreply: FULL 552 - buz\xc3\xb3n\n",
         "f:2: the text of a reply is ASCII, 200 characters at most, and has '{}' once at most\n"},
        {"not UTF-8", "[r]\nsays: a b\n\xff\xfe\n",
         "f:3: the line has control characters, or is not UTF-8\n"},
        {"a control character", "[r]\n\x01\n",
         "f:2: the line has control characters, or is not UTF-8\n"},
        {"lines are counted whatever they are", "\n# x\n[r]\r\nwho: x\n  y\n\n",
         "f:4: unknown who 'x y'\n"},
        {"what stands in no section is told once", "[R!]\nclass: x\n  y\n[r]\nclass: blocked\n",
         "f:1: [R!] begins no section: [ID], [ID LANGUAGE], [provider ID], [code NAME LANGUAGE], "
         "[status NAME LANGUAGE] and [words LANGUAGE] do\n"},
    };
    struct buf told;

    (void)state;
    buf_init(&told, TOLD_MAX);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct catalogue *c = catalogue_new();

        buf_reset(&told);
        assert_false(catalogue_add(c, SLICE("f"), slice_of(rows[i].text), note, &told));
        if (!is(buf_slice(&told), rows[i].told))
            fail_msg("%s", rows[i].why);
        catalogue_free(c);
    }
    buf_clear(&told);
}

static void
headers_that_begin_no_section_are_told(void **state)
{
    static const char *const headers[] = {
        "[]",
        "[r",
        "[ ]",
        "[r en es]",
        "[words]",
        "[code 550]",
        "[code 55 en]",
        "[code 5.1.1 en]",
        "[status 550 en]",
        "[status a.b.c en]",
        "[provider]",
        "[provider g en]",
        "[R]",
        "[r EN]",
        "[r_r]",
        "[-r]",
        "[r toolonglanguage]",
        "[r] x",
        "[words en es]",
        "[a b c d e]",
    };
    struct buf told;

    (void)state;
    buf_init(&told, TOLD_MAX);
    for (size_t i = 0; i < COUNT(headers); i++) {
        struct catalogue *c = catalogue_new();

        if (catalogue_add(c, SLICE("f"), slice_of(headers[i]), note, &told))
            fail_msg("%s", headers[i]);
        assert_int_equal(catalogue_reasons(c) + catalogue_providers(c), 0);
        catalogue_free(c);
    }
    buf_clear(&told);
}

/* `head`, then `line` many times. */
static bool
adds(const char *head, const char *line, size_t times, struct buf *told)
{
    struct catalogue *c = catalogue_new();
    struct buf text;
    bool ok;

    buf_reset(told);
    buf_init(&text, 16 << 20);
    buf_put_string(&text, head);
    for (size_t i = 0; i < times; i++)
        buf_put_string(&text, line);
    ok = catalogue_add(c, SLICE("f"), buf_slice(&text), note, told);
    buf_clear(&text);
    catalogue_free(c);
    return ok;
}

static void
limits_hold(void **state)
{
    struct buf told;

    (void)state;
    buf_init(&told, TOLD_MAX);
    assert_true(adds("[r]\nsays: ", "x", CATALOGUE_LINE_MAX - 6, &told));
    assert_false(adds("[r]\nsays: ", "x", CATALOGUE_LINE_MAX - 5, &told));
    assert_true(is(buf_slice(&told), "f:2: the line is too long\n"));
    assert_true(adds("[r]\nsays:\n", " y\n", CATALOGUE_VALUE_MAX / 2, &told));
    assert_false(adds("[r]\nsays:\n", " y\n", CATALOGUE_VALUE_MAX / 2 + 1, &told));
    assert_true(is(buf_slice(&told), "f:2: the value of 'says' is too long\n"));
    assert_true(adds("[r]\n", "says: a\n", 100000, &told));
    assert_false(adds("[r]\n", "says: a\n", CATALOGUE_FILE_MAX / 8, &told));
    assert_true(is(buf_slice(&told), "f:0: the file is too big\n"));
    assert_false(adds("[r]\n", "x: a\n", 2 * CATALOGUE_MISTAKES_MAX, &told));
    assert_non_null(memmem(buf_slice(&told).at, told.len, "f:102: too many mistakes", 24));
    assert_false(adds("[r]\n[r en]\n", "r", CATALOGUE_NAME_MAX, &told));
    buf_clear(&told);
}

static void
too_many_reasons_are_told(void **state)
{
    struct catalogue *c = catalogue_new();
    struct buf text, told;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_init(&told, TOLD_MAX);
    for (unsigned i = 0; i <= CATALOGUE_REASONS_MAX; i++)
        buf_put_format(&text, "[r%u]\n", i);
    assert_false(catalogue_add(c, SLICE("f"), buf_slice(&text), note, &told));
    assert_true(is(buf_slice(&told), "f:4001: the catalogue has no room for more\n"));
    assert_int_equal(catalogue_reasons(c), CATALOGUE_REASONS_MAX);
    buf_clear(&told);
    buf_clear(&text);
    catalogue_free(c);
}

static const char registry[] = "# code\tbasic codes\tname\n"
                               "X.1.1\t451,550\tno such mailbox\n"
                               "x.2.2\tany\tmailbox full\n"
                               "x.5.3\t451\ttoo many recipients\n";

static void
check_tells_what_is_wrong_with_the_whole(void **state)
{
    static const struct {
        const char *why, *text, *told;
    } rows[] = {
        {"all is well", "[r en]\nsummary: x\n", ""},
        {"no facts", "[q]\n",
         "f:2: [q] has no 'class'\nf:2: [q] has no 'who'\n"
         "f:2: [q] has no 'retry'\n"},
        {"texts of no reason", "[q en]\nwhat: x\n",
         "f:3: 'what' of a reason that there is not: [q]\n"},
        {"too long", "[r en]\nsummary: 1 2 3 4 5 6 7 8 9 10\n  11 12 13 14 15 16 17 18 19 20 21\n",
         "f:3: 'summary' has more than 20 words\n"},
        {"hyphens of a list are no words",
         "[r en]\nsummary:\n - 1 2 3 4 5 6 7 8 9 10\n - 11 12 13 14 15 16 17 18 19 20\n", ""},
        {"jargon", "[r en]\nwhat: your dns, friend\n[words en]\njargon: SMTP DNS\n",
         "f:3: 'dns' is no word for 'what', which everybody reads\n"},
        {"no jargon for others", "[r en]\npostmaster: DNS\n[words en]\njargon: SMTP DNS\n", ""},
        {"a code twice", "[r]\ncode: x.1.1\n[s]\nclass: delivered\ncode: x.1.1\n",
         "f:6: x.1.1 is claimed by [r], too\n"},
        {"a reply twice", "[r]\nreply: A 550 5.1.1 a\nreply: A 550 5.1.1 b\n",
         "f:4: A is claimed by [r], too\n"},
        {"a code nobody registered", "[r]\ncode: x.1.77\n",
         "f:3: x.1.77 is not in the registry of enhanced codes\n"},
        {"the same in a reply", "[r]\nreply: A 550 5.1.77 a\n",
         "f:3: 5.1.77 is not in the registry of enhanced codes\n"},
        {"of another class", "[r]\nreply: A 550 4.1.1 a\n",
         "f:3: 4.1.1 is of another class than 550\n"},
        {"of another basic code", "[r]\nreply: A 551 5.1.1 a\n",
         "f:3: 5.1.1 is not registered for 551\n"},
        {"any basic code", "[r]\nreply: A 551 5.2.2 a\n", ""},
        {"a deviation of ours", "[r]\nreply: A 452 4.5.3 a\n", ""},
    };
    struct buf told, text;

    (void)state;
    buf_init(&told, TOLD_MAX);
    buf_init(&text, TOLD_MAX);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct catalogue *c = catalogue_new();

        buf_reset(&told);
        buf_reset(&text);
        buf_put_format(&text, "# f\n%s", rows[i].text);
        assert_true(catalogue_add(
            c, SLICE("base"), SLICE("[r]\nclass: blocked\nwho: sender\nretry: no\n"), note, &told));
        assert_true(catalogue_add(c, SLICE("f"), buf_slice(&text), note, &told));
        catalogue_check(c, SLICE(""), slice_of(registry), note, &told);
        if (!is(buf_slice(&told), rows[i].told))
            fail_msg("%s", rows[i].why);
        catalogue_free(c);
    }
    buf_clear(&text);
    buf_clear(&told);
}

static void
check_tells_what_is_missing_in_a_language(void **state)
{
    struct catalogue *c = made_of("[yes]\nclass: delivered\n"
                                  "[yes en]\nsummary: a\nwhat: b\n"
                                  "[yes es]\nsummary: a\n"
                                  "[code 550 en]\nmeans: x\n"
                                  "[words en]\njargon: DNS\nunknown: x\n"
                                  "[words fr]\nunknown: x\n");
    struct buf told;

    (void)state;
    buf_init(&told, TOLD_MAX);
    assert_false(catalogue_check(c, SLICE("en es"), SLICE(""), note, &told));
    assert_true(is(buf_slice(&told), "a.txt:1: there is no 'what' in [yes es]\n"
                                     "a.txt:9: '550' is not there in 'es'\n"
                                     "a.txt:12: 'unknown' is not there in 'es'\n"));
    buf_clear(&told);
    catalogue_free(c);
}

/* What `valija explain` does at each start. */
static void
built_in_catalogue_is_whole_and_quickly_read(void **state)
{
    uint64_t before = clock_steady_ms();
    struct catalogue *c = catalogue_built_in();
    uint64_t took = clock_steady_ms() - before;
    struct buf told;

    (void)state;
    buf_init(&told, TOLD_MAX);
    assert_true(catalogue_reasons(c) > 50);
    assert_true(catalogue_check(c, SLICE("en es"), SLICE(""), note, &told));
    assert_in_range(took, 0,
                    200); /* a few, but machines of tests are slow and their tools slower */
    buf_clear(&told);
    catalogue_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reason_is_read_with_all_its_facts),
        cmocka_unit_test(values_go_on_in_indented_lines),
        cmocka_unit_test(providers_codes_and_words_have_sections_of_their_own),
        cmocka_unit_test(partial_language_falls_back_to_english),
        cmocka_unit_test(later_file_adds_lines_and_replaces_texts),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(headers_that_begin_no_section_are_told),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(too_many_reasons_are_told),
        cmocka_unit_test(check_tells_what_is_wrong_with_the_whole),
        cmocka_unit_test(check_tells_what_is_missing_in_a_language),
        cmocka_unit_test(built_in_catalogue_is_whole_and_quickly_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
