/* Byte layout of journal records. Everything is written and read field by field, little endian, so
 * that a journal may move between machines. */
#include "journal/record.h"

#include "base/crc32c.h"
#include "base/ensure.h"

static void
put_number(uint8_t *to, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t
get_number(const uint8_t *from, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

void
record_write(const struct record *r, uint8_t to[RECORD_HEADER])
{
    put_number(to, RECORD_MAGIC, 4);
    put_number(to + 4, r->type, 4);
    put_number(to + 8, r->nonce, 8);
    put_number(to + 16, r->id, 8);
    put_number(to + 24, r->size, 4);
    put_number(to + 28, r->envelope, 4);
    put_number(to + 32, r->batch / RECORD_ALIGN, 4);
    put_number(to + 36, r->origin, 4);
    put_number(to + 40, r->crc, 4);
    put_number(to + 44, crc32c(0, slice_make(to, 44)), 4);
}

bool
record_marks(const uint8_t from[RECORD_HEADER], uint64_t nonce)
{
    return get_number(from, 4) == RECORD_MAGIC && get_number(from + 8, 8) == nonce;
}

/* What the payload's size must be for each type. */
static bool
fits_type(const struct record *r)
{
    static const struct {
        uint64_t least, most, unit;
        bool has_id;
    } rows[] = {
        [RECORD_MESSAGE] = {0, JOURNAL_BODY_MAX + JOURNAL_ENVELOPE_MAX, 1, true},
        [RECORD_CHANGE] = {RECORD_CHANGE_HEAD, RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX, 1, true},
        [RECORD_DONE] = {16, RECORD_NOTE_MAX, 16, false},
        [RECORD_VOID] = {16, RECORD_NOTE_MAX, 16, false},
        [RECORD_END] = {0, 0, 1, false},
        [RECORD_COPY] = {0, JOURNAL_BODY_MAX + JOURNAL_ENVELOPE_MAX, 1, true},
    };

    return r->type >= RECORD_MESSAGE && r->type < COUNT(rows) && r->size >= rows[r->type].least &&
           r->size <= rows[r->type].most && r->size % rows[r->type].unit == 0 &&
           (r->id != 0) == rows[r->type].has_id;
}

bool
record_read(const uint8_t from[RECORD_HEADER], uint64_t nonce, struct record *r)
{
    if (!record_marks(from, nonce) || get_number(from + 44, 4) != crc32c(0, slice_make(from, 44)))
        return false;
    *r = (struct record){
        .type = (enum record_type)get_number(from + 4, 4),
        .nonce = nonce,
        .id = get_number(from + 16, 8),
        .size = (uint32_t)get_number(from + 24, 4),
        .envelope = (uint32_t)get_number(from + 28, 4),
        .batch = get_number(from + 32, 4) * RECORD_ALIGN,
        .origin = (uint32_t)get_number(from + 36, 4),
        .crc = (uint32_t)get_number(from + 40, 4),
    };
    return fits_type(r) && r->envelope <= r->size && r->envelope <= JOURNAL_ENVELOPE_MAX &&
           r->size - r->envelope <= JOURNAL_BODY_MAX;
}

void
record_put(struct buf *out, struct record r, struct slice payload)
{
    static const uint8_t zeros[RECORD_ALIGN];
    uint8_t header[RECORD_HEADER];
    size_t padding = (size_t)(record_bytes(payload.len) - RECORD_HEADER) - payload.len;

    r.size = (uint32_t)payload.len;
    r.crc = crc32c(0, payload);
    record_write(&r, header);
    buf_put(out, slice_make(header, sizeof(header)));
    buf_put(out, payload);
    buf_put(out, slice_make(zeros, padding));
    ensure(!out->full);
}

size_t
record_change_write(const struct record_change *c,
                    uint8_t to[RECORD_CHANGE_HEAD + JOURNAL_REASON_MAX])
{
    struct slice reason = slice_head(c->change.reason, JOURNAL_REASON_MAX);

    put_number(to, c->change.recipient, 4);
    put_number(to + 4, c->change.state, 4);
    put_number(to + 8, c->change.when, 8);
    put_number(to + 16, c->before.at, 8);
    put_number(to + 24, c->before.segment, 4);
    put_number(to + 28, c->whole, 4);
    if (reason.len)
        memcpy(to + RECORD_CHANGE_HEAD, reason.at, reason.len);
    return RECORD_CHANGE_HEAD + reason.len;
}

bool
record_change_read(struct slice payload, struct record_change *c)
{
    if (payload.len < RECORD_CHANGE_HEAD || get_number(payload.at, 4) >= JOURNAL_RECIPIENT_MAX ||
        get_number(payload.at + 4, 4) > 255)
        return false;
    *c = (struct record_change){
        .change = {.recipient = (uint32_t)get_number(payload.at, 4),
                   .state = (uint8_t)get_number(payload.at + 4, 4),
                   .when = get_number(payload.at + 8, 8),
                   .reason = slice_tail(payload, RECORD_CHANGE_HEAD)},
        .before = {.segment = (uint32_t)get_number(payload.at + 24, 4),
                   .at = get_number(payload.at + 16, 8)},
        .whole = (uint32_t)get_number(payload.at + 28, 4),
    };
    return true;
}

bool
record_pair_take(struct slice *payload, struct record_pair *p)
{
    if (payload->len < 16)
        return false;
    *p = (struct record_pair){get_number(payload->at, 8), get_number(payload->at + 8, 8)};
    *payload = slice_tail(*payload, 16);
    return true;
}

void
record_pair_put(struct buf *out, struct record_pair p)
{
    uint8_t bytes[16];

    put_number(bytes, p.first, 8);
    put_number(bytes + 8, p.second, 8);
    buf_put(out, slice_make(bytes, sizeof(bytes)));
}
