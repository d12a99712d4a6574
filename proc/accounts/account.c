/* Changes of accounts. An id, once given, is never given again: a mailbox's folder bears it. */
#include <limits.h>

#include "base/clock.h"
#include "directory_private.h"

static bool
parse(struct name *n, struct slice address, struct outcome *o)
{
    if (name_parse(n, address))
        return true;
    outcome_set(o, DIRECTORY_BAD_ADDRESS,
                "This is not an address: it should look like ana@example.com.");
    return false;
}

bool
directory_find_account(struct directory *d, struct name *n, struct slice address, struct outcome *o)
{
    if (!parse(n, address, o))
        return false;
    o->account = directory_account_id(d, n);
    if (o->account)
        return true;
    if (directory_has_domain(d, n->domain))
        outcome_set(o, DIRECTORY_NO_SUCH, "There is no account %s.", n->text);
    else
        outcome_set(o, DIRECTORY_NO_DOMAIN, "The domain of %s is not hosted here.", n->text);
    return false;
}

static bool
quota_of(uint64_t quota, struct db_value *v, struct outcome *o)
{
    *v = quota == DIRECTORY_QUOTA_DEFAULT ? db_none() : db_number(quota);
    if (quota == DIRECTORY_QUOTA_DEFAULT || quota <= INT64_MAX)
        return true;
    outcome_set(o, DIRECTORY_BAD_VALUE, "A quota is a number of bytes, at most 2^63.");
    return false;
}

/* proof NULL: no password. password: the APOP secret of whoever opted in. */
static void
put_proof(struct directory *d, uint64_t account, const struct credentials *proof,
          struct slice password)
{
    static const struct credentials nothing = {.hash = ""};
    const struct credentials *c = proof ? proof : &nothing;
    bool scram = c->iterations != 0;

    db_run(&d->db, SQL_account_proof,
           DB_VALUES(db_number(account), c->hash[0] ? db_text(slice_of(c->hash)) : db_none(),
                     scram ? db_number(c->iterations) : db_none(),
                     scram ? db_blob(c->salt, c->salt_len) : db_none(),
                     scram ? db_blob(c->scram.stored, SASL_SCRAM_KEY) : db_none(),
                     scram ? db_blob(c->scram.server, SASL_SCRAM_KEY) : db_none(),
                     password.len ? db_text(password) : db_none()));
}

static bool
may_be_added(struct directory *d, const struct name *n, struct outcome *o)
{
    if (n->local.len > MIME_LOCAL_MAX)
        outcome_set(o, DIRECTORY_BAD_ADDRESS, "The part before the @ has at most %d characters.",
                    MIME_LOCAL_MAX);
    else if (!directory_has_domain(d, n->domain))
        outcome_set(o, DIRECTORY_NO_DOMAIN,
                    "The domain of %s is not hosted here: add the domain first.", n->text);
    else if (directory_account_id(d, n))
        outcome_set(o, DIRECTORY_EXISTS, "There is an account %s already.", n->text);
    else
        return true;
    return false;
}

void
account_add(struct directory *d, const struct directory_account_add *m, const struct credentials *c,
            struct outcome *o)
{
    struct db_value quota;
    struct name n;

    if (!parse(&n, m->address, o) || !quota_of(m->quota, &quota, o) || !may_be_added(d, &n, o))
        return;
    db_run(
        &d->db, SQL_account_put,
        DB_VALUES(db_text(n.domain), db_text(n.local), quota, db_number(clock_now_us() / 1000000)));
    o->account = directory_account_id(d, &n);
    put_proof(d, o->account, c, (struct slice){NULL, 0});
    outcome_set(o, DIRECTORY_OK, "The account %s is made%s%s.", n.text,
                c && c->hash[0] ? "" : "; nobody can log in before it is given a password",
                directory_has_alias(d, &n) ? "; an alias of the same address still says where its "
                                             "mail goes"
                                           : "");
}

static bool
has_apop(struct directory *d, const struct name *n)
{
    bool has =
        db_first(&d->db, SQL_account_get, DB_VALUES(db_text(n->domain), db_text(n->local))) &&
        db_get_number(&d->db, SQL_account_get, 6) != 0;

    db_end(&d->db, SQL_account_get);
    return has;
}

void
account_passwd(struct directory *d, const struct directory_account_passwd *m,
               const struct credentials *c, struct outcome *o)
{
    struct name n;
    bool had_apop;

    if (!directory_find_account(d, &n, m->address, o))
        return;
    had_apop = has_apop(d, &n);
    put_proof(d, o->account, c, m->password);
    if (!c || !c->hash[0])
        outcome_set(o, DIRECTORY_OK, "Nobody can log in as %s any more.", n.text);
    else if (!had_apop)
        outcome_set(o, DIRECTORY_OK, "The password of %s is changed.", n.text);
    else
        outcome_set(o, DIRECTORY_OK, "The password of %s is changed. APOP %s.", n.text,
                    m->password.len ? "takes the new one too, which is stored as it is"
                                    : "is switched off, because a hash is no use to it");
}

void
account_quota(struct directory *d, const struct directory_account_quota *m,
              const struct credentials *c, struct outcome *o)
{
    struct db_value quota;
    struct name n;

    (void)c;
    if (!directory_find_account(d, &n, m->address, o) || !quota_of(m->quota, &quota, o))
        return;
    db_run(&d->db, SQL_account_quota, DB_VALUES(db_number(o->account), quota));
    outcome_set(o, DIRECTORY_OK, "The quota of %s is changed.", n.text);
}

void
account_suspend(struct directory *d, const struct directory_account_suspend *m,
                const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!directory_find_account(d, &n, m->address, o))
        return;
    db_run(&d->db, SQL_account_suspend,
           DB_VALUES(db_number(o->account), db_number(m->suspended != 0)));
    outcome_set(o, DIRECTORY_OK, "The account %s is %s.", n.text,
                m->suspended ? "suspended: its mail is refused and nobody can log in"
                             : "in service");
}

void
account_delay(struct directory *d, const struct directory_account_login_delay *m,
              const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!directory_find_account(d, &n, m->address, o))
        return;
    /* rfc2449#6.5-b: before the login the service's is announced, so nobody's is longer */
    if (m->seconds > d->login_delay && m->seconds != UINT32_MAX) {
        outcome_set(o, DIRECTORY_BAD_VALUE,
                    "A login delay is at most that of the service, %u seconds (limit "
                    "login_delay_seconds).",
                    d->login_delay);
        return;
    }
    db_run(&d->db, SQL_account_delay,
           DB_VALUES(db_number(o->account),
                     m->seconds == UINT32_MAX ? db_none() : db_number(m->seconds)));
    outcome_set(o, DIRECTORY_OK, "The login delay of %s is changed.", n.text);
}

void
account_apop(struct directory *d, const struct directory_account_apop *m,
             const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!directory_find_account(d, &n, m->address, o))
        return;
    if (m->secret.len && !credentials_password_ok(m->secret)) {
        outcome_set(o, DIRECTORY_BAD_PASSWORD, "This cannot be a password.");
        return;
    }
    db_run(&d->db, SQL_account_apop,
           DB_VALUES(db_number(o->account), m->secret.len ? db_text(m->secret) : db_none()));
    outcome_set(o, DIRECTORY_OK,
                m->secret.len
                    ? "APOP works for %s. It needs the password itself, which is from now "
                      "on stored as it is: whoever can read the directory can read it."
                    : "APOP is switched off for %s, and the password it needed forgotten.",
                n.text);
}

void
account_remove(struct directory *d, const struct directory_account_remove *m,
               const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!directory_find_account(d, &n, m->address, o))
        return;
    db_run(&d->db, SQL_account_drop, DB_VALUES(db_number(o->account)));
    /* an alias that kept a copy here loses that target, but not its others */
    db_run(&d->db, SQL_alias_drop,
           DB_VALUES(db_text(n.domain), db_text(n.local), db_text(name_text(&n))));
    if (!directory_forget_target(d, &n, o))
        return;
    if (directory_lacks_postmaster(d, &n))
        outcome_set(o, DIRECTORY_IN_USE,
                    "%s must exist as long as its domain does. An alias of that name can take its "
                    "place.",
                    n.text);
    else
        outcome_set(o, DIRECTORY_OK,
                    "The account %s is removed, also from the aliases that led to it.", n.text);
}
