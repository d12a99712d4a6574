/* A client that says anything, and an owner whose answers the input chooses. First byte: service
 * and options; second: how the pieces are cut; then one byte for each answer up to a line feed; the
 * rest is what is sent. It is run whole and in pieces, and must come to the same replies. */
#include <stdlib.h>

#include "base/ensure.h"
#include "smtp/server.h"

enum { MOST = 1 << 22, QUESTIONS_MAX = 10000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct session {
    struct limits limits;
    struct smtp_config config;
    struct smtp_peer client;
    struct smtp_server server;
    struct slice answers, rest; /* rest: of the answers not given yet */
    struct buf out, said, message;
    bool sink_open;
};

static bool
put(void *ctx, struct slice bytes)
{
    struct session *t = ctx;

    ensure(t->sink_open);
    return buf_put(&t->message, bytes);
}

static void
drop(void *ctx)
{
    struct session *t = ctx;

    ensure(t->sink_open);
    t->sink_open = false;
}

static void
configure(struct session *t, uint8_t options)
{
    *t = (struct session){.config.service = options % 3};
    limits_init(&t->limits);
    t->limits.value[LIMIT_bare_newline_refuse] = options >> 2 & 1;
    t->limits.value[LIMIT_smtp_plaintext] = options >> 3 & 1;
    t->limits.value[LIMIT_recipients] = options & 16 ? 2 : 1000;
    t->limits.value[LIMIT_message_size] = options & 32 ? 100 : 100000;
    t->config.hostname = SLICE("mx.here.example");
    t->config.limits = &t->limits;
    t->config.tls_available = options >> 6 & 1;
    t->client = (struct smtp_peer){.address = SLICE("2001:db8::1"),
                                   .loopback = true,
                                   .tls = options >> 7,
                                   .nonce = SLICE("fyko+d2lbbFgONRv9qkxdawL")};
    if (t->config.service == SMTP_SERVICE_SYSTEM)
        t->client.login = SLICE("ana");
    if (t->client.tls)
        t->client.binding.tls_exporter = SLICE("exported");
}

static void
check_commit(const struct session *t)
{
    struct slice m = buf_slice(&t->message);
    size_t count = 0;

    ensure(slice_starts_nocase(m, SLICE("Received: ")) && m.at[m.len - 1] == '\n');
    ensure(t->server.envelope.size < m.len);
    for (size_t i = 0; i < m.len; i++)
        ensure(m.at[i] != '\n' || m.at[i - 1] == '\r');
    for (const struct smtp_rcpt *r = t->server.envelope.rcpts; r; r = r->next, count++)
        ensure(r->address.len > 0);
    ensure(count > 0 && count == t->server.envelope.rcpt_count);
}

static void
answer(struct session *t)
{
    static const enum reason reasons[] = {
        REASON_NONE,   REASON_NONE,      REASON_NONE,  REASON_NONE,        REASON_NONE,
        SMTP_NO_RELAY, SMTP_LOCAL_ERROR, SMTP_VRFY_OK, SMTP_SHUTTING_DOWN, SMTP_LOGIN_WRONG,
    };
    static const uint8_t signature[SASL_SCRAM_KEY];
    uint8_t choice = t->rest.len ? t->rest.at[0] : 0;
    struct smtp_answer a = {.reason = reasons[choice % COUNT(reasons)],
                            .right = choice & 16,
                            .login = SLICE("ana@here.example"),
                            .salt = SLICE("salt"),
                            .iterations = 4096,
                            .signature = {signature, sizeof(signature)},
                            .room = choice & 32 ? 10 : UINT64_MAX,
                            .sink = {put, drop, t},
                            .id = SLICE("0000000000001")};

    t->rest = slice_tail(t->rest, 1);
    if (t->server.ask == SMTP_ASK_TLS) {
        t->client.tls = true;
        smtp_server_tls_started(&t->server, &t->client);
        return;
    }
    if (t->server.ask == SMTP_ASK_BODY) {
        ensure(!t->sink_open);
        buf_reset(&t->message);
        t->sink_open = !a.reason || a.reason == SMTP_VRFY_OK;
    }
    if (t->server.ask == SMTP_ASK_COMMIT) {
        check_commit(t);
        t->sink_open = false;
    }
    smtp_server_answer(&t->server, &a);
}

static void
drain(struct session *t)
{
    struct slice out = buf_slice(&t->out);

    ensure(!t->out.full);
    ensure(out.len == 0 || (out.at[out.len - 1] == '\n' && out.at[out.len - 2] == '\r'));
    buf_put(&t->said, out);
    buf_reset(&t->out);
}

/* To the end of the input or of the session; *said is everything that was replied. */
static void
run(struct session *t, struct slice in, unsigned seed)
{
    buf_init(&t->out, SMTP_OUT_MIN);
    buf_init(&t->said, MOST);
    buf_init(&t->message, MOST);
    t->rest = t->answers;
    smtp_server_init(&t->server, &t->config, &t->client, &t->out);
    smtp_server_greet(&t->server, REASON_NONE);
    while (!t->server.closing && (in.len || t->server.ask)) {
        size_t piece = seed ? 1 + (size_t)rand_r(&seed) % 30 : in.len;
        size_t n = smtp_server_feed(&t->server, slice_head(in, piece));

        in = slice_tail(in, n);
        ensure(n || t->server.ask || t->server.closing || t->out.len);
        if (t->server.ask)
            answer(t);
        drain(t);
    }
    smtp_server_end(&t->server, SMTP_SHUTTING_DOWN);
    drain(t);
    smtp_server_clear(&t->server);
    ensure(!t->sink_open);
    buf_clear(&t->out);
    buf_clear(&t->message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session whole, pieces;
    struct slice in = slice_make(data, size), answers;

    if (size < 3)
        return 0;
    in = slice_tail(in, 2);
    slice_cut(&in, '\n', &answers);
    configure(&whole, data[0]);
    configure(&pieces, data[0]);
    whole.answers = pieces.answers = answers;
    run(&whole, in, 0);
    run(&pieces, in, 1 + data[1]);
    ensure(slice_eq(buf_slice(&whole.said), buf_slice(&pieces.said)));
    buf_clear(&whole.said);
    buf_clear(&pieces.said);
    return 0;
}
