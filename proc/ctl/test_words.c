/* The small languages of the command line: sizes, bulk lines, sendmail's options; and the table of
 * sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bulk.h"
#include "sendmail.h"
#include "size.h"

static void
sizes_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t bytes;
    } rows[] = {
        {"0", true, 0},
        {"512", true, 512},
        {"1K", true, 1024},
        {"5m", true, 5 << 20},
        {"2GB", true, UINT64_C(2) << 30},
        {"1TiB", true, UINT64_C(1) << 40},
        {"none", true, 0},
        {"", false, 0},
        {"K", false, 0},
        {"1.5G", false, 0},
        {"-1", false, 0},
        {"1KK", false, 0},
        {"1 K", false, 0},
        {"99999999T", false, 0},
        {"18446744073709551616", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t bytes = 0;

        assert_int_equal(size_parse(slice_of(rows[i].text), &bytes), rows[i].good);
        if (rows[i].good)
            assert_true(bytes == rows[i].bytes);
    }
}

static void
sizes_and_ages_are_short(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = {
        {0, "0"},       {1023, "1023"},    {1024, "1.0K"},    {10188, "9.9K"},
        {10200, "10K"}, {1048064, "1.0M"}, {5 << 20, "5.0M"}, {UINT64_MAX, "16777216T"},
    };
    static const struct {
        uint64_t seconds;
        const char *text;
    } ages[] = {{0, "0s"}, {59, "59s"}, {60, "1m"}, {3600, "1h0m"}, {90000, "1d1h"}};
    char text[SIZE_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_format(sizes[i].bytes, text);
        assert_string_equal(text, sizes[i].text);
    }
    for (size_t i = 0; i < COUNT(ages); i++) {
        size_format_age(ages[i].seconds, text);
        assert_string_equal(text, ages[i].text);
    }
}

static void
bulk_lines_name_an_account(void **state)
{
    static const struct {
        const char *why, *line;
        enum bulk_kind kind;
        const char *address, *password, *hash;
        uint64_t quota;
    } rows[] = {
        {"an address", "a@b", BULK_ACCOUNT, "a@b", "", "", UINT64_MAX},
        {"a password", "a@b {plain}s3cret", BULK_ACCOUNT, "a@b", "s3cret", "", UINT64_MAX},
        {"a hash", "a@b\t$y$j9T$x$y  1G\r", BULK_ACCOUNT, "a@b", "", "$y$j9T$x$y", 1 << 30},
        {"a marked hash", "a@b {CRYPT}$6$x$y none", BULK_ACCOUNT, "a@b", "", "$6$x$y", 0},
        {"no password, a quota", "a@b - 10M", BULK_ACCOUNT, "a@b", "", "", 10 << 20},
        {"nothing", "", BULK_EMPTY, "", "", "", 0},
        {"spaces", " \t ", BULK_EMPTY, "", "", "", 0},
        {"a comment", "# a@b", BULK_EMPTY, "", "", "", 0},
        {"an empty password", "a@b {plain}", BULK_BAD, "", "", "", 0},
        {"a quota that is none", "a@b - lots", BULK_BAD, "", "", "", 0},
        {"a word too many", "a@b - 1G x", BULK_BAD, "", "", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bulk_line l;

        assert_int_equal(bulk_line_parse(slice_of(rows[i].line), &l), rows[i].kind);
        if (rows[i].kind != BULK_ACCOUNT)
            continue;
        assert_true(slice_eq(l.address, slice_of(rows[i].address)));
        assert_true(slice_eq(l.password, slice_of(rows[i].password)));
        assert_true(slice_eq(l.hash, slice_of(rows[i].hash)));
        assert_true(l.quota == rows[i].quota);
    }
}

static void
sendmail_takes_the_options_scripts_use(void **state)
{
    static const struct {
        const char *why;
        char *argv[8];
        bool good;
        char mode;
        bool dots, header;
        const char *sender, *first;
    } rows[] = {
        {"nothing", {"sendmail"}, true, 'm', false, false, NULL, NULL},
        {"php", {"sendmail", "-t", "-i"}, true, 'm', true, true, NULL, NULL},
        {"together", {"sendmail", "-ti", "a@b"}, true, 'm', true, true, NULL, "a@b"},
        {"cron",
         {"sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"},
         true,
         'm',
         true,
         false,
         NULL,
         "root"},
        {"-oi", {"sendmail", "-oi", "a"}, true, 'm', true, false, NULL, "a"},
        {"a sender attached", {"sendmail", "-fx@y", "a"}, true, 'm', false, false, "x@y", "a"},
        {"a sender apart", {"sendmail", "-r", "x@y", "a"}, true, 'm', false, false, "x@y", "a"},
        {"the null sender", {"sendmail", "-f", "<>", "a"}, true, 'm', false, false, "", "a"},
        {"speaking SMTP", {"sendmail", "-bs"}, true, 's', false, false, NULL, NULL},
        {"mailq", {"sendmail", "-bp"}, true, 'p', false, false, NULL, NULL},
        {"what follows --", {"sendmail", "--", "-t"}, true, 'm', false, false, NULL, "-t"},
        {"a time for the queue", {"sendmail", "-q30m"}, true, 'm', false, false, NULL, NULL},
        {"a debug level", {"sendmail", "-d0.1", "a"}, true, 'm', false, false, NULL, "a"},
        {"being a daemon", {"sendmail", "-bd"}, false, 0, false, false, NULL, NULL},
        {"an unknown letter", {"sendmail", "-tZ"}, false, 0, false, false, NULL, NULL},
        {"a value that is missing", {"sendmail", "-f"}, false, 0, false, false, NULL, NULL},
        {"a notification nobody knows",
         {"sendmail", "-N", "often"},
         false,
         0,
         false,
         false,
         NULL,
         NULL},
        {"never and something",
         {"sendmail", "-N", "never,success"},
         false,
         0,
         false,
         false,
         NULL,
         NULL},
        {"an envelope id with a line end",
         {"sendmail", "-V", "a\r\nb"},
         false,
         0,
         false,
         false,
         NULL,
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sendmail s;
        const char *wrong = NULL;
        int argc = 0;

        while (rows[i].argv[argc])
            argc++;
        assert_int_equal(sendmail_parse(&s, argc, (char **)(uintptr_t)rows[i].argv, &wrong),
                         rows[i].good);
        if (!rows[i].good) {
            assert_non_null(wrong);
            continue;
        }
        assert_int_equal(s.mode, rows[i].mode);
        assert_int_equal(s.dots_are_text, rows[i].dots);
        assert_int_equal(s.from_header, rows[i].header);
        assert_int_equal(!s.sender, !rows[i].sender);
        if (s.sender)
            assert_string_equal(s.sender, rows[i].sender);
        assert_int_equal(!s.recipients[0], !rows[i].first);
        if (s.recipients[0])
            assert_string_equal(s.recipients[0], rows[i].first);
    }
}

/* The argument numbers in a sentence, as bits. */
static unsigned
arguments_of(const char *sentence)
{
    unsigned seen = 0;

    for (; *sentence; sentence++)
        if (sentence[0] == '{' && sentence[1] >= '1' && sentence[1] <= '9' && sentence[2] == '}')
            seen |= 1u << (sentence[1] - '0');
    return seen;
}

static void
both_languages_say_the_same(void **state)
{
    static const struct {
        const char *id, *en, *es;
    } rows[] = {
#define TEXT(id, en, es)            {#id, en, es},
#define FAILURE(id, status, en, es) {#id, en, es},
#include "failure.def"
#include "text.def"
#undef TEXT
#undef FAILURE
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(arguments_of(rows[i].en), arguments_of(rows[i].es));
        assert_int_equal(!rows[i].en[0], !rows[i].es[0]);
    }
}

static void
a_locale_chooses_the_language(void **state)
{
    static const struct {
        const char *name, *yes;
        bool known;
    } rows[] = {
        {"en", "yes", true},           {"es", "sí", true},  {"es_AR.UTF-8", "sí", true},
        {"en_GB", "yes", true},        {"C", "yes", false}, {"est", "yes", false},
        {"de_DE.UTF-8", "yes", false}, {"", "yes", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(text_start(rows[i].name, false), rows[i].known);
        assert_string_equal(text_get(TEXT_yes), rows[i].yes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_as_people_write_them),
        cmocka_unit_test(sizes_and_ages_are_short),
        cmocka_unit_test(bulk_lines_name_an_account),
        cmocka_unit_test(sendmail_takes_the_options_scripts_use),
        cmocka_unit_test(both_languages_say_the_same),
        cmocka_unit_test(a_locale_chooses_the_language),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
