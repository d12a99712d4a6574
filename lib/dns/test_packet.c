/* Responses, good and hostile: what is read, what is left out, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "dns/dns.h"

/* Bytes of a string literal that has NULs. */
#define BYTES(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)("" literal), sizeof(literal) - 1                                         \
    }

/* The parts every packet here begins with: a question for a.example, whose name lies at 12. */
#define OK       "\x81\x80"
#define NXDOMAIN "\x81\x83"
#define HEAD(flags, answers, authorities)                                                          \
    "\0\0" flags "\0\1\0" answers "\0" authorities "\0\0"                                          \
    "\1a\7example\0\0\0\0\1"
#define AT_A       "\xc0\x0c" /* a.example */
#define AT_EXAMPLE "\xc0\x0e" /* example */
#define IN         "\0\1"
#define TTL(n)     "\0\0\0" n

static const struct row {
    const char *why;
    enum dns_type type;
    struct slice packet;
    const char *expected; /* NULL: refused */
} rows[] = {
    {"an address", DNS_A, BYTES(HEAD(OK, "\1", "\0") AT_A "\0\1" IN TTL("\x3c") "\0\4\xc0\0\2\1"),
     "found 60 a.example [c0000201]"},
    {"two of them, the lesser time", DNS_A,
     BYTES(HEAD(OK, "\2", "\0") AT_A "\0\1" IN TTL("\x3c") "\0\4\xc0\0\2\1" AT_A
                                                           "\0\1" IN TTL("\x0a") "\0\4\xc0\0\2\2"),
     "found 10 a.example [c0000201] [c0000202]"},
    {"a time beyond RFC 2181 is none", DNS_A,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\1" IN "\xff\xff\xff\xff\0\4\xc0\0\2\1"),
     "found 0 a.example [c0000201]"},
    {"the longest time is cut", DNS_A,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\1" IN "\x7f\xff\xff\xff\0\4\xc0\0\2\1"),
     "found 86400 a.example [c0000201]"},
    {"IPv6", DNS_AAAA,
     BYTES(HEAD(OK, "\1", "\0") AT_A
           "\0\x1c" IN TTL("\1") "\0\x10"
                                 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
     "found 1 a.example [20010db8000000000000000000000001]"},
    {"MX", DNS_MX, BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x0f" IN TTL("\1") "\0\7\1\2\2Mx" AT_EXAMPLE),
     "found 1 a.example 258:mx.example"},
    {"null MX", DNS_MX, BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x0f" IN TTL("\1") "\0\3\0\0\0"),
     "found 1 a.example 0:."},
    {"strings joined", DNS_TXT,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x10" IN TTL("\1") "\0\6\2ab\0\1c"),
     "found 1 a.example 0:abc"},
    {"an empty string", DNS_TXT, BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x10" IN TTL("\1") "\0\1\0"),
     "found 1 a.example 0:"},
    {"TLSA", DNS_TLSA, BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x34" IN TTL("\1") "\0\5\3\1\1\xaa\xbb"),
     "found 1 a.example [030101aabb]"},
    {"an alias", DNS_A,
     BYTES(HEAD(OK, "\2", "\0") AT_A "\0\5" IN TTL("\5") "\0\4\1b" AT_EXAMPLE "\1b" AT_EXAMPLE
                                                         "\0\1" IN TTL("\x3c") "\0\4\xc0\0\2\1"),
     "found 5 b.example [c0000201]"},
    {"an alias that was asked for", DNS_CNAME,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\5" IN TTL("\5") "\0\4\1b" AT_EXAMPLE),
     "found 5 a.example 0:b.example"},
    {"an alias to nothing", DNS_A,
     BYTES(HEAD(NXDOMAIN, "\1", "\0") AT_A "\0\5" IN TTL("\5") "\0\4\1b" AT_EXAMPLE),
     "no domain 0 b.example"},
    {"no such name, with its time", DNS_A,
     BYTES(HEAD(NXDOMAIN, "\0", "\1") AT_EXAMPLE
           "\0\6" IN TTL("\x64") "\0\x16\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\7"),
     "no domain 7 a.example"},
    {"no such record, and the SOA's own time", DNS_A,
     BYTES(HEAD(OK, "\0", "\1") AT_EXAMPLE
           "\0\6" IN TTL("\3") "\0\x16\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\7"),
     "no record 3 a.example"},
    {"no such record, no SOA", DNS_A, BYTES(HEAD(OK, "\0", "\0")), "no record 0 a.example"},
    {"a server's failure", DNS_A, BYTES(HEAD("\x81\x82", "\0", "\0")), "temporary 0 a.example"},
    {"somebody else's record", DNS_A,
     BYTES(HEAD(OK, "\1", "\0") AT_EXAMPLE "\0\1" IN TTL("\1") "\0\4\xc0\0\2\1"),
     "no record 0 a.example"},
    {"another class", DNS_A, BYTES(HEAD(OK, "\1", "\0") AT_A "\0\1\0\3" TTL("\1") "\0\4\xc0\0\2\1"),
     "no record 0 a.example"},
    {"a signature beside it", DNS_A,
     BYTES(HEAD(OK, "\2", "\0") AT_A "\0\x2e" IN TTL("\1") "\0\2xx" AT_A
                                                           "\0\1" IN TTL("\2") "\0\4\xc0\0\2\1"),
     "found 2 a.example [c0000201]"},
    /* Data that is not what its type says: the record is left out. */
    {"an address of three bytes", DNS_A,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\1" IN TTL("\1") "\0\3\xc0\0\2"), "found 86400 a.example"},
    {"an address of no bytes", DNS_A, BYTES(HEAD(OK, "\1", "\0") AT_A "\0\1" IN TTL("\1") "\0\0"),
     "found 86400 a.example"},
    {"an MX without a name", DNS_MX,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x0f" IN TTL("\1") "\0\2\0\1"), "found 86400 a.example"},
    {"an MX and more behind it", DNS_MX,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x0f" IN TTL("\1") "\0\5\0\1" AT_EXAMPLE "x"),
     "found 86400 a.example"},
    {"a name that leaves its data", DNS_MX,
     BYTES(HEAD(OK, "\2", "\0") AT_A "\0\x0f" IN TTL("\1") "\0\4\0\1\3a" AT_A
                                                           "\0\x0f" IN TTL("\1") "\0\4\0\2" AT_A),
     "found 1 a.example 2:a.example"},
    {"a name with a dot within a label", DNS_MX,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x0f" IN TTL("\1") "\0\7\0\1\3a.b\0"),
     "found 86400 a.example"},
    {"a name with a line end", DNS_PTR,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x0c" IN TTL("\1") "\0\5\3a\nb\0"),
     "found 86400 a.example"},
    {"a string longer than its data", DNS_TXT,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x10" IN TTL("\1") "\0\3\5ab"), "found 86400 a.example"},
    {"no string at all", DNS_TXT, BYTES(HEAD(OK, "\1", "\0") AT_A "\0\x10" IN TTL("\1") "\0\0"),
     "found 86400 a.example"},
    /* Packets that are no responses at all. */
    {"nothing", DNS_A, BYTES(""), NULL},
    {"half a header", DNS_A, BYTES("\0\0\x81\x80\0\1"), NULL},
    {"a question", DNS_A, BYTES(HEAD("\1\0", "\0", "\0")), NULL},
    {"fewer records than it says", DNS_A, BYTES(HEAD(OK, "\1", "\0")), NULL},
    {"data beyond its end", DNS_A,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\1" IN TTL("\1") "\0\5\xc0\0\2\1"), NULL},
    {"a pointer to itself", DNS_A,
     BYTES(HEAD(OK, "\1", "\0") "\xc0\x1b\0\1" IN TTL("\1") "\0\4\xc0\0\2\1"), NULL},
    {"a pointer forwards", DNS_A,
     BYTES(HEAD(OK, "\1", "\0") "\xc0\x1d\0\1" IN TTL("\1") "\0\4\xc0\0\2\1"), NULL},
    {"half a pointer", DNS_A, BYTES(HEAD(OK, "\1", "\0") "\xc0"), NULL},
    {"a label of a kind nobody uses", DNS_A,
     BYTES(HEAD(OK, "\1", "\0") "\x41"
                                "a\0\0\1" IN TTL("\1") "\0\4\xc0\0\2\1"),
     NULL},
    {"an alias to what text cannot show", DNS_A,
     BYTES(HEAD(OK, "\1", "\0") AT_A "\0\5" IN TTL("\5") "\0\4\2a \0"), NULL},
};

static const char *const verdicts[DNS_VERDICT_COUNT] = {"found", "no domain", "no record",
                                                        "temporary", "bogus"};

static void
put_record(struct buf *out, enum dns_type type, const struct dns_record *r)
{
    if (type != DNS_A && type != DNS_AAAA && type != DNS_TLSA) {
        buf_put_format(out, " %u:", r->preference);
        buf_put(out, r->data);
        return;
    }
    buf_put_string(out, " [");
    for (size_t i = 0; i < r->data.len; i++)
        buf_put_format(out, "%02x", r->data.at[i]);
    buf_put_string(out, "]");
}

static void
put_answer(struct buf *out, enum dns_type type, const struct dns_answer *a)
{
    buf_put_format(out, "%s %u ", verdicts[a->verdict], a->ttl);
    buf_put(out, a->canonical);
    for (size_t i = 0; i < a->count; i++)
        put_record(out, type, &a->records[i]);
    buf_put_byte(out, '\0');
}

static void
responses_become_answers(void **state)
{
    struct arena *arena = arena_new("test", 1 << 20);
    struct buf text;

    (void)state;
    buf_init(&text, 4096);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct dns_answer answer;
        bool good =
            dns_packet_read(rows[i].packet, SLICE("a.example"), rows[i].type, arena, &answer);

        buf_reset(&text);
        if (good)
            put_answer(&text, rows[i].type, &answer);
        if (good != (rows[i].expected != NULL) ||
            (good && strcmp((const char *)buf_slice(&text).at, rows[i].expected) != 0))
            fail_msg("%s: %s", rows[i].why, good ? (const char *)buf_slice(&text).at : "refused");
        arena_clear(arena);
    }
    buf_clear(&text);
    arena_free(arena);
}

static void
no_part_of_a_response_is_one(void **state)
{
    struct arena *arena = arena_new("test", 1 << 20);
    struct slice packet = rows[0].packet;
    struct dns_answer answer;

    (void)state;
    for (size_t n = 0; n < packet.len; n++)
        assert_false(
            dns_packet_read(slice_head(packet, n), SLICE("a.example"), DNS_A, arena, &answer));
    arena_free(arena);
}

/* a.example with `count` records of `len` bytes. */
static void
make_many(struct buf *packet, unsigned count, unsigned len, uint8_t type)
{
    static const uint8_t zeros[255];

    buf_put(packet, (struct slice)BYTES("\0\0" OK "\0\0"));
    buf_put_byte(packet, (uint8_t)(count >> 8));
    buf_put_byte(packet, (uint8_t)count);
    buf_put(packet, (struct slice)BYTES("\0\0\0\0"));
    for (unsigned i = 0; i < count; i++) {
        buf_put(packet, (struct slice)BYTES("\1a\7example\0"));
        buf_put(packet, (struct slice)BYTES("\0"));
        buf_put_byte(packet, type);
        buf_put(packet, (struct slice)BYTES("\0\1\0\0\0\1\0"));
        buf_put_byte(packet, (uint8_t)len);
        buf_put(packet, slice_make(zeros, len));
    }
}

static void
an_answer_is_cut_at_its_limits(void **state)
{
    struct arena *arena = arena_new("test", 1 << 20);
    struct dns_answer answer;
    struct buf packet;

    (void)state;
    buf_init(&packet, 65536);
    make_many(&packet, DNS_RECORDS_MAX + 1, 4, DNS_A);
    assert_true(dns_packet_read(buf_slice(&packet), SLICE("a.example"), DNS_A, arena, &answer));
    assert_true(answer.cut && answer.count == DNS_RECORDS_MAX);
    buf_reset(&packet);
    make_many(&packet, 200, 255, DNS_TLSA);
    assert_true(dns_packet_read(buf_slice(&packet), SLICE("a.example"), DNS_TLSA, arena, &answer));
    assert_true(answer.cut && answer.count == DNS_DATA_MAX / 255);
    buf_reset(&packet);
    make_many(&packet, DNS_RECORDS_MAX, 4, DNS_A);
    assert_true(dns_packet_read(buf_slice(&packet), SLICE("a.example"), DNS_A, arena, &answer));
    assert_true(!answer.cut && answer.count == DNS_RECORDS_MAX);
    buf_clear(&packet);
    arena_free(arena);
}

/* Aliases, each to the name with one more label in front, end at DNS_CHAIN_MAX. */
static void
a_chain_of_aliases_ends(void **state)
{
    struct arena *arena = arena_new("test", 1 << 20);
    struct dns_answer answer;
    struct buf packet;

    (void)state;
    for (unsigned aliases = DNS_CHAIN_MAX; aliases <= DNS_CHAIN_MAX + 1; aliases++) {
        buf_init(&packet, 65536);
        buf_put(&packet, (struct slice)BYTES("\0\0" OK "\0\0\0"));
        buf_put_byte(&packet, (uint8_t)aliases);
        buf_put(&packet, (struct slice)BYTES("\0\0\0\0"));
        for (unsigned i = 0; i < aliases; i++) {
            buf_put(&packet, (struct slice){(const uint8_t[]){1, (uint8_t)('a' + i)}, 2});
            buf_put(&packet, (struct slice)BYTES("\0\0\5\0\1\0\0\0\1\0\3\1"));
            buf_put(&packet, (struct slice){(const uint8_t[]){(uint8_t)('b' + i), 0}, 2});
        }
        assert_int_equal(dns_packet_read(buf_slice(&packet), SLICE("a"), DNS_A, arena, &answer),
                         aliases <= DNS_CHAIN_MAX);
        buf_clear(&packet);
    }
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_become_answers),
        cmocka_unit_test(no_part_of_a_response_is_one),
        cmocka_unit_test(an_answer_is_cut_at_its_limits),
        cmocka_unit_test(a_chain_of_aliases_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
