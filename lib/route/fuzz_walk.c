/* The first line is a domain; then each question takes its answer from the bytes that follow:
 * verdict and number of records, then each record's preference, length and data. However that goes,
 * a walk ends within few rounds, asks nothing twice and keeps its limits. */
#include "base/ensure.h"
#include "route/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS_MAX = 5, KNOWN_MAX = ROUNDS_MAX * ROUTE_ASKS_MAX };

static uint8_t
take(struct slice *in)
{
    uint8_t c = in->len ? in->at[0] : 0;

    *in = slice_tail(*in, 1);
    return c;
}

static struct slice
take_data(struct slice *in, enum dns_type type)
{
    size_t n = type == DNS_A ? 4 : type == DNS_AAAA ? 16 : take(in);
    struct slice data = slice_head(*in, n);

    *in = slice_tail(*in, n);
    return data;
}

static const struct dns_answer *
make_answer(struct slice *in, enum dns_type type, struct arena *arena)
{
    struct dns_answer *a = arena_take(arena, sizeof(*a));
    struct dns_record *records = arena_take(arena, 64 * sizeof(*records));
    uint8_t head = take(in), most = take(in) % 64;

    ensure(a && records);
    a->verdict = (enum dns_verdict)(head % DNS_VERDICT_COUNT);
    a->secure = head & 0x80;
    a->records = records;
    for (uint8_t i = 0; a->verdict == DNS_FOUND && i < most; i++) {
        uint32_t preference = take(in);
        struct slice data = take_data(in, type);

        if ((type == DNS_A && data.len < 4) || (type == DNS_AAAA && data.len < 16))
            break;
        records[a->count++] = (struct dns_record){preference, data};
        if (type != DNS_MX && dns_name_is_host(data))
            a->canonical = data;
    }
    return a;
}

static void
check(const struct route *r)
{
    ensure(r->hop_count <= ROUTE_HOPS_MAX && (r->kind == ROUTE_FOUND) == (r->hop_count > 0));
    for (size_t i = 0; i < r->hop_count; i++) {
        const struct route_hop *h = &r->hops[i];

        ensure(h->address.len == 4 || h->address.len == 16);
        ensure(h->port && (h->tlsa_base.len != 0) == (h->tlsa_count != 0));
        ensure(i == 0 || r->hops[i - 1].preference <= h->preference);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct route_fixed fixed = {
        {(const uint8_t *)"f.example", 9}, {(const uint8_t *)"hop.example", 11}, 587};
    static const struct slice own_name = {(const uint8_t *)"us.example", 10};
    static const struct slice own_address = {(const uint8_t *)"\300\0\2\1", 4};
    struct slice rest = slice_make(data, size), domain;
    struct route_known known[KNOWN_MAX];
    struct arena *arena = arena_new("fuzz", 8 << 20);
    struct route route;

    slice_cut(&rest, '\n', &domain);
    struct route_input in = {.domain = domain,
                             .fixed = &fixed,
                             .fixed_count = 1,
                             .own_names = &own_name,
                             .own_name_count = 1,
                             .own_addresses = &own_address,
                             .own_address_count = 1,
                             .port = ROUTE_SMTP_PORT,
                             .random = size,
                             .ipv6_first = size & 1,
                             .known = known};
    for (route_walk(&in, &route); route.kind == ROUTE_ASK; route_walk(&in, &route)) {
        ensure(route.ask_count && in.known_count + route.ask_count <= KNOWN_MAX);
        for (size_t i = 0; i < route.ask_count; i++) {
            struct slice name = arena_copy(arena, slice_of(route.asks[i].name));

            for (size_t k = 0; k < in.known_count; k++)
                ensure(known[k].type != route.asks[i].type || !slice_eq(known[k].name, name));
            known[in.known_count++] = (struct route_known){
                route.asks[i].type, name, make_answer(&rest, route.asks[i].type, arena)};
        }
    }
    check(&route);
    route_exists(&in, &route); /* the same answers: it asks for one that is not there, or ends */
    ensure(route.hop_count == 0 && route.ask_count == (route.kind == ROUTE_ASK));
    arena_free(arena);
    return 0;
}
