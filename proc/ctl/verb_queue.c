/* valija queue: what waits, and why. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "out.h"

enum { QUEUE_PAGE = 512, COPY_BYTES = 65536, TEXT_BYTES = 512 };

static const char *const states[] = {
    [QUEUE_ACTIVE] = "active", [QUEUE_DEFERRED] = "deferred", [QUEUE_HELD] = "held"};

static const struct out_column list_columns[] = {
    {"id", TEXT_head_id, OUT_TEXT},           {"received", TEXT_head_age, OUT_AGE},
    {"size", TEXT_head_size, OUT_SIZE},       {"open", TEXT_head_open, OUT_NUMBER},
    {"recipients", TEXT_head_of, OUT_NUMBER}, {"state", TEXT_head_state, OUT_TEXT},
    {"next", TEXT_head_next, OUT_TIME},       {"sender", TEXT_head_sender, OUT_TEXT},
    {"reason", TEXT_head_reason, OUT_TEXT},   {NULL, TEXT_none, OUT_TEXT},
};

static const struct out_column show_columns[] = {
    {"id", TEXT_head_id, OUT_TEXT},
    {"received", TEXT_head_received, OUT_TIME},
    {"size", TEXT_head_size, OUT_SIZE},
    {"sender", TEXT_head_sender, OUT_TEXT},
    {"login", TEXT_head_login, OUT_TEXT},
    {"client", TEXT_head_client, OUT_TEXT},
    {"recipients", TEXT_head_recipients, OUT_NUMBER},
    {"open", TEXT_head_open, OUT_NUMBER},
    {"to", TEXT_head_to, OUT_LIST},
    {"state", TEXT_head_state, OUT_TEXT},
    {"next", TEXT_head_next, OUT_TIME},
    {"reason", TEXT_head_reason, OUT_TEXT},
    {NULL, TEXT_none, OUT_TEXT},
};

static const struct out_column waiting_columns[] = {
    {"address", TEXT_head_address, OUT_TEXT},
    {"account", TEXT_head_number, OUT_NUMBER},
    {"state", TEXT_head_state, OUT_TEXT},
    {"attempts", TEXT_head_attempts, OUT_NUMBER},
    {"next", TEXT_head_next, OUT_TIME},
    {"reason", TEXT_head_reason, OUT_TEXT},
    {"remote", TEXT_head_remote, OUT_TEXT},
    {"said", TEXT_head_said, OUT_TEXT},
    {NULL, TEXT_none, OUT_TEXT},
};

static const char *
state_word(uint32_t state)
{
    return state < COUNT(states) ? states[state] : "unknown";
}

static json_t *
entry_to_json(const struct queue_entry *e)
{
    char id[ID_TEXT_LEN + 1];

    id_format(e->id, id);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "id", id, "received",
                     out_number(e->received), "size", out_number(e->size), "sender",
                     out_string(e->sender), "open", out_number(e->open), "recipients",
                     out_number(e->recipients), "state", state_word(e->state), "next",
                     out_number(e->next), "reason", out_string(e->reason));
}

int
verb_queue_list(struct ctl *c)
{
    struct queue_list ask = {.most = QUEUE_PAGE};
    struct service_question q = {.role = ROLE_queue,
                                 .type = MSG_queue_list,
                                 .message = &ask,
                                 .expected = MSG_queue_list_answer};
    json_t *rows = json_array();
    union msg_any answer;
    bool more = true;
    int status = 0;

    while (more && (status = service_ask(&c->service, &q, &answer)) == 0) {
        struct queue_entry e;

        more = answer.queue_list_answer.messages.len > 0;
        while (msg_items_take(&answer.queue_list_answer.messages, MSG_queue_entry, &e)) {
            json_array_append_new(rows, entry_to_json(&e));
            ask.after = e.id + 1;
        }
    }
    if (status == 0 && json_array_size(rows) == 0 && !ctl_has(c, OPTION_json))
        SAY(queue_empty);
    if (status == 0)
        out_rows(c, json_incref(rows), list_columns);
    json_decref(rows);
    return status;
}

static void
add_envelope(json_t *object, struct slice encoded)
{
    struct queue_envelope envelope;
    struct queue_recipient r;
    json_t *to = json_array();

    if (msg_items_take(&encoded, MSG_queue_envelope, &envelope)) {
        json_object_set_new(object, "login", out_string(envelope.login));
        json_object_set_new(object, "client", out_string(envelope.client));
        while (msg_items_take(&envelope.recipients, MSG_queue_recipient, &r))
            json_array_append_new(to, out_string(r.address));
    }
    json_object_set_new(object, "to", to);
}

static json_t *
waiting_to_json(struct slice items)
{
    struct queue_target_state m;
    json_t *rows = json_array();

    while (msg_items_take(&items, MSG_queue_target_state, &m))
        json_array_append_new(
            rows, json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "address",
                            out_string(m.address), "account", out_number(m.account), "state",
                            state_word(m.state), "attempts", out_number(m.attempts), "next",
                            out_number(m.next), "reason", out_string(m.reason), "remote",
                            out_string(m.remote), "said", out_string(m.said)));
    return rows;
}

static int
copy_body(int fd, uint64_t offset, uint64_t size)
{
    char room[COPY_BYTES];

    while (size) {
        size_t want = size < sizeof(room) ? (size_t)size : sizeof(room);
        ssize_t n = pread(fd, room, want, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FAIL(body_unreadable);
        fwrite(room, 1, (size_t)n, stdout);
        offset += (uint64_t)n;
        size -= (uint64_t)n;
    }
    return 0;
}

static void
print_message(const struct ctl *c, const struct queue_show_answer *a, const struct queue_entry *e)
{
    json_t *object = entry_to_json(e), *waiting = waiting_to_json(a->open);

    add_envelope(object, a->envelope);
    json_object_set(object, "waiting", waiting);
    out_object(c, object, show_columns);
    if (ctl_has(c, OPTION_json))
        json_decref(waiting);
    else
        out_rows(c, waiting, waiting_columns);
}

static int
show(struct ctl *c, const char *word)
{
    struct queue_show ask = {id_parse((const uint8_t *)word, strlen(word))};
    int fd = -1, status;
    struct service_question q = {.role = ROLE_queue,
                                 .type = MSG_queue_show,
                                 .message = &ask,
                                 .expected = MSG_queue_show_answer,
                                 .fd = &fd};
    union msg_any answer;
    struct queue_entry e;

    if (ask.id == 0)
        return FAIL(bad_id, word);
    status = service_ask(&c->service, &q, &answer);
    if (status)
        return status;
    if (!answer.queue_show_answer.found ||
        !msg_items_take(&answer.queue_show_answer.entry, MSG_queue_entry, &e))
        status = FAIL(no_such_message, word);
    else if (!ctl_has(c, OPTION_body))
        print_message(c, &answer.queue_show_answer, &e);
    else if (fd < 0)
        status = FAIL(body_unreadable);
    else
        status = copy_body(fd, answer.queue_show_answer.body_offset, e.size);
    if (fd >= 0)
        close(fd);
    return status;
}

int
verb_queue_show(struct ctl *c)
{
    return ctl_each_word(c, show);
}
