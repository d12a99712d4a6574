/* By the processor's own instruction where it has one, else a table of 256. */
#include "base/crc32c.h"

enum { CRC32C_POLYNOMIAL_REVERSED = (int)0x82f63b78 };

static uint32_t
by_table(uint32_t crc, struct slice s)
{
    static uint32_t table[256];

    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;

            for (int bit = 0; bit < 8; bit++)
                c = c & 1 ? c >> 1 ^ (uint32_t)CRC32C_POLYNOMIAL_REVERSED : c >> 1;
            table[i] = c;
        }
    }
    for (size_t i = 0; i < s.len; i++)
        crc = crc >> 8 ^ table[(crc ^ s.at[i]) & 0xff];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, struct slice s)
{
    uint64_t wide = crc;

    for (; s.len >= 8; s = slice_tail(s, 8)) {
        uint64_t word;

        memcpy(&word, s.at, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (size_t i = 0; i < s.len; i++)
        crc = __builtin_ia32_crc32qi(crc, s.at[i]);
    return crc;
}
#endif

uint32_t
crc32c(uint32_t crc, struct slice bytes)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~by_instruction(~crc, bytes);
#endif
    return ~by_table(~crc, bytes);
}
