/* Opening, looking things up, usage, and the frame around every change. */
#include "directory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "directory_private.h"

struct usage {
    uint64_t account, bytes, messages;
};

struct err
directory_open(struct directory *d)
{
    /* those followed, and as many that were read with them: of the longest address, with its link;
     * and what an answer holds */
    enum {
        TEXTS_BYTES = 2 * DIRECTORY_TARGETS_MAX * (MIME_ADDRESS_MAX + 64) + DIRECTORY_ANSWER_MAX
    };
    struct err e;

    *d = (struct directory){.texts = arena_new("alias texts", TEXTS_BYTES)};
    e = db_open(&d->db);
    if (!err_is(e))
        directory_read_keys(d);
    return e;
}

void
directory_close(struct directory *d)
{
    struct usage *u;

    for (size_t at = 0; (u = map_next(&d->usage, &at));)
        free(u);
    map_clear(&d->usage);
    arena_free(d->texts);
    db_close(&d->db);
}

bool
directory_list_text(struct directory *d, struct listed **list, struct slice text)
{
    struct listed *l = arena_take(d->texts, sizeof(*l));

    if (!l)
        return false;
    *l = (struct listed){*list, arena_copy(d->texts, text)};
    *list = l;
    return l->text.at != NULL;
}

bool
directory_has_domain(struct directory *d, struct slice domain)
{
    bool found = db_first(&d->db, SQL_domain_get, DB_VALUES(db_text(domain)));

    db_end(&d->db, SQL_domain_get);
    return found;
}

bool
directory_has_alias(struct directory *d, const struct name *n)
{
    bool found = db_first(&d->db, SQL_alias_get, DB_VALUES(db_text(n->domain), db_text(n->local)));

    db_end(&d->db, SQL_alias_get);
    return found;
}

uint64_t
directory_account_id(struct directory *d, const struct name *n)
{
    uint64_t id = 0;

    if (db_first(&d->db, SQL_account_id, DB_VALUES(db_text(n->domain), db_text(n->local))))
        id = db_get_number(&d->db, SQL_account_id, 0);
    db_end(&d->db, SQL_account_id);
    return id;
}

bool
directory_lacks_postmaster(struct directory *d, const struct name *n)
{
    return slice_eq(n->local, SLICE("postmaster")) && directory_account_id(d, n) == 0 &&
           !directory_has_alias(d, n);
}

static size_t
copy_bytes(struct slice from, void *to, size_t room)
{
    size_t n = from.len < room ? from.len : room;

    if (n)
        memcpy(to, from.at, n);
    return n;
}

static void
get_credentials(struct db *db, struct credentials *c)
{
    slice_to_string(db_get_slice(db, SQL_login, 4), c->hash, sizeof(c->hash));
    c->iterations = (uint32_t)db_get_number(db, SQL_login, 5);
    c->salt_len = copy_bytes(db_get_slice(db, SQL_login, 6), c->salt, sizeof(c->salt));
    if (copy_bytes(db_get_slice(db, SQL_login, 7), c->scram.stored, SASL_SCRAM_KEY) +
            copy_bytes(db_get_slice(db, SQL_login, 8), c->scram.server, SASL_SCRAM_KEY) !=
        2 * SASL_SCRAM_KEY)
        c->iterations = 0;
    slice_to_string(db_get_slice(db, SQL_login, 9), c->apop, sizeof(c->apop));
}

bool
directory_account_get(struct directory *d, const struct name *n, struct account *a)
{
    struct db *db = &d->db;

    *a = (struct account){.login_delay = UINT32_MAX};
    if (!db_first(db, SQL_login, DB_VALUES(db_text(n->domain), db_text(n->local))))
        return false;
    a->id = db_get_number(db, SQL_login, 0);
    a->suspended = db_get_number(db, SQL_login, 1) != 0;
    a->domain_suspended = db_get_number(db, SQL_login, 2) != 0;
    a->login_delay = (uint32_t)db_get_number_or(db, SQL_login, 3, UINT32_MAX);
    if (a->login_delay != UINT32_MAX && a->login_delay > d->login_delay)
        a->login_delay = d->login_delay; /* rfc2449#6.5-b: the service's may have become shorter */
    get_credentials(db, &a->credentials);
    db_end(db, SQL_login);
    return true;
}

struct slice
directory_secret(struct directory *d, const char *name, uint8_t room[DIRECTORY_SECRET_MAX])
{
    size_t len = 0;

    if (db_first(&d->db, SQL_secret_get, DB_VALUES(db_text(slice_of(name)))))
        len = copy_bytes(db_get_slice(&d->db, SQL_secret_get, 0), room, DIRECTORY_SECRET_MAX);
    db_end(&d->db, SQL_secret_get);
    return slice_make(room, len);
}

void
directory_learn_scram(struct directory *d, uint64_t account, const struct credentials *c)
{
    db_run(&d->db, SQL_account_scram,
           DB_VALUES(db_number(account), db_text(slice_of(c->hash)), db_number(c->iterations),
                     db_blob(c->salt, c->salt_len), db_blob(c->scram.stored, SASL_SCRAM_KEY),
                     db_blob(c->scram.server, SASL_SCRAM_KEY)));
    d->changed = true;
}

void
directory_report(struct directory *d, uint64_t account, uint64_t bytes, uint64_t messages)
{
    struct usage *u = map_get(&d->usage, account);

    if (account == 0)
        return;
    if (!u) {
        if (d->usage.count >= DIRECTORY_USAGE_MAX)
            d->db.err = directory_flush(d);
        u = heap_take(sizeof(*u));
        map_put(&d->usage, account, u);
    }
    *u = (struct usage){account, bytes, messages};
}

struct err
directory_flush(struct directory *d)
{
    struct usage *u;

    if (d->usage.count == 0)
        return ERR_OK;
    directory_begin(d);
    for (size_t at = 0; (u = map_next(&d->usage, &at)); free(u))
        db_run(&d->db, SQL_account_usage,
               DB_VALUES(db_number(u->account), db_number(u->bytes), db_number(u->messages)));
    map_clear(&d->usage);
    return directory_commit(d);
}

uint64_t
directory_used(const struct directory *d, uint64_t account, uint64_t bytes, uint64_t *messages)
{
    const struct usage *u = map_get(&d->usage, account);

    if (u && messages)
        *messages = u->messages;
    return u ? u->bytes : bytes;
}

struct totals
directory_totals(struct directory *d)
{
    struct totals t = {0};

    if (db_first(&d->db, SQL_totals, NULL))
        t = (struct totals){db_get_number(&d->db, SQL_totals, 0),
                            db_get_number(&d->db, SQL_totals, 1),
                            db_get_number(&d->db, SQL_totals, 2)};
    db_end(&d->db, SQL_totals);
    return t;
}

void
outcome_set(struct outcome *o, enum directory_result result, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(o->text, sizeof(o->text), format, args);
    va_end(args);
    ensure(n >= 0 && (size_t)n < sizeof(o->text));
    o->result = result;
}
