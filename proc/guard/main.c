/* guard: counters of what strangers do, kept in memory alone. It opens nothing and parses nothing.
 */
#include "delay.h"
#include "role/role.h"
#include "role/spawn.h"
#include "session.h"

enum { DELAYS_MAX = 200000 }; /* accounts that wait at a time, some 90 bytes each */

static struct guard {
    struct sessions sessions;
    struct delays delays;
    uint64_t delayed;
} guard;

static unsigned
edge_number(enum role_id id, unsigned index)
{
    return index + (id == ROLE_access ? ROLE_INSTANCES_MAX : 0);
}

static unsigned
edge_of(const struct role *r, const struct chan *c)
{
    unsigned index = 0;

    if (role_peer_is(r, c, ROLE_access, &index))
        return edge_number(ROLE_access, index);
    role_peer_is(r, c, ROLE_mx, &index);
    return edge_number(ROLE_mx, index);
}

static void
on_open(void *ctx, struct chan_call *call, const union msg_any *m)
{
    const struct role *r = ctx;
    struct guard_verdict answer;

    answer.verdict =
        sessions_open(&guard.sessions, edge_of(r, call->chan), session_key(m->guard_open.address),
                      role_limit(r, LIMIT_sessions), role_limit(r, LIMIT_sessions_per_address));
    chan_answer(call, MSG_guard_verdict, &answer, -1);
}

static void
on_close(void *ctx, struct chan_call *call, const union msg_any *m)
{
    sessions_close(&guard.sessions, edge_of(ctx, call->chan), session_key(m->guard_close.address));
}

static void
on_login(void *ctx, struct chan_call *call, const union msg_any *m)
{
    const struct role *r = ctx;
    struct guard_login_answer answer;

    answer.wait = delays_login(&guard.delays, m->guard_login.account, m->guard_login.delay,
                               loop_now_ms(r->loop));
    guard.delayed += answer.wait != 0;
    chan_answer(call, MSG_guard_login_answer, &answer, -1);
}

static struct err
start(struct role *r)
{
    (void)r;
    delays_init(&guard.delays, DELAYS_MAX);
    return ERR_OK;
}

/* Its sessions died with it. */
static void
peer_down(struct role *r, enum role_id id, unsigned index)
{
    (void)r;
    if (id == ROLE_mx || id == ROLE_access)
        sessions_forget(&guard.sessions, edge_number(id, index));
}

static void
status(struct role *r, struct buf *values)
{
    (void)r;
    role_put_value(values, "sessions", guard.sessions.open);
    role_put_value(values, "refused", guard.sessions.refused);
    role_put_value(values, "addresses", guard.sessions.addresses.count);
    role_put_value(values, "login_delays", guard.delays.accounts.count);
    role_put_value(values, "delayed_logins", guard.delayed);
}

static const struct chan_handler from_mx[] = {
    {MSG_guard_open, on_open},
    {MSG_guard_close, on_close},
    {MSG_NONE, NULL},
};

static const struct chan_handler from_access[] = {
    {MSG_guard_open, on_open},
    {MSG_guard_close, on_close},
    {MSG_guard_login, on_login},
    {MSG_NONE, NULL},
};

static const struct role_door doors[] = {
    {.from = ROLE_mx, .handlers = from_mx},
    {.from = ROLE_access, .handlers = from_access},
    {.from = ROLE_ctl},
    {.from = ROLE_parent},
};

int
main(int argc, char **argv)
{
    static const struct role_spec spec = {
        .doors = doors, .start = start, .peer_down = peer_down, .status = status};

    return role_main(argc, argv, &spec);
}
