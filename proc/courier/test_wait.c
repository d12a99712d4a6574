/* How long servers ask to wait, in words that they use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wait.h"

static const struct row {
    const char *text;
    uint32_t seconds;
} rows[] = {
    {"450 4.7.1 Greylisted, try again in 300 seconds", 300},
    {"451 4.7.1 Please try again in 5 minutes", 300},
    {"450 4.2.0 Recipient address rejected: Greylisted for 60 seconds (see http://x.example)", 60},
    {"451 Greylisting in action, please come back in 00:04:57", 297},
    {"451 4.7.1 Greylisting enabled, try again in 2 min", 120},
    {"450 4.7.1 Please wait at least 1 hour 30 minutes before you try again", 5400},
    {"421 4.7.0 Too much mail, retry after 60s", 60},
    {"421 retry in 4m58s", 298},
    {"450 Try again later: 90 seconds left", 90},
    {"450 please retry later, 120 secs remaining", 120},
    {"450 4.7.1 Bitte versuchen Sie es in 10 Minuten erneut", 600},
    {"450 Inténtelo de nuevo en 15 minutos", 900},
    {"450 Veuillez réessayer dans 3 minutes", 180},
    {"450 Riprovare tra 5 minuti", 300},
    {"450 повторите через 5 минут", 300},
    {"450 Spróbuj ponownie za 2 godziny", 7200},
    {"450 300秒后再试", 300},
    {"450 5分後に再度お試しください", 300},
    {"450 5 dakika sonra tekrar deneyin", 300},
    {"450 come back in 3 days", WAIT_MOST_SECONDS},
    {"450 try again in 99999999999999999999 seconds", WAIT_MOST_SECONDS},
    {"450 try again in 18446744073709551615 hours", WAIT_MOST_SECONDS},
    /* not said, or not a wait */
    {"", 0},
    {"450", 0},
    {"450 4.7.1 Try again later", 0},
    {"421 Timed out after 30 seconds", 0}, /* nobody speaks of another try */
    {"450 More than 20 messages per 60 seconds, try again later", 0},
    {"450 try again in 5", 0},
    {"450 try again in 5 m", 0}, /* it might be anything */
    {"450 try again in a few minutes", 0},
    {"450 try again after 14:30:00", 0}, /* a time of day */
    {"450 try again in 1:99", 0},
    {"450 try again in 0 seconds", 0},
    {"try again in :::: 5: seconds", 0},
};

static void
a_wait_is_read_where_one_is_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t seconds = wait_find(slice_of(rows[i].text));

        if (seconds != rows[i].seconds)
            fail_msg("%s: %u", rows[i].text, seconds);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_read_where_one_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
