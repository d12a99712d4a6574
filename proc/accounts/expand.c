/* Where mail for an address goes. A walk over aliases that visits at most DIRECTORY_TARGETS_MAX
 * targets and goes at most DIRECTORY_DEPTH_MAX deep, whatever the aliases say. */
#include "directory.h"
#include "directory_private.h"

/* An alias being followed. */
struct level {
    struct slice alias;        /* its text */
    const struct listed *next; /* of its targets */
    bool hidden;               /* it, or one that led to it, is */
};

struct walk {
    struct directory *d;
    struct expansion *x;
    struct slice sender;                      /* the reverse-path */
    struct slice through;                     /* a return address that led here; empty: none did */
    struct level levels[DIRECTORY_DEPTH_MAX]; /* outermost first */
    unsigned depth;
    unsigned visited, usable; /* targets; those that can take mail */
    size_t bytes;             /* of the answer, at most */
    bool loop, told;
    enum accounts_verdict worst; /* why there is no target, should there be none */
    char account_language[DIRECTORY_LANGUAGE_MAX + 1]; /* of the first mailbox */
};

/* What the directory has under one address. */
struct entry {
    bool hosted, domain_suspended, suspended, alias;
    enum directory_alias_kind kind;
    uint64_t account, quota, used;
    char language[DIRECTORY_LANGUAGE_MAX + 1], domain_language[DIRECTORY_LANGUAGE_MAX + 1];
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
    e.alias = !db_is_null(db, SQL_recipient, 5);
    e.kind = (enum directory_alias_kind)db_get_number(db, SQL_recipient, 5);
    slice_to_string(db_get_slice(db, SQL_recipient, 6), e.language, sizeof(e.language));
    slice_to_string(db_get_slice(db, SQL_recipient, 7), e.domain_language,
                    sizeof(e.domain_language));
    db_end(db, SQL_recipient);
    return e;
}

static bool
has_mailbox(const struct expansion *x, uint64_t account)
{
    for (size_t i = 0; i < x->count; i++)
        if (x->targets[i].account == account)
            return true;
    return false;
}

static bool
has_forward(const struct expansion *x, struct slice address)
{
    for (size_t i = 0; i < x->count; i++)
        if (x->targets[i].account == 0 && mime_address_eq(x->targets[i].address, address))
            return true;
    return false;
}

/* On the wire a target has fewer bytes than here; texts: those it has besides, at most. */
static void
add_target(struct walk *w, const struct queue_target *target, size_t texts)
{
    w->bytes += sizeof(*target) + texts;
    w->loop = w->loop || w->bytes > DIRECTORY_ANSWER_MAX;
    if (!w->loop)
        w->x->targets[w->x->count++] = *target;
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
    if (x->count == 0)
        memcpy(w->account_language, e->language, sizeof(e->language));
    add_target(w, &(struct queue_target){.account = e->account, .quota = e->quota}, 0);
}

/* An address elsewhere, which an alias or a return address leads to. Its return path is counted as
 * the longest, so that what an alias may hold does not depend on who writes. */
static void
add_forward(struct walk *w, struct slice address)
{
    const struct level *by = w->depth ? &w->levels[w->depth - 1] : NULL;
    struct queue_target target = {
        .address = arena_copy(w->d->texts, address),
        .sender = directory_return_path(w->d, by ? by->alias : w->through, w->sender),
        .flags = QUEUE_FORWARD | (by && by->hidden ? QUEUE_HIDDEN : 0u)};

    w->loop = !target.address.at || (w->sender.len && !target.sender.at);
    if (w->loop || has_forward(w->x, address))
        return;
    w->usable++;
    w->x->room = UINT64_MAX;
    add_target(w, &target, address.len + MIME_ADDRESS_MAX);
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
static struct listed *
read_targets(struct walk *w, const struct name *n)
{
    struct db *db = &w->d->db;
    struct listed *list = NULL;

    db_begin(db, SQL_targets,
             DB_VALUES(db_text(n->domain), db_text(n->local), db_number(DIRECTORY_TARGETS_MAX)));
    while (!w->loop && db_next(db, SQL_targets))
        w->loop = !directory_list_text(w->d, &list, db_get_slice(db, SQL_targets, 0));
    db_end(db, SQL_targets);
    return list;
}

/* Only what the address itself says is told: an alias that is hidden hides all behind it. */
static void
follow(struct walk *w, const struct name *n, enum directory_alias_kind kind)
{
    struct level here = {.alias = arena_copy(w->d->texts, name_text(n)),
                         .hidden = kind == DIRECTORY_HIDDEN ||
                                   (w->depth && w->levels[w->depth - 1].hidden)};

    w->loop = w->depth == DIRECTORY_DEPTH_MAX || !here.alias.at;
    here.next = read_targets(w, n);
    if (w->loop)
        return;
    if (w->depth == 0 && kind == DIRECTORY_TOLD && here.next) {
        w->told = true;
        w->x->told = here.next->text;
    }
    w->levels[w->depth++] = here;
}

/* An alias of somebody who is elsewhere now: whoever wrote to that address is told the new one. */
static void
tell_moved(struct walk *w, const struct name *n)
{
    struct listed *list = w->depth ? NULL : read_targets(w, n);

    if (!list)
        return;
    w->x->told = list->text;
    w->worst = ACCOUNTS_MOVED;
}

/* The entry of the address, or of what stands in for it. */
static struct entry
find_entry(struct directory *d, struct name *n)
{
    struct entry e = look_up(d, n);

    while (e.hosted && !e.alias && !e.account && name_cut_detail(n))
        e = look_up(d, n);
    if (e.hosted && !e.alias && !e.account) {
        name_cut_local(n);
        e = look_up(d, n);
    }
    return e;
}

/* One address: a mailbox, one more alias to follow, an address elsewhere, or a reason why it is
 * none of these. text: the address with its local part as it was written. */
static void
resolve(struct walk *w, struct name *n, struct slice text)
{
    struct entry e = find_entry(w->d, n);

    note(w, e.hosted ? ACCOUNTS_NO_MAILBOX : ACCOUNTS_NOT_LOCAL);
    if (w->visited == 0)
        memcpy(w->x->language, e.domain_language, sizeof(e.domain_language));
    if (!e.hosted && (w->depth || w->through.len))
        add_forward(w, text);
    else if (e.domain_suspended)
        note(w, ACCOUNTS_DOMAIN_SUSPENDED);
    else if (e.alias && e.kind == DIRECTORY_MOVED)
        tell_moved(w, n);
    else if (e.alias && !is_being_followed(w, name_text(n)))
        follow(w, n, e.kind);
    else if (e.account)
        add_mailbox(w, &e);
    else if (e.alias)
        w->loop = true;
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
        resolve(w, &n, target->text);
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

static void
begin(struct directory *d, struct expansion *x, enum accounts_verdict verdict)
{
    arena_clear(d->texts);
    x->verdict = verdict;
    x->count = 0;
    x->room = 0;
    x->told = (struct slice){NULL, 0};
    x->language[0] = '\0';
}

static void
expand(struct walk *w, struct name *n, struct slice text)
{
    struct directory *d = w->d;
    struct expansion *x = w->x;

    resolve(w, n, text);
    while (w->depth && !w->loop)
        resolve_next(w);
    x->verdict = w->loop ? ACCOUNTS_LOOP : w->usable ? ACCOUNTS_OK : w->worst;
    if (x->verdict == ACCOUNTS_OK && w->told)
        x->verdict = ACCOUNTS_FORWARDS;
    if (x->count == 1 && x->targets[0].account && w->account_language[0])
        memcpy(x->language, w->account_language, sizeof(x->language));
    if (err_is(d->db.err) || (x->verdict == ACCOUNTS_NOT_LOCAL && is_lost(d)))
        x->verdict = ACCOUNTS_TEMPORARY;
}

void
directory_expand_name(struct directory *d, struct name *n, struct expansion *x)
{
    struct walk w = {.d = d, .x = x, .worst = ACCOUNTS_NOT_LOCAL};

    begin(d, x, ACCOUNTS_NOT_LOCAL);
    expand(&w, n, name_text(n));
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

/* Mail that comes back goes to who sent it: neither a detail nor a catch-all may have it. */
static void
expand_return(struct walk *w, enum srs_verdict v, struct slice origin)
{
    struct name n;

    if (v == SRS_EXPIRED)
        w->x->verdict = ACCOUNTS_RETURN_OVER;
    else if (v == SRS_GOOD && name_take(&n, origin))
        expand(w, &n, origin);
}

void
directory_expand(struct directory *d, struct slice hostname, struct slice address,
                 struct slice sender, struct expansion *x)
{
    struct walk w = {.d = d, .x = x, .sender = sender, .worst = ACCOUNTS_NO_MAILBOX};
    struct slice origin;
    enum srs_verdict v;
    struct name n;

    begin(d, x, ACCOUNTS_NO_MAILBOX);
    if (!name_take(&n, address))
        return;
    if (n.domain.len == 0 &&
        (!slice_eq(n.local, SLICE("postmaster")) || !name_own_postmaster(d, hostname, &n)))
        return;
    v = directory_return(d, &n, address, &origin);
    if (v == SRS_OTHER) {
        w.worst = ACCOUNTS_NOT_LOCAL;
        expand(&w, &n, address);
    } else {
        w.through = address;
        expand_return(&w, v, origin);
    }
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
    e = find_entry(d, &n);
    if (e.account == account && account != 0)
        return !e.suspended && !e.domain_suspended;
    name_take(&n, address);
    directory_expand_name(d, &n, x);
    return has_mailbox(x, account);
}
