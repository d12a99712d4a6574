/* valija queue retry, hold, release, remove, bounce: what a person decides about what waits. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "out.h"
#include "terminal.h"

static enum queue_action action; /* of the verb that runs */

static void
say_done(const struct ctl *c, const char *word, uint64_t count)
{
    static const enum text sentences[] = {[QUEUE_RETRY] = TEXT_queue_retried,
                                          [QUEUE_HOLD] = TEXT_queue_held,
                                          [QUEUE_RELEASE] = TEXT_queue_released,
                                          [QUEUE_REMOVE] = TEXT_queue_removed,
                                          [QUEUE_BOUNCE] = TEXT_queue_bounced};
    char number[24];

    snprintf(number, sizeof(number), "%" PRIu64, count);
    if (ctl_has(c, OPTION_json))
        out_json(json_pack("{s:s, s:o}", "id", word, "count", out_number(count)));
    else
        text_print(stdout, sentences[action], TEXT_ARGS(number, word));
}

static int
act(struct ctl *c, uint64_t id, const char *word)
{
    struct queue_act ask = {id, action};
    struct service_question q = {
        .role = ROLE_queue, .type = MSG_queue_act, .message = &ask, .expected = MSG_queue_acted};
    union msg_any answer;
    int status = service_ask(&c->service, &q, &answer);

    if (status)
        return status;
    if (answer.queue_acted.result == QUEUE_NO_SUCH)
        return FAIL(no_such_message, word);
    if (answer.queue_acted.result == QUEUE_NOT_NOW)
        return FAIL(queue_under_way, word);
    say_done(c, word, answer.queue_acted.count);
    return 0;
}

static int
act_on_word(struct ctl *c, const char *word)
{
    uint64_t id = id_parse((const uint8_t *)word, strlen(word));

    return id ? act(c, id, word) : FAIL(bad_id, word);
}

static int
run(struct ctl *c, enum queue_action a)
{
    action = a;
    if (ctl_has(c, OPTION_all) && c->count)
        return FAIL(all_or_ids);
    if (ctl_has(c, OPTION_all))
        return act(c, 0, "--all");
    return c->count ? ctl_each_word(c, act_on_word) : FAIL(all_or_ids);
}

int
verb_queue_retry(struct ctl *c)
{
    return run(c, QUEUE_RETRY);
}

int
verb_queue_hold(struct ctl *c)
{
    return run(c, QUEUE_HOLD);
}

int
verb_queue_release(struct ctl *c)
{
    return run(c, QUEUE_RELEASE);
}

/* What is gone is gone: for the whole queue one is asked. */
int
verb_queue_remove(struct ctl *c)
{
    int status = ctl_has(c, OPTION_all) ? terminal_confirm(c, TEXT_ask_queue_remove, "--all") : 0;

    return status ? status : run(c, QUEUE_REMOVE);
}

int
verb_queue_bounce(struct ctl *c)
{
    return run(c, QUEUE_BOUNCE);
}
