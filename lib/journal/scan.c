/* Reading a segment front to back through a window of bounded size, trusting nothing: a length is
 * believed only where the header's sum is right, a payload only where its own is. Bytes that are no
 * record are skipped; docs/journal.md section 5 says what they mean. */
#include <fcntl.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/ensure.h"
#include "journal/journal_private.h"

enum { SCAN_PAGE = 4096, SCAN_LOST_MAX = 256 };

_Static_assert(JOURNAL_CHUNK >= RECORD_NOTE_MAX + RECORD_HEADER, "a note fits the window");

struct lost {
    uint64_t from, to;
};

struct reader {
    struct journal *j;
    struct segment *s;
    int fd;
    uint64_t limit;
    uint8_t *window; /* JOURNAL_CHUNK bytes */
    uint64_t at;     /* where the window begins */
    size_t len;
    struct lost unreadable;          /* from the first to the last byte the disk did not give */
    struct lost lost[SCAN_LOST_MAX]; /* in order; the last one takes in what is too much */
    size_t lost_count;
    uint64_t batch; /* the largest seen */
    uint64_t mark;  /* behind the last bytes that look like the beginning of a record of ours */
};

/* Page by page; what cannot be read becomes zeros. */
static void
fill_by_pages(struct reader *r)
{
    for (size_t i = 0; i < r->len; i += SCAN_PAGE) {
        size_t n = r->len - i < SCAN_PAGE ? r->len - i : SCAN_PAGE, got;

        memset(r->window + i, 0, n);
        if (err_is(file_read(r->j, r->fd, r->window + i, n, r->at + i, &got))) {
            memset(r->window + i, 0, n);
            if (r->unreadable.to == 0 || r->at + i < r->unreadable.from)
                r->unreadable.from = r->at + i;
            if (r->at + i + n > r->unreadable.to)
                r->unreadable.to = r->at + i + n;
        }
    }
}

static void
fill(struct reader *r, uint64_t at)
{
    uint64_t left = r->limit - at;
    size_t got;

    r->at = at;
    r->len = left < JOURNAL_CHUNK ? (size_t)left : JOURNAL_CHUNK;
    if (err_is(file_read(r->j, r->fd, r->window, r->len, at, &got)))
        fill_by_pages(r);
    else
        memset(r->window + got, 0, r->len - got); /* cut by somebody since we asked its size */
}

/* The bytes from `at` on, at least one, at most the window; `least` of them where they exist. */
static struct slice
look(struct reader *r, uint64_t at, size_t least)
{
    if (at < r->at || at + least > r->at + r->len)
        fill(r, at);
    return slice_tail(slice_make(r->window, r->len), (size_t)(at - r->at));
}

static bool
payload_is_right(struct reader *r, uint64_t at, const struct record *record)
{
    uint32_t crc = 0;

    for (uint64_t left = record->size; left;) {
        struct slice part = look(r, at, left < JOURNAL_CHUNK ? (size_t)left : JOURNAL_CHUNK);

        part = slice_head(part, left < part.len ? (size_t)left : part.len);
        crc = crc32c(crc, part);
        at += part.len;
        left -= part.len;
    }
    return crc == record->crc;
}

static void
note_lost(struct reader *r, uint64_t from, uint64_t to)
{
    struct lost *last = r->lost_count ? &r->lost[r->lost_count - 1] : NULL;

    if (r->lost_count == SCAN_LOST_MAX)
        last->to = to;
    else
        r->lost[r->lost_count++] = (struct lost){from, to};
}

/* The next offset where the magic stands, or the limit. */
static uint64_t
find_magic(struct reader *r, uint64_t at)
{
    static const uint8_t magic[4] = {'v', 'l', 'j', '1'};

    while (at + RECORD_HEADER <= r->limit) {
        struct slice s = look(r, at, RECORD_ALIGN);

        for (size_t i = 0; i + sizeof(magic) <= s.len; i += RECORD_ALIGN)
            if (memcmp(s.at + i, magic, sizeof(magic)) == 0)
                return at + i;
        at += s.len & ~(size_t)(RECORD_ALIGN - 1);
    }
    return r->limit;
}

/* What follows the record at `at`, told to the caller; or where to look next, being no record. */
static uint64_t
take_record(struct reader *r, uint64_t at, const struct scan *scan, bool *good)
{
    struct slice head = look(r, at, RECORD_HEADER), note = {NULL, 0};
    struct record record;
    uint64_t next;

    *good = false;
    if (record_marks(head.at, r->s->nonce))
        r->mark = at + RECORD_HEADER;
    if (!record_read(head.at, r->s->nonce, &record) || record.batch > at ||
        (next = at + record_bytes(record.size)) > r->limit)
        return find_magic(r, at + RECORD_ALIGN);
    r->mark = next;
    if (!payload_is_right(r, at + RECORD_HEADER, &record))
        return next;
    *good = true;
    if (record.batch > r->batch)
        r->batch = record.batch;
    if (record.type == RECORD_END)
        r->batch = next;
    if (!record_is_message(&record) && record.size)
        note = slice_head(look(r, at + RECORD_HEADER, record.size), record.size);
    scan->on_record(scan->ctx, r->s, at, &record, note);
    return next;
}

/* `ends`: all up to the limit was durable, so what is no record there was lost. */
static void
read_records(struct reader *r, bool ends, const struct scan *scan)
{
    uint64_t lost_from = 0;
    bool good;

    for (uint64_t at = 0; at + RECORD_HEADER <= r->limit;) {
        uint64_t next = take_record(r, at, scan, &good);

        if (good) {
            if (lost_from < at)
                note_lost(r, lost_from, at);
            lost_from = next;
        }
        at = next;
    }
    r->s->virgin = !ends && lost_from == 0 && r->mark == 0 && r->unreadable.to == 0;
    r->s->end = lost_from;
    if (ends)
        r->mark = r->batch = r->s->end = r->limit;
    if (r->mark > lost_from)
        note_lost(r, lost_from, r->mark);
}

static void
tell(struct reader *r, enum journal_trouble_kind kind, struct lost bytes, const struct scan *scan)
{
    char name[JOURNAL_NAME];
    struct journal_trouble t = {kind, name, bytes.from, bytes.to - bytes.from};

    segment_name(r->s, name);
    if (!scan->on_trouble)
        return;
    if (kind != JOURNAL_TORN)
        r->s->damaged = true;
    scan->on_trouble(scan->ctx, &t);
}

struct err
scan_segment(struct journal *j, struct segment *s, bool ends, const struct scan *scan)
{
    struct reader *r = heap_take(sizeof(*r));
    struct err e = segment_reader(j, s, &r->fd);

    r->j = j;
    r->s = s;
    r->limit = ends && s->end < s->ready ? s->end : s->ready;
    r->limit &= ~(uint64_t)(RECORD_ALIGN - 1);
    r->window = heap_take(JOURNAL_CHUNK);
    if (!err_is(e)) {
        read_records(r, ends, scan);
        if (r->unreadable.to && scan->strict)
            e = err_make(ERR_TEMPORARY, "read a segment of the journal: the disk does not give it");
        if (r->unreadable.to)
            tell(r, JOURNAL_UNREADABLE, r->unreadable, scan);
        for (size_t i = 0; i < r->lost_count; i++)
            tell(r, r->lost[i].from < r->batch ? JOURNAL_DAMAGED : JOURNAL_TORN, r->lost[i], scan);
    }
    free(r->window);
    free(r);
    return e;
}
