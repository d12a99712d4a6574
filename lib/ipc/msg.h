/* Messages between processes. Each schema stands once, in a .msg file; this header reads them all
 * as structs, msg.c as writers, readers and names. A frame is a header, then the fields in order,
 * integers little endian, a slice as a 32-bit length and bytes. On the wire a SOCK_SEQPACKET packet
 * is one frame, or several of one turn, one after the other. */
#ifndef IPC_MSG_H
#define IPC_MSG_H

#include "base/buf.h"

enum {
    MSG_FRAME_MAX = 65536 - 512
}; /* bytes of one frame; what is larger crosses as a descriptor */

/* Field types. `items` is a slice of further messages, one after the other: msg_items_put/_take. */
#define MSG_TYPE_u32   uint32_t
#define MSG_TYPE_u64   uint64_t
#define MSG_TYPE_slice struct slice
#define MSG_TYPE_items struct slice

enum msg_type {
    MSG_NONE,
#define MSG(name) MSG_##name,
#define FIELD(type, name)
#define END(name)
#include "ipc/all.def"
#undef MSG
#undef FIELD
#undef END
    MSG_COUNT
};

#define MSG(name)         struct name {
#define FIELD(type, name) MSG_TYPE_##type name;
#define END(name)                                                                                  \
    }                                                                                              \
    ;
#include "ipc/all.def"
#undef MSG
#undef FIELD
#undef END

/* Room for any decoded message. */
union msg_any {
    char none;
#define MSG(name) struct name name;
#define FIELD(type, name)
#define END(name)
#include "ipc/all.def"
#undef MSG
#undef FIELD
#undef END
};

struct msg_header {
    uint32_t type;   /* enum msg_type */
    uint32_t serial; /* of the question this asks or answers; 0: neither */
    uint32_t answer; /* 1: an answer */
};

const char *msg_name(enum msg_type type);

/* One whole frame appended to out; false where it does not fit in out's cap. */
bool msg_frame_put(struct buf *out, struct msg_header header, const void *message);

/* Take a frame apart. False on an unknown type, a wrong length or anything left over. Slices of the
 * message lie in the frame. */
bool msg_frame_take(struct slice frame, struct msg_header *header, union msg_any *message);

/* The same with the first frame of a packet, whose rest is left; false: nothing is. */
bool msg_frame_next(struct slice *packet, struct msg_header *header, union msg_any *message);

/* Append a message to the bytes of an `items` field; take the next one from them (false at the end
 * or when malformed: *items is then not empty). */
bool msg_items_put(struct buf *items, enum msg_type type, const void *message);
bool msg_items_take(struct slice *items, enum msg_type type, void *message);

#endif
