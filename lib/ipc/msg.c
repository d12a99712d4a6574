/* Writers and readers made from the schemas. The reader is sticky: after the first thing that does
 * not fit, everything reads as zero and the frame is refused at its end. */
#include "ipc/msg.h"

#include "base/ensure.h"

struct reader {
    struct slice rest;
    bool bad;
};

static void
put_u32(struct buf *out, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 24)};

    buf_put(out, slice_make(bytes, sizeof(bytes)));
}

static void
put_u64(struct buf *out, uint64_t value)
{
    put_u32(out, (uint32_t)value);
    put_u32(out, (uint32_t)(value >> 32));
}

static void
put_slice(struct buf *out, struct slice value)
{
    put_u32(out, (uint32_t)value.len);
    buf_put(out, value);
}

static void
put_items(struct buf *out, struct slice value)
{
    put_slice(out, value);
}

static struct slice
take_bytes(struct reader *r, size_t n)
{
    struct slice taken = slice_head(r->rest, n);

    if (taken.len < n) {
        r->bad = true;
        r->rest = (struct slice){NULL, 0};
        return r->rest;
    }
    r->rest = slice_tail(r->rest, n);
    return taken;
}

static uint32_t
take_u32(struct reader *r)
{
    struct slice s = take_bytes(r, 4);

    if (s.len == 0)
        return 0;
    return (uint32_t)s.at[0] | (uint32_t)s.at[1] << 8 | (uint32_t)s.at[2] << 16 |
           (uint32_t)s.at[3] << 24;
}

static uint64_t
take_u64(struct reader *r)
{
    uint64_t low = take_u32(r);

    return low | (uint64_t)take_u32(r) << 32;
}

static struct slice
take_slice(struct reader *r)
{
    return take_bytes(r, take_u32(r));
}

static struct slice
take_items(struct reader *r)
{
    return take_slice(r);
}

#define MSG(name)                                                                                  \
    static void put_##name(struct buf *out, const void *message)                                   \
    {                                                                                              \
        const struct name *m = message;                                                            \
        (void)m, (void)out;
#define FIELD(type, name) put_##type(out, m->name);
#define END(name)         }
#include "ipc/all.def"
#undef MSG
#undef FIELD
#undef END

#define MSG(name)                                                                                  \
    static void take_##name(struct reader *r, void *message)                                       \
    {                                                                                              \
        struct name *m = message;                                                                  \
        (void)m, (void)r;
#define FIELD(type, name) m->name = take_##type(r);
#define END(name)         }
#include "ipc/all.def"
#undef MSG
#undef FIELD
#undef END

static const struct schema {
    const char *name;
    void (*put)(struct buf *out, const void *message);
    void (*take)(struct reader *r, void *message);
} schemas[MSG_COUNT] = {
    [MSG_NONE] = {"none", NULL, NULL},
#define MSG(name) [MSG_##name] = {#name, put_##name, take_##name},
#define FIELD(type, name)
#define END(name)
#include "ipc/all.def"
#undef MSG
#undef FIELD
#undef END
};

const char *
msg_name(enum msg_type type)
{
    return type < MSG_COUNT ? schemas[type].name : "unknown";
}

bool
msg_frame_put(struct buf *out, struct msg_header header, const void *message)
{
    ensure(header.type > MSG_NONE && header.type < MSG_COUNT);
    put_u32(out, header.type);
    put_u32(out, header.serial);
    put_u32(out, header.answer);
    schemas[header.type].put(out, message);
    return !out->full;
}

bool
msg_frame_next(struct slice *packet, struct msg_header *header, union msg_any *message)
{
    struct reader r = {.rest = *packet};

    *packet = (struct slice){NULL, 0};
    header->type = take_u32(&r);
    header->serial = take_u32(&r);
    header->answer = take_u32(&r);
    if (r.bad || header->type == MSG_NONE || header->type >= MSG_COUNT || header->answer > 1)
        return false;
    schemas[header->type].take(&r, message);
    if (!r.bad)
        *packet = r.rest;
    return !r.bad;
}

bool
msg_frame_take(struct slice frame, struct msg_header *header, union msg_any *message)
{
    return msg_frame_next(&frame, header, message) && frame.len == 0;
}

bool
msg_items_put(struct buf *items, enum msg_type type, const void *message)
{
    ensure(type > MSG_NONE && type < MSG_COUNT);
    schemas[type].put(items, message);
    return !items->full;
}

bool
msg_items_take(struct slice *items, enum msg_type type, void *message)
{
    struct reader r = {.rest = *items};

    ensure(type > MSG_NONE && type < MSG_COUNT);
    if (items->len == 0)
        return false;
    schemas[type].take(&r, message);
    if (!r.bad)
        *items = r.rest;
    return !r.bad;
}
