/* A message on its way to the queue: in memory while it is small, in a memfd once it is not. */
#ifndef IPC_BODY_H
#define IPC_BODY_H

#include "base/buf.h"
#include "ipc/msg.h"

enum {
    BODY_MEMORY_MAX = 48 * 1024, /* bytes kept in memory */
    BODY_ENVELOPE_MAX = 32 << 20,
    BODY_HEAD_MAX = 16 * 1024, /* bytes in which a Message-ID is looked for */
};

struct body {
    struct buf memory; /* all of it, while fd is -1 */
    int fd;
    uint64_t size;
    bool is_8bit; /* some octet has its highest bit set */
};

void body_init(struct body *b);
void body_clear(struct body *b);
bool body_put(void *ctx, struct slice bytes); /* ctx: struct body *; false: no room */

/* Append the envelope, as the queue_submit message wants it: m->bytes, or b->fd to send along. */
bool body_close(struct body *b, struct slice envelope, struct queue_submit *m);

/* The beginning of it, BODY_HEAD_MAX bytes at most, until the next call. */
struct slice body_head(const struct body *b);

#endif
