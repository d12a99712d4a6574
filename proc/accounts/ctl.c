/* The command's door: changes, many in one transaction, and lists. */
#include <stdlib.h>

#include "accounts.h"
#include "base/ensure.h"
#include "base/log.h"

enum need { PLAIN, PROOF };

/* A change on its way: through a worker where a password is to be hashed, then into the next
 * transaction. */
struct change {
    struct list link;
    struct job job;
    struct asker asker;
    struct accounts *owner;
    enum msg_type type;
    struct secret message; /* as one item */
    struct credentials credentials;
    struct slice password; /* in message; empty: nothing to hash */
    bool failed;           /* the hashing did */
    struct outcome outcome;
};

static void
answer(struct change *c)
{
    struct directory_done done = {c->outcome.result, c->outcome.account, slice_of(c->outcome.text)};

    asker_answer(&c->asker, MSG_directory_done, &done);
    list_remove(&c->link);
    secret_clear(&c->message);
    credentials_wipe(&c->credentials);
    free(c);
}

static void
refuse(struct change *c, enum directory_result result, const char *text)
{
    c->outcome.result = result;
    slice_to_string(slice_of(text), c->outcome.text, sizeof(c->outcome.text));
    answer(c);
}

static void
apply(struct accounts *a, struct change *c)
{
    struct slice bytes = secret_get(&c->message);
    union msg_any m;

    ensure(msg_items_take(&bytes, c->type, &m));
    directory_change(&a->directory, c->type, &m, &c->credentials, &c->outcome);
}

static void
conclude(struct accounts *a, struct change *c, bool committed)
{
    if (!committed) {
        refuse(c, DIRECTORY_TEMPORARY, "The directory could not be written; nothing was changed.");
        return;
    }
    verified_forget(&a->verified, c->outcome.account);
    if (c->outcome.result == DIRECTORY_OK)
        LOG(directory, SLICE(""), log_string("change", msg_name(c->type)),
            log_number("account", c->outcome.account), log_string("text", c->outcome.text));
    answer(c);
}

/* All that came in this turn: one transaction, one sync. */
static void
run_changes(void *ctx)
{
    struct accounts *a = ctx;
    struct err e;

    directory_begin(&a->directory);
    LIST_EACH(at, &a->changes)
    apply(a, LIST_OF(at, struct change, link));
    e = directory_commit(&a->directory);
    accounts_tell_changed(a);
    LIST_EACH(at, &a->changes)
    conclude(a, LIST_OF(at, struct change, link), !err_is(e));
    a->directory.db.err = e; /* for the log, and the replacement of a damaged database */
    accounts_settle(a);
}

static void
enqueue(struct change *c)
{
    struct accounts *a = c->owner;

    if (list_empty(&a->changes))
        loop_later(a->role->loop, run_changes, a);
    list_append(&a->changes, &c->link);
}

static void
hash(struct job *j)
{
    struct change *c = LIST_OF(j, struct change, job);

    c->failed = !credentials_make(&c->credentials, c->password);
}

static void
hashed(struct job *j)
{
    struct change *c = LIST_OF(j, struct change, job);

    if (c->failed)
        refuse(c, DIRECTORY_TEMPORARY, "The password could not be hashed; nothing was changed.");
    else
        enqueue(c);
}

/* The password and the hash of the messages that have them. */
static void
find_proof(const struct change *c, struct slice *password, struct slice *ready)
{
    struct slice bytes = secret_get(&c->message);
    union msg_any m;

    ensure(msg_items_take(&bytes, c->type, &m));
    if (c->type == MSG_directory_account_add) {
        *password = m.directory_account_add.password;
        *ready = m.directory_account_add.hash;
    } else {
        *password = m.directory_account_passwd.password;
        *ready = m.directory_account_passwd.hash;
    }
}

static void
take_proof(struct change *c)
{
    struct slice ready;

    find_proof(c, &c->password, &ready);
    if (c->password.len && ready.len)
        refuse(c, DIRECTORY_BAD_VALUE, "Either a password or a hash, not both.");
    else if (c->password.len && !credentials_password_ok(c->password))
        refuse(c, DIRECTORY_BAD_PASSWORD,
               "A password has 1 to 255 bytes of UTF-8, none of them a control character.");
    else if (ready.len && !credentials_hash_ok(ready))
        refuse(c, DIRECTORY_BAD_PASSWORD, "This is not a hash that crypt(3) knows.");
    else if (c->password.len == 0) {
        slice_to_string(ready, c->credentials.hash, sizeof(c->credentials.hash));
        enqueue(c);
    } else if (!workers_put(&c->owner->workers, WORKER_CHANGES, &c->job))
        refuse(c, DIRECTORY_LIMIT, "Too many passwords are waiting to be hashed: try again soon.");
}

static void
take(void *ctx, struct chan_call *call, enum msg_type type, enum need need, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);
    struct change *c = heap_take(sizeof(*c));

    c->owner = a;
    c->type = type;
    c->job = (struct job){.key = (uintptr_t)c, .run = hash, .done = hashed};
    list_init(&c->link);
    asker_add(a, &c->asker, call);
    secret_init(&c->message, MSG_FRAME_MAX);
    ensure(msg_items_put(&c->message.buf, type, m));
    if (need == PROOF)
        take_proof(c);
    else
        enqueue(c);
}

#define CHANGE(message, fn, need)                                                                  \
    void change_on_##fn(void *ctx, struct chan_call *call, const union msg_any *m)                 \
    {                                                                                              \
        take(ctx, call, MSG_##message, need, m);                                                   \
    }
#include "change.def"
#undef CHANGE

/* Lists: every answer is a result and items. */
enum { PAGE_BYTES = MSG_FRAME_MAX - 64 };
static uint8_t page_room[PAGE_BYTES];

static struct buf
new_page(void)
{
    return (struct buf){.at = page_room, .room = PAGE_BYTES, .cap = PAGE_BYTES};
}

void
show_on_domains(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);
    struct buf page = new_page();
    enum directory_result result = directory_list_domains(
        &a->directory, m->directory_domain_list.after, m->directory_domain_list.most, &page);
    struct directory_domains answer = {result, buf_slice(&page)};

    accounts_settle(a);
    chan_answer(call, MSG_directory_domains, &answer, -1);
}

void
show_on_domain(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);
    struct buf page = new_page();
    enum directory_result result =
        directory_show_domain(&a->directory, m->directory_domain_show.name, &page);
    struct directory_domains answer = {result, buf_slice(&page)};

    accounts_settle(a);
    chan_answer(call, MSG_directory_domains, &answer, -1);
}

void
show_on_accounts(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);
    struct buf page = new_page();
    enum directory_result result =
        directory_list_accounts(&a->directory, &m->directory_account_list, &page);
    struct directory_accounts answer = {result, buf_slice(&page)};

    accounts_settle(a);
    chan_answer(call, MSG_directory_accounts, &answer, -1);
}

void
show_on_account(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);
    struct buf page = new_page();
    enum directory_result result =
        directory_show_account(&a->directory, m->directory_account_show.address, &page);
    struct directory_accounts answer = {result, buf_slice(&page)};

    accounts_settle(a);
    chan_answer(call, MSG_directory_accounts, &answer, -1);
}

void
show_on_aliases(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);
    struct buf page = new_page();
    enum directory_result result =
        directory_list_aliases(&a->directory, &m->directory_alias_list, &page);
    struct directory_aliases answer = {result, buf_slice(&page)};

    accounts_settle(a);
    chan_answer(call, MSG_directory_aliases, &answer, -1);
}
