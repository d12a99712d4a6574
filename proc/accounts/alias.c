/* Changes of aliases. Invariant: what an alias names here led somewhere, and not back, when it was
 * named; an account or alias that is removed goes from all that named it. All rows of an alias are
 * of one kind, and one that tells a sender anything has one target. */
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
    bool done;

    arena_clear(d->texts); /* of what was found before */
    done = directory_list_text(d, &list, name_text(n));
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

/* A target as the directory writes it: where its domain is hosted here, like a name of ours. */
static bool
read_target(struct directory *d, struct slice address, char text[MIME_ADDRESS_MAX + 1],
            bool *is_here)
{
    struct name n;

    if (!name_parse_elsewhere(address, text) || !name_take(&n, slice_of(text)))
        return false;
    *is_here = directory_has_domain(d, n.domain);
    if (*is_here)
        memcpy(text, n.text, sizeof(n.text));
    return true;
}

/* An address here must be one that takes mail. */
static bool
leads_somewhere(struct directory *d, const char *target, struct outcome *o)
{
    struct name probe;
    struct expansion x;

    name_take(&probe, slice_of(target));
    directory_expand_name(d, &probe, &x);
    if (x.verdict == ACCOUNTS_NO_MAILBOX)
        outcome_set(o, DIRECTORY_NO_SUCH, "There is no account and no alias %s.", target);
    else if (x.verdict == ACCOUNTS_MOVED)
        outcome_set(o, DIRECTORY_NO_SUCH, "%s has moved to %.*s.", target, (int)x.told.len,
                    x.told.at);
    else
        return true;
    return false;
}

static bool
target_ok(struct directory *d, const struct name *alias, uint32_t kind, struct slice address,
          char text[MIME_ADDRESS_MAX + 1], struct outcome *o)
{
    bool is_here;

    if (!read_target(d, address, text, &is_here))
        outcome_set(o, DIRECTORY_BAD_ADDRESS, "This target is not an address: %.*s",
                    (int)slice_head(address, MIME_ADDRESS_MAX).len, address.at);
    else if (kind != DIRECTORY_HIDDEN && !slice_is_ascii(slice_of(text)))
        outcome_set(o, DIRECTORY_BAD_VALUE,
                    "%s cannot be told to every sender: it has letters beyond ASCII.", text);
    else if (kind == DIRECTORY_MOVED && slice_eq(slice_of(text), name_text(alias)))
        outcome_set(o, DIRECTORY_LOOP, "%s cannot have moved to itself.", text);
    else
        return !is_here || leads_somewhere(d, text, o);
    return false;
}

/* Puts the targets; returns how many were new, or -1 with the outcome set. */
static int
put_targets(struct directory *d, const struct name *n, const struct directory_alias_add *m,
            struct outcome *o)
{
    struct slice items = m->targets;
    struct directory_target item;
    char text[MIME_ADDRESS_MAX + 1];
    int added = 0;

    while (msg_items_take(&items, MSG_directory_target, &item)) {
        if (!target_ok(d, n, m->kind, item.address, text, o))
            return -1;
        added += db_run(&d->db, SQL_alias_put,
                        DB_VALUES(db_text(n->domain), db_text(n->local), db_text(slice_of(text))));
    }
    if (items.len == 0)
        return added;
    outcome_set(o, DIRECTORY_BAD_ADDRESS, "The list of targets is malformed.");
    return -1;
}

static uint64_t
count_targets(struct directory *d, const struct name *n)
{
    uint64_t count = 0;

    if (db_first(&d->db, SQL_alias_count, DB_VALUES(db_text(n->domain), db_text(n->local))))
        count = db_get_number(&d->db, SQL_alias_count, 0);
    db_end(&d->db, SQL_alias_count);
    return count;
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

/* rfc5321#4.5.1-a: a postmaster is always there. */
static bool
kind_ok(const struct name *n, uint32_t kind, struct outcome *o)
{
    if (kind >= DIRECTORY_ALIAS_KINDS)
        outcome_set(o, DIRECTORY_BAD_VALUE, "There is no such kind of alias.");
    else if (kind == DIRECTORY_MOVED && slice_eq(n->local, SLICE("postmaster")))
        outcome_set(o, DIRECTORY_IN_USE,
                    "Mail for %s must be taken as long as its domain is hosted here.", n->text);
    else
        return true;
    return false;
}

/* What the alias has come to with the targets put. */
static void
conclude(struct directory *d, const struct name *n, uint32_t kind, int added, struct outcome *o)
{
    static const char *const now[] = {
        [DIRECTORY_HIDDEN] = "leads there",
        [DIRECTORY_TOLD] = "leads there, and senders are told so",
        [DIRECTORY_MOVED] = "has moved there: its mail is refused, with the new address"};
    uint64_t count = count_targets(d, n);

    if (count > DIRECTORY_TARGETS_MAX)
        outcome_set(o, DIRECTORY_LIMIT, "An alias has at most %d targets.", DIRECTORY_TARGETS_MAX);
    else if (kind != DIRECTORY_HIDDEN && count != 1)
        outcome_set(o, DIRECTORY_BAD_VALUE,
                    "Senders can be told one address, and %s has %llu targets.", n->text,
                    (unsigned long long)count);
    else if (leads_back(d, n))
        outcome_set(o, DIRECTORY_LOOP,
                    "The alias %s would lead back to itself, or through more than %d aliases, or "
                    "to more addresses than fit an answer.",
                    n->text, DIRECTORY_DEPTH_MAX);
    else
        outcome_set(o, DIRECTORY_OK, "The alias %s %s (%d new).%s", n->text, now[kind], added,
                    directory_account_id(d, n) ? " It overrules the account of the same address."
                                               : "");
}

void
alias_add(struct directory *d, const struct directory_alias_add *m, const struct credentials *c,
          struct outcome *o)
{
    struct name n;
    int added, changed;

    (void)c;
    if (!parse(d, &n, m->address, o) || !kind_ok(&n, m->kind, o))
        return;
    added = put_targets(d, &n, m, o);
    if (added < 0)
        return;
    changed = db_run(&d->db, SQL_alias_kind,
                     DB_VALUES(db_text(n.domain), db_text(n.local), db_number(m->kind)));
    if (m->targets.len == 0)
        outcome_set(o, DIRECTORY_BAD_VALUE, "The alias %s needs at least one target.", n.text);
    else if (added == 0 && changed == 0)
        outcome_set(o, DIRECTORY_EXISTS, "The alias %s leads there already.", n.text);
    else
        conclude(d, &n, m->kind, added, o);
}

static bool
drop_targets(struct directory *d, const struct name *n, struct slice items, struct outcome *o)
{
    struct directory_target item;
    char text[MIME_ADDRESS_MAX + 1];

    while (msg_items_take(&items, MSG_directory_target, &item)) {
        if (name_parse_elsewhere(item.address, text) &&
            db_run(&d->db, SQL_alias_drop,
                   DB_VALUES(db_text(n->domain), db_text(n->local), db_text(slice_of(text)))))
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
