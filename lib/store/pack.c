/* Packs, docs/store.md "Pack":
 *     pack  = magic mark entry*
 *     entry = mark-low codec 000 delivery date length crc body
 * The reader trusts nothing: lengths are held against the end, bodies against their checksum, and
 * after damage it looks for the next mark. */
#include "store/pack.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/ensure.h"

enum { AT_MARK = 0, AT_CODEC = 4, AT_DELIVERY = 8, AT_DATE = 16, AT_LENGTH = 24, AT_CRC = 28 };

static const uint8_t magic[8] = "valijaP1";

static void
put_number(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t
get_number(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

void
pack_head_write(uint8_t head[PACK_HEAD], uint64_t mark)
{
    memcpy(head, magic, sizeof(magic));
    put_number(head + sizeof(magic), mark, 8);
}

bool
pack_head_read(struct slice head, uint64_t *mark)
{
    if (head.len < PACK_HEAD || memcmp(head.at, magic, sizeof(magic)) != 0)
        return false;
    *mark = get_number(head.at + sizeof(magic), 8);
    return true;
}

uint32_t
pack_entry_seed(uint64_t mark, const uint8_t head[PACK_ENTRY_HEAD])
{
    uint8_t secret[8];

    put_number(secret, mark, sizeof(secret));
    return crc32c(crc32c(0, slice_make(secret, sizeof(secret))), slice_make(head, AT_CRC));
}

void
pack_entry_seal(uint8_t head[PACK_ENTRY_HEAD], uint32_t crc)
{
    put_number(head + AT_CRC, crc, 4);
}

bool
pack_entry_sealed(const uint8_t head[PACK_ENTRY_HEAD], uint32_t crc)
{
    return get_number(head + AT_CRC, 4) == crc;
}

void
pack_entry_head(uint8_t head[PACK_ENTRY_HEAD], uint64_t mark, const struct pack_entry *e)
{
    memset(head, 0, PACK_ENTRY_HEAD);
    put_number(head + AT_MARK, mark, 4);
    put_number(head + AT_DELIVERY, e->delivery, 8);
    put_number(head + AT_DATE, e->date_us, 8);
    put_number(head + AT_LENGTH, e->size, 4);
}

void
pack_entry_write(uint8_t head[PACK_ENTRY_HEAD], uint64_t mark, const struct pack_entry *e,
                 struct slice prefix, struct slice shared)
{
    pack_entry_head(head, mark, e);
    pack_entry_seal(head, crc32c(crc32c(pack_entry_seed(mark, head), prefix), shared));
}

bool
pack_entry_read(const uint8_t head[PACK_ENTRY_HEAD], uint64_t mark, struct pack_entry *e)
{
    if (get_number(head + AT_MARK, 4) != (uint32_t)mark || get_number(head + AT_CODEC, 4) != 0)
        return false;
    e->delivery = get_number(head + AT_DELIVERY, 8);
    e->date_us = get_number(head + AT_DATE, 8);
    e->size = (uint32_t)get_number(head + AT_LENGTH, 4);
    return true;
}

struct err
pack_write(int fd, struct iovec *iov, size_t n, uint64_t offset)
{
    while (n > 0) {
        ssize_t wrote = pwritev(fd, iov, (int)(n < IOV_MAX ? n : IOV_MAX), (off_t)offset);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return err_os(wrote < 0 ? errno : ENOSPC, "writing a pack");
        offset += (uint64_t)wrote;
        for (; n > 0 && (size_t)wrote >= iov->iov_len; iov++, n--)
            wrote -= (ssize_t)iov->iov_len;
        if (n > 0) {
            iov->iov_base = (uint8_t *)iov->iov_base + wrote;
            iov->iov_len -= (size_t)wrote;
        }
    }
    return ERR_OK;
}

struct err
pack_read(int fd, uint8_t *at, size_t n, uint64_t offset)
{
    while (n > 0) {
        ssize_t got = pread(fd, at, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_os(errno, "reading a pack");
        if (got == 0)
            return err_make(ERR_MALFORMED, "a pack ends too early");
        at += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return ERR_OK;
}

void
pack_reader_init(struct pack_reader *r, int fd, uint64_t mark, uint64_t at, uint64_t end)
{
    *r = (struct pack_reader){.fd = fd, .mark = mark, .at = at, .end = end, .err = ERR_OK};
    r->bytes = heap_take(PACK_READ);
}

void
pack_reader_clear(struct pack_reader *r)
{
    free(r->bytes);
    r->bytes = NULL;
}

/* Up to PACK_READ bytes of the file from `at`, at least `least` of them unless the end comes first;
 * empty at the end and after an error. */
static struct slice
view(struct pack_reader *r, uint64_t at, size_t least)
{
    size_t inside = at >= r->from && at - r->from < r->len ? (size_t)(at - r->from) : r->len;
    ssize_t got;

    if (r->len - inside >= least)
        return slice_make(r->bytes + inside, r->len - inside);
    do
        got = pread(r->fd, r->bytes, PACK_READ, (off_t)at);
    while (got < 0 && errno == EINTR);
    if (got < 0 && !err_is(r->err))
        r->err = err_os(errno, "reading a pack");
    r->from = at;
    r->len = got > 0 ? (size_t)got : 0;
    if (at >= r->end)
        r->len = 0;
    else if (r->len > r->end - at)
        r->len = (size_t)(r->end - at);
    return slice_make(r->bytes, r->len);
}

/* The checksum over the body as far as it can be read. */
static uint32_t
body_crc(struct pack_reader *r, const struct pack_entry *e, uint32_t crc)
{
    uint64_t at = e->offset, left = e->size;

    while (left > 0) {
        struct slice s = slice_head(view(r, at, 1), left);

        if (s.len == 0)
            break;
        crc = crc32c(crc, s);
        at += s.len;
        left -= s.len;
    }
    return crc;
}

enum pack_state
pack_reader_look(struct pack_reader *r, struct pack_entry *entry)
{
    struct slice s = view(r, r->at, PACK_ENTRY_HEAD);
    uint8_t head[PACK_ENTRY_HEAD];

    if (s.len < PACK_ENTRY_HEAD)
        return err_is(r->err) ? PACK_ERROR : PACK_MISSING;
    memcpy(head, s.at, sizeof(head)); /* looking at the body may replace what the view holds */
    if (!pack_entry_read(head, r->mark, entry))
        return PACK_MISSING;
    entry->offset = r->at + PACK_ENTRY_HEAD;
    if (entry->size > r->end - entry->offset)
        return PACK_MISSING;
    if (pack_entry_sealed(head, body_crc(r, entry, pack_entry_seed(r->mark, head))))
        return PACK_GOOD;
    return err_is(r->err) ? PACK_ERROR : PACK_DAMAGED;
}

/* Moves r->at to the next place after it where the mark's lower half stands; to the end if none. */
static void
seek_mark(struct pack_reader *r)
{
    uint8_t want[4];

    put_number(want, r->mark, sizeof(want));
    r->at++;
    while (r->at < r->end) {
        struct slice s = view(r, r->at, sizeof(want));
        const uint8_t *hit = s.len ? memmem(s.at, s.len, want, sizeof(want)) : NULL;

        if (hit) {
            r->at += (uint64_t)(hit - s.at);
            return;
        }
        if (s.len < sizeof(want))
            break;
        r->at += s.len - (sizeof(want) - 1); /* a mark may begin in the last three bytes */
    }
    r->at = r->end;
}

/* What cannot be read is passed over a page at a time: the disk may have lost only that. */
static void
pass_unreadable(struct pack_reader *r)
{
    enum { PAGE = 4096 };

    r->err = ERR_OK;
    r->at = (r->at / PAGE + 1) * PAGE;
    if (r->at > r->end)
        r->at = r->end;
}

bool
pack_reader_next(struct pack_reader *r, struct pack_entry *entry, uint64_t *skipped)
{
    *skipped = 0;
    while (r->at < r->end) {
        uint64_t from = r->at;
        enum pack_state state = pack_reader_look(r, entry);

        if (state == PACK_GOOD) {
            r->at = entry->offset + entry->size;
            return true;
        }
        if (state == PACK_ERROR)
            pass_unreadable(r);
        else
            seek_mark(r);
        *skipped += r->at - from;
    }
    return false;
}
