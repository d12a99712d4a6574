/* Clocks, randomness and ids as people read them aloud. */
#include "base/clock.h"

#include <sys/random.h>
#include <time.h>

#include "base/ensure.h"
#include "base/slice.h"

uint64_t
clock_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
clock_steady_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int
clock_utc_offset(int64_t seconds)
{
    time_t at = (time_t)seconds;
    struct tm local;

    return localtime_r(&at, &local) ? (int)(local.tm_gmtoff / 60) : 0;
}

void
random_fill(void *at, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = getrandom((uint8_t *)at + done, n - done, 0);

        ensure(got > 0);
        done += (size_t)got;
    }
}

void
random_letters(char *at, size_t n)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    random_fill(at, n);
    for (size_t i = 0; i < n; i++)
        at[i] = letters[(uint8_t)at[i] & 63];
}

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* 32, as clock.h says */

void
id_format(uint64_t id, char text[ID_TEXT_LEN + 1])
{
    for (int i = ID_TEXT_LEN - 1; i >= 0; i--) {
        text[i] = digits[id & 31];
        id >>= 5;
    }
    text[ID_TEXT_LEN] = '\0';
}

/* The multiplier is 2^64 over the golden ratio: its product's upper bits depend on all of the id.
 */
void
id_reference(uint64_t id, char text[ID_REFERENCE_LEN + 1])
{
    uint64_t rest = (id * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - 5 * ID_REFERENCE_LEN);

    for (int i = ID_REFERENCE_LEN - 1; i >= 0; i--) {
        uint8_t c = (uint8_t)digits[rest & 31];

        text[i] = (char)(c >= 'a' ? c - ('a' - 'A') : c);
        rest >>= 5;
    }
    text[ID_REFERENCE_LEN] = '\0';
}

uint64_t
id_parse(const uint8_t *at, size_t len)
{
    uint64_t id = 0;

    if (len != ID_TEXT_LEN)
        return 0;
    for (size_t i = 0; i < len; i++) {
        const char *hit = at[i] ? strchr(digits, ascii_lower(at[i])) : NULL;

        if (!hit || id >> 59)
            return 0;
        id = id << 5 | (uint64_t)(hit - digits);
    }
    return id;
}
