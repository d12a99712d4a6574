/* Runs test/dialog/client: the client against scripts of what servers say. Options ("!:"):
 * tls=never|may|must|at-once (never where nothing is said), login (as user, password pencil),
 * plaintext, ignore=KEYWORD of offer.def, unconnected.
 *
 *   ?: message -> from ana@here.example to bob@there.example to carla@there.example size=120
 *      further words: 8bit utf8 ret=FULL|HDRS envid=x; of the recipient before them: notify=6
 * orcpt=x
 *   ?: message -> quit
 *   ?: tls -> started
 *   ?: 7bit -> done 120         ?: 7bit -> no
 *   ?: body -> text\r\n
 *   E: timed-out words          the id of a row of trouble.def
 *   O: message delivered body 250 2.0.0 words
 *   O: bob@there.example temporary connect 4.4.1 refused: words */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smtp/client.h"
#include "test/dialog/script.h"

enum { RCPTS_MAX = 8, WORDS_MAX = 1 << 16 };

struct session {
    struct smtp_client_config config;
    struct smtp_client client;
    struct buf out;
    bool running;
    bool sent;     /* a message whose outcomes are not all told */
    bool end_told; /* why the connection ended, too */
    size_t told;   /* outcomes: 1 for the message, 1 for each recipient */

    char words[WORDS_MAX]; /* what the envelope's slices are parts of */
    struct smtp_envelope envelope;
    struct smtp_rcpt rcpts[RCPTS_MAX];
};

static const char *const keywords[] = {
#define OFFER(name, keyword, take, anchor) keyword,
#include "smtp/offer.def"
#undef OFFER
};

static bool
set_tls(struct session *t, struct slice word)
{
    static const char *const words[] = {"never", "may", "must", "at-once"};

    for (unsigned i = 0; i < COUNT(words); i++)
        if (slice_eq(word, slice_of(words[i]))) {
            t->config.tls = i;
            return true;
        }
    return false;
}

static bool
set_ignored(struct session *t, struct slice word)
{
    for (unsigned i = 0; i < COUNT(keywords); i++)
        if (slice_eq(word, slice_of(keywords[i]))) {
            t->config.ignored |= 1u << i;
            return true;
        }
    return false;
}

static bool
set_option(struct session *t, struct slice word, bool *connect)
{
    if (slice_take_prefix(&word, SLICE("tls=")))
        return set_tls(t, word);
    if (slice_take_prefix(&word, SLICE("ignore=")))
        return set_ignored(t, word);
    if (slice_eq(word, SLICE("unconnected"))) {
        *connect = false;
    } else if (slice_eq(word, SLICE("plaintext"))) {
        t->config.plaintext_ok = true;
    } else if (slice_eq(word, SLICE("login"))) {
        t->config.login = SLICE("user");
        t->config.password = SLICE("pencil");
    } else {
        return false;
    }
    return true;
}

static void
clear(struct session *t)
{
    if (!t->running)
        return;
    smtp_client_clear(&t->client);
    buf_clear(&t->out);
    t->running = false;
}

static bool
start(void *ctx, struct slice words)
{
    struct session *t = ctx;
    bool connect = true;
    struct slice word;

    clear(t);
    t->config = (struct smtp_client_config){.hostname = SLICE("out.here.example"),
                                            .nonce = SLICE("rOprNGfwEbeRWgbNEkqO")};
    t->sent = t->end_told = false;
    while (words.len) {
        slice_cut(&words, ' ', &word);
        if (!set_option(t, word, &connect))
            return false;
    }
    buf_init(&t->out, 1 << 20);
    smtp_client_init(&t->client, &t->config, &t->out);
    if (connect)
        smtp_client_connected(&t->client);
    t->running = true;
    return true;
}

static size_t
feed(void *ctx, struct slice in)
{
    struct session *t = ctx;

    smtp_client_feed(&t->client, in);
    return in.len;
}

static bool
question(void *ctx, struct buf *text)
{
    static const char *const names[] = {[SMTP_WANT_TLS] = "tls",
                                        [SMTP_WANT_MESSAGE] = "message",
                                        [SMTP_WANT_7BIT] = "7bit",
                                        [SMTP_WANT_BODY] = "body"};
    const struct session *t = ctx;

    if (t->client.want != SMTP_WANT_NOTHING)
        buf_put_string(text, names[t->client.want]);
    return t->client.want != SMTP_WANT_NOTHING;
}

static bool
take_rcpt_word(struct smtp_rcpt *r, struct slice name, struct slice value)
{
    uint64_t bits;

    if (slice_eq(name, SLICE("orcpt"))) {
        r->orcpt = value;
        return true;
    }
    if (!slice_eq(name, SLICE("notify")) || !slice_to_u64(value, &bits))
        return false;
    r->notify = (unsigned)bits;
    return true;
}

/* "name=value", or a word alone. */
static bool
take_word(struct session *t, struct slice word)
{
    struct smtp_envelope *e = &t->envelope;
    struct slice name, value = word;

    slice_cut(&value, '=', &name);
    if (slice_eq(word, SLICE("8bit")))
        e->body = SMTP_BODY_8BITMIME;
    else if (slice_eq(word, SLICE("utf8")))
        e->smtputf8 = true;
    else if (slice_eq(name, SLICE("size")))
        return slice_to_u64(value, &e->size);
    else if (slice_eq(name, SLICE("envid")))
        e->envid = value;
    else if (slice_eq(name, SLICE("ret")))
        e->ret = slice_eq(value, SLICE("FULL")) ? SMTP_RET_FULL : SMTP_RET_HDRS;
    else
        return e->rcpt_count && take_rcpt_word(&t->rcpts[e->rcpt_count - 1], name, value);
    return true;
}

static void
add_rcpt(struct session *t, struct slice address)
{
    size_t n = t->envelope.rcpt_count++;

    assert_true(n < RCPTS_MAX);
    t->rcpts[n] = (struct smtp_rcpt){.address = address};
    if (n)
        t->rcpts[n - 1].next = &t->rcpts[n];
}

static bool
send(struct session *t, struct slice words)
{
    struct slice word;

    assert_true(slice_to_string(words, t->words, sizeof(t->words)));
    words = slice_of(t->words);
    t->envelope = (struct smtp_envelope){.rcpts = t->rcpts};
    while (words.len) {
        slice_cut(&words, ' ', &word);
        if (slice_eq(word, SLICE("from"))) {
            slice_cut(&words, ' ', &t->envelope.sender);
        } else if (slice_eq(word, SLICE("to"))) {
            slice_cut(&words, ' ', &word);
            add_rcpt(t, word);
        } else if (!take_word(t, word)) {
            return false;
        }
    }
    if (slice_eq(t->envelope.sender, SLICE("<>")))
        t->envelope.sender = (struct slice){0};
    t->sent = true;
    t->told = 0;
    smtp_client_send(&t->client, &t->envelope);
    return true;
}

static bool
give_body(struct session *t, struct slice words)
{
    struct buf text;
    struct slice rest;
    bool good;

    buf_init(&text, 1 << 20);
    good = script_unescape(words, &text);
    rest = buf_slice(&text);
    while (good && rest.len) {
        size_t n = smtp_client_body(&t->client, slice_head(rest, 5));

        assert_true(n > 0);
        rest = slice_tail(rest, n);
    }
    buf_clear(&text);
    if (good)
        smtp_client_body_end(&t->client);
    return good;
}

static bool
answer(void *ctx, struct slice words, bool *drop)
{
    struct session *t = ctx;
    struct slice word;
    uint64_t size = 0;

    (void)drop;
    if (t->client.want == SMTP_WANT_BODY)
        return give_body(t, words);
    if (t->client.want == SMTP_WANT_MESSAGE && !slice_eq(words, SLICE("quit")))
        return send(t, words);
    slice_cut(&words, ' ', &word);
    if (t->client.want == SMTP_WANT_7BIT) {
        slice_to_u64(words, &size);
        smtp_client_converted(&t->client, slice_eq(word, SLICE("done")), size);
        return true;
    }
    if (t->client.want == SMTP_WANT_TLS && slice_eq(word, SLICE("started"))) {
        smtp_client_tls_started(&t->client);
        return true;
    }
    if (t->client.want != SMTP_WANT_MESSAGE)
        return false;
    smtp_client_quit(&t->client);
    return true;
}

static bool
end(void *ctx, struct slice words)
{
    struct session *t = ctx;
    struct slice id;

    slice_cut(&words, ' ', &id);
    for (unsigned i = 1; i < SMTP_TROUBLE_COUNT; i++)
        if (slice_eq(id, slice_of(smtp_trouble_row(i)->id))) {
            smtp_client_lost(&t->client, i, words);
            return true;
        }
    return false;
}

static bool
closing(void *ctx)
{
    const struct session *t = ctx;

    return t->client.closing;
}

static void
put_outcome(struct slice who, const struct smtp_outcome *o, struct buf *text)
{
    buf_put(text, who);
    buf_put_format(text, " %s %s", smtp_verdict_word(o->verdict), smtp_stage_row(o->stage)->word);
    if (o->code)
        buf_put_format(text, " %u", o->code);
    if (o->enhanced[0])
        buf_put_format(text, " %s", o->enhanced);
    if (o->trouble)
        buf_put_format(text, " %s:", smtp_trouble_row(o->trouble)->id);
    if (o->text.len) {
        buf_put_byte(text, ' ');
        buf_put(text, o->text);
    }
}

/* The message's own, where there is one, then the recipients' in their order. */
static void
tell_message(struct session *t, struct buf *text)
{
    size_t n = t->told++;

    if (n == 0 && t->client.outcome.verdict == SMTP_VERDICT_UNDECIDED)
        n = t->told++;
    if (n == 0)
        put_outcome(SLICE("message"), &t->client.outcome, text);
    else
        put_outcome(t->rcpts[n - 1].address, &t->client.outcomes[n - 1], text);
    t->sent = n < t->envelope.rcpt_count;
    t->end_told = t->client.closing;
}

static bool
outcome(void *ctx, struct buf *text)
{
    struct session *t = ctx;

    if (t->sent && (t->client.want == SMTP_WANT_MESSAGE || t->client.closing)) {
        tell_message(t, text);
        return true;
    }
    if (!t->client.closing || t->end_told || t->client.outcome.verdict == SMTP_VERDICT_UNDECIDED)
        return false;
    t->end_told = true;
    put_outcome(SLICE("connection"), &t->client.outcome, text);
    return true;
}

static void
machine_speaks_as_the_dialogues_say(void **state)
{
    static struct session t;
    const struct script_machine m = {&t,     &t.out, start,   feed,   question,
                                     answer, end,    closing, outcome};

    (void)state;
    assert_in_range(script_run_folder("test/dialog/client", &m), 25, 1000);
    clear(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_speaks_as_the_dialogues_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
