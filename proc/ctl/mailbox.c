/* An account belongs to one of the store roles; alone, as it runs for an offline command, a store
 * owns them all. */
#include "mailbox.h"

#include "base/shard.h"

static int
ask_store(struct ctl *c, uint64_t account, struct service_question *q, union msg_any *answer)
{
    unsigned count;
    int status = service_count(&c->service, ROLE_store, &count);

    if (status)
        return status;
    q->role = ROLE_store;
    q->index = shard_owner(account, count);
    return service_ask(&c->service, q, answer);
}

int
mailbox_remove(struct ctl *c, uint64_t account, const char *name)
{
    struct store_remove ask = {account};
    struct service_question q = {
        .type = MSG_store_remove, .message = &ask, .expected = MSG_store_remove_answer};
    union msg_any answer;
    int status = ask_store(c, account, &q, &answer);

    if (status)
        return status;
    return answer.store_remove_answer.verdict == STORE_OK ? 0 : FAIL(mailbox_not_removed, name);
}

int
mailbox_check(struct ctl *c, uint64_t account, bool repair, struct store_check_answer *found)
{
    struct store_check ask = {account, repair};
    struct service_question q = {
        .type = MSG_store_check, .message = &ask, .expected = MSG_store_check_answer};
    union msg_any answer;
    int status = ask_store(c, account, &q, &answer);

    if (status == 0)
        *found = answer.store_check_answer;
    return status;
}
