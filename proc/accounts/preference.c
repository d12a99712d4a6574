/* What accounts and domains may both have, the account's own coming first: the language that people
 * are written to in, and how long mail of theirs may wait in the queue. */
#include "base/limit.h"
#include "directory_private.h"

static bool
language_ok(struct slice language, struct outcome *o)
{
    bool fine = language.len <= DIRECTORY_LANGUAGE_MAX && language.len != 1;

    for (size_t i = 0; i < language.len; i++)
        fine = fine && (ascii_is_alnum(language.at[i]) || language.at[i] == '-');
    if (!fine)
        outcome_set(o, DIRECTORY_BAD_VALUE, "This is not a language: try en or es.");
    return fine;
}

/* As the service's own, whose place it takes. */
static bool
lifetime_ok(uint32_t seconds, struct outcome *o)
{
    const struct limit_row *row = &limit_rows[LIMIT_queue_seconds];

    if (seconds == 0 || (seconds >= row->least && seconds <= row->most))
        return true;
    outcome_set(o, DIRECTORY_BAD_VALUE, "Mail may wait from %u seconds to %u, which are %u days.",
                (unsigned)row->least, (unsigned)row->most, (unsigned)(row->most / 86400));
    return false;
}

void
account_language(struct directory *d, const struct directory_account_language *m,
                 const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!directory_find_account(d, &n, m->address, o) || !language_ok(m->language, o))
        return;
    db_run(&d->db, SQL_account_language, DB_VALUES(db_number(o->account), db_text(m->language)));
    outcome_set(o, DIRECTORY_OK, "The language of %s is changed.", n.text);
}

void
account_lifetime(struct directory *d, const struct directory_account_lifetime *m,
                 const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!directory_find_account(d, &n, m->address, o) || !lifetime_ok(m->seconds, o))
        return;
    db_run(&d->db, SQL_account_lifetime, DB_VALUES(db_number(o->account), db_number(m->seconds)));
    outcome_set(o, DIRECTORY_OK, "The time that mail of %s may wait is changed.", n.text);
}

void
domain_language(struct directory *d, const struct directory_domain_language *m,
                const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!directory_find_domain(d, &n, m->name, o) || !language_ok(m->language, o))
        return;
    db_run(&d->db, SQL_domain_language, DB_VALUES(db_text(n.domain), db_text(m->language)));
    outcome_set(o, DIRECTORY_OK, "The language of %s is changed.", n.text);
}

void
domain_lifetime(struct directory *d, const struct directory_domain_lifetime *m,
                const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!directory_find_domain(d, &n, m->name, o) || !lifetime_ok(m->seconds, o))
        return;
    db_run(&d->db, SQL_domain_lifetime, DB_VALUES(db_text(n.domain), db_number(m->seconds)));
    outcome_set(o, DIRECTORY_OK, "The time that mail of %s may wait is changed.", n.text);
}

uint32_t
directory_lifetime(struct directory *d, uint64_t account)
{
    uint64_t own = 0, domains = 0;

    if (db_first(&d->db, SQL_lifetime_get, DB_VALUES(db_number(account)))) {
        own = db_get_number(&d->db, SQL_lifetime_get, 0);
        domains = db_get_number(&d->db, SQL_lifetime_get, 1);
    }
    db_end(&d->db, SQL_lifetime_get);
    return (uint32_t)(own ? own : domains);
}
