/* The message machine. First byte: DATA or BDAT, and how the pieces are cut; the rest is what the
 * client sends. However it is cut the result is the same; the sink sees no CR or LF but CR LF; and
 * what it got, stuffed again and sent on, comes out as it was and ends where it should. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/ensure.h"
#include "smtp/data.h"

enum { MOST = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    struct buf out;
    size_t taken;
    bool ended;
    enum reason verdict;
};

static bool
put(void *ctx, struct slice bytes)
{
    return buf_put(ctx, bytes);
}

static void
run(struct slice in, bool dots, const struct limits *limits, unsigned seed, struct result *r)
{
    struct smtp_data d;

    *r = (struct result){0};
    buf_init(&r->out, MOST);
    smtp_data_init(&d, limits, dots, (struct smtp_sink){put, NULL, &r->out});
    while (in.len && d.state != SMTP_DATA_ENDED) {
        size_t piece = seed ? 1 + (size_t)rand_r(&seed) % (seed & 7 ? 5 : 300) : in.len;
        size_t n = smtp_data_feed(&d, slice_head(in, piece));

        r->taken += n;
        in = slice_tail(in, n);
    }
    r->ended = d.state == SMTP_DATA_ENDED;
    r->verdict = r->ended || !dots ? smtp_data_finish(&d) : smtp_data_trouble(&d);
}

static void
check_lines(struct slice out, bool complete)
{
    for (size_t i = 0; i < out.len; i++) {
        if (out.at[i] == '\r')
            ensure(i + 1 < out.len && out.at[i + 1] == '\n');
        if (out.at[i] == '\n')
            ensure(i > 0 && out.at[i - 1] == '\r');
    }
    ensure(!complete || out.len == 0 || out.at[out.len - 1] == '\n');
}

/* As a client must (RFC 5321 4.5.2). */
static void
stuff(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '.' && (i == 0 || text.at[i - 1] == '\n'))
            buf_put_byte(out, '.');
        buf_put_byte(out, text.at[i]);
    }
    buf_put_string(out, ".\r\n");
}

static void
check_sent_on(struct slice text, const struct limits *limits)
{
    struct result r;
    struct buf sent;

    buf_init(&sent, MOST);
    stuff(text, &sent);
    run(buf_slice(&sent), true, limits, 0, &r);
    ensure(r.ended && r.taken == sent.len && slice_eq(buf_slice(&r.out), text));
    buf_clear(&r.out);
    buf_clear(&sent);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, pieces;
    struct limits limits;
    struct slice in;
    bool dots;

    if (size == 0)
        return 0;
    limits_init(&limits);
    dots = data[0] & 1;
    limits.value[LIMIT_bare_newline_refuse] = data[0] >> 1 & 1;
    if (data[0] & 4)
        limits.value[LIMIT_line_length] = limits.value[LIMIT_received_hops] = 8;
    in = slice_make(data + 1, size - 1);
    run(in, dots, &limits, 0, &whole);
    run(in, dots, &limits, 1 + data[0], &pieces);
    ensure(whole.taken == pieces.taken && whole.ended == pieces.ended);
    ensure(whole.verdict == pieces.verdict);
    ensure(slice_eq(buf_slice(&whole.out), buf_slice(&pieces.out)));
    check_lines(buf_slice(&whole.out), whole.ended || !dots);
    if (whole.ended || !dots)
        check_sent_on(buf_slice(&whole.out), &limits);
    buf_clear(&whole.out);
    buf_clear(&pieces.out);
    return 0;
}
