/* Most mail is small and travels inside one frame; the rest is streamed into a memfd as it arrives.
 */
#include "ipc/body.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

void
body_init(struct body *b)
{
    buf_init(&b->memory, MSG_FRAME_MAX);
    b->fd = -1;
    b->size = 0;
    b->is_8bit = false;
}

void
body_clear(struct body *b)
{
    if (b->fd >= 0)
        close(b->fd);
    buf_clear(&b->memory);
    body_init(b);
}

static bool
write_all(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.at, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = slice_tail(bytes, (size_t)n);
    }
    return true;
}

static bool
spill(struct body *b)
{
    b->fd = memfd_create("message", MFD_CLOEXEC);
    if (b->fd < 0 || !write_all(b->fd, buf_slice(&b->memory)))
        return false;
    buf_clear(&b->memory);
    return true;
}

bool
body_put(void *ctx, struct slice bytes)
{
    struct body *b = ctx;

    b->size += bytes.len;
    b->is_8bit |= !slice_is_ascii(bytes);
    if (b->fd < 0 && b->memory.len + bytes.len <= BODY_MEMORY_MAX)
        return buf_put(&b->memory, bytes);
    return (b->fd >= 0 || spill(b)) && write_all(b->fd, bytes);
}

bool
body_close(struct body *b, struct slice envelope, struct queue_submit *m)
{
    enum { SUBMIT_HEADER = 64 };

    m->body_size = b->size;
    m->envelope_size = (uint32_t)envelope.len;
    if (b->fd < 0 && b->memory.len + envelope.len + SUBMIT_HEADER <= MSG_FRAME_MAX) {
        buf_put(&b->memory, envelope);
        m->bytes = buf_slice(&b->memory);
        return true;
    }
    return (b->fd >= 0 || spill(b)) && write_all(b->fd, envelope);
}

struct slice
body_head(const struct body *b)
{
    static uint8_t room[BODY_HEAD_MAX];
    struct slice in_memory = slice_head(buf_slice(&b->memory), b->size);
    ssize_t got = 0;

    if (b->fd < 0)
        return slice_head(in_memory, BODY_HEAD_MAX);
    got = pread(b->fd, room, b->size < sizeof(room) ? b->size : sizeof(room), 0);
    return slice_make(room, got > 0 ? (size_t)got : 0);
}
