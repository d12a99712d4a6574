/* The owned twin of a slice: bytes that grow up to a hard cap. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

/* Bytes [start, start + len) of at are the content. `full` is sticky: once a put did not fit in the
 * cap nothing more is put until buf_reset, so a writer checks it once at its end. */
struct buf {
    uint8_t *at;
    size_t start, len;
    size_t room; /* allocated bytes */
    size_t cap;  /* most bytes of content, ever */
    bool full;
};

void buf_init(struct buf *b, size_t cap); /* allocates nothing yet */
void buf_clear(struct buf *b);            /* frees; usable again with the same cap */
void buf_reset(struct buf *b);            /* empties, keeps the memory */

/* Append. False, with nothing appended and `full` set, where the cap would be passed. */
bool buf_put(struct buf *b, struct slice s);
bool buf_put_byte(struct buf *b, uint8_t c);
bool buf_put_string(struct buf *b, const char *s);
bool buf_put_u64(struct buf *b, uint64_t value); /* decimal */
bool buf_put_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for n more bytes to be written at the returned place, then counted with buf_added. NULL,
 * with `full` set, where the cap would be passed. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

/* Forget the first n bytes, or those from n on. */
void buf_drop(struct buf *b, size_t n);
void buf_cut(struct buf *b, size_t n);

static inline struct slice
buf_slice(const struct buf *b)
{
    return (struct slice){b->at ? b->at + b->start : NULL, b->len};
}

/* How many more bytes fit under the cap. */
static inline size_t
buf_space(const struct buf *b)
{
    return b->cap - b->len;
}

/* A buf that is wiped when cleared or outgrown, and that log lines do not take. */
struct secret {
    struct buf buf;
};

void secret_init(struct secret *s, size_t cap);
void secret_clear(struct secret *s);
bool secret_put(struct secret *s, struct slice bytes);
struct slice secret_get(const struct secret *s);

/* Equal, in a time that does not tell where they differ. */
bool secret_eq(struct slice a, struct slice b);

#endif
