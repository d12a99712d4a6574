/* A server that says anything. First byte: TLS, login and what is left aside; second: the message
 * and its recipients; third: after how many lines the connection is lost. The rest is what the
 * server says. It is fed line by line, what the client says leaving in between, and then again with
 * each line byte by byte: both must come to the same commands and outcomes, and to an outcome for
 * every recipient. */
#include "base/ensure.h"
#include "smtp/client.h"

enum { MOST = 1 << 22, RCPTS = 5, TURNS_MAX = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct session {
    struct smtp_client_config config;
    struct smtp_client client;
    struct smtp_rcpt rcpts[RCPTS];
    struct smtp_envelope envelope;
    struct buf out, said, told;
    uint8_t choice;
    unsigned messages;
    bool sent; /* a message of which nothing is told */
};

static void
configure(struct session *t, uint8_t options, uint8_t choice)
{
    *t = (struct session){.choice = choice};
    t->config = (struct smtp_client_config){
        .hostname = SLICE("out.here.example"),
        .tls = options & 3,
        .ignored = (options & 4 ? SMTP_OFFER_PIPELINING : 0u) |
                   (options & 8 ? SMTP_OFFER_CHUNKING : 0u) |
                   (options & 16 ? SMTP_OFFER_8BITMIME : 0u),
        .nonce = SLICE("rOprNGfwEbeRWgbNEkqO"),
        .plaintext_ok = options & 64,
    };
    if (options & 32) {
        t->config.login = SLICE("user");
        t->config.password = SLICE("pencil");
    }
}

static void
send(struct session *t)
{
    static const struct slice addresses[RCPTS] = {
        {(const uint8_t *)"bob@there.example", 17},
        {(const uint8_t *)"carla@there.example", 19},
        {(const uint8_t *)"j\xc3\xb6rg@there.example", 19},
        {(const uint8_t *)"no>\r\nRCPT", 9},
        {(const uint8_t *)"dora@there.example", 18},
    };

    t->envelope =
        (struct smtp_envelope){.sender = SLICE("ana@here.example"),
                               .size = t->choice & 16 ? 1000 : 0,
                               .body = t->choice & 8 ? SMTP_BODY_8BITMIME : SMTP_BODY_7BIT,
                               .smtputf8 = t->choice & 32,
                               .envid = SLICE("QQ1"),
                               .rcpts = t->rcpts,
                               .rcpt_count = 1 + t->choice % RCPTS};
    for (size_t i = 0; i < t->envelope.rcpt_count; i++)
        t->rcpts[i] =
            (struct smtp_rcpt){.address = addresses[i],
                               .notify = SMTP_NOTIFY_NEVER,
                               .next = i + 1 < t->envelope.rcpt_count ? &t->rcpts[i + 1] : NULL};
    t->messages++;
    t->sent = true;
    smtp_client_send(&t->client, &t->envelope);
}

static void
check(struct session *t, const struct smtp_outcome *o)
{
    ensure(o->stage < SMTP_STAGE_COUNT && o->text.len <= SMTP_SAID_MAX);
    ensure(o->code == 0 || (o->code >= 200 && o->code < 600));
    ensure(o->trouble == SMTP_TROUBLE_NONE || o->code == 0);
    ensure(o->verdict != SMTP_VERDICT_DELIVERED ||
           (o->code / 100 == 2 && o->stage == SMTP_STAGE_BODY));
    ensure(o->verdict != SMTP_VERDICT_UNKNOWN || o->trouble);
    for (size_t i = 0; i < o->text.len; i++)
        ensure(o->text.at[i] >= ' ' && o->text.at[i] != 0x7f);
    buf_put_format(&t->told, "%d %d %d %u %s ", o->verdict, o->stage, o->trouble, o->code,
                   o->enhanced);
    buf_put(&t->told, o->text);
}

/* A message is over: every recipient has an outcome, or was over the server's limit. */
static void
tell(struct session *t)
{
    check(t, &t->client.outcome);
    for (size_t i = 0; t->sent && i < t->envelope.rcpt_count; i++) {
        const struct smtp_outcome *o = &t->client.outcomes[i];

        ensure(o->verdict != SMTP_VERDICT_UNDECIDED || o->code >= 400);
        check(t, o);
    }
    t->sent = false;
}

static void
serve_want(struct session *t)
{
    if (t->client.want == SMTP_WANT_TLS) {
        smtp_client_tls_started(&t->client);
    } else if (t->client.want == SMTP_WANT_7BIT) {
        smtp_client_converted(&t->client, t->choice & 64, 10);
    } else if (t->client.want == SMTP_WANT_BODY) {
        smtp_client_body(&t->client, SLICE(".a\n.\r\nb\r.\rc"));
        if (t->client.want == SMTP_WANT_BODY && !(t->choice & 128 && t->messages > 1))
            smtp_client_body_end(&t->client);
    } else if (t->client.want == SMTP_WANT_MESSAGE) {
        if (t->sent)
            tell(t);
        if (t->messages < 3)
            send(t);
        else
            smtp_client_quit(&t->client);
    }
}

/* Lines of ours end in CR LF and have no other CR or LF. */
static void
drain(struct session *t)
{
    struct slice out = buf_slice(&t->out);

    ensure(!t->out.full);
    for (size_t i = 0; i < out.len; i++) {
        ensure(out.at[i] != '\r' || (i + 1 < out.len && out.at[i + 1] == '\n'));
        ensure(out.at[i] != '\n' || (i > 0 && out.at[i - 1] == '\r'));
    }
    buf_put(&t->said, out);
    buf_reset(&t->out);
}

static void
settle_down(struct session *t)
{
    for (unsigned i = 0; i < TURNS_MAX && !t->client.closing; i++) {
        enum smtp_want want = t->client.want;

        drain(t);
        smtp_client_feed(&t->client, (struct slice){0});
        if (want == SMTP_WANT_NOTHING && t->out.len == 0 && t->client.want == want)
            return;
        serve_want(t);
        if (want == SMTP_WANT_BODY && t->client.want == want)
            return; /* an owner whose message never ends */
    }
}

static void
run(struct session *t, struct slice in, size_t step, unsigned lines)
{
    buf_init(&t->out, SMTP_CLIENT_OUT_MIN);
    buf_init(&t->said, MOST);
    buf_init(&t->told, MOST);
    smtp_client_init(&t->client, &t->config, &t->out);
    smtp_client_connected(&t->client);
    settle_down(t);
    while (in.len && !t->client.closing && lines--) {
        struct slice before = in, line;

        slice_cut(&in, '\n', &line);
        line = slice_head(before, before.len - in.len);
        for (; line.len && !t->client.closing; line = slice_tail(line, step))
            smtp_client_feed(&t->client, slice_head(line, step));
        settle_down(t);
        ensure(smtp_client_seconds(&t->client) > 0);
    }
    smtp_client_lost(&t->client, SMTP_TROUBLE_CLOSED, SLICE("the end"));
    ensure(t->client.closing && t->out.len == 0);
    tell(t);
    smtp_client_clear(&t->client);
    buf_clear(&t->out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session whole, pieces;
    struct slice in = slice_tail(slice_make(data, size), 3);

    if (size < 3)
        return 0;
    configure(&whole, data[0], data[1]);
    configure(&pieces, data[0], data[1]);
    run(&whole, in, size, data[2]);
    run(&pieces, in, 1, data[2]);
    ensure(slice_eq(buf_slice(&whole.said), buf_slice(&pieces.said)));
    ensure(slice_eq(buf_slice(&whole.told), buf_slice(&pieces.told)));
    buf_clear(&whole.said);
    buf_clear(&pieces.said);
    buf_clear(&whole.told);
    buf_clear(&pieces.told);
    return 0;
}
