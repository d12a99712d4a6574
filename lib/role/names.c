/* roles.def as names, and the ids of messages. */
#include "base/clock.h"
#include "base/ensure.h"
#include "role/role.h"
#include "role/spawn.h"

static const struct role_row rows[ROLE_COUNT] = {
#define PER_CPU   ROLE_PER_CPU
#define ON_DEMAND ROLE_ON_DEMAND
#define ROLE(name, program, count, user, root, promises)                                           \
    [ROLE_##name] = {#name, program, count, user, root, promises},
#define LINK(asks, answers, what)
#include "role/roles.def"
#undef ROLE
#undef LINK
};

const struct role_link role_links[] = {
#define ROLE(name, program, count, user, root, promises)
#define LINK(asks, answers, what) {ROLE_##asks, ROLE_##answers, what},
#include "role/roles.def"
#undef ROLE
#undef LINK
};
const size_t role_link_count = COUNT(role_links);

static const char *const protocols[ROLE_PROTOCOL_COUNT] = {
    [ROLE_SMTP] = "smtp", [ROLE_SUBMISSION] = "submission", [ROLE_SUBMISSIONS] = "submissions",
    [ROLE_POP3] = "pop3", [ROLE_POP3S] = "pop3s",           [ROLE_SYSTEM] = "system",
};

const struct role_row *
role_row(enum role_id id)
{
    ensure(id < ROLE_COUNT);
    return &rows[id];
}

bool
role_is_on_demand(enum role_id id)
{
    return role_row(id)->count == ROLE_ON_DEMAND;
}

const char *
role_name(enum role_id id)
{
    return role_row(id)->name;
}

bool
role_find(struct slice name, enum role_id *id)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (!slice_eq(slice_of(rows[i].name), name))
            continue;
        *id = (enum role_id)i;
        return true;
    }
    return false;
}

const char *
role_protocol_name(enum role_protocol p)
{
    ensure(p < ROLE_PROTOCOL_COUNT);
    return protocols[p];
}

/* 54 bits of microseconds last until the year 2590; 10 bits say who made the id. Ids lie on disk,
 * so the numbers of those who make them stay. */
enum { ID_MAKER_BITS = 10, ID_INDEX_BITS = 7 };
static const unsigned makers[ROLE_COUNT] = {[ROLE_mx] = 1, [ROLE_access] = 2, [ROLE_courier] = 3};
#define ID_EPOCH_US (UINT64_C(1577836800) * 1000000) /* 2020-01-01 UTC */

static uint64_t
maker_bits(enum role_id maker, unsigned index)
{
    ensure(makers[maker] && index < 1u << ID_INDEX_BITS);
    return (uint64_t)makers[maker] << ID_INDEX_BITS | index;
}

uint64_t
role_message_id(const struct role *r)
{
    static uint64_t last;
    uint64_t now = clock_now_us() - ID_EPOCH_US;

    last = now > last ? now : last + 1;
    return last << ID_MAKER_BITS | maker_bits(r->id, r->index);
}

uint64_t
role_message_id_floor(uint64_t seconds)
{
    return (clock_now_us() - ID_EPOCH_US - seconds * 1000000) << ID_MAKER_BITS;
}

bool
role_message_id_is_from(uint64_t id, enum role_id maker, unsigned index)
{
    return (id & ((1u << ID_MAKER_BITS) - 1)) == maker_bits(maker, index);
}

uint64_t
role_message_id_seconds(uint64_t id)
{
    return ((id >> ID_MAKER_BITS) + ID_EPOCH_US) / 1000000;
}
