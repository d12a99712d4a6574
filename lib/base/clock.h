/* Time and chance, the two things a pure machine must be handed. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_now_us(void);    /* since 1970-01-01 UTC, may jump with the system's clock */
uint64_t clock_steady_ms(void); /* since some moment, never goes back */

/* Minutes that this machine's local time is ahead of UTC at that moment, seconds since 1970. */
int clock_utc_offset(int64_t seconds);

void random_fill(void *at, size_t n); /* from the kernel; ends the process where it has none */

/* n letters, digits, hyphens and underscores, six random bits each: a nonce as SASL wants it. */
void random_letters(char *at, size_t n);

/* A unique id as text: 13 characters of base 32, none of i l o u, which people mistake. */
enum { ID_TEXT_LEN = 13 };
void id_format(uint64_t id, char text[ID_TEXT_LEN + 1]);

/* Reads what id_format wrote, either case. 0: it did not. */
uint64_t id_parse(const uint8_t *at, size_t len);

/* A short name for an id, to be read out on the telephone: six capitals and digits of the same base
 * 32. Whoever knows the id can make it, nobody can make the id of it; two ids in 2^30 share one, so
 * it is looked for together with a day. */
enum { ID_REFERENCE_LEN = 6 };
void id_reference(uint64_t id, char text[ID_REFERENCE_LEN + 1]);

#endif
