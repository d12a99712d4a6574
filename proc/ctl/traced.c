/* For people: a line with its time for each step, and under it what is known of it. */
#include "traced.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "out.h"

enum {
    WORD_MAX = 640, /* bytes of a field that are shown */
    INDENT = 23,    /* of what stands under a step's time */
};

struct slice
traced_summary(const struct traced *t, const struct trace_event *e)
{
    const struct catalogue_reason *r = catalogue_find(t->catalogue, e->reason);

    return r ? catalogue_text(t->catalogue, r, CATALOGUE_summary, slice_of(text_language()))
             : SLICE("");
}

const char *
traced_protocol(const struct trace_event *e)
{
    return e->protocol < ROLE_PROTOCOL_COUNT ? role_protocol_name((enum role_protocol)e->protocol)
                                             : "";
}

static const char *
word(struct slice s, char room[WORD_MAX])
{
    size_t n = s.len < WORD_MAX - 1 ? s.len : WORD_MAX - 1;

    for (size_t i = 0; i < n; i++)
        room[i] = (char)(s.at[i] ? s.at[i] : '?');
    room[n] = '\0';
    return room;
}

static const char *
number(uint64_t n, char room[WORD_MAX])
{
    snprintf(room, WORD_MAX, "%llu", (unsigned long long)n);
    return room;
}

static const char *
id_of(uint64_t id, char room[WORD_MAX])
{
    id_format(id, room);
    return room;
}

static const char *
local_time(uint64_t seconds, char room[WORD_MAX])
{
    time_t at = (time_t)seconds;
    struct tm local;

    room[0] = '\0';
    if (localtime_r(&at, &local))
        strftime(room, WORD_MAX, "%Y-%m-%d %H:%M:%S", &local);
    return room;
}

static void
indent(void)
{
    printf("%*s", INDENT, "");
}

/* A line under the step, where there is something to say. */
static void
print_under(enum text t, struct slice value)
{
    char room[WORD_MAX];

    if (value.len == 0)
        return;
    indent();
    text_print(stdout, t, TEXT_ARGS(word(value, room)));
}

static void
print_reason(const struct traced *t, const struct trace_event *e)
{
    struct slice summary = traced_summary(t, e);

    print_under(TEXT_trace_reply, e->reply);
    if (summary.len == 0) {
        print_under(TEXT_trace_because, e->reason);
        return;
    }
    out_paragraph(INDENT, summary);
    print_under(TEXT_trace_hint, e->reason);
}

static void
print_client(const struct trace_event *e)
{
    char client[WORD_MAX];

    if (e->session == 0)
        return;
    indent();
    SAY(trace_client, word(e->client, client), traced_protocol(e));
    print_under(TEXT_trace_tls, e->tls);
    if (e->kind != TRACE_login_refused)
        print_under(TEXT_trace_login, e->login);
}

void
traced_begin(struct traced *t)
{
    void *name;

    t->steps = 0;

    for (size_t at = 0; (name = map_next(&t->names, &at));)
        free(name);
    map_clear(&t->names);
}

static void
note_name(struct traced *t, const struct trace_event *e)
{
    char *name;

    if (e->account == 0 || e->recipient.len == 0 || map_get(&t->names, e->account))
        return;
    name = heap_take(e->recipient.len + 1);
    slice_to_string(e->recipient, name, e->recipient.len + 1);
    map_put(&t->names, e->account, name);
}

/* "ana@here.example (17)", or the number alone. */
static const char *
mailbox(const struct traced *t, uint64_t account, char room[WORD_MAX])
{
    const char *name = map_get(&t->names, account);

    if (!name)
        return number(account, room);
    snprintf(room, WORD_MAX, "%s (%llu)", name, (unsigned long long)account);
    return room;
}

static void
print_recipient(const struct trace_event *e)
{
    char address[WORD_MAX], account[WORD_MAX];

    if (e->recipient.len == 0)
        return;
    indent();
    if (e->account)
        SAY(trace_to_mailbox, word(e->recipient, address), number(e->account, account));
    else
        SAY(trace_to, word(e->recipient, address));
}

/* Which server, and where the conversation with it was: in words, where the catalogue has them. */
static void
print_remote(const struct traced *t, const struct trace_event *e)
{
    char stage[WORD_MAX], key[2 * WORD_MAX];
    struct slice words;

    snprintf(key, sizeof(key), "phase.%s", word(e->stage, stage));
    words = catalogue_word(t->catalogue, slice_of(key), slice_of(text_language()));
    print_under(TEXT_trace_remote, e->remote);
    print_under(TEXT_trace_stage, words.len ? words : e->stage);
    print_under(TEXT_trace_tls, e->tls);
}

static void
print_refused(const struct traced *t, const struct trace_event *e)
{
    SAY(trace_refused);
    print_client(e);
    print_under(TEXT_trace_from, e->sender);
    print_recipient(e);
    print_reason(t, e);
}

static void
print_login_refused(const struct traced *t, const struct trace_event *e)
{
    char name[WORD_MAX];

    SAY(trace_login_refused, word(e->login, name));
    print_client(e);
    print_reason(t, e);
}

static void
print_received(const struct traced *t, const struct trace_event *e)
{
    char size[WORD_MAX], reference[ID_REFERENCE_LEN + 1];

    (void)t;
    id_reference(e->session, reference);
    SAY(trace_received, number(e->size, size), reference);
    print_client(e);
    print_under(TEXT_trace_message_id, e->message_id);
    print_under(TEXT_trace_from, e->sender.len ? e->sender : SLICE("<>"));
    print_recipient(e);
}

static void
print_more_recipient(const struct traced *t, const struct trace_event *e)
{
    (void)t;
    SAY(trace_recipient);
    print_recipient(e);
}

static void
print_delivered(const struct traced *t, const struct trace_event *e)
{
    char room[WORD_MAX];

    SAY(trace_delivered, mailbox(t, e->account, room));
}

static void
print_deferred(const struct traced *t, const struct trace_event *e)
{
    char room[WORD_MAX], next[WORD_MAX];

    if (e->account) {
        SAY(trace_deferred, mailbox(t, e->account, room), local_time(e->next, next));
    } else {
        SAY(trace_unsent, local_time(e->next, next));
        print_recipient(e);
        print_remote(t, e);
    }
    print_reason(t, e);
}

/* What another server did, or a person. */
static void
print_outward(const struct traced *t, const struct trace_event *e)
{
    static const enum text texts[TRACE_KINDS] = {
        [TRACE_attempt] = TEXT_trace_attempt,   [TRACE_sent] = TEXT_trace_sent,
        [TRACE_failed] = TEXT_trace_failed,     [TRACE_held] = TEXT_trace_held,
        [TRACE_released] = TEXT_trace_released, [TRACE_removed] = TEXT_trace_removed,
    };
    char id[WORD_MAX];

    text_print(stdout, texts[e->kind], TEXT_ARGS(id_of(e->message, id)));
    print_recipient(e);
    print_remote(t, e);
    print_reason(t, e);
}

/* Who was told what, in which message. */
static void
print_notified(const struct traced *t, const struct trace_event *e)
{
    static const struct {
        const char *stage;
        enum text text;
    } told[] = {
        {"failed", TEXT_trace_told_failed},
        {"delayed", TEXT_trace_told_delayed},
        {"success", TEXT_trace_told_success},
        {"held", TEXT_trace_told_held},
    };
    enum text text = TEXT_trace_told;
    char to[WORD_MAX], id[WORD_MAX];

    (void)t;
    for (size_t i = 0; i < COUNT(told); i++)
        if (slice_eq(e->stage, slice_of(told[i].stage)))
            text = told[i].text;
    text_print(stdout, text, TEXT_ARGS(word(e->recipient, to), id_of(e->session, id)));
}

static void
print_written(const struct traced *t, const struct trace_event *e)
{
    char size[WORD_MAX], about[WORD_MAX];

    (void)t;
    SAY(trace_written, id_of(e->session, about), number(e->size, size));
    print_recipient(e);
}

static void (*const printers[TRACE_KINDS])(const struct traced *, const struct trace_event *) = {
    [TRACE_refused] = print_refused,     [TRACE_login_refused] = print_login_refused,
    [TRACE_received] = print_received,   [TRACE_recipient] = print_more_recipient,
    [TRACE_delivered] = print_delivered, [TRACE_deferred] = print_deferred,
    [TRACE_attempt] = print_outward,     [TRACE_sent] = print_outward,
    [TRACE_failed] = print_outward,      [TRACE_held] = print_outward,
    [TRACE_released] = print_outward,    [TRACE_removed] = print_outward,
    [TRACE_notified] = print_notified,   [TRACE_written] = print_written,
};

static void
print_heading(const struct trace_event *e)
{
    char id[ID_TEXT_LEN + 1], reference[ID_REFERENCE_LEN + 1];

    id_format(e->message ? e->message : e->session, id);
    id_reference(e->message ? e->message : e->session, reference);
    if (e->message)
        SAY(trace_message, id, reference);
    else
        SAY(trace_session, reference, id);
}

void
traced_print(struct traced *t, const struct trace_event *e)
{
    char when[WORD_MAX];

    if (t->steps++ == 0)
        print_heading(e);
    note_name(t, e);
    printf("  %s  ", local_time(e->time / 1000000, when));
    if (e->kind < TRACE_KINDS)
        printers[e->kind](t, e);
}
