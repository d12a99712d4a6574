/* Changes of domains. Invariant: where a domain is, postmaster@domain is an account or an alias
 * (rfc5321#4.5.1-a). */
#include <stdio.h>

#include "base/clock.h"
#include "directory_private.h"

static bool
parse(struct name *n, struct slice domain, struct outcome *o)
{
    if (name_parse_domain(n, domain))
        return true;
    outcome_set(o, DIRECTORY_BAD_ADDRESS, "This is not the name of a domain.");
    return false;
}

bool
directory_find_domain(struct directory *d, struct name *n, struct slice domain, struct outcome *o)
{
    if (!parse(n, domain, o))
        return false;
    if (directory_has_domain(d, n->domain))
        return true;
    outcome_set(o, DIRECTORY_NO_SUCH, "The domain %s is not hosted here.", n->text);
    return false;
}

static void
name_postmaster(struct name *postmaster, const struct name *domain)
{
    char text[MIME_DOMAIN_MAX + sizeof("postmaster@")];

    snprintf(text, sizeof(text), "postmaster@%s", domain->text);
    name_take(postmaster, slice_of(text));
}

void
domain_add(struct directory *d, const struct directory_domain_add *m, const struct credentials *c,
           struct outcome *o)
{
    uint64_t now = clock_now_us() / 1000000;
    struct name n, postmaster;

    (void)c;
    if (!parse(&n, m->name, o))
        return;
    if (n.domain.len > MIME_ADDRESS_MAX - MIME_LOCAL_MAX - 1) {
        outcome_set(o, DIRECTORY_BAD_ADDRESS,
                    "The name of a domain with mailboxes has at most %d characters.",
                    MIME_ADDRESS_MAX - MIME_LOCAL_MAX - 1);
        return;
    }
    if (directory_has_domain(d, n.domain)) {
        outcome_set(o, DIRECTORY_EXISTS, "The domain %s is hosted here already.", n.text);
        return;
    }
    db_run(&d->db, SQL_domain_put, DB_VALUES(db_text(n.domain), db_number(now)));
    name_postmaster(&postmaster, &n);
    db_run(&d->db, SQL_account_put,
           DB_VALUES(db_text(n.domain), db_text(postmaster.local), db_none(), db_number(now)));
    o->account = directory_account_id(d, &postmaster);
    outcome_set(o, DIRECTORY_OK,
                "The domain %s is hosted here now. Mail for %s is kept; nobody can log in there "
                "before it is given a password.",
                n.text, postmaster.text);
}

void
domain_suspend(struct directory *d, const struct directory_domain_suspend *m,
               const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!directory_find_domain(d, &n, m->name, o))
        return;
    db_run(&d->db, SQL_domain_suspend, DB_VALUES(db_text(n.domain), db_number(m->suspended != 0)));
    outcome_set(o, DIRECTORY_OK, "The domain %s is %s.", n.text,
                m->suspended ? "suspended: its mail is refused and nobody there can log in"
                             : "in service");
}

/* What would be lost with the domain: everything but its postmaster's account. */
static uint64_t
count_dependents(struct directory *d, const struct name *n, bool has_postmaster)
{
    uint64_t count = 0;

    if (db_first(&d->db, SQL_domain_get, DB_VALUES(db_text(n->domain))))
        count = db_get_number(&d->db, SQL_domain_get, 2) +
                db_get_number(&d->db, SQL_domain_get, 3) - has_postmaster;
    db_end(&d->db, SQL_domain_get);
    return count;
}

void
domain_remove(struct directory *d, const struct directory_domain_remove *m,
              const struct credentials *c, struct outcome *o)
{
    struct name n, postmaster;
    uint64_t left;

    (void)c;
    if (!directory_find_domain(d, &n, m->name, o))
        return;
    name_postmaster(&postmaster, &n);
    o->account = directory_account_id(d, &postmaster);
    left = count_dependents(d, &n, o->account != 0);
    if (left != 0) {
        outcome_set(o, DIRECTORY_IN_USE,
                    "The domain %s still has %llu accounts and alias targets: remove them first.",
                    n.text, (unsigned long long)left);
        return;
    }
    if (o->account)
        db_run(&d->db, SQL_account_drop, DB_VALUES(db_number(o->account)));
    if (!directory_forget_target(d, &postmaster, o))
        return;
    db_run(&d->db, SQL_domain_drop, DB_VALUES(db_text(n.domain)));
    outcome_set(o, DIRECTORY_OK, "The domain %s is no longer hosted here.", n.text);
}
