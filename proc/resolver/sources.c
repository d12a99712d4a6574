/* Files that others wrote: every line that is not what it should be is passed over. */
#include "sources.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { DNS_PORT = 53, ANCHOR_MAX = 4096 }; /* characters of one record */

void
sources_init(struct sources *s)
{
    *s = (struct sources){.server_count = 0};
    buf_init(&s->anchors, SOURCES_FILE_MAX);
}

void
sources_clear(struct sources *s)
{
    buf_clear(&s->anchors);
}

bool
sources_eq(const struct sources *a, const struct sources *b)
{
    bool same = a->server_count == b->server_count && a->system == b->system &&
                a->anchors_named == b->anchors_named &&
                slice_eq(buf_slice(&a->anchors), buf_slice(&b->anchors));

    for (size_t i = 0; same && i < a->server_count; i++)
        same = strcmp(a->servers[i], b->servers[i]) == 0;
    return same;
}

/* An address without brackets, perhaps with the interface of a link-local one. */
static bool
is_address(struct slice text)
{
    char room[INET6_ADDRSTRLEN];
    struct slice rest = text, address;
    uint8_t bits[16];

    slice_cut(&rest, '%', &address);
    return slice_to_string(address, room, sizeof(room)) &&
           (inet_pton(AF_INET, room, bits) == 1 || inet_pton(AF_INET6, room, bits) == 1);
}

static bool
put_server(struct sources *s, struct slice address, uint64_t port)
{
    char *room;
    int n;

    if (s->server_count == SOURCES_SERVERS_MAX || !is_address(address))
        return false;
    room = s->servers[s->server_count];
    n = snprintf(room, SOURCES_SERVER_ROOM, "%.*s@%u", (int)address.len, (const char *)address.at,
                 (unsigned)port);
    s->server_count += n < SOURCES_SERVER_ROOM;
    return n < SOURCES_SERVER_ROOM;
}

bool
sources_put_server(struct sources *s, struct slice address)
{
    ptrdiff_t colon = slice_find_last(address, ':');
    struct slice host;
    uint64_t port;

    if (colon < 0 || !slice_to_u64(slice_tail(address, (size_t)colon + 1), &port) || port == 0 ||
        port > UINT16_MAX)
        return false;
    host = slice_head(address, (size_t)colon);
    if (host.len > 1 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        host = slice_make(host.at + 1, host.len - 2);
    return put_server(s, host, port);
}

/* The next word of a line, or an empty slice at its end. */
static struct slice
take_word(struct slice *line)
{
    struct slice word;
    size_t n = 0;

    *line = slice_trim(*line);
    while (n < line->len && line->at[n] != ' ' && line->at[n] != '\t' && line->at[n] != '\r')
        n++;
    word = slice_head(*line, n);
    *line = slice_tail(*line, n);
    return word;
}

void
sources_put_resolv_conf(struct sources *s, struct slice text)
{
    struct slice line;

    s->system = true;
    for (bool more = text.len != 0; more;) {
        more = slice_cut(&text, '\n', &line);
        if (slice_eq(take_word(&line), SLICE("nameserver")))
            put_server(s, take_word(&line), DNS_PORT);
    }
}

static bool
is_anchor(struct slice record)
{
    struct slice word = take_word(&record);

    for (; word.len; word = take_word(&record))
        if (slice_eq_nocase(word, SLICE("DS")) || slice_eq_nocase(word, SLICE("DNSKEY")))
            return true;
    return false;
}

/* unbound writes the state of a key into a comment: 2 is valid, 3 is missing and still believed. */
static bool
is_believed(struct slice comment)
{
    static const struct slice mark = {(const uint8_t *)";;state=", 8};

    for (; comment.len > mark.len; comment = slice_tail(comment, 1))
        if (slice_eq(slice_head(comment, mark.len), mark))
            return comment.at[mark.len] == '2' || comment.at[mark.len] == '3';
    return true;
}

static void
put_anchor(struct sources *s, const struct buf *record, bool believed)
{
    struct slice text = slice_trim(buf_slice(record));

    if (!believed || record->full || !is_anchor(text) || buf_space(&s->anchors) <= text.len)
        return;
    buf_put(&s->anchors, text);
    buf_put_byte(&s->anchors, '\0');
}

/* Appends a line to the record, without its parentheses; how deep in them it ends. */
static int
join_line(struct buf *record, struct slice line, int depth)
{
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.at[i];

        depth += (c == '(') - (c == ')');
        buf_put_byte(record, c > ' ' && c <= '~' && c != '(' && c != ')' ? c : ' ');
    }
    buf_put_byte(record, ' ');
    return depth;
}

void
sources_put_anchors(struct sources *s, struct slice text)
{
    struct slice line, data;
    struct buf record;
    bool believed = true;
    int depth = 0;

    buf_init(&record, ANCHOR_MAX);
    for (bool more = text.len != 0; more;) {
        more = slice_cut(&text, '\n', &line);
        believed = is_believed(line) && (depth == 0 || believed);
        slice_cut(&line, ';', &data);
        depth = join_line(&record, data, depth);
        if (depth > 0)
            continue;
        put_anchor(s, &record, believed);
        buf_reset(&record);
        depth = 0;
    }
    buf_clear(&record);
}

const char *
sources_next_anchor(const struct sources *s, size_t *at)
{
    struct slice rest = slice_tail(buf_slice(&s->anchors), *at);

    if (rest.len == 0)
        return NULL;
    *at += strlen((const char *)rest.at) + 1;
    return (const char *)rest.at;
}
