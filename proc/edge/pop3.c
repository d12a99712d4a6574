/* POP3 sessions: the machine of lib/pop3, the mailbox as a listing and pack descriptors from the
 * store. Messages are read from the packs here, so that a RETR costs no other role anything. */
#include "pop3/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/shard.h"
#include "edge.h"
#include "mime/listing.h"

enum { PACKS_KEPT = 8, CHUNK = 64 * 1024, STAMP_MAX = 300 };

struct pack {
    uint32_t number;
    int fd;
};

struct pop3_session {
    struct pop3_server server;
    struct pop3_config config;
    char stamp[STAMP_MAX];
    bool waiting;
    uint64_t account;
    uint32_t delay;

    uint64_t lock;                     /* 0: no mailbox is open */
    const struct store_entry *entries; /* mapped from the store's memfd */
    struct pop3_message *messages;
    size_t count;
    struct pack packs[PACKS_KEPT];
    size_t pack_count, pack_next;

    bool sending; /* the message `entry` is on its way */
    const struct store_entry *entry;
    uint64_t sent; /* bytes of it that went through the stuffer */
    struct pop3_stuff stuff;
};

static struct pop3_session *
session_of(const struct conn *c)
{
    return c->session;
}

static unsigned
store_of(const struct conn *c)
{
    return shard_owner(session_of(c)->account, role_peer_count(c->edge->role, ROLE_store));
}

static void take_question(struct conn *c);

/* The mailbox is free for the next session before the client reads our goodbye. */
static void
release_mailbox(struct conn *c)
{
    struct pop3_session *s = session_of(c);
    struct chan *store = s->lock ? role_peer(c->edge->role, ROLE_store, store_of(c)) : NULL;

    if (store)
        chan_send(store, MSG_store_close, &(struct store_close){s->lock}, -1);
    s->lock = 0;
}

/* A login's answer makes the next question, the mailbox: the machine is looked at after each. */
static void
answer(struct conn *c, const struct pop3_answer *a)
{
    struct pop3_session *s = session_of(c);

    s->waiting = false;
    if (a->reason != REASON_NONE && reason_is_refusal(a->reason))
        edge_log_refusal(c, a->reason, (struct slice){NULL, 0});
    pop3_server_answer(&s->server, a);
    take_question(c);
}

static void
answer_reason(struct conn *c, enum reason reason)
{
    answer(c, &(struct pop3_answer){.reason = reason});
}

/* ---- logins ---- */

static const enum reason login_reasons[] = {
    [ACCOUNTS_OK] = REASON_NONE,
    [ACCOUNTS_SUSPENDED] = POP3_SUSPENDED,
    [ACCOUNTS_DOMAIN_SUSPENDED] = POP3_SUSPENDED,
    [ACCOUNTS_WRONG] = POP3_WRONG_LOGIN,
    [ACCOUNTS_TEMPORARY] = POP3_SYS_TEMP,
    [ACCOUNTS_NO_APOP] = POP3_WRONG_LOGIN,
};

static void
on_login(struct conn *c, const struct login_answer *a)
{
    struct pop3_session *s = session_of(c);
    struct pop3_answer answered = {.reason = POP3_SYS_TEMP,
                                   .salt = a->salt,
                                   .iterations = a->iterations,
                                   .signature = a->signature};

    if (a->verdict < COUNT(login_reasons))
        answered.reason = login_reasons[a->verdict];
    if (a->verdict == ACCOUNTS_OK && a->account) {
        s->account = a->account;
        s->delay = a->delay;
    }
    answer(c, &answered);
}

static void
ask_sasl(struct conn *c)
{
    const struct pop3_ask *ask = &session_of(c)->server.ask;
    struct login_question q = {ask->step, ask->user, ask->password, ask->auth_message, ask->proof};

    login_ask(c, &q, on_login);
}

static void
ask_apop(struct conn *c)
{
    const struct pop3_ask *ask = &session_of(c)->server.ask;

    login_ask_apop(c, ask->user, slice_of(session_of(c)->stamp), ask->proof, on_login);
}

/* ---- the mailbox ---- */

static bool
map_listing(struct pop3_session *s, int fd, uint64_t count)
{
    void *map;

    s->count = count;
    if (count == 0)
        return true;
    if (fd < 0 || count > SIZE_MAX / sizeof(*s->entries))
        return false;
    map = mmap(NULL, count * sizeof(*s->entries), PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return false;
    s->entries = map;
    s->messages = heap_grow(NULL, count * sizeof(*s->messages));
    for (size_t i = 0; i < count; i++)
        s->messages[i] = (struct pop3_message){s->entries[i].uid, s->entries[i].size};
    return true;
}

/* Seconds between two logins of this account. */
static uint32_t
delay_of(const struct conn *c)
{
    uint32_t own = session_of(c)->delay;

    return own == UINT32_MAX ? (uint32_t)role_limit(c->edge->role, LIMIT_login_delay_seconds) : own;
}

static void
on_opened(struct conn *c, const union msg_any *m, int fd)
{
    struct pop3_session *s = session_of(c);
    struct pop3_answer a = {.reason = POP3_SYS_TEMP};

    if (m && m->store_opened.verdict == STORE_IN_USE)
        a.reason = POP3_IN_USE;
    if (m && m->store_opened.verdict == STORE_OK) {
        s->lock = m->store_opened.lock;
        if (map_listing(s, fd, m->store_opened.count))
            a = (struct pop3_answer){.seconds = delay_of(c),
                                     .messages = s->messages,
                                     .count = s->count,
                                     .uid_validity = m->store_opened.uid_validity};
    }
    if (fd >= 0)
        close(fd);
    answer(c, &a);
}

static void
ask_open(struct conn *c)
{
    struct store_open_mailbox m = {session_of(c)->account};

    conn_ask(c, ROLE_store, store_of(c), MSG_store_open_mailbox, &m, -1, MSG_store_opened,
             on_opened);
}

static void
on_login_delay(struct conn *c, const union msg_any *m, int fd)
{
    if (fd >= 0)
        close(fd);
    if (m && m->guard_login_answer.wait > 0)
        answer(c, &(struct pop3_answer){.reason = POP3_LOGIN_DELAY,
                                        .seconds = m->guard_login_answer.wait});
    else
        ask_open(c); /* a guard that is being replaced delays nobody */
}

static void
ask_login_delay(struct conn *c)
{
    struct guard_login m = {session_of(c)->account, delay_of(c)};

    if (m.delay == 0)
        ask_open(c);
    else
        conn_ask(c, ROLE_guard, 0, MSG_guard_login, &m, -1, MSG_guard_login_answer, on_login_delay);
}

/* ---- a message ---- */

static int
find_pack(const struct pop3_session *s, uint32_t number)
{
    for (size_t i = 0; i < s->pack_count; i++)
        if (s->packs[i].number == number)
            return s->packs[i].fd;
    return -1;
}

static void
keep_pack(struct pop3_session *s, uint32_t number, int fd)
{
    struct pack *p = &s->packs[s->pack_next];

    if (s->pack_count == PACKS_KEPT)
        close(p->fd);
    else
        s->pack_count++;
    *p = (struct pack){number, fd};
    s->pack_next = (s->pack_next + 1) % PACKS_KEPT;
}

static void
begin_sending(struct conn *c)
{
    struct pop3_session *s = session_of(c);

    s->waiting = false; /* from now on produce() goes on whenever there is room */
    s->sending = true;
    s->sent = 0;
    pop3_server_body_begin(&s->server);
    pop3_stuff_init(&s->stuff, s->server.ask.lines);
}

static void
on_pack(struct conn *c, const union msg_any *m, int fd)
{
    struct pop3_session *s = session_of(c);

    if (!m || m->store_pack_answer.verdict != STORE_OK || fd < 0) {
        if (fd >= 0)
            close(fd);
        answer_reason(c, POP3_SYS_TEMP);
        return;
    }
    keep_pack(s, s->entry->pack, fd);
    begin_sending(c);
}

static void
ask_body(struct conn *c)
{
    struct pop3_session *s = session_of(c);
    struct store_pack m = {.lock = s->lock};

    s->entry = &s->entries[s->server.ask.message];
    m.pack = s->entry->pack;
    if (find_pack(s, m.pack) >= 0)
        begin_sending(c);
    else
        conn_ask(c, ROLE_store, store_of(c), MSG_store_pack, &m, -1, MSG_store_pack_answer,
                 on_pack);
}

/* The next bytes of the message; len 0 at its end or where the pack gave none. */
static struct slice
read_chunk(const struct pop3_session *s, size_t most)
{
    static uint8_t room[CHUNK];
    uint64_t left = s->entry->size - s->sent;
    size_t n = left < most ? left : most;
    ssize_t got = n ? pread(find_pack(s, s->entry->pack), room, n < CHUNK ? n : CHUNK,
                            (off_t)(s->entry->offset + s->sent))
                    : 0;

    return slice_make(room, got > 0 ? (size_t)got : 0);
}

static void
finish_sending(struct conn *c, enum reason reason)
{
    session_of(c)->sending = false;
    answer_reason(c, reason);
}

static bool
produce(struct conn *c)
{
    struct pop3_session *s = session_of(c);
    size_t before = c->out.len;
    struct slice chunk;

    if (!s->sending) {
        if (pop3_server_has_more(&s->server))
            pop3_server_feed(&s->server, (struct slice){NULL, 0});
        return c->out.len > before;
    }
    if (s->sent == s->entry->size || s->stuff.over) {
        if (!pop3_stuff_end(&s->stuff, &c->out))
            return false;
        finish_sending(c, REASON_NONE);
        return true;
    }
    chunk = read_chunk(s, buf_space(&c->out));
    if (chunk.len == 0) {
        LOG(storage, slice_of(c->id), log_number("account", s->account),
            log_string("error", "a message could not be read"));
        finish_sending(c, POP3_SYS_TEMP);
        return true;
    }
    s->sent += pop3_stuff_feed(&s->stuff, chunk, &c->out);
    return c->out.len > before;
}

/* ---- QUIT ---- */

static void
on_expunged(struct conn *c, const union msg_any *m, int fd)
{
    bool done = m && m->store_expunged.verdict == STORE_OK;

    if (fd >= 0)
        close(fd);
    answer_reason(c, done ? REASON_NONE : POP3_NOT_REMOVED);
}

static uint64_t
write_deleted(const struct pop3_session *s, int fd)
{
    uint64_t uids[512], count = 0;
    size_t n = 0;

    for (size_t i = 0; i < s->count; i++) {
        if (pop3_server_is_deleted(&s->server, i))
            uids[n++] = s->entries[i].uid;
        if (n && (n == COUNT(uids) || i + 1 == s->count)) {
            if (write(fd, uids, n * sizeof(uids[0])) != (ssize_t)(n * sizeof(uids[0])))
                return 0;
            count += n;
            n = 0;
        }
    }
    return count;
}

static void
ask_commit(struct conn *c)
{
    struct pop3_session *s = session_of(c);
    struct store_expunge m = {.lock = s->lock};
    int fd = memfd_create("deleted", MFD_CLOEXEC);

    if (fd >= 0)
        m.count = write_deleted(s, fd);
    if (m.count)
        conn_ask(c, ROLE_store, store_of(c), MSG_store_expunge, &m, fd, MSG_store_expunged,
                 on_expunged);
    else
        answer_reason(c, POP3_NOT_REMOVED);
    if (fd >= 0)
        close(fd);
}

/* ---- the session ---- */

static void (*const asks[])(struct conn *c) = {
    [POP3_ASK_TLS] = conn_start_tls,   [POP3_ASK_SASL] = ask_sasl, [POP3_ASK_APOP] = ask_apop,
    [POP3_ASK_OPEN] = ask_login_delay, [POP3_ASK_BODY] = ask_body, [POP3_ASK_COMMIT] = ask_commit,
};

static void
take_question(struct conn *c)
{
    struct pop3_session *s = session_of(c);

    if (s->server.closing)
        release_mailbox(c);
    if (s->server.ask.kind == POP3_ASK_NONE || s->server.closing)
        return;
    s->waiting = true;
    asks[s->server.ask.kind](c);
}

static size_t
feed(struct conn *c, struct slice in)
{
    size_t used = pop3_server_feed(&session_of(c)->server, in);

    take_question(c);
    return used;
}

static void
begin(struct conn *c)
{
    struct pop3_session *s = heap_take(sizeof(*s));
    struct pop3_client client = {.loopback = c->loopback,
                                 .tls = c->tls != NULL,
                                 .binding = conn_binding(c),
                                 .reference = slice_of(c->reference),
                                 .nonce = slice_of(c->nonce)};

    c->session = s;
    s->config = (struct pop3_config){.hostname = c->edge->hostname,
                                     .limits = &c->edge->role->limits,
                                     .tls_available = !tls_server_is_empty(c->edge->tls)};
    if (role_limit(c->edge->role, LIMIT_pop3_apop))
        snprintf(s->stamp, sizeof(s->stamp), "<%s.%s@%s>", c->id, c->nonce,
                 c->edge->role->hostname);
    pop3_server_init(&s->server, &s->config, client, &c->out, slice_of(s->stamp));
}

static void
greet(struct conn *c)
{
    pop3_server_greet(&session_of(c)->server);
}

static bool
is_waiting(const struct conn *c)
{
    return session_of(c)->waiting;
}

static bool
is_closing(const struct conn *c)
{
    return session_of(c)->server.closing;
}

/* A QUIT whose deletions are under way; reading can be taken up again elsewhere. */
static bool
is_busy(const struct conn *c)
{
    return session_of(c)->server.ask.kind == POP3_ASK_COMMIT;
}

static void
tls_started(struct conn *c)
{
    struct pop3_session *s = session_of(c);

    s->waiting = false;
    pop3_server_tls_started(&s->server, conn_binding(c));
}

static const enum reason ends[EDGE_END_COUNT] = {
    [EDGE_MANY_SESSIONS] = POP3_MANY_SESSIONS,
    [EDGE_MANY_FROM_ADDRESS] = POP3_MANY_SESSIONS,
    [EDGE_IDLE] = REASON_NONE,
    [EDGE_SLOW] = REASON_NONE,
    [EDGE_STOPPING] = POP3_STOPPING,
    [EDGE_SPOKE_FIRST] = REASON_NONE,
};

static void
end(struct conn *c, enum edge_end why)
{
    struct pop3_session *s = session_of(c);

    s->waiting = s->sending = false;
    pop3_server_end(&s->server, ends[why]);
}

static void
clear(struct conn *c)
{
    struct pop3_session *s = session_of(c);

    release_mailbox(c);
    pop3_server_clear(&s->server);
    for (size_t i = 0; i < s->pack_count; i++)
        close(s->packs[i].fd);
    if (s->entries)
        munmap((void *)(uintptr_t)s->entries, s->count * sizeof(*s->entries));
    free(s->messages);
    free(s);
    c->session = NULL;
}

#define POP3_OPS(implicit)                                                                         \
    {                                                                                              \
        .alpn = "pop3", .idle = LIMIT_pop3_idle_seconds, .implicit_tls = (implicit),               \
        .begin = begin, .greet = greet, .feed = feed, .is_waiting = is_waiting,                    \
        .is_closing = is_closing, .is_busy = is_busy, .produce = produce,                          \
        .tls_started = tls_started, .end = end, .clear = clear,                                    \
    }

const struct session_ops pop3_ops = POP3_OPS(false), pop3s_ops = POP3_OPS(true);
