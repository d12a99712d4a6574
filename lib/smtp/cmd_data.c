/* data = "DATA" CRLF, then the message                               rfc5321#4.1.1.4-a
 * bdat = "BDAT" SP octets [SP "LAST"] CRLF, then the octets          rfc3030#2-a
 * The two ways a message comes; both lead through struct smtp_data into the sink, and to COMMIT. */
#include "smtp/server_private.h"

#include "smtp/received.h"

/* rfc5321#3.3-a: why there is nobody to send to. */
static enum reason
missing(const struct smtp_server *s)
{
    if (s->phase == START)
        return SMTP_HELLO_FIRST;
    if (s->phase == READY)
        return SMTP_MAIL_FIRST;
    if (s->phase == MAIL)
        return s->rcpt_refused ? SMTP_NO_VALID_RCPT : SMTP_RCPT_FIRST;
    return REASON_NONE;
}

struct step
cmd_data(struct smtp_server *s, struct slice args)
{
    enum reason r = missing(s);

    (void)args;
    if (r)
        return say(r);
    return s->phase == CHUNKS ? say(SMTP_MIXED_BODY) : ask(SMTP_ASK_BODY); /* rfc3030#2-c */
}

static void
put_received(struct smtp_server *s, const struct smtp_answer *a)
{
    uint8_t room[SMTP_TRACE_MAX];
    struct buf line = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    const struct smtp_envelope *e = &s->envelope;
    const struct smtp_trace trace = {
        .helo = buf_slice(&s->helo),
        .address = s->client.address,
        .host = s->config->hostname,
        .id = slice_head(a->id, SMTP_ID_MAX),
        .rcpt = e->rcpt_count == 1 ? e->rcpts->address : (struct slice){0},
        .tls_version = s->client.tls_version,
        .tls_cipher = s->client.tls_cipher,
        .esmtp = s->esmtp,
        .tls = s->client.tls,
        .authenticated = s->config->service == SMTP_SERVICE_SUBMISSION && s->client.login.len,
        .utf8 = e->smtputf8,
        .time = a->time,
        .utc_offset_minutes = a->utc_offset_minutes,
    };

    smtp_received_put(&line, &trace);
    s->data.sink_is_full = !s->data.sink.put(s->data.sink.ctx, buf_slice(&line));
}

/* The message does not fit in any of the mailboxes. Where it fits in some, each has its own fate.
 */
static bool
fits_nowhere(const struct smtp_envelope *e)
{
    for (const struct smtp_rcpt *r = e->rcpts; r; r = r->next)
        if (e->size <= r->room)
            return false;
    return true;
}

static void
body_done(struct smtp_server *s)
{
    enum reason r = smtp_data_finish(&s->data);

    s->mode = SMTP_MODE_COMMAND;
    s->envelope.size = s->data.size;
    if (!r && fits_nowhere(&s->envelope))
        r = SMTP_OVER_QUOTA;
    if (!r) {
        s->sink_open = false; /* the sink is the caller's now */
        s->ask = SMTP_ASK_COMMIT;
        return;
    }
    smtp_reply(s, r, s->envelope.rcpts->address);
    smtp_transaction_end(s);
}

/* After a chunk: the next command, or the end of the message. */
static void
chunk_done(struct smtp_server *s)
{
    s->mode = SMTP_MODE_COMMAND;
    if (s->chunk_refusal) {
        smtp_reply(s, s->chunk_refusal, (struct slice){0});
        return;
    }
    if (s->sink_open && s->chunk_is_last) {
        body_done(s);
        return;
    }
    if (s->sink_open)
        s->body_refusal = smtp_data_trouble(&s->data);
    if (s->body_refusal)
        smtp_reply(s, s->body_refusal, (struct slice){0});
    else
        smtp_reply_number(s, SMTP_CHUNK_OK, s->chunk_size);
    if (s->chunk_is_last)
        smtp_transaction_end(s);
}

void
smtp_answer_body(struct smtp_server *s, const struct smtp_answer *a)
{
    bool chunked = s->mode == SMTP_MODE_CHUNK;

    if (smtp_answer_is_yes(a)) {
        smtp_data_init(&s->data, s->config->limits, !chunked, a->sink);
        s->sink_open = true;
        put_received(s, a);
    }
    if (chunked) {
        s->phase = CHUNKS;
        s->body_refusal = s->sink_open ? REASON_NONE : a->reason;
        if (s->chunk_left == 0)
            chunk_done(s);
    } else if (s->sink_open) {
        s->mode = SMTP_MODE_DATA;
        smtp_reply(s, SMTP_SEND_MESSAGE, (struct slice){0});
    } else {
        smtp_reply(s, a->reason, a->argument);
    }
}

/* rfc5321#4.1.1.4-c: whatever comes of it, the transaction is over. */
void
smtp_answer_commit(struct smtp_server *s, const struct smtp_answer *a)
{
    smtp_reply(s, a->reason ? a->reason : SMTP_ACCEPTED, a->argument);
    if (smtp_answer_is_yes(a))
        s->errors = 0;
    smtp_transaction_end(s);
}

size_t
smtp_data_mode(struct smtp_server *s, struct slice in)
{
    size_t n = smtp_data_feed(&s->data, in);

    if (s->data.state == SMTP_DATA_ENDED)
        body_done(s);
    return n;
}

struct step
cmd_bdat(struct smtp_server *s, struct slice args)
{
    struct slice octets;
    bool more = slice_cut(&args, ' ', &octets);

    if (!slice_to_u64(octets, &s->chunk_size) ||
        (more && !slice_eq_nocase(slice_trim(args), SLICE("LAST"))))
        return smtp_bad_args("BDAT");
    s->chunk_left = s->chunk_size;
    s->chunk_is_last = more;
    s->chunk_refusal = missing(s);
    s->mode = SMTP_MODE_CHUNK; /* rfc3030#2-d: refused or not, the octets are not commands */
    if (s->phase == RCPT)
        return ask(SMTP_ASK_BODY);
    if (s->chunk_left == 0)
        chunk_done(s);
    return nothing();
}

size_t
smtp_chunk_mode(struct smtp_server *s, struct slice in)
{
    in = slice_head(in, s->chunk_left);
    if (!s->chunk_refusal && s->sink_open)
        smtp_data_feed(&s->data, in);
    s->chunk_left -= in.len;
    if (s->chunk_left == 0)
        chunk_done(s);
    return in.len;
}
