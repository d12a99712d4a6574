/* The frame around changes: a savepoint each, one transaction for many. */
#include "base/ensure.h"
#include "directory_private.h"

/* The schemas differ, the calls do not: one adapter each, as lib/ipc does for its readers. */
#define CHANGE(message, fn, proof)                                                                 \
    static void run_##fn(struct directory *d, const union msg_any *m, const struct credentials *c, \
                         struct outcome *o)                                                        \
    {                                                                                              \
        fn(d, &m->message, c, o);                                                                  \
    }
#include "change.def"
#undef CHANGE

static const struct {
    enum msg_type type;
    void (*run)(struct directory *d, const union msg_any *m, const struct credentials *c,
                struct outcome *o);
} changes[] = {
#define CHANGE(message, fn, proof) {MSG_##message, run_##fn},
#include "change.def"
#undef CHANGE
};

void
directory_begin(struct directory *d)
{
    db_run(&d->db, SQL_begin, NULL);
}

void
directory_change(struct directory *d, enum msg_type type, const union msg_any *m,
                 const struct credentials *c, struct outcome *o)
{
    *o = (struct outcome){.result = DIRECTORY_TEMPORARY};
    db_run(&d->db, SQL_savepoint, NULL);
    for (size_t i = 0; i < COUNT(changes) && !err_is(d->db.err); i++)
        if (changes[i].type == type)
            changes[i].run(d, m, c, o);
    if (err_is(d->db.err))
        outcome_set(o, DIRECTORY_TEMPORARY, "The directory could not be written.");
    if (o->result != DIRECTORY_OK) {
        o->account = 0;
        db_run(&d->db, SQL_undo, NULL);
    }
    d->changed = d->changed || o->result == DIRECTORY_OK;
    db_run(&d->db, SQL_release, NULL);
}

struct err
directory_commit(struct directory *d)
{
    struct err e;

    db_run(&d->db, SQL_commit, NULL);
    e = db_settle(&d->db);
    if (!err_is(e) || sqlite3_get_autocommit(d->db.sqlite))
        return e; /* some failures have rolled back already */
    db_run(&d->db, SQL_rollback, NULL);
    db_settle(&d->db);
    return e;
}
