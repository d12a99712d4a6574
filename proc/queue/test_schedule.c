/* When something is tried again: rfc5321#4.5.4.1-b. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "schedule.h"

static const struct row {
    const char *why;
    enum catalogue_retry retry;
    unsigned attempts;
    uint32_t wait, least, most;
} rows[] = {
    {"the first pause is the configured one", CATALOGUE_RETRY_no, 1, 0, 300, 330},
    {"each further one is twice as long", CATALOGUE_RETRY_no, 2, 0, 600, 660},
    {"and again", CATALOGUE_RETRY_no, 4, 0, 2400, 2640},
    {"up to the configured most", CATALOGUE_RETRY_no, 5, 0, 3600, 3960},
    {"however many there were", CATALOGUE_RETRY_no, 4000000000u, 0, 3600, 3960},
    {"soon is within minutes", CATALOGUE_RETRY_soon, 1, 0, 120, 132},
    {"and stays below the most", CATALOGUE_RETRY_soon, 50, 0, 1800, 1980},
    {"a full mailbox is asked slowly", CATALOGUE_RETRY_slowly, 1, 0, 900, 990},
    {"more and more slowly", CATALOGUE_RETRY_slowly, 50, 0, 14400, 15840},
    {"greylisting says when", CATALOGUE_RETRY_soon, 1, 300, 302, 302},
    {"also where it is sooner", CATALOGUE_RETRY_soon, 9, 20, 22, 22},
    {"but not by days", CATALOGUE_RETRY_soon, 1, 999999, 21602, 21602},
};

static void
pauses_follow_the_reason_the_attempts_and_what_the_server_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (uint32_t random = 0; random < 1000; random += 7) {
            struct schedule s = {300, 3600, random};
            uint32_t pause = schedule_pause(&s, rows[i].retry, rows[i].attempts, rows[i].wait);

            if (pause < rows[i].least || pause > rows[i].most)
                fail_msg("%s: %u", rows[i].why, pause);
        }
}

static void
a_pause_is_never_nothing(void **state)
{
    struct schedule s = {1, 1, 0};

    (void)state;
    assert_int_equal(schedule_pause(&s, CATALOGUE_RETRY_soon, 1, 0), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_follow_the_reason_the_attempts_and_what_the_server_says),
        cmocka_unit_test(a_pause_is_never_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
