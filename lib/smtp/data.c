/* One state per thing that may be held back at the end of a feed; all other bytes go to the sink in
 * runs as long as the input allows, found with memchr. The next CR and the next LF are each
 * searched only once they are passed, so a feed is linear whatever it holds. */
#include "smtp/data.h"

#include "base/ensure.h"

/* One feed's view: bytes from run to at are output not yet put. cr and lf are the next ones at or
 * after `at`, or the end. */
struct cursor {
    const uint8_t *at, *end, *run, *cr, *lf;
};

static const struct slice received = {(const uint8_t *)"received:", 9};

void
smtp_data_init(struct smtp_data *d, const struct limits *limits, bool dots, struct smtp_sink sink)
{
    *d = (struct smtp_data){
        .sink = sink,
        .size_max = limits->value[LIMIT_message_size],
        .line_max = limits->value[LIMIT_line_length],
        .hops_max = limits->value[LIMIT_received_hops],
        .refuse_bare = limits->value[LIMIT_bare_newline_refuse] != 0,
        .dots = dots,
        .in_header = true,
    };
}

static void
put(struct smtp_data *d, struct slice bytes)
{
    d->size += bytes.len; /* rfc1870#5-a: as stored, without the dots of DATA */
    if (d->size > d->size_max)
        d->too_big = true; /* rfc1870#4-a */
    if (bytes.len && !d->too_big && !d->sink_is_full)
        d->sink_is_full = !d->sink.put(d->sink.ctx, bytes);
}

/* Put what is pending; the byte at c->at, if any was looked at, is left out by `skip`. */
static void
flush(struct smtp_data *d, struct cursor *c, size_t skip)
{
    put(d, slice_make(c->run, (size_t)(c->at - c->run)));
    c->at += skip;
    c->run = c->at;
}

static void
end_line(struct smtp_data *d)
{
    if (d->line == 0)
        d->in_header = false;
    d->line = 0;
    d->name = 0;
}

/* A CR or LF that stands alone becomes a line end, and the dot after it stays text:
 * rfc5321#2.3.8-b, rfc3030#2-e. All other octets are kept as they are: rfc6152#3-a. */
static void
mend_line_end(struct smtp_data *d)
{
    d->bare_seen = true;
    put(d, SLICE("\r\n"));
    end_line(d);
    d->state = SMTP_DATA_TEXT;
}

/* Bytes of a line; in the header they are compared with "Received:" as far as they match so far. */
static void
count_text(struct smtp_data *d, const uint8_t *from, const uint8_t *to)
{
    if (d->in_header && d->name == d->line && d->name < received.len) {
        const uint8_t *at = from;

        while (at < to && d->name < received.len && ascii_lower(*at) == received.at[d->name]) {
            at++;
            d->name++;
        }
        d->hops += d->name == received.len; /* rfc5321#6.3-a */
    }
    d->line += (uint64_t)(to - from);
    if (d->line > d->line_max) /* rfc5321#4.5.3.1.6-a */
        d->long_line = true;
}

static const uint8_t *
find(const uint8_t *at, const uint8_t *end, uint8_t c)
{
    const uint8_t *hit = memchr(at, c, (size_t)(end - at));

    return hit ? hit : end;
}

static void
take_text(struct smtp_data *d, struct cursor *c)
{
    const uint8_t *stop;

    if (c->cr < c->at)
        c->cr = find(c->at, c->end, '\r');
    if (c->lf < c->at)
        c->lf = find(c->at, c->end, '\n');
    stop = c->cr < c->lf ? c->cr : c->lf;
    count_text(d, c->at, stop);
    c->at = stop;
    if (stop == c->end)
        return;
    if (c->lf == stop + 1 && c->lf < c->end) { /* CR LF, by far the most frequent end */
        c->at += 2;
        end_line(d);
        d->state = SMTP_DATA_START;
    } else if (c->cr == stop) {
        flush(d, c, 1);
        d->state = SMTP_DATA_CR;
    } else {
        flush(d, c, 1);
        mend_line_end(d);
    }
}

static void
take_start(struct smtp_data *d, struct cursor *c)
{
    if (d->dots && *c->at == '.') {
        flush(d, c, 1);
        d->state = SMTP_DATA_DOT;
    } else {
        d->state = SMTP_DATA_TEXT;
        take_text(d, c);
    }
}

static void
take_after_cr(struct smtp_data *d, struct cursor *c)
{
    if (*c->at != '\n') {
        mend_line_end(d);
        return;
    }
    put(d, SLICE("\r\n"));
    flush(d, c, 1);
    end_line(d);
    d->state = SMTP_DATA_START;
}

/* rfc5321#4.5.2-a: a dot that begins a line of other text was added by the sender. */
static void
take_after_dot(struct smtp_data *d, struct cursor *c)
{
    if (*c->at != '\r') {
        d->state = SMTP_DATA_TEXT;
        return;
    }
    flush(d, c, 1);
    d->state = SMTP_DATA_DOT_CR;
}

/* rfc5321#4.1.1.4-a: the end, and the only one. */
static void
take_after_dot_cr(struct smtp_data *d, struct cursor *c)
{
    if (*c->at != '\n') {
        mend_line_end(d);
        return;
    }
    flush(d, c, 1);
    d->state = SMTP_DATA_ENDED;
}

size_t
smtp_data_feed(struct smtp_data *d, struct slice in)
{
    static void (*const take[])(struct smtp_data *, struct cursor *) = {
        [SMTP_DATA_START] = take_start,         [SMTP_DATA_TEXT] = take_text,
        [SMTP_DATA_CR] = take_after_cr,         [SMTP_DATA_DOT] = take_after_dot,
        [SMTP_DATA_DOT_CR] = take_after_dot_cr,
    };
    struct cursor c = {.at = in.at, .end = in.at + in.len, .run = in.at};

    if (in.len == 0 || d->state == SMTP_DATA_ENDED)
        return 0;
    c.cr = find(c.at, c.end, '\r');
    c.lf = find(c.at, c.end, '\n');
    while (c.at < c.end && d->state != SMTP_DATA_ENDED)
        take[d->state](d, &c);
    flush(d, &c, 0);
    return (size_t)(c.at - in.at);
}

enum reason
smtp_data_finish(struct smtp_data *d)
{
    ensure(d->state == SMTP_DATA_ENDED || !d->dots);
    if (d->state == SMTP_DATA_CR)
        mend_line_end(d);
    else if (d->state == SMTP_DATA_TEXT && d->line)
        put(d, SLICE("\r\n")); /* so that it can leave by DATA and POP3 as it is */
    d->state = SMTP_DATA_ENDED;
    return smtp_data_trouble(d);
}

/* In a fixed order, so that the answer does not depend on how the bytes were split. */
enum reason
smtp_data_trouble(const struct smtp_data *d)
{
    if (d->too_big)
        return SMTP_TOO_BIG;
    if (d->hops > d->hops_max)
        return SMTP_LOOP;
    if (d->long_line)
        return SMTP_LONG_TEXT_LINE;
    if (d->bare_seen && d->refuse_bare)
        return SMTP_BARE_IN_MESSAGE;
    return d->sink_is_full ? SMTP_DISK_FULL : REASON_NONE;
}
