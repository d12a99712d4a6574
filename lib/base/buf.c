/* Growing by doubling, never past the cap; consuming from the front moves nothing until room is
 * needed. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"

enum { BUF_FIRST_ROOM = 256 };

void
buf_init(struct buf *b, size_t cap)
{
    *b = (struct buf){.cap = cap};
}

void
buf_clear(struct buf *b)
{
    free(b->at);
    buf_init(b, b->cap);
}

void
buf_reset(struct buf *b)
{
    b->start = b->len = 0;
    b->full = false;
}

static void
slide_to_front(struct buf *b)
{
    if (b->start && b->len)
        memmove(b->at, b->at + b->start, b->len);
    b->start = 0;
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
    if (b->full || n > b->cap - b->len) {
        b->full = true;
        return NULL;
    }
    if (b->start + b->len + n > b->room)
        slide_to_front(b);
    if (!b->at || b->len + n > b->room) {
        size_t room = b->room ? b->room : BUF_FIRST_ROOM;

        while (room < b->len + n)
            room *= 2;
        b->room = room < b->cap ? room : b->cap;
        b->at = heap_grow(b->at, b->room);
    }
    return b->at + b->start + b->len;
}

void
buf_added(struct buf *b, size_t n)
{
    ensure(b->start + b->len + n <= b->room);
    b->len += n;
}

bool
buf_put(struct buf *b, struct slice s)
{
    uint8_t *to = buf_reserve(b, s.len);

    if (!to)
        return false;
    if (s.len)
        memcpy(to, s.at, s.len);
    b->len += s.len;
    return true;
}

bool
buf_put_byte(struct buf *b, uint8_t c)
{
    return buf_put(b, (struct slice){&c, 1});
}

bool
buf_put_string(struct buf *b, const char *s)
{
    return buf_put(b, slice_of(s));
}

bool
buf_put_u64(struct buf *b, uint64_t value)
{
    uint8_t digits[20]; /* of 2^64 - 1 */
    size_t at = sizeof(digits);

    do
        digits[--at] = (uint8_t)('0' + value % 10);
    while ((value /= 10) > 0);
    return buf_put(b, slice_make(digits + at, sizeof(digits) - at));
}

bool
buf_put_format(struct buf *b, const char *format, ...)
{
    char text[512];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ensure(n >= 0 && (size_t)n < sizeof(text)); /* long content goes through buf_put */
    return buf_put(b, slice_make(text, (size_t)n));
}

void
buf_drop(struct buf *b, size_t n)
{
    ensure(n <= b->len);
    b->len -= n;
    b->start = b->len ? b->start + n : 0;
}

void
buf_cut(struct buf *b, size_t n)
{
    ensure(n <= b->len);
    b->len = n;
}

void
secret_init(struct secret *s, size_t cap)
{
    buf_init(&s->buf, cap);
}

void
secret_clear(struct secret *s)
{
    if (s->buf.at)
        explicit_bzero(s->buf.at, s->buf.room);
    buf_clear(&s->buf);
}

/* All of the cap at once: growing would leave copies behind. */
bool
secret_put(struct secret *s, struct slice bytes)
{
    if (!s->buf.at) {
        s->buf.at = heap_take(s->buf.cap);
        s->buf.room = s->buf.cap;
    }
    return buf_put(&s->buf, bytes);
}

struct slice
secret_get(const struct secret *s)
{
    return buf_slice(&s->buf);
}

bool
secret_eq(struct slice a, struct slice b)
{
    uint8_t different = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        different |= (uint8_t)(a.at[i] ^ b.at[i]);
    return different == 0;
}
