/* Logins, and the mailbox from its opening to QUIT: questions to accounts, guard and store. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/ensure.h"
#include "pop3.h"

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
    struct pop3_session *s = pop3_session_of(c);
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
    pop3_resume(c, &answered);
}

void
pop3_ask_sasl(struct conn *c)
{
    const struct pop3_ask *ask = &pop3_session_of(c)->server.ask;
    struct login_question q = {ask->step, ask->user, ask->password, ask->auth_message, ask->proof};

    login_ask(c, &q, on_login);
}

void
pop3_ask_apop(struct conn *c)
{
    const struct pop3_ask *ask = &pop3_session_of(c)->server.ask;

    login_ask_apop(c, ask->user, slice_of(pop3_session_of(c)->stamp), ask->proof, on_login);
}

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
    uint32_t own = pop3_session_of(c)->delay;

    return own == UINT32_MAX ? (uint32_t)role_limit(c->edge->role, LIMIT_login_delay_seconds) : own;
}

static void
on_opened(struct conn *c, const union msg_any *m, int fd)
{
    struct pop3_session *s = pop3_session_of(c);
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
    pop3_resume(c, &a);
}

static void
ask_open(struct conn *c)
{
    struct store_open_mailbox m = {pop3_session_of(c)->account};

    conn_ask(c, ROLE_store, pop3_store_of(c), MSG_store_open_mailbox, &m, -1, MSG_store_opened,
             on_opened);
}

static void
on_login_delay(struct conn *c, const union msg_any *m, int fd)
{
    if (fd >= 0)
        close(fd);
    if (m && m->guard_login_answer.wait > 0)
        pop3_resume(c, &(struct pop3_answer){.reason = POP3_LOGIN_DELAY,
                                             .seconds = m->guard_login_answer.wait});
    else
        ask_open(c); /* a guard that is being replaced delays nobody */
}

void
pop3_ask_open(struct conn *c)
{
    struct guard_login m = {pop3_session_of(c)->account, delay_of(c)};

    if (m.delay == 0)
        ask_open(c);
    else
        conn_ask(c, ROLE_guard, 0, MSG_guard_login, &m, -1, MSG_guard_login_answer, on_login_delay);
}

static void
on_expunged(struct conn *c, const union msg_any *m, int fd)
{
    bool done = m && m->store_expunged.verdict == STORE_OK;

    if (fd >= 0)
        close(fd);
    pop3_resume_reason(c, done ? REASON_NONE : POP3_NOT_REMOVED);
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

void
pop3_ask_commit(struct conn *c)
{
    struct pop3_session *s = pop3_session_of(c);
    struct store_expunge m = {.lock = s->lock};
    int fd = memfd_create("deleted", MFD_CLOEXEC);

    if (fd >= 0)
        m.count = write_deleted(s, fd);
    if (m.count)
        conn_ask(c, ROLE_store, pop3_store_of(c), MSG_store_expunge, &m, fd, MSG_store_expunged,
                 on_expunged);
    else
        pop3_resume_reason(c, POP3_NOT_REMOVED);
    if (fd >= 0)
        close(fd);
}

/* The mailbox is free for the next session before the client reads our goodbye. */
void
pop3_release_mailbox(struct conn *c)
{
    struct pop3_session *s = pop3_session_of(c);
    struct chan *store = s->lock ? role_peer(c->edge->role, ROLE_store, pop3_store_of(c)) : NULL;

    if (store)
        chan_send(store, MSG_store_close, &(struct store_close){s->lock}, -1);
    s->lock = 0;
}
