/* Envelopes come from an edge, which speaks with strangers: every field is checked here before the
 * journal keeps it. */
#include <stdlib.h>

#include "base/ensure.h"
#include "queue.h"

bool
envelope_decode(struct slice envelope, struct queue_envelope *out)
{
    struct slice rest = envelope;

    return msg_items_take(&rest, MSG_queue_envelope, out) && rest.len == 0;
}

/* Accounts seen so far in one envelope: a mailbox that two aliases lead to gets one copy. */
static bool
is_new(struct map *seen, uint64_t account)
{
    static char there;

    if (account == 0 || map_get(seen, account))
        return false;
    map_put(seen, account, &there);
    return true;
}

static bool
each_mailbox(const struct queue_recipient *r, struct map *seen, uint32_t *index,
             envelope_target_fn *fn, void *ctx)
{
    struct slice mailboxes = r->targets;
    struct queue_target mailbox;

    while (msg_items_take(&mailboxes, MSG_queue_target, &mailbox)) {
        if (!is_new(seen, mailbox.account))
            continue;
        if (*index == QUEUE_TARGETS_MAX)
            return false;
        fn(ctx, (*index)++, &mailbox, r->address);
    }
    return mailboxes.len == 0;
}

bool
envelope_targets(struct slice envelope, envelope_target_fn *fn, void *ctx)
{
    struct queue_envelope e;
    struct queue_recipient r;
    struct map seen = {0};
    uint32_t index = 0;
    bool good = envelope_decode(envelope, &e);

    while (good && msg_items_take(&e.recipients, MSG_queue_recipient, &r))
        good = each_mailbox(&r, &seen, &index, fn, ctx);
    map_clear(&seen);
    return good && e.recipients.len == 0 && index > 0;
}

static void
count_target(void *ctx, uint32_t index, const struct queue_target *mailbox, struct slice address)
{
    (void)mailbox, (void)address;
    *(uint32_t *)ctx = index + 1;
}

static void
put_target(void *ctx, uint32_t index, const struct queue_target *mailbox, struct slice address)
{
    struct message *m = ctx;

    (void)address;
    m->targets[index].account = mailbox->account;
}

struct message *
envelope_message(uint64_t id, struct slice envelope, uint64_t size)
{
    struct queue_envelope e;
    struct message *m;
    uint32_t count = 0;

    if (!envelope_targets(envelope, count_target, &count) || !envelope_decode(envelope, &e))
        return NULL;
    m = heap_take(sizeof(*m) + count * sizeof(m->targets[0]));
    *m = (struct message){
        .id = id, .received = e.received, .size = size, .count = count, .open = count};
    list_init(&m->all);
    list_init(&m->waiting);
    m->sender = heap_take(e.sender.len + 1);
    slice_to_string(e.sender, m->sender, e.sender.len + 1);
    envelope_targets(envelope, put_target, m);
    return m;
}

void
message_free(struct message *m)
{
    free(m->sender);
    free(m);
}
