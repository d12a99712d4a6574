/* Any words of any server: an end is found, and nobody is asked to wait for ever. */
#include "base/ensure.h"
#include "wait.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ensure(wait_find(slice_make(data, size)) <= WAIT_MOST_SECONDS);
    return 0;
}
