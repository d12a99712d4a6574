/* Where mail for an address goes. A walk over aliases that visits at most DIRECTORY_TARGETS_MAX
 * targets and goes at most DIRECTORY_DEPTH_MAX deep, whatever the aliases say. */
#include "directory.h"
#include "directory_private.h"

/* An alias being followed. */
struct level {
    struct slice alias;        /* its text */
    const struct listed *next; /* of its targets */
};

struct walk {
    struct directory *d;
    struct expansion *x;
    struct level levels[DIRECTORY_DEPTH_MAX]; /* outermost first */
    unsigned depth;
    unsigned visited, usable; /* targets; mailboxes with room */
    bool loop;
    enum accounts_verdict worst; /* why there is no mailbox, should there be none */
};

/* What the directory has under one address. */
struct entry {
    bool hosted, domain_suspended, suspended, alias;
    uint64_t account, quota, used;
};

static void
note(struct walk *w, enum accounts_verdict v)
{
    /* from what says least to what says most: a list whose members are full is full */
    static const enum accounts_verdict order[] = {ACCOUNTS_NOT_LOCAL, ACCOUNTS_NO_MAILBOX,
                                                  ACCOUNTS_DOMAIN_SUSPENDED, ACCOUNTS_SUSPENDED,
                                                  ACCOUNTS_FULL};
    size_t now = 0, then = 0;

    for (size_t i = 0; i < COUNT(order); i++) {
        now = order[i] == v ? i : now;
        then = order[i] == w->worst ? i : then;
    }
    if (now > then)
        w->worst = v;
}

static struct entry
look_up(struct directory *d, const struct name *n)
{
    struct db *db = &d->db;
    struct entry e = {0};

    if (!db_first(db, SQL_recipient, DB_VALUES(db_text(n->domain), db_text(n->local))))
        return e;
    e.hosted = true;
    e.domain_suspended = db_get_number(db, SQL_recipient, 0) != 0;
    e.account = db_get_number(db, SQL_recipient, 1);
    e.suspended = db_get_number(db, SQL_recipient, 2) != 0;
    e.quota = db_get_number_or(db, SQL_recipient, 3, d->quota);
    e.used = directory_used(d, e.account, db_get_number(db, SQL_recipient, 4), NULL);
    e.alias = db_get_number(db, SQL_recipient, 5) != 0;
    db_end(db, SQL_recipient);
    return e;
}

static bool
has_mailbox(const struct expansion *x, uint64_t account)
{
    for (size_t i = 0; i < x->count; i++)
        if (x->mailboxes[i].account == account)
            return true;
    return false;
}

static void
add_mailbox(struct walk *w, const struct entry *e)
{
    struct expansion *x = w->x;
    bool full = e->quota != 0 && e->used >= e->quota;
    uint64_t room = e->quota == 0 ? UINT64_MAX : full ? 0 : e->quota - e->used;

    if (e->suspended)
        note(w, ACCOUNTS_SUSPENDED);
    if (e->suspended || has_mailbox(x, e->account))
        return;
    if (full)
        note(w, ACCOUNTS_FULL);
    w->usable += !full;
    x->room = room > x->room ? room : x->room;
    x->mailboxes[x->count++] = (struct queue_target){.account = e->account, .quota = e->quota};
}

static bool
is_being_followed(const struct walk *w, struct slice alias)
{
    for (unsigned i = 0; i < w->depth; i++)
        if (slice_eq(w->levels[i].alias, alias))
            return true;
    return false;
}

/* Its targets are read whole, as following them runs the same statement again. */
static void
follow(struct walk *w, const struct name *n)
{
    struct db *db = &w->d->db;
    struct listed *list = NULL;
    struct level here = {.alias = arena_copy(w->d->texts, name_text(n))};

    w->loop = w->depth == DIRECTORY_DEPTH_MAX || !here.alias.at;
    db_begin(db, SQL_targets,
             DB_VALUES(db_text(n->domain), db_text(n->local), db_number(DIRECTORY_TARGETS_MAX)));
    while (!w->loop && db_next(db, SQL_targets))
        w->loop = !directory_list_text(w->d, &list, db_get_slice(db, SQL_targets, 0));
    db_end(db, SQL_targets);
    here.next = list;
    if (!w->loop)
        w->levels[w->depth++] = here;
}

/* One address: a mailbox, one more alias to follow, or a reason why it is neither. */
static void
resolve(struct walk *w, struct name *n)
{
    struct entry e = look_up(w->d, n);

    while (e.hosted && !e.alias && !e.account && name_cut_detail(n))
        e = look_up(w->d, n);
    if (e.hosted && !e.alias && !e.account) {
        name_cut_local(n);
        e = look_up(w->d, n);
    }
    if (!e.hosted)
        note(w, w->depth ? ACCOUNTS_NO_MAILBOX : ACCOUNTS_NOT_LOCAL);
    else if (e.domain_suspended)
        note(w, ACCOUNTS_DOMAIN_SUSPENDED);
    else if (e.alias && !is_being_followed(w, name_text(n)))
        follow(w, n);
    else if (e.account)
        add_mailbox(w, &e);
    else if (e.alias)
        w->loop = true;
    else
        note(w, ACCOUNTS_NO_MAILBOX);
}

static void
resolve_next(struct walk *w)
{
    struct level *innermost = &w->levels[w->depth - 1];
    const struct listed *target = innermost->next;
    struct name n;

    if (!target) {
        w->depth--;
        return;
    }
    innermost->next = target->next;
    w->loop = ++w->visited > DIRECTORY_TARGETS_MAX;
    if (!w->loop && name_take(&n, target->text))
        resolve(w, &n);
}

/* An empty directory beside a damaged one has lost its domains, and mail for them must wait until
 * somebody has put them back: a permanent refusal would send all of it home. */
static bool
is_lost(struct directory *d)
{
    bool empty = !db_first(&d->db, SQL_domain_first, NULL);

    db_end(&d->db, SQL_domain_first);
    return empty && db_lies_aside();
}

void
directory_expand_name(struct directory *d, struct name *n, struct expansion *x)
{
    struct walk w = {.d = d, .x = x, .worst = ACCOUNTS_NOT_LOCAL};

    x->count = 0;
    x->room = 0;
    resolve(&w, n);
    while (w.depth && !w.loop)
        resolve_next(&w);
    arena_clear(d->texts);
    x->verdict = w.loop ? ACCOUNTS_LOOP : w.usable ? ACCOUNTS_OK : w.worst;
    if (err_is(d->db.err) || (x->verdict == ACCOUNTS_NOT_LOCAL && is_lost(d)))
        x->verdict = ACCOUNTS_TEMPORARY;
}

/* rfc5321#4.5.1-b: "postmaster" without a domain is ours. */
static bool
name_own_postmaster(struct directory *d, struct slice hostname, struct name *n)
{
    char text[MIME_ADDRESS_MAX + 1] = "postmaster@";
    size_t before = strlen(text);
    struct slice parent = hostname, head;
    bool found = slice_to_string(hostname, text + before, sizeof(text) - before) &&
                 name_take(n, slice_of(text)) && directory_has_domain(d, n->domain);

    if (!found && slice_cut(&parent, '.', &head))
        found = slice_to_string(parent, text + before, sizeof(text) - before) &&
                name_take(n, slice_of(text)) && directory_has_domain(d, n->domain);
    if (!found && db_first(&d->db, SQL_domain_first, NULL))
        found = slice_to_string(db_get_slice(&d->db, SQL_domain_first, 0), text + before,
                                sizeof(text) - before) &&
                name_take(n, slice_of(text));
    db_end(&d->db, SQL_domain_first);
    return found;
}

void
directory_expand(struct directory *d, struct slice hostname, struct slice address,
                 struct expansion *x)
{
    struct name n;

    x->verdict = ACCOUNTS_NO_MAILBOX;
    x->count = 0;
    x->room = 0;
    if (!name_take(&n, address))
        return;
    if (n.domain.len == 0 &&
        (!slice_eq(n.local, SLICE("postmaster")) || !name_own_postmaster(d, hostname, &n)))
        return;
    directory_expand_name(d, &n, x);
}

bool
directory_may_send(struct directory *d, uint64_t account, struct slice address, struct expansion *x)
{
    struct name n;
    struct entry e;

    if (address.len == 0) /* a null sender: mail programs send read receipts so (RFC 8098 3) */
        return true;
    if (!name_take(&n, address) || n.domain.len == 0)
        return false;
    e = look_up(d, &n);
    while (e.hosted && !e.alias && !e.account && name_cut_detail(&n))
        e = look_up(d, &n);
    if (e.account == account && account != 0)
        return !e.suspended && !e.domain_suspended;
    name_take(&n, address);
    directory_expand_name(d, &n, x);
    return has_mailbox(x, account);
}
