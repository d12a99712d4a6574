/* The life of the process and its doors: who may ask it what. */
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accounts.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"

static struct accounts accounts;

static void
read_secret(struct accounts *a)
{
    a->secret = directory_secret(&a->directory, "salt", a->salt);
}

static void
plan_copy(struct accounts *a)
{
    if (!a->directory.changed || a->copying)
        return;
    a->directory.changed = false;
    a->copying = true;
    timer_restart(a->copy, ACCOUNTS_COPY_AFTER_MS);
}

static void
tell_group(const struct accounts *a, enum role_id edges)
{
    for (unsigned i = 0; i < role_peer_count(a->role, edges); i++) {
        struct chan *c = role_peer(a->role, edges, i);

        if (!c)
            continue;
        chan_send(c, MSG_accounts_changed, &(struct accounts_changed){}, -1);
        chan_flush(c);
    }
}

void
accounts_tell_changed(const struct accounts *a)
{
    tell_group(a, ROLE_mx);
    tell_group(a, ROLE_access);
}

static void
replace_damaged(struct accounts *a)
{
    struct err e = db_replace(&a->directory.db);

    if (err_is(e)) {
        LOG(storage, SLICE(""), log_err(e));
        role_end(a->role); /* the parent starts another, which tries again */
        return;
    }
    a->directory.changed = true;
    read_secret(a);
    directory_read_keys(&a->directory);
    verified_clear(&a->verified); /* the copy may have older passwords */
    verified_init(&a->verified, ACCOUNTS_VERIFIED_MAX);
    accounts_tell_changed(a);
}

bool
accounts_settle(struct accounts *a)
{
    struct err e = db_settle(&a->directory.db);

    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
    if (a->directory.db.damaged)
        replace_damaged(a);
    plan_copy(a);
    return !err_is(e);
}

static void
on_copy(void *ctx)
{
    struct accounts *a = ctx;
    struct err e = db_copy_step(&a->directory.db);

    if (e.kind == ERR_AGAIN) {
        timer_restart(a->copy, ACCOUNTS_COPY_STEP_MS);
        return;
    }
    a->copying = false;
    a->directory.db.err = e;
    accounts_settle(a);
}

static void
on_flush(void *ctx)
{
    struct accounts *a = ctx;

    a->directory.db.err = directory_flush(&a->directory);
    accounts_settle(a);
}

/* What the jail would not let us read later: the machine's processors, chance for SQLite,
 * libcrypto's own configuration. */
static void
prepare(struct role *r)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint8_t byte;

    umask(077);
    sqlite3_randomness(sizeof(byte), &byte);
    ensure(EVP_Digest("", 0, (uint8_t[EVP_MAX_MD_SIZE]){0}, NULL, EVP_sha256(), NULL) == 1);
    accounts.role = r;
    accounts.workers.most = processors > 0 ? (unsigned)processors : 1;
    r->state = &accounts;
}

static struct err
start(struct role *r)
{
    struct accounts *a = r->state;
    struct err e = directory_open(&a->directory);

    if (err_is(e))
        return e;
    list_init(&a->askers);
    list_init(&a->changes);
    verified_init(&a->verified, ACCOUNTS_VERIFIED_MAX);
    workers_init(&a->workers, r->loop, a->workers.most);
    random_fill(&a->seed, sizeof(a->seed));
    read_secret(a);
    a->copy = loop_after(r->loop, ACCOUNTS_COPY_AFTER_MS, on_copy, a);
    a->copying = true;
    a->flush = loop_after(r->loop, ACCOUNTS_FLUSH_AFTER_MS, on_flush, a);
    return db_settle(&a->directory.db);
}

static void
configured(struct role *r)
{
    struct accounts *a = r->state;

    a->directory.quota = role_limit(r, LIMIT_quota_bytes);
    a->directory.login_delay = (uint32_t)role_limit(r, LIMIT_login_delay_seconds);
    a->directory.srs.valid_days = (unsigned)role_limit(r, LIMIT_srs_days);
    accounts_tell_changed(a);
}

static void
peer_down(struct role *r, enum role_id id, unsigned index)
{
    askers_forget(r->state, id, index);
}

/* Nobody waits any more: the rest of a copy that is due, in one go. */
static void
finish_copy(struct accounts *a)
{
    struct err e = ERR_OK;

    if (a->copying || a->directory.changed)
        while ((e = db_copy_step(&a->directory.db)).kind == ERR_AGAIN)
            ;
    if (err_is(e))
        LOG(storage, SLICE(""), log_err(e));
}

static void
finish(void *ctx)
{
    struct accounts *a = ctx;

    on_flush(a);
    finish_copy(a);
    directory_close(&a->directory);
    role_end(a->role);
}

/* Later: changes that came in this turn have their transaction first. */
static void
stop(struct role *r, unsigned seconds)
{
    (void)seconds;
    loop_later(r->loop, finish, r->state);
}

static void
status(struct role *r, struct buf *values)
{
    struct accounts *a = r->state;
    struct totals t = directory_totals(&a->directory);

    accounts_settle(a);
    role_put_value(values, "domains", t.domains);
    role_put_value(values, "accounts", t.accounts);
    role_put_value(values, "aliases", t.aliases);
    role_put_value(values, "logins", a->logins);
    role_put_value(values, "cached_logins", a->cached);
    role_put_value(values, "failed_logins", a->failed);
}

static const struct chan_handler from_mx[] = {
    {MSG_accounts_rcpt, rcpt_on_ask},
    {MSG_accounts_sender, rcpt_on_sender},
    {MSG_NONE, NULL},
};

static const struct chan_handler from_access[] = {
    {MSG_accounts_rcpt, rcpt_on_ask},
    {MSG_accounts_sender, rcpt_on_sender},
    {MSG_accounts_login, login_on_ask},
    {MSG_accounts_apop, login_on_apop},
    {MSG_accounts_scram_salt, login_on_scram_salt},
    {MSG_accounts_scram_proof, login_on_scram_proof},
    {MSG_NONE, NULL},
};

/* Who writes a notice asks where its reader has his mailbox. */
static const struct chan_handler from_courier[] = {
    {MSG_accounts_rcpt, rcpt_on_ask},
    {MSG_NONE, NULL},
};

static const struct chan_handler from_store[] = {
    {MSG_accounts_usage, rcpt_on_usage},
    {MSG_NONE, NULL},
};

static const struct chan_handler from_ctl[] = {
#define CHANGE(message, fn, need) {MSG_##message, change_on_##fn},
#include "change.def"
#undef CHANGE
    {MSG_directory_domain_list, show_on_domains},
    {MSG_directory_domain_show, show_on_domain},
    {MSG_directory_account_list, show_on_accounts},
    {MSG_directory_account_show, show_on_account},
    {MSG_directory_alias_list, show_on_aliases},
    {MSG_accounts_rcpt, rcpt_on_ask},
    {MSG_accounts_login, login_on_ask},
    {MSG_NONE, NULL},
};

static const struct role_door doors[] = {
    {.from = ROLE_mx, .handlers = from_mx, .gathers = true},
    {.from = ROLE_access, .handlers = from_access, .gathers = true},
    {.from = ROLE_courier, .handlers = from_courier},
    {.from = ROLE_store, .handlers = from_store},
    {.from = ROLE_ctl, .handlers = from_ctl},
    {.from = ROLE_parent},
};

const struct role_spec accounts_spec = {
    .doors = doors,
    .prepare = prepare,
    .start = start,
    .configured = configured,
    .peer_down = peer_down,
    .stop = stop,
    .status = status,
};
