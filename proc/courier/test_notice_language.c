/* In which language a notice is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "notice_letter.h"

static struct catalogue *catalogue;

static int
set_up(void **state)
{
    (void)state;
    catalogue = catalogue_built_in();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    catalogue_free(catalogue);
    return 0;
}

/* rfc3282#2-a rfc3282#3-a */
static void
the_language_is_the_readers_else_what_his_message_says_else_all(void **state)
{
    static const struct {
        const char *why, *known, *header, *first, *second;
    } rows[] = {
        {"nothing is known", "", "Subject: x\n", "en", "es"},
        {"no header at all", "", "", "en", "es"},
        {"the reader's own", "es", "Content-Language: en\n", "es", ""},
        {"in capitals", "ES", "", "es", ""},
        {"one that we do not speak", "fr", "Content-Language: es\n", "es", ""},
        {"the message's", "", "Content-Language: es\n", "es", ""},
        {"a country is cut off", "", "Content-Language: es-PE\n", "es", ""},
        {"a script and a country are", "", "Content-Language: es-Latn-PE\n", "es", ""},
        {"another language that begins alike", "", "Content-Language: est\n", "en", "es"},
        {"the first that we speak", "", "Content-Language: qu, es, en\n", "es", ""},
        {"comments and folds", "", "Content-Language: (Quechua)\n qu,\n (Spanish) es\n", "es", ""},
        {"the message's before what is accepted", "", "Accept-Language: es\nContent-Language: en\n",
         "en", ""},
        {"what is accepted", "", "Accept-Language: es-PE\n", "es", ""},
        {"of equals the leftmost", "", "Accept-Language: de, es, en\n", "es", ""},
        {"the heaviest", "", "Accept-Language: en;q=0.5, es; q=0.8\n", "es", ""},
        {"without a weight it is the heaviest", "", "Accept-Language: en;q=0.9, es\n", "es", ""},
        {"three digits", "", "Accept-Language: en;q=0.700, es;q=0.701\n", "es", ""},
        {"not accepted at all", "", "Accept-Language: en;q=0, es;q=0.001\n", "es", ""},
        {"more than all is all", "", "Accept-Language: en, es;q=7\n", "en", ""},
        {"a weight that is none is none", "", "Accept-Language: es;q=much, en;q=0.1\n", "en", ""},
        {"any language", "", "Accept-Language: *\n", "en", "es"},
        {"only others", "", "Accept-Language: de, fr;q=0.5\n", "en", "es"},
        {"the message's is not ours, what is accepted is", "",
         "Content-Language: de\nAccept-Language: es\n", "es", ""},
        {"nonsense", "", "Content-Language: ;;;,,=\"(\nAccept-Language: @@@\n", "en", "es"},
        {"an empty element", "", "Content-Language: , es\n", "es", ""},
    };
    struct slice got[BOUNCE_LANGUAGES];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        notice_languages_choose(catalogue, slice_of(rows[i].known), slice_of(rows[i].header), got);
        if (!slice_eq(got[0], slice_of(rows[i].first)) ||
            !slice_eq(got[1], slice_of(rows[i].second)))
            fail_msg("%s: %.*s %.*s", rows[i].why, (int)got[0].len, (const char *)got[0].at,
                     (int)got[1].len, (const char *)got[1].at);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_language_is_the_readers_else_what_his_message_says_else_all),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
