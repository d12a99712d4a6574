/* A response (RFC 1035 4.1):
 *   header (12 bytes), questions, answers, authorities, additional records
 *   record = name type(2) class(2) ttl(4) length(2) data
 * The reader is sticky: after the first thing that does not fit, all reads as zero and the packet
 * counts as malformed. Every name ends or jumps backwards, and every record is of 11 bytes or more,
 * so work is bounded by the 64 KiB a packet can have. */
#include "base/buf.h"
#include "dns/dns.h"

enum {
    CLASS_IN = 1,
    TYPE_SOA = 6,
    WIRE_NAME_MAX = 255, /* octets, RFC 1035 2.3.4 */
    POINTER = 0xc0,      /* the two bits that make a length a pointer, RFC 1035 4.1.4 */
    FLAG_RESPONSE = 0x8000,
    RCODE_MASK = 0x000f,
    RCODE_NONE = 0,
    RCODE_NXDOMAIN = 3,
};

struct reader {
    struct slice packet;
    size_t at, end; /* end: of the packet, or of the record's data being read */
    bool bad;
};

struct record {
    char owner[DNS_NAME_ROOM];
    uint32_t type, class, ttl;
    size_t begin, end; /* of its data */
};

struct reading {
    struct reader in;
    enum dns_type type;
    struct arena *arena;
    struct dns_answer *answer;
    struct dns_record *records; /* answer->records, while they are written */
    char name[DNS_NAME_ROOM];   /* whose records are looked for: the last alias's target */
    size_t aliases, data;       /* so far */
    bool seen;                  /* a record of the type, readable or not */
};

static uint32_t
take_number(struct reader *r, size_t n)
{
    uint32_t value = 0;

    if (r->bad || r->end - r->at < n) {
        r->bad = true;
        return 0;
    }
    while (n--)
        value = value << 8 | r->packet.at[r->at++];
    return value;
}

static void
skip(struct reader *r, size_t n)
{
    if (r->bad || r->end - r->at < n)
        r->bad = true;
    else
        r->at += n;
}

/* Appends a label and the dot before it. False: a character that text cannot show. */
static bool
put_label(char room[DNS_NAME_ROOM], size_t *len, struct slice label)
{
    if (*len)
        room[(*len)++] = '.';
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = label.at[i];

        if (c <= ' ' || c > '~' || c == '.' || c == '\\' || c == '"')
            return false;
        room[(*len)++] = (char)ascii_lower(c);
    }
    return true;
}

/* A name as text; "" where text cannot show it. The reader stands behind it, whatever the pointers
 * lead to: each leads to before where it was met. */
static void
take_name(struct reader *r, char room[DNS_NAME_ROOM])
{
    size_t at = r->at, end = r->end, limit = r->at, octets = 1, len = 0;
    bool jumped = false, odd = false;

    while (!r->bad) {
        uint8_t n = at < end ? r->packet.at[at] : POINTER - 1; /* no label is as long */

        if (n == 0) {
            r->at = jumped ? r->at : at + 1;
            break;
        }
        if ((n & POINTER) == POINTER && at + 1 < end) {
            size_t target = (size_t)(n & ~POINTER) << 8 | r->packet.at[at + 1];

            r->at = jumped ? r->at : at + 2;
            r->bad = target >= limit;
            at = limit = target;
            end = r->packet.len; /* what comes before the data being read is not part of it */
            jumped = true;
            continue;
        }
        octets += n + 1u;
        r->bad = n > DNS_LABEL_MAX || octets > WIRE_NAME_MAX || at + 1 + n > end;
        if (!r->bad && !odd)
            odd = !put_label(room, &len, slice_make(r->packet.at + at + 1, n));
        at += n + 1u;
    }
    room[r->bad || odd ? 0 : len] = '\0';
    if (!r->bad && !odd && len == 0)
        memcpy(room, ".", 2);
}

static struct record
take_record(struct reader *r)
{
    struct record record;
    size_t len;

    take_name(r, record.owner);
    record.type = take_number(r, 2);
    record.class = take_number(r, 2);
    record.ttl = take_number(r, 4);
    len = take_number(r, 2);
    record.begin = r->at;
    skip(r, len);
    record.end = r->at;
    if (record.ttl > INT32_MAX) /* RFC 2181 8 */
        record.ttl = 0;
    return record;
}

static bool
keep_record(struct reading *g, uint32_t preference, struct slice data)
{
    struct slice copy;

    if (g->answer->count == DNS_RECORDS_MAX || g->data + data.len > DNS_DATA_MAX) {
        g->answer->cut = true;
        return true;
    }
    copy = arena_copy(g->arena, data);
    if (data.len && !copy.at)
        return false;
    g->data += data.len;
    g->records[g->answer->count++] = (struct dns_record){preference, copy};
    return true;
}

/* Each reader has the record's data, and nothing else, in g->in: what is left over, or missing,
 * spoils the record. */

static bool
read_bytes(struct reading *g)
{
    struct reader *r = &g->in;
    struct slice data = slice_make(r->packet.at + r->at, r->end - r->at);

    r->at = r->end;
    return data.len && keep_record(g, 0, data);
}

static bool
read_ipv4(struct reading *g)
{
    return g->in.end - g->in.at == 4 && read_bytes(g);
}

static bool
read_ipv6(struct reading *g)
{
    return g->in.end - g->in.at == 16 && read_bytes(g);
}

static bool
keep_name(struct reading *g, uint32_t preference)
{
    char name[DNS_NAME_ROOM];

    take_name(&g->in, name);
    if (g->in.bad || g->in.at != g->in.end || !name[0])
        return false;
    return keep_record(g, preference, slice_of(name));
}

static bool
read_name(struct reading *g)
{
    return keep_name(g, 0);
}

static bool
read_mx(struct reading *g)
{
    return keep_name(g, take_number(&g->in, 2));
}

/* One or more strings, each a length and bytes (RFC 1035 3.3.14), joined without anything between.
 */
static bool
read_text(struct reading *g)
{
    struct reader *r = &g->in;
    struct buf text;
    bool kept;

    buf_init(&text, DNS_DATA_MAX + 1);
    do {
        uint32_t n = take_number(r, 1);
        size_t begin = r->at;

        skip(r, n);
        if (!r->bad)
            buf_put(&text, slice_make(r->packet.at + begin, n));
    } while (!r->bad && r->at < r->end);
    if (text.full)
        g->answer->cut = true;
    kept = !r->bad && !text.full && keep_record(g, 0, buf_slice(&text));
    buf_clear(&text);
    return kept;
}

static bool (*const readers[])(struct reading *g) = {
#define TYPE(name, number, reader) [number] = (reader),
#include "dns/type.def"
#undef TYPE
};

static void
lower_ttl(struct dns_answer *answer, uint32_t ttl)
{
    if (ttl < answer->ttl)
        answer->ttl = ttl;
}

/* Runs fn on a record's data alone; the reader then stands behind the record again. */
static bool
read_data(struct reading *g, const struct record *record, bool (*fn)(struct reading *g))
{
    struct reader whole = g->in;
    bool good;

    g->in.at = record->begin;
    g->in.end = record->end;
    good = fn(g);
    g->in = whole;
    return good;
}

static bool
follow_alias(struct reading *g)
{
    char target[DNS_NAME_ROOM];

    take_name(&g->in, target);
    if (g->in.bad || g->in.at != g->in.end || !target[0] || ++g->aliases > DNS_CHAIN_MAX)
        return false;
    memcpy(g->name, target, sizeof(target));
    return true;
}

/* The records come in the order of the aliases that lead to them; others are not ours. */
static bool
take_answer(struct reading *g)
{
    struct record record = take_record(&g->in);

    if (g->in.bad || record.class != CLASS_IN || strcmp(record.owner, g->name) != 0)
        return !g->in.bad;
    if (record.type == (uint32_t)g->type) {
        g->seen = true;
        if (read_data(g, &record, readers[g->type]))
            lower_ttl(g->answer, record.ttl);
        return true;
    }
    if (record.type != DNS_CNAME)
        return true;
    lower_ttl(g->answer, record.ttl);
    return read_data(g, &record, follow_alias);
}

/* How long it holds that something is not there: the lesser of the SOA record's own time and of its
 * last number (RFC 2308 5). */
static bool
read_soa(struct reading *g)
{
    char name[DNS_NAME_ROOM];

    take_name(&g->in, name);
    take_name(&g->in, name);
    skip(&g->in, 16);
    lower_ttl(g->answer, take_number(&g->in, 4));
    return !g->in.bad;
}

static void
take_negative_ttl(struct reading *g, uint32_t authorities)
{
    bool found = false;

    while (authorities-- && !g->in.bad && !found) {
        struct record record = take_record(&g->in);

        if (g->in.bad || record.type != TYPE_SOA)
            continue;
        found = read_data(g, &record, read_soa);
        lower_ttl(g->answer, record.ttl);
    }
    if (!found)
        g->answer->ttl = 0;
}

/* What a response says that has no record. */
static enum dns_verdict
verdict_of(uint32_t rcode)
{
    if (rcode == RCODE_NXDOMAIN)
        return DNS_NO_DOMAIN;
    return rcode == RCODE_NONE ? DNS_NO_RECORD : DNS_TEMPORARY;
}

/* The records that were read, as many as there were. */
static bool
read_answers(struct reading *g, uint32_t count)
{
    size_t most = count < DNS_RECORDS_MAX ? count : DNS_RECORDS_MAX;

    g->records = arena_take(g->arena, most * sizeof(*g->records) + 1);
    g->answer->records = g->records;
    while (g->records && count--)
        if (!take_answer(g))
            return false;
    return g->records != NULL;
}

/* Behind header and questions; how many records follow, and the flags. */
static uint32_t
take_header(struct reader *r, uint32_t *answers, uint32_t *authorities)
{
    uint32_t flags, questions;

    skip(r, 2);
    flags = take_number(r, 2);
    questions = take_number(r, 2);
    *answers = take_number(r, 2);
    *authorities = take_number(r, 2);
    skip(r, 2);
    while (questions-- && !r->bad) {
        char asked[DNS_NAME_ROOM];

        take_name(r, asked);
        skip(r, 4);
    }
    return flags;
}

bool
dns_packet_read(struct slice packet, struct slice name, enum dns_type type, struct arena *a,
                struct dns_answer *answer)
{
    struct reading g = {
        .in = {packet, 0, packet.len, false}, .type = type, .arena = a, .answer = answer};
    uint32_t flags, answers, authorities;

    *answer = (struct dns_answer){.ttl = DNS_TTL_MAX};
    if (!slice_to_string(name, g.name, sizeof(g.name)))
        return false;
    flags = take_header(&g.in, &answers, &authorities);
    if (g.in.bad || !(flags & FLAG_RESPONSE) || !read_answers(&g, answers))
        return false;
    answer->canonical = arena_copy(a, slice_of(g.name));
    if (g.seen)
        return true;
    answer->verdict = verdict_of(flags & RCODE_MASK);
    if (answer->verdict == DNS_TEMPORARY)
        answer->why = SLICE("the name server answered with a failure");
    take_negative_ttl(&g, authorities);
    return !g.in.bad;
}
