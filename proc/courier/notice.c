/* A notice's life: asked for, its reader looked up, written, submitted, kept. Until it is written
 * it holds the message's descriptor and a copy of what was asked; nothing of it outlasts the
 * answer. */
#include "notice.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/list.h"
#include "base/log.h"
#include "ipc/body.h"
#include "knowledge.h"
#include "mime/address.h"
#include "notice_letter.h"
#include "role/tell.h"

enum { NOTICE_MEMORY = 2 * MSG_FRAME_MAX };

struct notice {
    struct list link;
    struct role *role;
    struct chan_call call; /* its chan is NULL once nobody waits */
    int fd;                /* of the message; -1 after it was read */
    struct arena *arena;
    struct courier_notify ask; /* its texts lie in the arena */
    struct slice address;      /* of the reader */
    uint64_t id, size;         /* of what was written */
    uint64_t account;          /* the reader's first mailbox; 0: elsewhere */
};

static struct {
    struct list notices;
    unsigned count;
    uint64_t written;
} self = {.notices = {&self.notices, &self.notices}};

/* ---- begin and end ---- */

static bool
is_waited_for(const struct notice *n)
{
    static const enum role_id askers[] = {ROLE_queue, ROLE_ctl};
    unsigned index;

    for (size_t i = 0; i < COUNT(askers) && n->call.chan; i++)
        if (role_peer_is(n->role, n->call.chan, askers[i], &index))
            return true;
    return false;
}

static void
answer(const struct chan_call *call, enum notice_result result)
{
    chan_answer(call, MSG_courier_notified, &(struct courier_notified){result}, -1);
}

static void
finish(struct notice *n, enum notice_result result)
{
    if (is_waited_for(n))
        answer(&n->call, result);
    if (n->fd >= 0)
        close(n->fd);
    list_remove(&n->link);
    self.count--;
    arena_free(n->arena);
    free(n);
}

void
notice_peer_down(struct role *r)
{
    (void)r;
    LIST_EACH(at, &self.notices)
    {
        struct notice *n = LIST_OF(at, struct notice, link);

        if (!is_waited_for(n))
            n->call.chan = NULL;
    }
}

static void
copy_ask(struct notice *n, const struct courier_notify *ask)
{
    n->ask = *ask;
    n->ask.sender = arena_copy(n->arena, ask->sender);
    n->ask.envid = arena_copy(n->arena, ask->envid);
    n->ask.recipients = arena_copy(n->arena, ask->recipients);
}

/* Takes the descriptor. */
static struct notice *
begin(struct role *r, struct chan_call *call, const struct courier_notify *ask)
{
    struct notice *n = heap_take(sizeof(*n));

    *n = (struct notice){.role = r, .call = *call, .fd = call->fd};
    call->fd = -1;
    n->arena = arena_new("notice", NOTICE_MEMORY);
    copy_ask(n, ask);
    list_append(&self.notices, &n->link);
    self.count++;
    return n;
}

/* ---- kept ---- */

static void
tell(const struct notice *n)
{
    static const char *const stages[] = {[NOTICE_FAILED] = "failed",
                                         [NOTICE_DELAYED] = "delayed",
                                         [NOTICE_SUCCESS] = "success",
                                         [NOTICE_HELD] = "held"};
    struct trace_event notified = {.kind = TRACE_notified,
                                   .session = n->id,
                                   .message = n->ask.id,
                                   .recipient = n->address,
                                   .stage = slice_of(stages[n->ask.kind])};
    struct trace_event written = {.kind = TRACE_written,
                                  .session = n->ask.id,
                                  .message = n->id,
                                  .recipient = n->address,
                                  .account = n->account,
                                  .size = n->size};
    char id[ID_TEXT_LEN + 1], about[ID_TEXT_LEN + 1];

    tell_event(n->role, &notified);
    tell_event(n->role, &written);
    id_format(n->id, id);
    id_format(n->ask.id, about);
    LOG(notice, slice_of(id), log_string("about", about), log_string("kind", stages[n->ask.kind]),
        log_slice("to", n->address), log_number("size", n->size));
}

static void
on_submitted(void *ctx, const union msg_any *m, int fd)
{
    struct notice *n = ctx;
    bool is_kept = m && m->queue_submitted.verdict == QUEUE_KEPT;

    if (fd >= 0)
        close(fd);
    if (is_kept) {
        self.written++;
        tell(n);
    }
    finish(n, is_kept ? NOTICE_KEPT : NOTICE_LATER);
}

/* ---- written ---- */

/* What can be read of it: a notice without is better than none. */
static struct slice
read_original(const struct notice *n)
{
    size_t most = notice_original_size(&n->ask), have = 0;
    uint8_t *room = heap_take(most + 1);
    ssize_t got = 1;

    while (have < most && got > 0) {
        got = pread(n->fd, room + have, most - have, (off_t)(n->ask.offset + have));
        have += got > 0 ? (size_t)got : 0;
    }
    return slice_make(room, have);
}

static bool
put_body(const struct notice_facts *f, struct body *b, struct queue_submit *m)
{
    struct buf letter, envelope;
    bool fine;

    buf_init(&letter, NOTICE_LETTER_MAX);
    buf_init(&envelope, BODY_ENVELOPE_MAX);
    fine = notice_letter_put(&letter, courier_catalogue(), f) &&
           notice_envelope_put(&envelope, f, buf_slice(&letter)) &&
           body_put(b, buf_slice(&letter)) && body_close(b, buf_slice(&envelope), m);
    buf_clear(&letter);
    buf_clear(&envelope);
    return fine;
}

static void
submit(struct notice *n, const struct notice_facts *f)
{
    struct chan *queue = role_peer(n->role, ROLE_queue, 0);
    struct queue_submit m = {.id = n->id};
    struct body b;

    body_init(&b);
    if (queue && put_body(f, &b, &m)) {
        n->size = m.body_size;
        chan_ask(queue, MSG_queue_submit, &m, b.fd, MSG_queue_submitted, on_submitted, n);
    } else {
        finish(n, NOTICE_LATER);
    }
    body_clear(&b);
}

static uint64_t
first_account(struct slice targets)
{
    struct queue_target first;

    return msg_items_take(&targets, MSG_queue_target, &first) ? first.account : 0;
}

static void
write_to(struct notice *n, const struct notice_reader *reader)
{
    int64_t now = (int64_t)(clock_now_us() / 1000000);
    struct notice_facts f = {.ask = &n->ask,
                             .reader = *reader,
                             .host = slice_of(n->role->hostname),
                             .original = read_original(n),
                             .now = now,
                             .offset = clock_utc_offset(now)};

    close(n->fd);
    n->fd = -1;
    n->account = first_account(reader->targets);
    n->id = f.id = role_message_id(n->role);
    submit(n, &f);
    free((void *)(uintptr_t)f.original.at);
}

/* ---- its reader ---- */

static void
on_reader(void *ctx, const union msg_any *m, int fd)
{
    struct notice *n = ctx;
    enum notice_result result = NOTICE_LATER;
    struct notice_reader reader;
    struct buf elsewhere;

    if (fd >= 0)
        close(fd);
    buf_init(&elsewhere, MSG_FRAME_MAX);
    if (m)
        result = notice_reader_find(&reader, n->address, &m->accounts_rcpt_answer, &elsewhere);
    if (result == NOTICE_KEPT)
        write_to(n, &reader);
    else
        finish(n, result);
    buf_clear(&elsewhere);
}

static void
find_reader(struct notice *n, struct chan *accounts)
{
    struct accounts_rcpt m = {0};
    struct buf address;

    buf_init(&address, MIME_ADDRESS_MAX);
    if (notice_address_put(&address, &n->ask)) {
        n->address = m.address = arena_copy(n->arena, buf_slice(&address));
        chan_ask(accounts, MSG_accounts_rcpt, &m, -1, MSG_accounts_rcpt_answer, on_reader, n);
    } else {
        finish(n, NOTICE_NOWHERE);
    }
    buf_clear(&address);
}

void
notice_on_ask(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct role *r = ctx;
    struct chan *accounts = role_peer(r, ROLE_accounts, 0);

    if (call->fd < 0 || !notice_is_sound(&m->courier_notify))
        answer(call, NOTICE_NOWHERE);
    else if (!accounts || self.count == NOTICES_MAX)
        answer(call, NOTICE_LATER);
    else
        find_reader(begin(r, call, &m->courier_notify), accounts);
}

void
notice_status(struct buf *values)
{
    role_put_value(values, "notices", self.written);
    role_put_value(values, "notices_under_way", self.count);
}
