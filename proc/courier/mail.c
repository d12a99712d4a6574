#include "mail.h"

#include "conn.h"
#include "lately.h"
#include "site.h"

/* A queue that was replaced sends what it was not told, or had not noted: some of that is done. */
static void
settle_known(struct job *j)
{
    struct finding f;

    for (size_t i = 0; i < j->rcpt_count; i++)
        if (lately_find(j->id, j->rcpts[i].index, j->queue, &f)) {
            job_settle(j, &j->rcpts[i], &f);
            j->courier->counters.known++;
        }
}

static struct job *
find_orphan(const struct job *j)
{
    LIST_EACH(at, &j->courier->orphans)
    {
        struct job *o = LIST_OF(at, struct job, link);

        if (o->asker == j->asker && o->id == j->id && slice_eq(o->domain, j->domain))
            return o;
    }
    return NULL;
}

void
mail_take(struct job *j)
{
    struct job *orphan = find_orphan(j);

    if (orphan) {
        list_append(&orphan->heirs, &j->link);
        return;
    }
    if (j->asker == ROLE_queue && j->queue > 0)
        settle_known(j);
    if (j->open)
        sites_put(j);
    else
        job_end(j);
}

void
mail_on_send(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct courier *c = ((struct role *)ctx)->state;
    struct job *j = job_new(c, &m->courier_send, call);

    if (!j)
        return;
    c->counters.taken++;
    mail_take(j);
}

static bool
is_of(const struct job *j, enum role_id asker, unsigned index)
{
    return j->asker == asker && j->asker_index == index;
}

static void
drop_heirs(struct job *orphan, enum role_id asker, unsigned index)
{
    LIST_EACH(at, &orphan->heirs)
    {
        struct job *j = LIST_OF(at, struct job, link);

        if (is_of(j, asker, index))
            job_drop(j);
    }
}

void
mail_asker_gone(struct courier *c, enum role_id asker, unsigned index)
{
    c->queues += asker == ROLE_queue;
    LIST_EACH(at, &c->orphans)
    drop_heirs(LIST_OF(at, struct job, link), asker, index);
    sites_drop_jobs(c, asker, index);
    LIST_EACH(at, &c->conns)
    {
        struct job *j = LIST_OF(at, struct conn, link)->job;

        if (!j || !j->call.chan || !is_of(j, asker, index))
            continue;
        j->call.chan = NULL;
        c->counters.lost++;
        list_append(&c->orphans, &j->link);
    }
}
