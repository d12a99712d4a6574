/* The message as it leaves: by DATA with its dots stuffed, or by BDAT in chunks. Line ends are
 * mended by the machine that mends those of messages that come in, so nothing leaves that another
 * server could take for the end (rfc5321#2.3.8-c); nothing else is changed: rfc5321#3.6.3-a. */
#include "base/ensure.h"
#include "smtp/client_private.h"

/* A chunk that is so full is sent: there is always room for more in one that is not. */
enum { CHUNK_FULL = SMTP_CHUNK_MAX / 4 * 3 };

/* What may be put beyond twice the octets handed in: a CR LF for a CR held back, one at the end,
 * and the final dot. */
enum { END_ROOM = 16 };

static bool
uses_chunks(const struct smtp_client *c)
{
    return smtp_offered(c, SMTP_OFFER_CHUNKING);
}

static bool
put_chunk(void *ctx, struct slice bytes)
{
    struct smtp_client *c = ctx;

    return buf_put(&c->chunk, bytes);
}

/* rfc5321#4.5.2-b: a dot that begins a line gets another one in front. */
static bool
put_stuffed(void *ctx, struct slice bytes)
{
    struct smtp_client *c = ctx;

    while (bytes.len) {
        ptrdiff_t lf = slice_find(bytes, '\n');
        struct slice line = lf < 0 ? bytes : slice_head(bytes, (size_t)lf + 1);

        if (c->at_start && line.at[0] == '.')
            buf_put_byte(c->out, '.');
        buf_put(c->out, line);
        c->at_start = lf >= 0;
        bytes = slice_tail(bytes, line.len);
    }
    return !c->out->full;
}

void
smtp_client_begin_body(struct smtp_client *c)
{
    /* what is sent was taken by somebody's limits already */
    static const struct limits none = {.value = {[LIMIT_message_size] = UINT64_MAX,
                                                 [LIMIT_line_length] = UINT64_MAX,
                                                 [LIMIT_received_hops] = UINT64_MAX}};

    smtp_data_init(&c->data, &none, false,
                   (struct smtp_sink){uses_chunks(c) ? put_chunk : put_stuffed, NULL, c});
    c->at_start = true;
    c->stage = SMTP_STAGE_BODY;
    c->want = SMTP_WANT_BODY;
}

/* rfc3030#2-f: each chunk by its count. One is in `out` at a time; the next waits for its reply
 * where the server has not said that it need not. */
void
smtp_client_say_chunk(struct smtp_client *c)
{
    struct buf *out = c->out;

    if (c->over) {
        if (c->owed == 0)
            smtp_client_end_transaction(c);
        return;
    }
    if (!uses_chunks(c) || c->ended || (!c->body_done && c->chunk.len < CHUNK_FULL))
        return;
    c->want = SMTP_WANT_NOTHING;
    if (out->len || (c->owed && !smtp_offered(c, SMTP_OFFER_PIPELINING)))
        return;
    buf_put_format(out, "BDAT %zu%s", c->chunk.len, c->body_done ? " LAST" : "");
    smtp_client_say(c, "", (struct slice){0});
    ensure(buf_put(out, buf_slice(&c->chunk)));
    buf_reset(&c->chunk);
    c->ended = c->body_done;
    if (!c->body_done)
        c->want = SMTP_WANT_BODY;
}

size_t
smtp_client_body(struct smtp_client *c, struct slice piece)
{
    size_t room = buf_space(uses_chunks(c) ? &c->chunk : c->out);

    ensure(c->want == SMTP_WANT_BODY);
    if (room <= END_ROOM)
        return 0;
    piece = slice_head(piece, (room - END_ROOM) / 2); /* an octet may become two */
    smtp_data_feed(&c->data, piece);
    smtp_client_say_chunk(c);
    return piece.len;
}

void
smtp_client_body_end(struct smtp_client *c)
{
    ensure(c->want == SMTP_WANT_BODY);
    smtp_data_finish(&c->data); /* the last line ends, too */
    ensure(!c->data.sink_is_full);
    c->body_done = true;
    c->want = SMTP_WANT_NOTHING;
    if (uses_chunks(c)) {
        smtp_client_say_chunk(c);
        return;
    }
    c->ended = true;
    smtp_client_say(c, ".", (struct slice){0}); /* rfc5321#4.1.1.4-d */
}

bool
smtp_client_end_has_left(const struct smtp_client *c)
{
    return c->open && c->stage == SMTP_STAGE_BODY && c->ended && c->out->len == 0;
}

/* The answer to the message, or to a chunk of it: rfc3030#2-g, the first refusal is that of all. */
void
smtp_heard_body(struct smtp_client *c)
{
    bool is_last = c->ended && c->owed == 0;
    unsigned class = smtp_reply_class(&c->reply);

    if (is_last)
        c->dirty = false; /* rfc5321#4.1.1.4-c: whatever it says */
    if (c->over || (class == 2 && !is_last))
        return;
    if (class == 3) {
        smtp_client_hang_up(c, smtp_client_trouble(c, SMTP_TROUBLE_STEP));
        return;
    }
    c->outcome = smtp_client_replied(c);
    if (class == 2)
        c->outcome.verdict = SMTP_VERDICT_DELIVERED;
    smtp_client_settle(c);
    c->want = SMTP_WANT_NOTHING;
}
