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

bool
envelope_read(struct queue *q, const struct message *m, struct buf *room)
{
    uint64_t envelope_len, body_len;
    uint8_t *to;

    if (!journal_get(q->journal, m->id, &envelope_len, &body_len))
        return false;
    to = buf_reserve(room, envelope_len);
    if (!to || err_is(journal_read_envelope(q->journal, m->id, 0, to, envelope_len)))
        return false;
    buf_added(room, envelope_len);
    return true;
}

bool
body_find(struct queue *q, const struct message *m, uint64_t most, struct buf *room,
          struct found_body *found)
{
    uint8_t *to;

    *found = (struct found_body){.fd = -1};
    if (m->size > most)
        return !err_is(journal_open_body(q->journal, m->id, &found->fd, &found->offset));
    to = buf_reserve(room, m->size);
    if (!to || err_is(journal_read_body(q->journal, m->id, 0, to, m->size)))
        return false;
    buf_added(room, m->size);
    found->bytes = buf_slice(room);
    return true;
}

/* What was seen so far in one envelope: who is reached by two ways gets one copy. The index of a
 * target must come out the same at every reading, so nothing here is left to chance. */
struct seen {
    struct map accounts;  /* number -> anything */
    struct map elsewhere; /* hash of an address -> a slice of the first one of that hash */
    struct slice *addresses;
    size_t count, room;
};

static bool
is_new_account(struct seen *seen, uint64_t account)
{
    static char there;

    if (map_get(&seen->accounts, account))
        return false;
    map_put(&seen->accounts, account, &there);
    return true;
}

/* Two different addresses of one hash are two: then one of them may be reached twice. */
static bool
is_new_address(struct seen *seen, struct slice address)
{
    uint64_t key = map_hash(0, address);
    size_t found = (size_t)(uintptr_t)map_get(&seen->elsewhere, key);

    if (found)
        return !slice_eq(seen->addresses[found - 1], address);
    if (seen->count == seen->room) {
        seen->room = seen->room ? 2 * seen->room : 16;
        seen->addresses = heap_grow(seen->addresses, seen->room * sizeof(seen->addresses[0]));
    }
    seen->addresses[seen->count++] = address;
    map_put(&seen->elsewhere, key, (void *)(uintptr_t)seen->count);
    return true;
}

static void
seen_clear(struct seen *seen)
{
    map_clear(&seen->accounts);
    map_clear(&seen->elsewhere);
    free(seen->addresses);
}

static bool
each_target(const struct queue_recipient *r, struct seen *seen, uint32_t *index,
            envelope_target_fn *fn, void *ctx)
{
    struct slice targets = r->targets;
    struct envelope_target t = {.recipient = *r};

    while (msg_items_take(&targets, MSG_queue_target, &t.to)) {
        t.address = t.to.account == 0 && t.to.address.len ? t.to.address : r->address;
        if (t.to.account ? !is_new_account(seen, t.to.account) : !is_new_address(seen, t.address))
            continue;
        if (*index == QUEUE_TARGETS_MAX)
            return false;
        t.index = (*index)++;
        fn(ctx, &t);
    }
    return targets.len == 0;
}

bool
envelope_targets(struct slice envelope, envelope_target_fn *fn, void *ctx)
{
    struct queue_envelope e;
    struct queue_recipient r;
    struct seen seen = {.count = 0};
    uint32_t index = 0;
    bool good = envelope_decode(envelope, &e);

    while (good && msg_items_take(&e.recipients, MSG_queue_recipient, &r))
        good = each_target(&r, &seen, &index, fn, ctx);
    seen_clear(&seen);
    return good && e.recipients.len == 0 && index > 0;
}

static void
count_target(void *ctx, const struct envelope_target *t)
{
    *(uint32_t *)ctx = t->index + 1;
}

/* A message being made. */
struct making {
    struct queue *q;
    struct message *message;
    struct map jobs; /* site -> job */
};

static void
put_elsewhere(struct making *g, const struct envelope_target *t)
{
    struct site *site = site_of_address(&g->q->sites, t->address);
    struct job *j = map_get(&g->jobs, (uint64_t)(uintptr_t)site);

    if (j) {
        job_add(j, t->index);
        return;
    }
    map_put(&g->jobs, (uint64_t)(uintptr_t)site, job_new(g->message, site, t->index));
}

static void
put_target(void *ctx, const struct envelope_target *t)
{
    struct making *g = ctx;
    struct target *to = &g->message->targets[t->index];

    to->account = t->to.account;
    to->chain = TARGET_NONE;
    to->notify = (uint8_t)t->recipient.notify;
    if (to->account)
        g->message->has_local = true;
    else
        put_elsewhere(g, t);
}

/* Who sends, for taking turns: an account of ours, or else a domain. */
static uint8_t
lane_of(const struct queue_envelope *e)
{
    struct slice domain = slice_tail(e->sender, (size_t)(slice_find_last(e->sender, '@') + 1));

    return (uint8_t)(map_hash(0, e->login.len ? e->login : domain) % SITE_LANES);
}

static struct message *
make(uint64_t id, const struct queue_envelope *e, uint32_t count, uint64_t size)
{
    struct message *m = heap_take(sizeof(*m) + count * sizeof(m->targets[0]));

    *m = (struct message){.id = id,
                          .received = e->received,
                          .size = size,
                          .lifetime = e->lifetime,
                          .count = count,
                          .open = count,
                          .is_notice = e->about != 0,
                          .lane = lane_of(e)};
    list_init(&m->all);
    list_init(&m->waiting);
    alarm_init(&m->local, ALARM_LOCAL);
    alarm_init(&m->message, ALARM_MESSAGE);
    m->sender = heap_take(e->sender.len + 1);
    slice_to_string(e->sender, m->sender, e->sender.len + 1);
    return m;
}

struct message *
envelope_message(struct queue *q, uint64_t id, struct slice envelope, uint64_t size)
{
    struct making g = {.q = q};
    struct queue_envelope e;
    uint32_t count = 0;

    if (!envelope_targets(envelope, count_target, &count) || !envelope_decode(envelope, &e))
        return NULL;
    g.message = make(id, &e, count, size);
    envelope_targets(envelope, put_target, &g);
    map_clear(&g.jobs);
    return g.message;
}
