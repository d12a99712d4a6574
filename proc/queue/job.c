/* A message's targets at one destination, which travel together. Invariant: a job is in its site's
 * lanes while one of its targets is open, else its alarm stands at the first time when one will be;
 * but never while a courier has it. */
#include <stdlib.h>

#include "base/ensure.h"
#include "queue.h"

struct job *
job_new(struct message *m, struct site *site, uint32_t index)
{
    struct job *j = heap_take(sizeof(*j));

    *j = (struct job){.message = m, .site = site, .first = index, .open = 1};
    list_init(&j->link);
    alarm_init(&j->again, ALARM_JOB);
    m->targets[index].job = j;
    site_hold(site);
    return j;
}

void
job_add(struct job *j, uint32_t index)
{
    struct target *targets = j->message->targets;

    targets[index].job = j;
    targets[index].chain = j->first;
    j->first = index;
    j->open++;
}

void
job_free(struct queue *q, struct job *j)
{
    ensure(!j->sent);
    for (uint32_t i = j->first; i != TARGET_NONE; i = j->message->targets[i].chain)
        j->message->targets[i].job = NULL;
    site_take_out(&q->sites, j->site, &j->link);
    alarm_cancel(&j->again);
    site_let_go(&q->sites, j->site);
    free(j);
}

void
job_place(struct queue *q, struct job *j)
{
    const struct target *targets = j->message->targets;
    uint32_t next = 0;
    bool ready = false;

    if (j->sent)
        return;
    for (uint32_t i = j->first; i != TARGET_NONE; i = targets[i].chain) {
        ready |= targets[i].state == TARGET_OPEN;
        if (targets[i].state == TARGET_DEFERRED && (!next || targets[i].next < next))
            next = targets[i].next;
    }
    alarm_cancel(&j->again);
    if (ready && list_empty(&j->link))
        site_put(&q->sites, j->site, &j->link, j->message->lane);
    else if (!ready)
        site_take_out(&q->sites, j->site, &j->link);
    if (!ready && next)
        wheel_set(&q->wheel, &j->again, next);
}

void
job_due(struct queue *q, struct job *j)
{
    struct target *targets = j->message->targets;

    for (uint32_t i = j->first; i != TARGET_NONE; i = targets[i].chain)
        if (targets[i].state == TARGET_DEFERRED && targets[i].next <= q->wheel.now)
            targets[i].state = TARGET_OPEN;
    job_place(q, j);
}
