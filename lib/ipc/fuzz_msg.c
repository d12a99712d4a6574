/* Any bytes as a frame: it is refused, or writing what was read gives the same bytes again. */
#include "base/ensure.h"
#include "ipc/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice frame = slice_make(data, size);
    struct msg_header header;
    union msg_any m;
    struct buf again;

    if (!msg_frame_take(frame, &header, &m))
        return 0;
    buf_init(&again, size);
    ensure(msg_frame_put(&again, header, &m));
    ensure(slice_eq(buf_slice(&again), frame));
    buf_clear(&again);
    return 0;
}
