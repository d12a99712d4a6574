/* Any message: what comes out is ASCII, and not without measure. */
#include "base/ensure.h"
#include "seven.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 20 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;

    buf_init(&out, OUT_MAX);
    if (seven_bit_put(&out, slice_make(data, size)))
        ensure(slice_is_ascii(buf_slice(&out)));
    buf_clear(&out);
    return 0;
}
