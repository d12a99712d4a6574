/* resolver: asks the DNS and says what is proven. It reads what strangers' servers answer, so it
 * holds no secret and opens no file: name servers and trust anchors come from the parent. */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/file.h"
#include "base/log.h"
#include "engine.h"
#include "questions.h"
#include "role/role.h"

/* Many networks' name servers drop the signatures. Where nobody chose to validate there, the first
 * bogus answer puts the way in doubt, and the root, which is well signed, is asked: is that bogus
 * too, the way is spoilt, and mail goes on without validation. */
enum way { WAY_TRUSTED, WAY_UNPROVEN, WAY_IN_DOUBT };

static struct resolver {
    struct role *role;
    struct sources sources, next; /* next: arriving */
    struct engine *engine;
    bool validating;
    enum way way;
    struct questions questions;
    struct timer *timer; /* of the waiter who gives up next */
    uint64_t cached, failed, bogus;
} self;

static void
read_file(int fd, void (*put)(struct sources *s, struct slice text))
{
    struct buf text;
    struct err e;

    buf_init(&text, SOURCES_FILE_MAX);
    e = file_read_from(fd, &text);
    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
    put(&self.next, buf_slice(&text));
    buf_clear(&text);
}

static void
on_file(struct role *r, enum role_file_kind kind, struct slice name, int fd)
{
    (void)r, (void)name;
    if (kind == ROLE_FILE_SYSTEM_RESOLVERS)
        read_file(fd, sources_put_resolv_conf);
    if (kind == ROLE_FILE_TRUST_ANCHOR || kind == ROLE_FILE_SYSTEM_TRUST_ANCHOR)
        read_file(fd, sources_put_anchors);
    if (kind == ROLE_FILE_TRUST_ANCHOR)
        self.next.anchors_named = true;
}

static void
on_setting(struct role *r, enum role_setting_kind kind, struct slice value)
{
    (void)r;
    if (kind == ROLE_SETTING_RESOLVER)
        sources_put_server(&self.next, value);
}

static void
begin_engine(bool validate, const char *why_not)
{
    const struct sources *s = &self.sources;
    struct engine *old = self.engine;
    struct err e = ERR_OK;

    self.validating = validate && s->anchors.len;
    self.engine = engine_new(self.role->loop, s, self.validating, &e);
    if (!self.engine && self.validating) {
        why_not = err_text(e);
        self.validating = false;
        self.engine = engine_new(self.role->loop, s, false, &e);
    }
    ensure(self.engine); /* the parent has checked the servers */
    self.way = s->system && !s->anchors_named && self.validating ? WAY_UNPROVEN : WAY_TRUSTED;
    LOG(resolver, SLICE(""), log_string("servers", s->server_count ? s->servers[0] : "root"),
        log_number("count", s->server_count),
        log_string("validating", self.validating ? "yes" : "no"));
    if (!self.validating)
        LOG(unvalidated, SLICE(""), log_string("why", why_not));
    engine_free(old);
    questions_begin_again(&self.questions, false);
}

/* A reload that changes nothing here keeps the cache. */
static void
configured(struct role *r)
{
    bool same = self.engine && sources_eq(&self.sources, &self.next);

    (void)r;
    if (!same) {
        sources_clear(&self.sources);
        self.sources = self.next;
    } else {
        sources_clear(&self.next);
    }
    sources_init(&self.next);
    if (!same)
        begin_engine(true, "there is no trust anchor");
}

static void
go_on_without_validation(void *ctx)
{
    (void)ctx;
    if (self.way == WAY_IN_DOUBT)
        begin_engine(false, "the system's name servers drop signatures");
}

/* What is bogus now is so for good, even if the root did not answer and the way remains unproven.
 */
static void
ask_held_again(void *ctx)
{
    enum way way = self.way;

    (void)ctx;
    self.way = WAY_TRUSTED;
    questions_begin_again(&self.questions, true);
    self.way = way;
}

static void
on_root(void *ctx, const struct dns_answer *a)
{
    (void)ctx;
    if (a->verdict == DNS_BOGUS) {
        loop_later(self.role->loop, go_on_without_validation, NULL);
        return;
    }
    self.way = a->secure ? WAY_TRUSTED : WAY_UNPROVEN;
    loop_later(self.role->loop, ask_held_again, NULL);
}

/* True: the question waits until it is known whether the way is spoilt. */
static bool
hold(struct question *q)
{
    if (self.way == WAY_TRUSTED || list_empty(&q->waiting))
        return false;
    q->held = true;
    if (self.way == WAY_UNPROVEN) {
        self.way = WAY_IN_DOUBT;
        engine_ask(self.engine, ".", DNS_TXT, on_root, NULL);
    }
    return true;
}

static void
on_answer(void *ctx, const struct dns_answer *a)
{
    struct question *q = ctx;

    if (a->verdict == DNS_BOGUS && hold(q))
        return;
    self.failed += a->verdict == DNS_TEMPORARY;
    self.bogus += a->verdict == DNS_BOGUS;
    questions_answer(&self.questions, q, a);
}

static void
begin(void *ctx, struct question *q)
{
    (void)ctx;
    self.cached += engine_ask(self.engine, q->name, q->type, on_answer, q);
}

static void
answer(void *ctx, const struct chan_call *call, const struct dns_answer *a)
{
    struct resolver_answer m = {a->verdict, a->secure,    a->cut,   a->ttl,
                                a->why,     a->canonical, {NULL, 0}};
    struct buf records;

    (void)ctx;
    buf_init(&records, MSG_FRAME_MAX - 1024);
    for (size_t i = 0; i < a->count; i++)
        msg_items_put(&records, MSG_resolver_record,
                      &(struct resolver_record){a->records[i].preference, a->records[i].data});
    ensure(!records.full);
    m.records = buf_slice(&records);
    chan_answer(call, MSG_resolver_answer, &m, -1);
    buf_clear(&records);
}

static void
give_up(void *ctx)
{
    uint64_t now = loop_now_ms(self.role->loop);
    uint64_t next = questions_give_up(&self.questions, now);

    (void)ctx;
    if (next)
        timer_restart(self.timer, (uint32_t)(next - now));
}

static uint64_t
asker_key(enum role_id id, unsigned index)
{
    return ((uint64_t)id + 1) << 32 | index;
}

static uint64_t
asker_of(const struct role *r, const struct chan *c)
{
    static const enum role_id ids[] = {ROLE_mx, ROLE_access, ROLE_courier, ROLE_ctl};
    unsigned index = 0;

    for (size_t i = 0; i < COUNT(ids); i++)
        if (role_peer_is(r, c, ids[i], &index))
            return asker_key(ids[i], index);
    ensure(false); /* a door without a row here */
    return 0;
}

static void
on_ask(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct role *r = ctx;
    const struct resolver_ask *ask = &m->resolver_ask;
    bool nobody_waits = list_empty(&self.questions.waiting);
    uint32_t ms = (uint32_t)role_limit(r, LIMIT_dns_seconds) * 1000;
    char name[DNS_NAME_ROOM];

    if (!dns_type_known(ask->type) ||
        (!(ask->type == DNS_PTR && dns_name_of_address(ask->name, name)) &&
         !dns_name_clean(ask->name, name))) {
        answer(NULL, call, &(struct dns_answer){.verdict = DNS_NO_DOMAIN, .canonical = ask->name});
        return;
    }
    questions_ask(&self.questions, asker_of(r, call->chan), call, name, (enum dns_type)ask->type,
                  loop_now_ms(r->loop) + ms);
    if (!nobody_waits || list_empty(&self.questions.waiting))
        return;
    if (self.timer)
        timer_restart(self.timer, ms);
    else
        self.timer = loop_after(r->loop, ms, give_up, NULL);
}

static struct err
start(struct role *r)
{
    uint64_t seed;

    random_fill(&seed, sizeof(seed));
    self.role = r;
    questions_init(&self.questions, seed);
    self.questions.begin = begin;
    self.questions.answer = answer;
    sources_init(&self.sources);
    sources_init(&self.next);
    return ERR_OK;
}

static void
peer_down(struct role *r, enum role_id id, unsigned index)
{
    (void)r;
    questions_forget(&self.questions, asker_key(id, index));
}

static void
status(struct role *r, struct buf *values)
{
    const struct questions *qs = &self.questions;

    (void)r;
    role_put_value(values, "questions", qs->asked);
    role_put_value(values, "joined", qs->joined);
    role_put_value(values, "cached", self.cached);
    role_put_value(values, "failed", self.failed);
    role_put_value(values, "bogus", self.bogus);
    role_put_value(values, "late", qs->late);
    role_put_value(values, "refused", qs->refused);
    role_put_value(values, "under_way", qs->open.count);
    role_put_value(values, "validating", self.validating);
}

static const struct chan_handler handlers[] = {
    {MSG_resolver_ask, on_ask},
    {MSG_NONE, NULL},
};

static const struct role_door doors[] = {
    {.from = ROLE_mx, .handlers = handlers},
    {.from = ROLE_access, .handlers = handlers},
    {.from = ROLE_courier, .handlers = handlers},
    {.from = ROLE_ctl, .handlers = handlers},
    {.from = ROLE_parent},
};

int
main(int argc, char **argv)
{
    static const struct role_spec spec = {
        .doors = doors,
        .start = start,
        .file = on_file,
        .setting = on_setting,
        .configured = configured,
        .peer_down = peer_down,
        .status = status,
    };

    return role_main(argc, argv, &spec);
}
