/* fetch: gets documents from web servers for others: policies of MTA-STS. It reads what strangers'
 * servers answer, so it holds no secret and opens no file; names come to it with their addresses.
 * libcurl takes memory, so the role runs only while somebody needs it. */
#include "base/ensure.h"
#include "base/file.h"
#include "base/log.h"
#include "engine.h"
#include "role/role.h"
#include "transfer.h"

enum {
    FETCH_RUNNING_MAX = 8, /* at a time; others wait */
    FETCH_WAITING_MAX = 256,
    FETCH_IDLE_MS = 10 * 1000,       /* without anything to do the role ends */
    FETCH_AUTHORITIES_MAX = 4 << 20, /* bytes of their certificates */
};

static struct {
    struct role *role;
    struct buf authorities, coming; /* coming: of a reload */
    struct list waiting, running;
    size_t waiting_count, running_count;
    struct timer *idle;
    uint64_t results[FETCH_RESULT_COUNT];
} self;

static void
on_file(struct role *r, enum role_file_kind kind, struct slice name, int fd)
{
    struct err e = ERR_OK;

    (void)r, (void)name;
    if (kind == ROLE_FILE_AUTHORITIES)
        e = file_read_from(fd, &self.coming);
    if (!err_is(e) && self.coming.full)
        e = err_make(ERR_LIMIT, "the size of the authorities' file");
    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
}

/* A reload that brings none keeps those at hand. */
static void
on_configured(struct role *r)
{
    (void)r;
    if (self.coming.len && !self.coming.full) {
        buf_clear(&self.authorities);
        self.authorities = self.coming;
        buf_init(&self.coming, FETCH_AUTHORITIES_MAX);
    }
    buf_clear(&self.coming);
}

static void
drop(struct transfer *t)
{
    list_remove(&t->link);
    transfer_free(t);
}

static void
begin(struct transfer *t)
{
    uint64_t now = loop_now_ms(self.role->loop);

    self.waiting_count--;
    list_remove(&t->link);
    if (!transfer_begin(t, buf_slice(&self.authorities), now)) {
        self.results[transfer_answer(t, CURLE_OPERATION_TIMEDOUT)]++;
        transfer_free(t);
        return;
    }
    self.running_count++;
    timer_stop(self.idle);
    list_append(&self.running, &t->link);
    engine_add(t->easy);
}

static void
begin_waiting(void)
{
    while (self.running_count < FETCH_RUNNING_MAX && !list_empty(&self.waiting))
        begin(LIST_OF(self.waiting.next, struct transfer, link));
}

static void
end(struct transfer *t)
{
    drop(t);
    if (--self.running_count == 0)
        timer_restart(self.idle, FETCH_IDLE_MS);
}

static void
on_done(CURL *easy, CURLcode result)
{
    struct transfer *t = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    self.results[transfer_answer(t, result)]++;
    end(t);
    begin_waiting();
}

static struct asker
asker_of(const struct role *r, const struct chan *c)
{
    struct asker a = {ROLE_courier, 0};

    if (!role_peer_is(r, c, a.role, &a.index)) {
        a.role = ROLE_ctl;
        ensure(role_peer_is(r, c, a.role, &a.index)); /* else a door without a line here */
    }
    return a;
}

static bool
is_of(const struct list *link, const struct asker *a)
{
    const struct transfer *t = LIST_OF(link, const struct transfer, link);

    return t->asker.role == a->role && t->asker.index == a->index;
}

static void
refuse(struct chan_call *call, const char *why)
{
    struct fetch_got m = {.result = FETCH_REFUSED, .why = slice_of(why)};

    self.results[FETCH_REFUSED]++;
    chan_answer(call, MSG_fetch_got, &m, -1);
}

static void
on_get(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct role *r = ctx;
    const char *why = "too much is to be fetched already";
    struct transfer *t = NULL;

    if (self.waiting_count < FETCH_WAITING_MAX)
        t = transfer_new(&m->fetch_get, call, loop_now_ms(r->loop), &why);
    if (!t) {
        refuse(call, why);
        return;
    }
    t->asker = asker_of(r, call->chan);
    self.waiting_count++;
    list_append(&self.waiting, &t->link);
    begin_waiting();
}

/* Nobody is left to be answered. */
static void
on_peer_down(struct role *r, enum role_id id, unsigned index)
{
    struct asker asker = {id, index};

    (void)r;
    LIST_EACH(at, &self.waiting)
    if (is_of(at, &asker)) {
        self.waiting_count--;
        drop(LIST_OF(at, struct transfer, link));
    }
    LIST_EACH(at, &self.running)
    if (is_of(at, &asker)) {
        engine_remove(LIST_OF(at, struct transfer, link)->easy);
        end(LIST_OF(at, struct transfer, link));
    }
    begin_waiting();
}

static void
on_idle(void *ctx)
{
    (void)ctx;
    role_end(self.role);
}

static void
on_prepare(struct role *r)
{
    (void)r;
    engine_prepare();
}

static struct err
on_start(struct role *r)
{
    self.role = r;
    list_init(&self.waiting);
    list_init(&self.running);
    buf_init(&self.authorities, FETCH_AUTHORITIES_MAX);
    buf_init(&self.coming, FETCH_AUTHORITIES_MAX);
    self.idle = loop_after(r->loop, FETCH_IDLE_MS, on_idle, NULL);
    engine_start(r->loop, on_done);
    return ERR_OK;
}

static void
on_status(struct role *r, struct buf *values)
{
    static const char *const names[FETCH_RESULT_COUNT] = {
        [FETCH_CAME] = "came",   [FETCH_REFUSED] = "refused", [FETCH_UNPROVEN] = "unproven",
        [FETCH_LARGE] = "large", [FETCH_LATE] = "late",       [FETCH_FAILED] = "failed"};

    (void)r;
    for (size_t i = 0; i < COUNT(names); i++)
        role_put_value(values, names[i], self.results[i]);
    role_put_value(values, "running", self.running_count);
    role_put_value(values, "waiting", self.waiting_count);
}

static const struct chan_handler handlers[] = {{MSG_fetch_get, on_get}, {MSG_NONE, NULL}};
static const struct role_door doors[] = {
    {.from = ROLE_courier, .handlers = handlers},
    {.from = ROLE_ctl, .handlers = handlers},
    {.from = ROLE_parent},
};

int
main(int argc, char **argv)
{
    static const struct role_spec spec = {
        .doors = doors,
        .prepare = on_prepare,
        .start = on_start,
        .file = on_file,
        .configured = on_configured,
        .peer_down = on_peer_down,
        .status = on_status,
    };

    return role_main(argc, argv, &spec);
}
