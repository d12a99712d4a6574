/* Lists, a page at a time. A page begins after the last item of the one before, found by an index,
 * so that the last page is as quick as the first. */
#include "directory.h"
#include "directory_private.h"

static uint64_t
page_size(uint32_t most)
{
    return most == 0 || most > DIRECTORY_PAGE_MAX ? DIRECTORY_PAGE_MAX : most;
}

/* An item or nothing: a page that is full ends before it. */
static bool
put_item(struct buf *out, enum msg_type type, const void *item)
{
    size_t before = out->len;

    if (msg_items_put(out, type, item))
        return true;
    buf_cut(out, before);
    out->full = false;
    return false;
}

static bool
put_domain(struct db *db, enum sql sql, struct buf *out)
{
    struct directory_domain item = {.name = db_get_slice(db, sql, 0),
                                    .suspended = (uint32_t)db_get_number(db, sql, 1),
                                    .accounts = db_get_number(db, sql, 2),
                                    .aliases = db_get_number(db, sql, 3),
                                    .language = db_get_slice(db, sql, 5),
                                    .lifetime = (uint32_t)db_get_number(db, sql, 6),
                                    .created = db_get_number(db, sql, 4)};

    return put_item(out, MSG_directory_domain, &item);
}

static struct slice
join(char *room, size_t size, struct slice local, struct slice domain)
{
    struct buf b = {.at = (uint8_t *)room, .room = size, .cap = size};

    buf_put(&b, local);
    buf_put_byte(&b, '@');
    buf_put(&b, domain);
    return buf_slice(&b);
}

static bool
put_account(struct directory *d, enum sql sql, struct buf *out)
{
    struct db *db = &d->db;
    char room[MIME_ADDRESS_MAX + 1];
    struct directory_account item = {
        .id = db_get_number(db, sql, 0),
        .address = join(room, sizeof(room), db_get_slice(db, sql, 2), db_get_slice(db, sql, 1)),
        .suspended = (uint32_t)db_get_number(db, sql, 3),
        .password = (uint32_t)db_get_number(db, sql, 4),
        .scram = (uint32_t)db_get_number(db, sql, 5),
        .apop = (uint32_t)db_get_number(db, sql, 6),
        .quota = db_get_number_or(db, sql, 7, d->quota),
        .login_delay = (uint32_t)db_get_number_or(db, sql, 8, UINT32_MAX),
        .language = db_get_slice(db, sql, 9),
        .messages = db_get_number(db, sql, 11),
        .created = db_get_number(db, sql, 12),
        .lifetime = (uint32_t)db_get_number(db, sql, 13)};

    item.bytes = directory_used(d, item.id, db_get_number(db, sql, 10), &item.messages);
    return put_item(out, MSG_directory_account, &item);
}

static enum directory_result
result_of(const struct directory *d, bool found)
{
    return err_is(d->db.err) ? DIRECTORY_TEMPORARY : found ? DIRECTORY_OK : DIRECTORY_NO_SUCH;
}

enum directory_result
directory_list_domains(struct directory *d, struct slice after, uint32_t most, struct buf *out)
{
    struct db *db = &d->db;
    struct name n = {.text = ""};

    if (after.len && !name_parse_domain(&n, after))
        return DIRECTORY_BAD_ADDRESS;
    db_begin(db, SQL_domain_list, DB_VALUES(db_text(n.domain), db_number(page_size(most))));
    while (db_next(db, SQL_domain_list))
        if (!put_domain(db, SQL_domain_list, out)) {
            db_end(db, SQL_domain_list);
            break;
        }
    return result_of(d, true);
}

enum directory_result
directory_show_domain(struct directory *d, struct slice name, struct buf *out)
{
    struct db *db = &d->db;
    struct name n;
    bool found;

    if (!name_parse_domain(&n, name))
        return DIRECTORY_BAD_ADDRESS;
    found = db_first(db, SQL_domain_get, DB_VALUES(db_text(n.domain))) &&
            put_domain(db, SQL_domain_get, out);
    db_end(db, SQL_domain_get);
    return result_of(d, found);
}

enum directory_result
directory_show_account(struct directory *d, struct slice address, struct buf *out)
{
    struct db *db = &d->db;
    struct name n;
    bool found;

    if (!name_parse(&n, address))
        return DIRECTORY_BAD_ADDRESS;
    found = db_first(db, SQL_account_get, DB_VALUES(db_text(n.domain), db_text(n.local))) &&
            put_account(d, SQL_account_get, out);
    db_end(db, SQL_account_get);
    return result_of(d, found);
}

/* Where a list begins: after an address, or before all of a domain, or before all. */
static enum directory_result
begin_after(struct directory *d, struct name *domain, struct name *after, struct slice domain_text,
            struct slice after_text)
{
    *domain = (struct name){.text = ""};
    *after = (struct name){.text = ""};
    if (domain_text.len && !name_parse_domain(domain, domain_text))
        return DIRECTORY_BAD_ADDRESS;
    if (after_text.len && !name_parse_alias(after, after_text))
        return DIRECTORY_BAD_ADDRESS;
    if (domain_text.len && !directory_has_domain(d, domain->domain))
        return result_of(d, false);
    if (after_text.len == 0)
        after->domain = domain->domain;
    return DIRECTORY_OK;
}

static bool
is_other_domain(const struct name *wanted, struct slice domain)
{
    return wanted->domain.len != 0 && !slice_eq(wanted->domain, domain);
}

enum directory_result
directory_list_accounts(struct directory *d, const struct directory_account_list *m,
                        struct buf *out)
{
    struct db *db = &d->db;
    struct name domain, after;
    enum directory_result result = begin_after(d, &domain, &after, m->domain, m->after);

    if (result != DIRECTORY_OK)
        return result;
    db_begin(db, SQL_account_list,
             DB_VALUES(db_text(after.domain), db_text(after.local), db_number(page_size(m->most))));
    while (db_next(db, SQL_account_list))
        if (is_other_domain(&domain, db_get_slice(db, SQL_account_list, 1)) ||
            !put_account(d, SQL_account_list, out)) {
            db_end(db, SQL_account_list);
            break;
        }
    return result_of(d, true);
}

static bool
put_alias(struct db *db, struct buf *out)
{
    char room[MIME_ADDRESS_MAX + 1];
    struct directory_alias item = {.address =
                                       join(room, sizeof(room), db_get_slice(db, SQL_alias_list, 1),
                                            db_get_slice(db, SQL_alias_list, 0)),
                                   .target = db_get_slice(db, SQL_alias_list, 2),
                                   .kind = (uint32_t)db_get_number(db, SQL_alias_list, 3)};

    return put_item(out, MSG_directory_alias, &item);
}

enum directory_result
directory_list_aliases(struct directory *d, const struct directory_alias_list *m, struct buf *out)
{
    struct db *db = &d->db;
    struct name domain, after;
    enum directory_result result = begin_after(d, &domain, &after, m->domain, m->after);

    if (result != DIRECTORY_OK)
        return result;
    db_begin(db, SQL_alias_list,
             DB_VALUES(db_text(after.domain), db_text(after.local), db_text(m->after_target),
                       db_number(page_size(m->most))));
    while (db_next(db, SQL_alias_list))
        if (is_other_domain(&domain, db_get_slice(db, SQL_alias_list, 0)) || !put_alias(db, out)) {
            db_end(db, SQL_alias_list);
            break;
        }
    return result_of(d, true);
}
