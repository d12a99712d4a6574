/* valija trace: what happened to a message, or to an attempt that was refused. What it prints comes
 * in threads: a message with every step of its way, or a session with what it was told. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/map.h"
#include "out.h"
#include "reason/catalogue.h"

enum {
    THREADS_SHOWN = 50, /* without --all */
    THREADS_PAGE = 256, /* no answer names more */
    WORD_MAX = 640,     /* bytes of a field that are shown */
    INDENT = 23,        /* of what stands under a step's time */
};

struct tracing {
    struct ctl *ctl;
    struct catalogue *catalogue;
    struct map seen;  /* thread -> itself */
    size_t left;      /* threads that may still be shown */
    size_t steps;     /* of the thread that is being shown */
    struct map names; /* of its mailboxes: number -> address, as received tells */
};

static const char *const kinds[TRACE_KINDS] = {
#define KIND(name) [TRACE_##name] = #name,
#include "ipc/trace_kind.def"
#undef KIND
};

static const char *
kind_name(uint32_t kind)
{
    return kind < TRACE_KINDS ? kinds[kind] : "unknown";
}

static const char *
protocol_name(uint32_t protocol)
{
    return protocol < ROLE_PROTOCOL_COUNT ? role_protocol_name((enum role_protocol)protocol) : "";
}

static struct slice
summary_of(const struct tracing *t, struct slice reason)
{
    const struct catalogue_reason *r = catalogue_find(t->catalogue, reason);

    return r ? catalogue_text(t->catalogue, r, CATALOGUE_summary, slice_of(text_language()))
             : SLICE("");
}

/* ---- for scripts ---- */

static json_t *
json_u64(uint64_t n)
{
    return out_number(n);
}

static json_t *
json_u32(uint32_t n)
{
    return out_number(n);
}

static json_t *
json_slice(struct slice s)
{
    return out_string(s);
}

static json_t *
json_id(uint64_t id)
{
    char text[ID_TEXT_LEN + 1];

    id_format(id, text);
    return id ? json_string(text) : json_null();
}

static json_t *
json_reference(uint64_t session)
{
    char text[ID_REFERENCE_LEN + 1];

    id_reference(session, text);
    return session ? json_string(text) : json_null();
}

/* The fields of the event, those that are numbers for machines as people know them. */
static void
print_json(const struct tracing *t, const struct trace_event *e)
{
    json_t *object = json_object();

#define MSG(name)
#define FIELD(type, name) json_object_set_new(object, #name, json_##type(e->name));
#define END(name)
#include "ipc/trace_event.msg"
#undef MSG
#undef FIELD
#undef END
    json_object_set_new(object, "time", out_number(e->time / 1000000));
    json_object_set_new(object, "microseconds", out_number(e->time % 1000000));
    json_object_set_new(object, "kind", json_string(kind_name(e->kind)));
    json_object_set_new(object, "protocol",
                        e->session ? json_string(protocol_name(e->protocol)) : json_null());
    json_object_set_new(object, "session", json_id(e->session));
    json_object_set_new(object, "reference", json_reference(e->session));
    json_object_set_new(object, "message", json_id(e->message));
    json_object_set_new(object, "summary", out_string(summary_of(t, e->reason)));
    out_json(object);
}

/* ---- for people ---- */

static const char *
word(struct slice s, char room[WORD_MAX])
{
    size_t n = s.len < WORD_MAX - 1 ? s.len : WORD_MAX - 1;

    for (size_t i = 0; i < n; i++)
        room[i] = s.at[i] ? (char)s.at[i] : '?';
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
print_reason(const struct tracing *t, const struct trace_event *e)
{
    struct slice summary = summary_of(t, e->reason);

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
    SAY(trace_client, word(e->client, client), protocol_name(e->protocol));
    print_under(TEXT_trace_tls, e->tls);
    if (e->kind != TRACE_login_refused)
        print_under(TEXT_trace_login, e->login);
}

static void
forget_names(struct tracing *t)
{
    void *name;

    for (size_t at = 0; (name = map_next(&t->names, &at));)
        free(name);
    map_clear(&t->names);
}

static void
note_name(struct tracing *t, const struct trace_event *e)
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
mailbox(const struct tracing *t, uint64_t account, char room[WORD_MAX])
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

static void
print_refused(const struct tracing *t, const struct trace_event *e)
{
    SAY(trace_refused);
    print_client(e);
    print_under(TEXT_trace_from, e->sender);
    print_recipient(e);
    print_reason(t, e);
}

static void
print_login_refused(const struct tracing *t, const struct trace_event *e)
{
    char name[WORD_MAX];

    SAY(trace_login_refused, word(e->login, name));
    print_client(e);
    print_reason(t, e);
}

static void
print_received(const struct tracing *t, const struct trace_event *e)
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
print_more_recipient(const struct tracing *t, const struct trace_event *e)
{
    (void)t;
    SAY(trace_recipient);
    print_recipient(e);
}

static void
print_delivered(const struct tracing *t, const struct trace_event *e)
{
    char room[WORD_MAX];

    SAY(trace_delivered, mailbox(t, e->account, room));
}

static void
print_deferred(const struct tracing *t, const struct trace_event *e)
{
    char room[WORD_MAX], next[WORD_MAX];

    SAY(trace_deferred, mailbox(t, e->account, room), local_time(e->next, next));
    print_reason(t, e);
}

static void (*const printers[TRACE_KINDS])(const struct tracing *, const struct trace_event *) = {
    [TRACE_refused] = print_refused,     [TRACE_login_refused] = print_login_refused,
    [TRACE_received] = print_received,   [TRACE_recipient] = print_more_recipient,
    [TRACE_delivered] = print_delivered, [TRACE_deferred] = print_deferred,
};

static void
print_heading(const struct trace_event *e)
{
    char id[ID_TEXT_LEN + 1], reference[ID_REFERENCE_LEN + 1];

    id_format(e->message ? e->message : e->session, id);
    id_reference(e->session, reference);
    if (e->message)
        SAY(trace_message, id);
    else
        SAY(trace_session, reference, id);
}

static void
print_event(struct tracing *t, const struct trace_event *e)
{
    char when[WORD_MAX];

    if (t->steps++ == 0)
        print_heading(e);
    note_name(t, e);
    printf("  %s  ", local_time(e->time / 1000000, when));
    if (e->kind < TRACE_KINDS)
        printers[e->kind](t, e);
}

/* ---- asking ---- */

static int
show_thread(struct tracing *t, uint64_t id)
{
    struct trace_show ask = {.id = id};
    struct service_question q = {
        .role = ROLE_trace, .type = MSG_trace_show, .message = &ask, .expected = MSG_trace_shown};
    union msg_any answer;
    struct trace_event e;
    int status = 0;

    t->steps = 0;
    forget_names(t);
    do {
        status = service_ask(&t->ctl->service, &q, &answer);
        if (status)
            return status;
        while (msg_items_take(&answer.trace_shown.events, MSG_trace_event, &e))
            if (ctl_has(t->ctl, OPTION_json))
                print_json(t, &e);
            else
                print_event(t, &e);
        ask.after = answer.trace_shown.next;
    } while (ask.after);
    return 0;
}

static int
show_threads(struct tracing *t, const uint64_t *ids, size_t count)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < count && t->left; i++) {
        if (map_get(&t->seen, ids[i]))
            continue;
        if (t->seen.count && !ctl_has(t->ctl, OPTION_json))
            putchar('\n');
        map_put(&t->seen, ids[i], t);
        t->left--;
        status = show_thread(t, ids[i]);
    }
    return status;
}

/* The ids of a page are copied, as the next question overwrites it. */
static size_t
take_ids(struct slice items, uint64_t ids[THREADS_PAGE])
{
    struct trace_thread thread;
    size_t n = 0;

    while (n < THREADS_PAGE && msg_items_take(&items, MSG_trace_thread, &thread))
        ids[n++] = thread.id;
    return n;
}

static int
find(struct tracing *t, struct slice what)
{
    struct trace_find ask = {what, UINT64_MAX};
    struct service_question q = {
        .role = ROLE_trace, .type = MSG_trace_find, .message = &ask, .expected = MSG_trace_found};
    uint64_t ids[THREADS_PAGE];
    union msg_any answer;
    int status = 0;

    while (status == 0 && ask.before && t->left) {
        status = service_ask(&t->ctl->service, &q, &answer);
        if (status)
            return status;
        ask.before = answer.trace_found.next;
        status = show_threads(t, ids, take_ids(answer.trace_found.threads, ids));
    }
    if (status == 0 && ask.before && t->seen.count == THREADS_SHOWN)
        NOTE(trace_more);
    return status;
}

/* What is pasted may be "<id@host>", or "[no-mailbox 7KQ2M9]" as a reply ends. */
static struct slice
bare(struct slice what)
{
    ptrdiff_t space;

    what = slice_trim(what);
    if (what.len > 2 && (what.at[0] == '<' || what.at[0] == '['))
        what = slice_head(slice_tail(what, 1), what.len - 2);
    space = slice_find_last(what, ' ');
    return slice_tail(what, (size_t)(space + 1));
}

int
verb_trace(struct ctl *c)
{
    struct tracing t = {.ctl = c, .left = ctl_has(c, OPTION_all) ? SIZE_MAX : THREADS_SHOWN};
    int status;

    t.catalogue = catalogue_built_in();
    status = find(&t, bare(slice_of(c->args[0])));
    if (status == 0 && t.seen.count == 0)
        status = FAIL(trace_nothing, c->args[0]);
    catalogue_free(t.catalogue);
    forget_names(&t);
    map_clear(&t.seen);
    return status;
}
