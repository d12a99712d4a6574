/* Mail that leaves for other servers through an alias: the return address it travels with, so that
 * SPF holds for it, and the way back of what comes to that address. The key that makes addresses is
 * the secret "srs"; "srs-old", where there is one, still verifies those made before. */
#include "base/clock.h"
#include "directory_private.h"

static const char *const key_names[SRS_KEYS] = {"srs", "srs-old"};

void
directory_read_keys(struct directory *d)
{
    for (size_t i = 0; i < SRS_KEYS; i++) {
        struct slice key = directory_secret(d, key_names[i], d->srs_keys[i]);

        d->srs.keys[i] = key.len < SRS_KEY_MIN ? (struct slice){NULL, 0} : key;
    }
}

static int64_t
now_seconds(void)
{
    return (int64_t)(clock_now_us() / 1000000);
}

static struct slice
domain_of(struct slice address)
{
    struct slice local, domain;

    mime_address_split(address, &local, &domain);
    return domain;
}

bool
directory_is_ours(struct directory *d, struct slice address)
{
    struct slice domain = domain_of(address);

    return domain.len && directory_has_domain(d, domain);
}

/* Where no address can be made of it the original one has to do: better SPF fails than the mail. */
struct slice
directory_return_path(struct directory *d, struct slice alias, struct slice sender)
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct buf made = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    if (sender.len == 0)
        return sender;
    d->srs.domain = domain_of(alias);
    if (!directory_is_ours(d, sender) && d->srs.keys[0].len &&
        srs_forward_put(&made, &d->srs, sender, now_seconds()))
        return arena_copy(d->texts, buf_slice(&made));
    return arena_copy(d->texts, sender);
}

/* Could mail for it be a return: at a domain that takes mail, and nobody's own address? */
static bool
may_be_return(struct directory *d, const struct name *n)
{
    bool fine = db_first(&d->db, SQL_domain_get, DB_VALUES(db_text(n->domain))) &&
                db_get_number(&d->db, SQL_domain_get, 1) == 0;

    db_end(&d->db, SQL_domain_get);
    return fine && !directory_has_alias(d, n) && directory_account_id(d, n) == 0;
}

enum srs_verdict
directory_return(struct directory *d, const struct name *n, struct slice address,
                 struct slice *origin)
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct buf made = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct slice local = n->local;
    enum srs_verdict v;

    if (!slice_take_prefix(&local, SLICE("srs")) || !d->srs.keys[0].len || !may_be_return(d, n))
        return SRS_OTHER;
    d->srs.domain = n->domain;
    v = srs_reverse_put(&made, &d->srs, address, now_seconds());
    *origin = arena_copy(d->texts, buf_slice(&made));
    return v;
}
