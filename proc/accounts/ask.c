/* Questions that are answered at once, and those who wait for the others. */
#include "accounts.h"
#include "base/ensure.h"

static const enum role_id askers[] = {ROLE_mx, ROLE_access, ROLE_store, ROLE_courier, ROLE_ctl};

void
asker_add(struct accounts *a, struct asker *k, const struct chan_call *call)
{
    *k = (struct asker){.call = *call};
    k->call.fd = -1;
    list_append(&a->askers, &k->link);
    for (size_t i = 0; i < COUNT(askers); i++)
        if (role_peer_is(a->role, call->chan, askers[i], &k->index))
            k->from = askers[i];
}

void
asker_answer(struct asker *k, enum msg_type type, const void *message)
{
    list_remove(&k->link);
    if (k->call.chan)
        chan_answer(&k->call, type, message, -1);
}

void
askers_forget(struct accounts *a, enum role_id from, unsigned index)
{
    LIST_EACH(at, &a->askers)
    {
        struct asker *k = LIST_OF(at, struct asker, link);

        if (k->from == from && k->index == index)
            k->call.chan = NULL;
    }
}

static bool
has_targets(enum accounts_verdict v)
{
    return v == ACCOUNTS_OK || v == ACCOUNTS_FORWARDS;
}

void
rcpt_on_ask(void *ctx, struct chan_call *call, const union msg_any *m)
{
    static uint8_t room[DIRECTORY_ANSWER_MAX];
    struct buf items = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct accounts *a = accounts_of(ctx);
    struct expansion *x = &a->expansion;
    struct accounts_rcpt_answer answer;

    directory_expand(&a->directory, slice_of(a->role->hostname), m->accounts_rcpt.address,
                     m->accounts_rcpt.sender, x);
    if (!accounts_settle(a))
        x->verdict = ACCOUNTS_TEMPORARY;
    for (size_t i = 0; i < x->count && has_targets(x->verdict); i++)
        msg_items_put(&items, MSG_queue_target, &x->targets[i]);
    ensure(!items.full);
    answer = (struct accounts_rcpt_answer){.verdict = x->verdict,
                                           .room = x->room,
                                           .targets = buf_slice(&items),
                                           .language = slice_of(x->language),
                                           .moved = x->told};
    chan_answer(call, MSG_accounts_rcpt_answer, &answer, -1);
}

/* A stranger's own domain is not ours to know; one that claims to be of ours is. */
static enum accounts_verdict
judge_sender(struct accounts *a, const struct accounts_sender *m)
{
    if (m->account == 0)
        return directory_is_ours(&a->directory, m->address) ? ACCOUNTS_OK : ACCOUNTS_NOT_LOCAL;
    return directory_may_send(&a->directory, m->account, m->address, &a->expansion)
               ? ACCOUNTS_OK
               : ACCOUNTS_NOT_YOURS;
}

void
rcpt_on_sender(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);
    struct accounts_sender_answer answer = {
        .verdict = judge_sender(a, &m->accounts_sender),
        .lifetime = directory_lifetime(&a->directory, m->accounts_sender.account)};

    if (!accounts_settle(a))
        answer.verdict = ACCOUNTS_TEMPORARY;
    chan_answer(call, MSG_accounts_sender_answer, &answer, -1);
}

void
rcpt_on_usage(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);

    (void)call;
    if (a->directory.usage.count == 0)
        timer_restart(a->flush, ACCOUNTS_FLUSH_AFTER_MS);
    directory_report(&a->directory, m->accounts_usage.account, m->accounts_usage.bytes,
                     m->accounts_usage.messages);
    accounts_settle(a);
}
