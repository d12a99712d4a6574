/* Changes of aliases. Invariant: what an alias names was hosted here, led somewhere and not back
 * when it was made; an account or alias that is removed goes from all that named it. */
#include <stdio.h>

#include "directory_private.h"

/* An alias that names this address; false: none does. */
static bool
next_owner(struct directory *d, const struct name *target, struct name *owner)
{
    char text[MIME_ADDRESS_MAX + 1];
    bool found = db_first(&d->db, SQL_alias_owner, DB_VALUES(db_text(name_text(target))));

    if (found) {
        struct slice local = db_get_slice(&d->db, SQL_alias_owner, 0);
        struct slice domain = db_get_slice(&d->db, SQL_alias_owner, 1);

        snprintf(text, sizeof(text), "%.*s@%.*s", (int)local.len, local.at, (int)domain.len,
                 domain.at);
    }
    db_end(&d->db, SQL_alias_owner);
    return found && name_parse_alias(owner, slice_of(text));
}

/* Take the target out of every alias that names it; those aliases come onto the list, as they may
 * have ended so. */
static bool
take_out(struct directory *d, const struct name *target, struct listed **list, struct outcome *o)
{
    struct name owner;

    while (next_owner(d, target, &owner)) {
        db_run(&d->db, SQL_alias_drop,
               DB_VALUES(db_text(owner.domain), db_text(owner.local), db_text(name_text(target))));
        if (directory_lacks_postmaster(d, &owner)) {
            outcome_set(o, DIRECTORY_IN_USE,
                        "%s leads there alone, and must exist as long as its domain does.",
                        owner.text);
            return false;
        }
        if (!directory_list_text(d, list, name_text(&owner))) {
            outcome_set(o, DIRECTORY_LIMIT, "Too many aliases lead there: remove some first.");
            return false;
        }
    }
    return true;
}

bool
directory_forget_target(struct directory *d, const struct name *n, struct outcome *o)
{
    struct listed *list = NULL;
    struct name target;
    bool done = directory_list_text(d, &list, name_text(n));

    while (done && list) {
        struct slice text = list->text;

        list = list->next;
        if (name_parse_alias(&target, text) && directory_account_id(d, &target) == 0 &&
            !directory_has_alias(d, &target))
            done = take_out(d, &target, &list, o);
    }
    arena_clear(d->texts);
    return done;
}

static bool
parse(struct directory *d, struct name *n, struct slice address, struct outcome *o)
{
    if (!name_parse_alias(n, address) || n->local.len > MIME_LOCAL_MAX)
        outcome_set(o, DIRECTORY_BAD_ADDRESS,
                    "This is not an address, nor @ and a domain for a catch-all.");
    else if (!directory_has_domain(d, n->domain))
        outcome_set(o, DIRECTORY_NO_DOMAIN, "The domain %.*s is not hosted here.",
                    (int)n->domain.len, n->domain.at);
    else
        return true;
    return false;
}

static bool
target_ok(struct directory *d, struct name *target, struct slice address, struct outcome *o)
{
    struct name probe;
    struct expansion x;

    if (!name_parse(target, address)) {
        outcome_set(o, DIRECTORY_BAD_ADDRESS, "This target is not an address: %.*s",
                    (int)slice_head(address, MIME_ADDRESS_MAX).len, address.at);
        return false;
    }
    if (!directory_has_domain(d, target->domain)) {
        outcome_set(o, DIRECTORY_REMOTE,
                    "%s is on another server. Forwarding to other servers comes with the outgoing "
                    "queue; for now a target is an address of a domain hosted here.",
                    target->text);
        return false;
    }
    name_take(&probe, name_text(target)); /* which expanding cuts */
    directory_expand_name(d, &probe, &x);
    if (x.verdict != ACCOUNTS_NO_MAILBOX)
        return true;
    outcome_set(o, DIRECTORY_NO_SUCH, "There is no account and no alias %s.", target->text);
    return false;
}

/* Puts the targets; returns how many were new, or -1 with the outcome set. */
static int
put_targets(struct directory *d, const struct name *n, struct slice items, struct outcome *o)
{
    struct directory_target item;
    struct name target;
    int added = 0;

    while (msg_items_take(&items, MSG_directory_target, &item)) {
        if (!target_ok(d, &target, item.address, o))
            return -1;
        added +=
            db_run(&d->db, SQL_alias_put,
                   DB_VALUES(db_text(n->domain), db_text(n->local), db_text(name_text(&target))));
    }
    if (items.len == 0)
        return added;
    outcome_set(o, DIRECTORY_BAD_ADDRESS, "The list of targets is malformed.");
    return -1;
}

static bool
many_targets(struct directory *d, const struct name *n)
{
    bool many =
        db_first(&d->db, SQL_alias_count, DB_VALUES(db_text(n->domain), db_text(n->local))) &&
        db_get_number(&d->db, SQL_alias_count, 0) > DIRECTORY_TARGETS_MAX;

    db_end(&d->db, SQL_alias_count);
    return many;
}

static bool
leads_back(struct directory *d, const struct name *n)
{
    struct expansion x;
    struct name probe;

    name_parse_alias(&probe, name_text(n));
    directory_expand_name(d, &probe, &x);
    return x.verdict == ACCOUNTS_LOOP;
}

void
alias_add(struct directory *d, const struct directory_alias_add *m, const struct credentials *c,
          struct outcome *o)
{
    struct name n;
    int added;

    (void)c;
    if (!parse(d, &n, m->address, o))
        return;
    added = put_targets(d, &n, m->targets, o);
    if (added < 0)
        return;
    if (added == 0)
        outcome_set(o, m->targets.len ? DIRECTORY_EXISTS : DIRECTORY_BAD_VALUE,
                    m->targets.len ? "The alias %s leads there already."
                                   : "The alias %s needs at least one target.",
                    n.text);
    else if (many_targets(d, &n))
        outcome_set(o, DIRECTORY_LIMIT, "An alias has at most %d targets.", DIRECTORY_TARGETS_MAX);
    else if (leads_back(d, &n))
        outcome_set(o, DIRECTORY_LOOP,
                    "The alias %s would lead back to itself, or through more than %d aliases.",
                    n.text, DIRECTORY_DEPTH_MAX);
    else
        outcome_set(o, DIRECTORY_OK, "The alias %s has %d more targets.%s", n.text, added,
                    directory_account_id(d, &n) ? " It overrules the account of the same address."
                                                : "");
}

static bool
drop_targets(struct directory *d, const struct name *n, struct slice items, struct outcome *o)
{
    struct directory_target item;
    struct name target;

    while (msg_items_take(&items, MSG_directory_target, &item)) {
        if (name_parse(&target, item.address) &&
            db_run(&d->db, SQL_alias_drop,
                   DB_VALUES(db_text(n->domain), db_text(n->local), db_text(name_text(&target)))))
            continue;
        outcome_set(o, DIRECTORY_NO_SUCH, "The alias %s does not lead to %.*s.", n->text,
                    (int)slice_head(item.address, MIME_ADDRESS_MAX).len, item.address.at);
        return false;
    }
    if (items.len)
        outcome_set(o, DIRECTORY_BAD_ADDRESS, "The list of targets is malformed.");
    return items.len == 0;
}

void
alias_remove(struct directory *d, const struct directory_alias_remove *m,
             const struct credentials *c, struct outcome *o)
{
    struct name n;

    (void)c;
    if (!parse(d, &n, m->address, o))
        return;
    if (!directory_has_alias(d, &n)) {
        outcome_set(o, DIRECTORY_NO_SUCH, "There is no alias %s.", n.text);
        return;
    }
    if (m->targets.len && !drop_targets(d, &n, m->targets, o))
        return;
    if (m->targets.len == 0)
        db_run(&d->db, SQL_alias_drop_all, DB_VALUES(db_text(n.domain), db_text(n.local)));
    if (!directory_forget_target(d, &n, o))
        return;
    if (directory_lacks_postmaster(d, &n))
        outcome_set(o, DIRECTORY_IN_USE,
                    "%s must exist as long as its domain does, and there is no account of that "
                    "name.",
                    n.text);
    else
        outcome_set(o, DIRECTORY_OK, "The alias %s %s.", n.text,
                    directory_has_alias(d, &n) ? "has fewer targets" : "is removed");
}
