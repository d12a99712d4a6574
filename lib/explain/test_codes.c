/* Codes: where they are, and where numbers are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "explain/codes.h"

static void
codes_are_found_where_systems_put_them(void **state)
{
    static const struct {
        const char *why, *text;
        unsigned basic, class, subject, detail;
    } rows[] = {
        {"a reply", "550 5.1.1 User unknown", 550, 5, 1, 1},
        {"without an enhanced code", "550 User unknown", 550, 0, 0, 0},
        {"a line of several", "550-5.1.1 User unknown", 550, 5, 1, 1},
        {"an enhanced code alone", "5.7.606 Access denied", 0, 5, 7, 606},
        {"in brackets, as qmail has it", "no mailbox here by that name. (#5.1.1)", 0, 5, 1, 1},
        {"with a number sign", "550 #5.1.0 Address rejected", 550, 5, 1, 0},
        {"after a type", "smtp;550 5.2.2 full", 550, 5, 2, 2},
        {"after a type, alone", "smtp; 452 full", 452, 0, 0, 0},
        {"as a log's key", "dsn=5.1.1, stat=User unknown", 0, 5, 1, 1},
        {"in square brackets", "Rejected [550]", 550, 0, 0, 0},
        {"after a letter", "E451 Rate limit", 451, 0, 0, 0},
        {"after words", "SMTP error 550 found", 550, 0, 0, 0},
        {"after said", "host mx.example.com[192.0.2.1] said: 550 no", 550, 0, 0, 0},
        {"on the second line", "Remote host said:\n550 no", 550, 0, 0, 0},
        {"before an enhanced one in the midst", "was refused: 550 5.1.1 by", 550, 5, 1, 1},
        {"at the end of a sentence", "It said 5.1.1.", 0, 5, 1, 1},
        {"qmail's log", "Remote_host_said:_550_5.1.1_No_such_user", 550, 5, 1, 1},
        {"nested", "554 5.0.0 rejected: 550-'5.1.1 <a@example.com>'", 554, 5, 0, 0},

        {"an IP address", "connect to 192.0.2.1 failed", 0, 0, 0, 0},
        {"an IP address like a code", "5.7.1.2 refused", 0, 0, 0, 0},
        {"a port", "connect to mx.example.com:550", 0, 0, 0, 0},
        {"a size", "message of 550000 bytes", 0, 0, 0, 0},
        {"an amount", "wait 450 seconds", 0, 0, 0, 0},
        {"a version", "Exim 4.94.2", 0, 0, 0, 0},
        {"a version with a letter", "v5.1.1", 0, 0, 0, 0},
        {"a date", "on 2026-11-16 at 10:450", 0, 0, 0, 0},
        {"a message id", "<20261116.550.5@example.com>", 0, 0, 0, 0},
        {"an address", "550@example.com", 0, 0, 0, 0},
        {"a price", "$550", 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct explain_codes c = codes_find(slice_of(rows[i].text));

        if (c.basic != rows[i].basic || c.enhanced[0] != rows[i].class)
            fail_msg("%s: %u %u.%u.%u", rows[i].why, c.basic, c.enhanced[0], c.enhanced[1],
                     c.enhanced[2]);
        if (c.enhanced[0]) {
            assert_int_equal(c.enhanced[1], rows[i].subject);
            assert_int_equal(c.enhanced[2], rows[i].detail);
        }
    }
}

static void
a_code_alone_is_nothing_else(void **state)
{
    static const struct {
        const char *text;
        bool alone;
    } rows[] = {
        {"550", true},      {"5.7.1", true},         {"550 5.7.1", true}, {"#5.1.1", true},
        {"(#5.1.1)", true}, {"550-5.7.1\r\n", true}, {"550 no", false},   {"", false},
        {"5501", false},    {"550 551", false},      {"999", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct explain_codes codes;

        assert_int_equal(codes_alone(slice_of(rows[i].text), &codes), rows[i].alone);
    }
}

static void
masks_stand_for_codes(void **state)
{
    static const struct {
        const char *mask;
        bool is_mask, matches; /* 550 5.7.26 */
    } rows[] = {
        {"550", true, true},      {"5yz", true, true},     {"55z", true, true},
        {"4yz", true, false},     {"551", true, false},    {"5.7.26", true, true},
        {"x.7.26", true, true},   {"5.7.z", true, true},   {"5.y.z", true, true},
        {"5.7.2", true, false},   {"4.7.26", true, false}, {"354", true, false},
        {"google", false, false}, {"xyz", false, false},   {"55", false, false},
        {"12345", false, false},
    };
    const struct explain_codes codes = {550, {5, 7, 26}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice mask = slice_of(rows[i].mask);

        if (codes_is_mask(mask) != rows[i].is_mask)
            fail_msg("%s", rows[i].mask);
        if (rows[i].is_mask && codes_match(mask, &codes) != rows[i].matches)
            fail_msg("%s", rows[i].mask);
    }
}

static void
digits_have_names(void **state)
{
    const uint16_t enhanced[3] = {5, 1, 10};
    char name[EXPLAIN_NAME_SIZE];

    (void)state;
    assert_true(explain_basic_name(550, 0, name));
    assert_string_equal(name, "5yz");
    assert_true(explain_basic_name(550, 1, name));
    assert_string_equal(name, "x5z");
    assert_true(explain_basic_name(550, 2, name));
    assert_string_equal(name, "550");
    assert_false(explain_basic_name(0, 0, name));
    assert_false(explain_basic_name(550, 3, name));
    assert_true(explain_enhanced_name(enhanced, 0, name));
    assert_string_equal(name, "5.y.z");
    assert_true(explain_enhanced_name(enhanced, 1, name));
    assert_string_equal(name, "x.1.z");
    assert_true(explain_enhanced_name(enhanced, 2, name));
    assert_string_equal(name, "x.1.10");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_found_where_systems_put_them),
        cmocka_unit_test(a_code_alone_is_nothing_else),
        cmocka_unit_test(masks_stand_for_codes),
        cmocka_unit_test(digits_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
