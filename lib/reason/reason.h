/* Every reply we can give, as data: the catalogue's `reply:` lines, made into reply.def by
 * compile.c. No reply line is written anywhere else. Enhanced codes: rfc2034#4-a; POP3's response
 * codes: rfc3206#4-a, rfc3206#4-b. */
#ifndef REASON_REASON_H
#define REASON_REASON_H

#include "base/buf.h"

enum reason {
    REASON_NONE, /* nothing to say */
#define REASON(name, code, detail, id, text) name,
#include "reason/reply.def"
#undef REASON
    REASON_COUNT
};

struct reason_row {
    const char *name;   /* "SMTP_NO_MAILBOX" */
    const char *code;   /* "550", "-ERR", "+OK" */
    const char *detail; /* "5.1.1", "[IN-USE]", or "" */
    const char *id;   /* stable, for people and scripts: "no-mailbox"; several rows may share it */
    const char *text; /* one line; "{}" stands for the argument */
};

const struct reason_row *reason_row(enum reason r);

/* The row of that name, for tests and tools; REASON_NONE: there is none. */
enum reason reason_find(struct slice name);

/* One whole reply line with its CR LF: "code detail text", and where it refuses " [id reference]",
 * by which support finds this very attempt; no reference: the id alone. The argument replaces "{}";
 * control and non-ASCII bytes in it become '?', and it is cut so that the line stays within 512
 * octets (rfc5321#4.5.3.1.5-a), never what stands behind it. A reference has REASON_REFERENCE_MAX
 * octets at most. False: the cap of out is reached. */
enum { REASON_REFERENCE_MAX = 16 };
bool reason_put(struct buf *out, enum reason r, struct slice argument, struct slice reference);

/* The same as a line of a multi-line reply ("250-text") where more is true: only the last of them
 * has id and reference. */
bool reason_put_line(struct buf *out, enum reason r, struct slice argument, struct slice reference,
                     bool more);

/* 4yz, 5yz, -ERR. */
bool reason_is_refusal(enum reason r);

/* Told by a machine of each refusal it gives, while what is refused is still there to look at. */
typedef void reason_refused_fn(void *ctx, enum reason r, struct slice argument);

#endif
