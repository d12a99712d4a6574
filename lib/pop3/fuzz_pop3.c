/* A client that says anything, and an owner whose answers the input chooses. First byte: options;
 * second: the size of pieces; then answers, one byte each, up to a line feed; then what is sent. */
#include <string.h>

#include "base/ensure.h"
#include "pop3/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pop3_message messages[] = {{1, 10}, {2, 20}, {7, 30}, {UINT64_MAX, 1 << 30}};

static void
send_body(struct pop3_server *s)
{
    struct pop3_stuff t;

    pop3_stuff_init(&t, s->ask.lines);
    pop3_server_body_begin(s);
    pop3_stuff_feed(&t, SLICE("Subject: x\r\n\r\n.dot\r\nend\r\n"), s->out);
    ensure(pop3_stuff_end(&t, s->out));
}

static void
answer(struct pop3_server *s, uint8_t choice)
{
    static const enum reason reasons[] = {REASON_NONE,   REASON_NONE,     REASON_NONE,
                                          REASON_NONE,   REASON_NONE,     POP3_WRONG_LOGIN,
                                          POP3_SYS_TEMP, POP3_LOGIN_DELAY};
    static const uint8_t signature[SASL_SCRAM_KEY];
    struct pop3_answer a = {.reason = reasons[choice % COUNT(reasons)],
                            .salt = SLICE("salt"),
                            .iterations = 4096,
                            .signature = {signature, sizeof(signature)},
                            .messages = messages,
                            .count = choice / 8 % (COUNT(messages) + 1)};

    if (s->ask.kind == POP3_ASK_TLS) {
        pop3_server_tls_started(s, (struct sasl_binding){.tls_exporter = SLICE("x")});
        return;
    }
    if (s->ask.kind == POP3_ASK_BODY) {
        ensure(s->ask.message < s->count && !pop3_server_is_deleted(s, s->ask.message));
        if (a.reason != POP3_WRONG_LOGIN)
            send_body(s);
    }
    ensure(s->ask.kind == POP3_ASK_BODY || s->ask.kind == POP3_ASK_COMMIT || s->ask.user.len);
    pop3_server_answer(s, &a);
}

/* Every reply is lines that end in CR LF, and no message is counted twice. */
static void
check(struct pop3_server *s)
{
    struct slice out = buf_slice(s->out);
    uint64_t octets = 0;
    size_t marked = 0;

    ensure(!s->out->full);
    ensure(out.len == 0 || (out.at[out.len - 1] == '\n' && out.at[out.len - 2] == '\r'));
    buf_reset(s->out);
    for (size_t i = 0; i < s->count; i++) {
        marked += pop3_server_is_deleted(s, i);
        octets += pop3_server_is_deleted(s, i) ? 0 : messages[i].size;
    }
    ensure(marked == s->marked && octets == s->octets);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct slice nonce = {(const uint8_t *)"0123456789abcdefgh", 18};
    struct slice in = slice_tail(slice_make(data, size), 2), answers;
    struct limits limits;
    struct pop3_config config = {
        .hostname = SLICE("mx.example"), .limits = &limits, .tls_available = true};
    struct pop3_client client = {.loopback = true, .nonce = nonce};
    struct pop3_server s;
    struct buf out;
    size_t piece, shown = 0;

    if (size < 2)
        return 0;
    piece = data[1] ? data[1] : size;
    limits_init(&limits);
    limits.value[LIMIT_errors_per_session] = 1000;
    config.tls_available = data[0] & 1;
    client.tls = data[0] & 2;
    if (data[0] & 4)
        client.binding.tls_server_end_point = SLICE("end point");
    slice_cut(&in, '\n', &answers);
    buf_init(&out, 2 * POP3_REPLY_MAX);
    pop3_server_init(&s, &config, client, &out,
                     data[0] & 8 ? SLICE("<1.2@mx.example>") : SLICE(""));
    pop3_server_greet(&s);
    while (!s.closing && (s.ask.kind || pop3_server_has_more(&s) || shown < in.len)) {
        size_t used;

        check(&s);
        if (s.ask.kind) {
            answer(&s, answers.len ? answers.at[0] : 32);
            answers = slice_tail(answers, 1);
            continue;
        }
        shown = shown + piece < in.len ? shown + piece : in.len;
        used = pop3_server_feed(&s, slice_head(in, shown));
        in = slice_tail(in, used);
        shown = 0;
        if (used == 0 && !s.ask.kind && !s.closing && !pop3_server_has_more(&s))
            break;
    }
    check(&s);
    pop3_server_end(&s, POP3_STOPPING);
    pop3_server_clear(&s);
    buf_clear(&out);
    return 0;
}
