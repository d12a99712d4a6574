/* The pack format of docs/store.md: heads, entries, and a reader that survives damage. */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <sys/uio.h>

#include "base/err.h"
#include "base/slice.h"

enum {
    PACK_HEAD = 16,       /* bytes before the first entry */
    PACK_ENTRY_HEAD = 32, /* bytes before each body */
    PACK_READ = 1 << 16,  /* bytes a reader takes at a time, and keeps */
};

struct pack_entry {
    uint64_t delivery, date_us;
    uint64_t offset; /* of the body */
    uint32_t size;
};

void pack_head_write(uint8_t head[PACK_HEAD], uint64_t mark);
bool pack_head_read(struct slice head, uint64_t *mark);

/* An entry's head with its checksum; the body is prefix then shared. */
void pack_entry_write(uint8_t head[PACK_ENTRY_HEAD], uint64_t mark, const struct pack_entry *e,
                      struct slice prefix, struct slice shared);

/* The same in steps, for a body in pieces: head, seed, crc32c over the body, seal. */
void pack_entry_head(uint8_t head[PACK_ENTRY_HEAD], uint64_t mark, const struct pack_entry *e);
uint32_t pack_entry_seed(uint64_t mark, const uint8_t head[PACK_ENTRY_HEAD]);
void pack_entry_seal(uint8_t head[PACK_ENTRY_HEAD], uint32_t crc);
bool pack_entry_sealed(const uint8_t head[PACK_ENTRY_HEAD], uint32_t crc); /* with this checksum */

/* False: no head. All of e but its offset. */
bool pack_entry_read(const uint8_t head[PACK_ENTRY_HEAD], uint64_t mark, struct pack_entry *e);

/* Writes all of it, however many calls that takes; iov is used up. */
struct err pack_write(int fd, struct iovec *iov, size_t n, uint64_t offset);

/* Reads all of it; MALFORMED where the file ends before. */
struct err pack_read(int fd, uint8_t *at, size_t n, uint64_t offset);

enum pack_state {
    PACK_GOOD,    /* an entry whose checksum holds */
    PACK_DAMAGED, /* head or checksum does not hold */
    PACK_MISSING, /* it would end past the end of the file, or what is there is no head */
    PACK_ERROR,   /* reading failed; err says how */
};

struct pack_reader {
    int fd; /* the caller's */
    uint64_t mark;
    uint64_t at, end; /* where to look next, and where to stop */
    struct err err;
    uint8_t *bytes; /* [from, from + len) of the file */
    uint64_t from;
    size_t len;
};

void pack_reader_init(struct pack_reader *r, int fd, uint64_t mark, uint64_t at, uint64_t end);
void pack_reader_clear(struct pack_reader *r);

/* What lies at r->at, which does not move. entry is filled from the head if that could be read. */
enum pack_state pack_reader_look(struct pack_reader *r, struct pack_entry *entry);

/* The next good entry at or after r->at, which moves past it. *skipped: bytes passed over that are
 * no entry or cannot be read. False at the end. */
bool pack_reader_next(struct pack_reader *r, struct pack_entry *entry, uint64_t *skipped);

#endif
