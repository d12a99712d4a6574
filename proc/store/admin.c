/* What the command asks: usage, removal, verification. */
#include "base/log.h"
#include "rooms.h"

static void
on_usage(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct rooms *s = ((struct role *)ctx)->state;
    struct store_usage_answer answer = {.verdict = STORE_OK};
    struct err e = store_usage(s->store, any->store_usage.account, &answer.bytes, &answer.messages);

    if (err_is(e))
        answer.verdict = STORE_TEMPORARY;
    chan_answer(call, MSG_store_usage_answer, &answer, -1);
}

static void
on_remove(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct rooms *s = ((struct role *)ctx)->state;
    struct err e = store_remove(s->store, any->store_remove.account);

    if (err_is(e))
        LOG(storage, SLICE(""), log_number("account", any->store_remove.account), log_err(e));
    chan_answer(call, MSG_store_remove_answer,
                &(struct store_remove_answer){err_is(e) ? STORE_TEMPORARY : STORE_OK}, -1);
}

static void
count_finding(void *ctx, const struct store_report *report)
{
    struct store_check_answer *answer = ctx;

    answer->damaged += store_finding_is_error(report->finding);
    LOG(salvage, SLICE(""), log_number("account", report->account),
        log_string("what", store_finding_name(report->finding)), log_number("pack", report->pack),
        log_number("offset", report->offset));
}

static void
on_check(void *ctx, struct chan_call *call, const union msg_any *any)
{
    struct rooms *s = ((struct role *)ctx)->state;
    const struct store_check *m = &any->store_check;
    struct store_check_answer answer = {.verdict = STORE_OK};
    uint64_t bytes;
    struct err e = store_check(s->store, m->account, m->repair != 0, count_finding, &answer);

    if (!err_is(e))
        e = store_usage(s->store, m->account, &bytes, &answer.messages);
    if (err_is(e))
        answer.verdict = STORE_TEMPORARY;
    if (m->repair)
        answer.salvaged = answer.damaged;
    chan_answer(call, MSG_store_check_answer, &answer, -1);
    flush_soon(s); /* a repair is durable with the next batch */
}

const struct chan_handler admin_handlers[] = {{MSG_store_usage, on_usage},
                                              {MSG_store_remove, on_remove},
                                              {MSG_store_check, on_check},
                                              {MSG_NONE, NULL}};
