/* Processes as states: not running, started, ready; and the channels between them, made anew for
 * whoever is replaced. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "parent.h"

/* Who has to end before whom: edges finish their transactions while the others still answer; the
 * queue outlives the stores so that it can note what they delivered; the trace hears the last of
 * all. */
static const unsigned stages[ROLE_COUNT] = {
    [ROLE_mx] = 1,    [ROLE_access] = 1,  [ROLE_store] = 2,    [ROLE_queue] = 3,
    [ROLE_guard] = 4, [ROLE_keys] = 4,    [ROLE_accounts] = 4, [ROLE_resolver] = 4,
    [ROLE_trace] = 4, [ROLE_courier] = 2, [ROLE_fetch] = 4,
};
enum { STAGE_LAST = 4, STAGE_SECONDS = 10 };

static void start_child(struct child *c);

struct child *
child_find(struct parent *p, enum role_id id, unsigned index)
{
    for (size_t i = 0; i < p->child_count; i++)
        if (p->children[i].id == id && p->children[i].index == index)
            return &p->children[i];
    return NULL;
}

bool
child_is_due(const struct child *c)
{
    return !c->asleep || c->wanted;
}

static void
on_ready(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct child *c = ctx;
    struct parent *p = c->parent;

    (void)call;
    c->ready = m->role_ready.generation == p->generation;
    for (size_t i = 0; i < p->child_count; i++)
        if (!p->children[i].ready && child_is_due(&p->children[i]))
            return;
    if (!p->ready)
        parent_ready(p);
}

static void
on_accuse(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct child *c = ctx, *accused;

    (void)call;
    if (m->role_accuse.role >= ROLE_COUNT)
        return;
    accused = child_find(c->parent, (enum role_id)m->role_accuse.role, m->role_accuse.index);
    if (accused && accused->pid)
        kill(accused->pid, SIGKILL);
}

static bool
are_linked(enum role_id a, enum role_id b)
{
    for (size_t i = 0; i < role_link_count; i++) {
        const struct role_link *l = &role_links[i];

        if ((l->asks == a && l->answers == b) || (l->asks == b && l->answers == a))
            return true;
    }
    return false;
}

static void
on_closed(void *ctx, struct chan *chan)
{
    struct child *c = ctx;

    chan_free(chan);
    c->control = NULL; /* SIGCHLD does the rest */
}

/* A child whose own frames are malformed is as broken as an accused one. */
static void
on_bad(void *ctx, struct chan *chan)
{
    struct child *c = ctx;

    (void)chan;
    if (c->pid)
        kill(c->pid, SIGKILL);
}

static const struct chan_handler from_role[] = {
    {MSG_role_ready, on_ready}, {MSG_role_accuse, on_accuse}, {MSG_NONE, NULL}};
static const struct chan_events events = {on_closed, on_bad};

static void
send_end(struct child *to, const struct child *of, int fd)
{
    struct role_peer m = {of->id, of->index, role_instances(of->id)};

    chan_send(to->control, MSG_role_peer, &m, fd);
    close(fd);
}

/* One that is not there, and does not sleep, is linked when it is started again. */
static bool
can_take_end(const struct child *c)
{
    return c->control || c->asleep;
}

static void
give_end(struct child *to, const struct child *of, int fd)
{
    if (to->control)
        send_end(to, of, fd);
    else
        asleep_keep(to, of, fd);
}

static void
link_two(struct child *a, struct child *b)
{
    int ends[2];
    struct err e;

    if (!can_take_end(a) || !can_take_end(b) || (a->asleep && b->asleep))
        return;
    e = role_socketpair(ends);
    if (err_is(e)) {
        LOG(role_died, SLICE(""), log_string("role", role_name(b->id)), log_err(e));
        return;
    }
    give_end(a, b, ends[0]);
    give_end(b, a, ends[1]);
}

static void
start_later(void *ctx)
{
    struct child *c = ctx;

    if (!c->pid && !c->parent->stopping && child_is_due(c))
        start_child(c);
}

static void
start_after_pause(struct child *c)
{
    if (c->pause)
        timer_restart(c->pause, PARENT_PAUSE_MS);
    else
        c->pause = loop_after(c->parent->loop, PARENT_PAUSE_MS, start_later, c);
}

static bool
spawn_child(struct child *c)
{
    int control;
    struct err e = role_spawn(c->id, c->index, &c->pid, &control);

    if (err_is(e)) {
        LOG(role_died, SLICE(""), log_string("role", role_name(c->id)), log_err(e));
        c->pid = 0;
        start_after_pause(c);
        return false;
    }
    c->ready = c->asleep = c->wanted = false;
    c->started_ms = clock_steady_ms();
    c->started = clock_now_us() / 1000000;
    c->control = chan_new(c->parent->loop, control, from_role, &events, c);
    configure_boot(c);
    return true;
}

/* The channels of one that slept are there already, perhaps with the word that woke it. */
static void
start_child(struct child *c)
{
    struct parent *p = c->parent;

    if (!spawn_child(c))
        return;
    for (size_t i = 0; i < p->child_count; i++) {
        int kept = asleep_take(c, &p->children[i]);

        if (kept >= 0)
            send_end(c, &p->children[i], kept);
        else if (are_linked(c->id, p->children[i].id))
            link_two(c, &p->children[i]);
    }
    configure_rest(c);
}

static void
add_child(struct parent *p, enum role_id id, unsigned index)
{
    struct child *c = &p->children[p->child_count++];

    ensure(p->child_count <= PARENT_CHILDREN_MAX);
    *c = (struct child){.parent = p, .id = id, .index = index, .asleep = role_is_on_demand(id)};
    list_init(&c->ends);
}

/* All processes first, then the channels: each is made once. */
void
children_start(struct parent *p)
{
    for (enum role_id id = ROLE_parent + 1; id < ROLE_COUNT; id++)
        for (unsigned i = 0; i < role_instances(id); i++)
            add_child(p, id, i);
    for (size_t i = 0; i < p->child_count; i++)
        if (child_is_due(&p->children[i]))
            spawn_child(&p->children[i]);
    for (size_t i = 0; i < p->child_count; i++)
        for (size_t j = i + 1; j < p->child_count; j++)
            if (are_linked(p->children[i].id, p->children[j].id))
                link_two(&p->children[i], &p->children[j]);
    for (size_t i = 0; i < p->child_count; i++)
        if (p->children[i].control)
            configure_rest(&p->children[i]);
}

void
children_reload(struct parent *p)
{
    for (size_t i = 0; i < p->child_count; i++) {
        p->children[i].ready = false;
        if (p->children[i].control)
            configure_rest(&p->children[i]);
    }
}

static void
start_again(struct child *c)
{
    if (c->quick_deaths > PARENT_QUICK_DEATHS)
        start_after_pause(c);
    else
        start_child(c);
}

void
child_want(struct child *c)
{
    if (!c->asleep || c->wanted || c->parent->stopping)
        return;
    c->wanted = true;
    start_again(c);
}

/* However it ended, it runs again when it is needed again. */
static void
sleep_again(struct child *c)
{
    struct parent *p = c->parent;

    c->asleep = true;
    for (size_t i = 0; i < p->child_count; i++)
        if (are_linked(c->id, p->children[i].id))
            link_two(c, &p->children[i]);
}

static void
note_death(struct child *c, int status)
{
    bool quick = clock_steady_ms() - c->started_ms < PARENT_QUICK_MS;

    if (role_is_on_demand(c->id) && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return; /* it had nothing to do */
    LOG(role_died, SLICE(""), log_string("role", role_name(c->id)), log_number("index", c->index),
        log_number(WIFSIGNALED(status) ? "signal" : "exit",
                   (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status))));
    c->quick_deaths = quick ? c->quick_deaths + 1 : 0;
    c->restarts++;
}

static void stop_stage(struct parent *p);

static void
ended(struct child *c, int status)
{
    struct parent *p = c->parent;

    chan_free(c->control);
    c->control = NULL;
    c->pid = 0;
    if (p->stopping) {
        stop_stage(p);
    } else if (!p->ready && WIFEXITED(status) && WEXITSTATUS(status) == 78) {
        p->status = 78; /* it cannot start and has said why; trying again would not help */
        children_stop(p);
    } else {
        note_death(c, status);
        if (role_is_on_demand(c->id))
            sleep_again(c);
        else
            start_again(c);
    }
}

void
children_reap(struct parent *p)
{
    for (size_t i = 0; i < p->child_count; i++) {
        struct child *c = &p->children[i];
        int status;

        if (c->pid && waitpid(c->pid, &status, WNOHANG) == c->pid)
            ended(c, status);
    }
}

/* A stage that does not end in its time is ended. */
static void
stop_harder(void *ctx)
{
    struct parent *p = ctx;

    for (size_t i = 0; i < p->child_count; i++)
        if (p->children[i].pid && stages[p->children[i].id] == p->stage)
            kill(p->children[i].pid, SIGKILL);
}

static unsigned
running_in_stage(const struct parent *p)
{
    unsigned running = 0;

    for (size_t i = 0; i < p->child_count; i++)
        running += p->children[i].pid && stages[p->children[i].id] == p->stage;
    return running;
}

static void
begin_stage(struct parent *p)
{
    uint32_t seconds =
        p->stage == 1 ? (uint32_t)p->conf->limits.value[LIMIT_stop_seconds] : STAGE_SECONDS;

    for (size_t i = 0; i < p->child_count; i++)
        if (p->children[i].control && stages[p->children[i].id] == p->stage)
            chan_send(p->children[i].control, MSG_role_stop, &(struct role_stop){seconds}, -1);
    if (p->stop_timer)
        timer_restart(p->stop_timer, (seconds + 2) * 1000);
    else
        p->stop_timer = loop_after(p->loop, (seconds + 2) * 1000, stop_harder, p);
}

static void
stop_stage(struct parent *p)
{
    while (running_in_stage(p) == 0) {
        if (p->stage == STAGE_LAST) {
            loop_stop(p->loop);
            return;
        }
        p->stage++;
        begin_stage(p);
    }
}

void
children_stop(struct parent *p)
{
    if (p->stopping)
        return;
    p->stopping = true;
    stop_stage(p);
}
