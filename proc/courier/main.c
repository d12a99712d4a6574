/* courier: brings mail to other servers and reads what they say, and writes the notices about what
 * became of it. It opens no file; of our secrets it knows the passwords for smarthosts alone. */
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/file.h"
#include "base/log.h"
#include "conn.h"
#include "courier.h"
#include "fetching.h"
#include "mail.h"
#include "notice.h"
#include "site.h"
#include "tally.h"

static struct courier self;
static struct settings *coming;       /* until configured */
static struct buf coming_authorities; /* likewise */

static struct settings *
coming_settings(void)
{
    if (!coming)
        coming = settings_new();
    return coming;
}

static void
on_setting(struct role *r, enum role_setting_kind kind, struct slice value)
{
    (void)r;
    if (kind == ROLE_SETTING_ROUTE)
        settings_put_route(coming_settings(), value);
    else if (kind == ROLE_SETTING_OWN_ADDRESS)
        settings_put_address(coming_settings(), value);
}

static void
take_password(struct slice route, int fd)
{
    uint8_t room[SETTINGS_PASSWORD_MAX + 2];
    ssize_t n = read(fd, room, sizeof(room));

    settings_put_password(coming_settings(), route, slice_make(room, n > 0 ? (size_t)n : 0));
    explicit_bzero(room, sizeof(room));
}

static void
on_file(struct role *r, enum role_file_kind kind, struct slice name, int fd)
{
    struct err e = ERR_OK;

    (void)r;
    if (kind == ROLE_FILE_ROUTE_PASSWORD)
        take_password(name, fd);
    else if (kind == ROLE_FILE_AUTHORITIES)
        e = file_read_from(fd, &coming_authorities);
    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
}

/* A reload that brings none keeps those at hand. */
static void
take_authorities(void)
{
    struct err e = ERR_OK;

    if (coming_authorities.full)
        e = err_make(ERR_LIMIT, "the size of the authorities' file");
    else if (coming_authorities.len)
        e = tls_client_set_roots(self.tls, buf_slice(&coming_authorities));
    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
    buf_clear(&coming_authorities);
    buf_init(&coming_authorities, TLS_PEM_MAX);
}

/* A reload that changes nothing here keeps routes and connections. */
static void
on_configured(struct role *r)
{
    struct settings *new = coming_settings();

    (void)r;
    coming = NULL;
    take_authorities();
    if (self.settings && settings_eq(self.settings, new)) {
        settings_put(new);
        return;
    }
    settings_put(self.settings);
    self.settings = new;
}

static void
on_sweep(void *ctx)
{
    uint64_t now = loop_now_ms(self.role->loop);

    (void)ctx;
    LIST_EACH(at, &self.conns)
    conn_sweep(LIST_OF(at, struct conn, link), now);
    fetching_sweep(&self);
    sites_sweep(&self);
    timer_restart(self.sweep, COURIER_SWEEP_MS);
}

/* Each connection is a descriptor, and so is each large message that waits. */
static void
on_prepare(struct role *r)
{
    struct rlimit files;

    (void)r;
    tls_prepare();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static struct err
on_start(struct role *r)
{
    self.role = r;
    r->state = &self;
    random_fill(&self.seed, sizeof(self.seed));
    list_init(&self.sites);
    list_init(&self.wanting);
    list_init(&self.conns);
    list_init(&self.idle);
    list_init(&self.orphans);
    list_init(&self.fetchings);
    buf_init(&coming_authorities, TLS_PEM_MAX);
    self.policies = sts_cache_new(self.seed);
    self.report = tlsrpt_new(self.seed);
    self.tls = tls_client_new();
    self.sweep = loop_after(r->loop, COURIER_SWEEP_MS, on_sweep, NULL);
    return ERR_OK;
}

static void
on_peer_up(struct role *r, enum role_id id, unsigned index)
{
    (void)r, (void)index;
    if (id == ROLE_fetch)
        fetching_role_up(&self);
}

static void
on_peer_down(struct role *r, enum role_id id, unsigned index)
{
    notice_peer_down(r);
    if (id == ROLE_queue || id == ROLE_ctl)
        mail_asker_gone(&self, id, index);
}

static void
stop_now(void *ctx)
{
    role_end(ctx);
}

/* Messages under way may end; the queue hears nothing of the others, and sends them again. */
static void
on_stop(struct role *r, unsigned seconds)
{
    uint32_t ms = seconds * 1000 < COURIER_STOP_MS ? seconds * 1000 : COURIER_STOP_MS;

    LIST_EACH(at, &self.conns)
    {
        struct conn *c = LIST_OF(at, struct conn, link);

        if (!list_empty(&c->idle))
            conn_quit(c);
        else if (!c->job && !c->leaving)
            conn_close(c);
    }
    if (self.conn_count == 0)
        role_end(r);
    else
        self.stop = loop_after(r->loop, ms, stop_now, r);
}

static void
on_status(struct role *r, struct buf *values)
{
    const struct counters *n = &self.counters;

    (void)r;
    role_put_value(values, "jobs", self.job_count);
    role_put_value(values, "job_bytes", self.job_bytes);
    role_put_value(values, "sites", self.site_count);
    role_put_value(values, "connections", self.conn_count);
    role_put_value(values, "taken", n->taken);
    role_put_value(values, "delivered", n->delivered);
    role_put_value(values, "later", n->later);
    role_put_value(values, "failed", n->failed);
    role_put_value(values, "unknown", n->unknown);
    role_put_value(values, "connected", n->connections);
    role_put_value(values, "unreachable", n->refused_connections);
    role_put_value(values, "tls", n->tls);
    role_put_value(values, "clear", n->clear);
    role_put_value(values, "policies", sts_cache_count(self.policies));
    role_put_value(values, "policies_fetched", n->policies_fetched);
    role_put_value(values, "policies_failed", n->policies_failed);
    role_put_value(values, "tls_uncounted", tlsrpt_dropped(self.report));
    role_put_value(values, "lost", n->lost);
    role_put_value(values, "known", n->known);
    notice_status(values);
}

static const struct chan_handler handlers[] = {
    {MSG_courier_send, mail_on_send},
    {MSG_courier_notify, notice_on_ask},
    {MSG_courier_tls_report, tally_on_report},
    {MSG_NONE, NULL},
};

static const struct role_door doors[] = {
    {ROLE_queue, handlers, false}, {ROLE_accounts, NULL, false}, {ROLE_resolver, NULL, false},
    {ROLE_fetch, NULL, false},     {ROLE_trace, NULL, false},    {ROLE_ctl, handlers, false},
    {ROLE_parent, NULL, false},
};

int
main(int argc, char **argv)
{
    static const struct role_spec spec = {
        .doors = doors,
        .prepare = on_prepare,
        .start = on_start,
        .file = on_file,
        .setting = on_setting,
        .configured = on_configured,
        .peer_up = on_peer_up,
        .peer_down = on_peer_down,
        .stop = on_stop,
        .status = on_status,
    };

    return role_main(argc, argv, &spec);
}
