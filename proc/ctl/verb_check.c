/* valija check: verify the queue's journal, the directory and every mailbox; --repair salvages. */
#include <inttypes.h>

#include "directory.h"
#include "mailbox.h"

static const struct out_column columns[] = {
    {"address", TEXT_head_address, OUT_TEXT},   {"messages", TEXT_head_messages, OUT_NUMBER},
    {"damaged", TEXT_head_damaged, OUT_NUMBER}, {"salvaged", TEXT_head_salvaged, OUT_NUMBER},
    {"verdict", TEXT_head_verdict, OUT_TEXT},   {NULL, TEXT_none, OUT_TEXT},
};

struct check {
    struct ctl *ctl;
    json_t *rows; /* of mailboxes that are not well; with --json of all */
    uint64_t mailboxes, unwell;
};

static const char *
name_verdict(const struct store_check_answer *a)
{
    if (a->verdict == STORE_IN_USE)
        return "in_use";
    if (a->verdict != STORE_OK)
        return "unreadable";
    return a->damaged > a->salvaged ? "damaged" : a->damaged ? "salvaged" : "ok";
}

static int
check_mailbox(struct check *k, uint64_t account, struct slice address)
{
    struct store_check_answer a;
    char text[DIRECTORY_NAME_MAX];
    bool well;
    int status;

    slice_to_string(address, text, sizeof(text)); /* the slice is good until the next question */
    status = mailbox_check(k->ctl, account, ctl_has(k->ctl, OPTION_repair), &a);
    if (status)
        return status;
    well = a.verdict == STORE_OK && a.damaged <= a.salvaged;
    k->mailboxes++;
    k->unwell += !well;
    if (!well || a.damaged || ctl_has(k->ctl, OPTION_json))
        json_array_append_new(
            k->rows, json_pack("{s:s, s:o, s:o, s:o, s:s}", "address", text, "messages",
                               out_number(a.messages), "damaged", out_number(a.damaged), "salvaged",
                               out_number(a.salvaged), "verdict", name_verdict(&a)));
    return 0;
}

static int
take_account(void *ctx, const struct directory_account *a)
{
    return check_mailbox(ctx, a->id, a->address);
}

/* The queue reads its whole journal when it starts, and counts what it had to leave out. That it
 * answers means that the rest is sound. */
static int
check_journal(struct ctl *c)
{
    struct service_question q = {
        .role = ROLE_queue, .type = MSG_role_status, .expected = MSG_role_status_answer};
    union msg_any answer;

    return service_ask(&c->service, &q, &answer);
}

static int
check_words(struct check *k)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < k->ctl->count; i++) {
        struct directory_account a;

        status = directory_find_account(k->ctl, k->ctl->args[i], &a);
        if (status == 0)
            status = check_mailbox(k, a.id, a.address);
    }
    return status;
}

static int
finish(struct check *k)
{
    char mailboxes[24], unwell[24];

    snprintf(mailboxes, sizeof(mailboxes), "%" PRIu64, k->mailboxes);
    snprintf(unwell, sizeof(unwell), "%" PRIu64, k->unwell);
    out_rows(k->ctl, json_incref(k->rows), columns);
    if (k->unwell)
        return FAIL(mailboxes_unwell, unwell, mailboxes);
    if (!ctl_has(k->ctl, OPTION_json))
        SAY(check_well, mailboxes);
    return 0;
}

int
verb_check(struct ctl *c)
{
    struct check k = {.ctl = c, .rows = json_array()};
    int status;

    if (c->count) {
        status = check_words(&k);
    } else {
        status = check_journal(c);
        if (status == 0)
            status = directory_each_account(c, "", take_account, &k);
    }
    if (status == 0)
        status = finish(&k);
    json_decref(k.rows);
    return status;
}
