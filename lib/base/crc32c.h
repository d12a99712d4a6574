/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of journal records and pack entries. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/slice.h"

/* Continue from `crc` (0 to begin), so that crc32c(crc32c(0, a), b) is that of a then b. */
uint32_t crc32c(uint32_t crc, struct slice bytes);

#endif
