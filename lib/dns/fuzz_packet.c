/* The first byte chooses the type that was asked for at a.example; the rest is the response. What
 * is read keeps the limits and lies within the arena. */
#include "base/ensure.h"
#include "dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = {
#define TYPE(name, number, reader) DNS_##name,
#include "dns/type.def"
#undef TYPE
};

static void
check(enum dns_type type, const struct dns_answer *a)
{
    size_t bytes = 0;

    ensure(a->verdict < DNS_BOGUS && a->ttl <= DNS_TTL_MAX && a->count <= DNS_RECORDS_MAX);
    ensure(a->verdict == DNS_FOUND || a->count == 0);
    for (size_t i = 0; i < a->count; i++) {
        struct slice data = a->records[i].data;

        ensure(data.len == 0 || data.at != NULL);
        ensure(type != DNS_A || data.len == 4);
        ensure(type != DNS_AAAA || data.len == 16);
        ensure(type != DNS_MX || (data.len && data.len <= DNS_NAME_MAX));
        ensure(a->records[i].preference <= UINT16_MAX);
        bytes += data.len;
    }
    ensure(bytes <= DNS_DATA_MAX && a->canonical.len <= DNS_NAME_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena;
    struct dns_answer answer;
    enum dns_type type;

    if (size == 0)
        return 0;
    type = types[data[0] % COUNT(types)];
    arena = arena_new("fuzz", 1 << 20);
    if (dns_packet_read(slice_make(data + 1, size - 1), SLICE("a.example"), type, arena, &answer))
        check(type, &answer);
    arena_free(arena);
    return 0;
}
