/* Walks through small worlds: what is asked, where the mail goes, or why it goes nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/buf.h"
#include "base/ensure.h"
#include "route/route.h"

/* A world: one fact a line, `NAME TYPE [secure] [=ALIASED] DATA...` or fails, forged, nodomain in
 * place of data; an MX is PREFERENCE:NAME. What no line says is no record. */
enum { FACTS_MAX = 64 };

struct fact {
    struct slice name;
    enum dns_type type;
    struct dns_answer answer;
};

struct world {
    struct arena *arena;
    struct fact facts[FACTS_MAX];
    size_t count;
};

static struct slice
take_word(struct slice *line)
{
    struct slice word;

    slice_cut(line, ' ', &word);
    return word;
}

static enum dns_type
read_type(struct slice word)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_CNAME, DNS_MX, DNS_TLSA};

    for (size_t i = 0; i < COUNT(types); i++)
        if (slice_eq(word, slice_of(dns_type_name(types[i]))))
            return types[i];
    fail_msg("no such type");
    return DNS_A;
}

static struct dns_record
read_data(struct world *w, enum dns_type type, struct slice word)
{
    struct dns_record r = {0, word};
    uint8_t bytes[16];
    struct slice number;
    uint64_t preference;

    if (type == DNS_A || type == DNS_AAAA)
        r.data = arena_copy(w->arena, slice_make(bytes, route_literal_read(word, bytes)));
    if (type == DNS_MX) {
        slice_cut(&r.data, ':', &number);
        assert_true(slice_to_u64(number, &preference));
        r.preference = (uint32_t)preference;
    }
    return r;
}

static void
read_fact(struct world *w, struct slice line)
{
    struct fact *f = &w->facts[w->count++];
    struct dns_record *records = arena_take(w->arena, DNS_RECORDS_MAX * sizeof(*records));
    struct dns_answer *a = &f->answer;

    f->name = take_word(&line);
    f->type = read_type(take_word(&line));
    *a = (struct dns_answer){.records = records, .canonical = f->name};
    while (line.len) {
        struct slice word = take_word(&line);

        if (slice_eq(word, SLICE("secure")))
            a->secure = true;
        else if (slice_eq(word, SLICE("fails")))
            *a = (struct dns_answer){.verdict = DNS_TEMPORARY, .why = SLICE("no answer in time")};
        else if (slice_eq(word, SLICE("forged")))
            *a = (struct dns_answer){.verdict = DNS_BOGUS, .why = SLICE("signature expired")};
        else if (slice_eq(word, SLICE("nodomain")))
            a->verdict = DNS_NO_DOMAIN;
        else if (slice_eq(word, SLICE("norecord")))
            a->verdict = DNS_NO_RECORD;
        else if (slice_take_prefix(&word, SLICE("=")))
            a->canonical = word;
        else
            records[a->count++] = read_data(w, f->type, word);
    }
}

static void
make_world(struct world *w, const char *text)
{
    struct slice rest = slice_of(text), line;

    *w = (struct world){.arena = arena_new("world", 16 << 20)};
    while (rest.len) {
        slice_cut(&rest, '\n', &line);
        read_fact(w, line);
    }
}

static const struct dns_answer *
look_up(const struct world *w, const struct route_question *q)
{
    static const struct dns_answer none = {.verdict = DNS_NO_RECORD};

    for (size_t i = 0; i < w->count; i++)
        if (w->facts[i].type == q->type && slice_eq(w->facts[i].name, slice_of(q->name)))
            return &w->facts[i].answer;
    return &none;
}

/* Walks to the end; what was asked stands in `asked`, a round in parentheses. */
static void
walk(struct world *w, struct route_input *in, struct route *out, struct buf *asked)
{
    struct route_known *known = arena_take(w->arena, 256 * sizeof(*known));

    in->known = known;
    in->known_count = 0;
    for (route_walk(in, out); out->kind == ROUTE_ASK; route_walk(in, out)) {
        assert_true(out->ask_count > 0);
        buf_put_string(asked, "(");
        for (size_t i = 0; i < out->ask_count; i++) {
            struct route_question *q = &out->asks[i];

            buf_put_format(asked, "%s%s %s", i ? ", " : "", dns_type_name(q->type), q->name);
            assert_true(in->known_count < 256);
            known[in->known_count++] = (struct route_known){
                q->type, arena_copy(w->arena, slice_of(q->name)), look_up(w, q)};
        }
        buf_put_string(asked, ")");
    }
    buf_put_byte(asked, '\0');
}

static const char *
address_text(struct slice address, char room[INET6_ADDRSTRLEN])
{
    return inet_ntop(address.len == 4 ? AF_INET : AF_INET6, address.at, room, INET6_ADDRSTRLEN);
}

static void
put_hop(struct buf *out, const struct route_hop *h)
{
    char room[INET6_ADDRSTRLEN];

    if (out->len)
        buf_put_string(out, ", ");
    buf_put(out, h->host);
    buf_put_format(out, " %s", address_text(h->address, room));
    if (h->port != ROUTE_SMTP_PORT)
        buf_put_format(out, ":%u", h->port);
    if (h->secure)
        buf_put_string(out, " secure");
    if (h->tlsa_base.len) {
        assert_true(h->tlsa_count > 0);
        buf_put_string(out, " dane=");
        buf_put(out, h->tlsa_base);
    }
}

static void
put_route(struct buf *out, const struct route *r)
{
    for (size_t i = 0; i < r->hop_count; i++)
        put_hop(out, &r->hops[i]);
    if (r->kind != ROUTE_FOUND)
        buf_put_format(out, "%s ", route_code(r->kind));
    if (r->kind != ROUTE_FOUND || r->incomplete) {
        buf_put_string(out, r->incomplete && r->hop_count ? "; without " : "");
        buf_put(out, r->about);
        buf_put_string(out, r->why.len ? ": " : "");
        buf_put(out, r->why);
    }
    buf_put_byte(out, '\0');
}

static const struct slice own_names[] = {{(const uint8_t *)"us.example", 10}};
static const uint8_t own_address[] = {192, 0, 2, 100};
static const struct slice own_addresses[] = {{own_address, 4}};
static const struct route_fixed fixed[] = {
    {{(const uint8_t *)"fixed.example", 13}, {(const uint8_t *)"hop.example", 11}, 2525},
    {{(const uint8_t *)"there.example", 13}, {(const uint8_t *)"192.0.2.100", 11}, 25},
    {{(const uint8_t *)"six.example", 11}, {(const uint8_t *)"2001:db8::1", 11}, 26},
};

static const struct row {
    const char *why, *domain, *world, *expected;
} rows[] = {
    /* rfc5321#5.1-a, rfc5321#5.1-d */
    {"lower preferences first", "a.example",
     "a.example MX 20:two.example 10:one.example\n"
     "one.example A 192.0.2.1\ntwo.example A 192.0.2.2",
     "one.example 192.0.2.1, two.example 192.0.2.2"},
    {"a domain that is an alias", "a.example",
     "a.example MX =b.example 10:one.example\none.example A 192.0.2.1", "one.example 192.0.2.1"},
    /* rfc5321#5.1-b */
    {"no MX: its own address", "a.example", "a.example A 192.0.2.1", "a.example 192.0.2.1"},
    {"no MX: its own IPv6 address", "a.example", "a.example AAAA 2001:db8::1",
     "a.example 2001:db8::1"},
    {"no MX, no address", "a.example", "", "5.4.4 a.example"},
    {"no MX, and an alias to nothing", "a.example", "a.example A nodomain", "5.1.2 a.example"},
    /* rfc5321#5.1-c */
    {"an MX without an address is no reason to try the domain's", "a.example",
     "a.example MX 10:one.example\na.example A 192.0.2.1\none.example A nodomain",
     "5.4.4 a.example"},
    {"an address for a name", "a.example", "a.example MX 10:192.0.2.1\na.example A 192.0.2.1",
     "5.4.4 a.example"},
    {"one useless, one not", "a.example",
     "a.example MX 10:192.0.2.1 20:*.example 30:one.example\none.example A 192.0.2.1",
     "one.example 192.0.2.1"},
    {"MX records that could not be read", "a.example", "a.example MX\na.example A 192.0.2.1",
     "5.4.4 a.example"},
    {"named twice", "a.example",
     "a.example MX 20:one.example 10:two.example 5:one.example\n"
     "one.example A 192.0.2.1\ntwo.example A 192.0.2.2",
     "one.example 192.0.2.1, two.example 192.0.2.2"},
    /* rfc5321#5.1-f */
    {"we are the best", "a.example",
     "a.example MX 10:us.example 20:one.example\none.example A 192.0.2.1", "5.4.6 a.example"},
    {"we are second", "a.example",
     "a.example MX 10:one.example 20:us.example 20:two.example 30:three.example\n"
     "one.example A 192.0.2.1\ntwo.example A 192.0.2.2\nthree.example A 192.0.2.3",
     "one.example 192.0.2.1"},
    {"we are second by our address", "a.example",
     "a.example MX 10:one.example 20:two.example 20:three.example\n"
     "one.example A 192.0.2.1\ntwo.example A 192.0.2.2\nthree.example A 192.0.2.3 192.0.2.100",
     "one.example 192.0.2.1"},
    {"we are the best by our address", "a.example",
     "a.example MX 10:one.example 20:two.example\none.example A 192.0.2.100", "5.4.6 a.example"},
    {"the domain itself is our name", "us.example", "us.example A 192.0.2.1", "5.4.6 us.example"},
    {"the domain itself is our address", "a.example", "a.example A 192.0.2.100", "5.4.6 a.example"},
    {"an address that only looks like ours in capitals", "a.example", "a.example A 192.0.2.68",
     "a.example 192.0.2.68"},
    /* rfc5321#5.1-g, rfc5321#5.2-a */
    {"both families in turn, in the DNS's order", "a.example",
     "a.example MX 10:one.example\none.example A 192.0.2.2 192.0.2.1 192.0.2.3\n"
     "one.example AAAA 2001:db8::1",
     "one.example 2001:db8::1, one.example 192.0.2.2, one.example 192.0.2.1, "
     "one.example 192.0.2.3"},
    /* rfc5321#5.1-h */
    {"no such domain", "a.example", "a.example MX nodomain", "5.1.2 a.example"},
    {"no answer", "a.example", "a.example MX fails", "4.4.3 a.example: no answer in time"},
    {"forged", "a.example", "a.example MX forged", "4.7.5 a.example: signature expired"},
    {"no answer about the only server", "a.example",
     "a.example MX 10:one.example\none.example A fails", "4.4.3 one.example: no answer in time"},
    {"a forged address of the only server", "a.example",
     "a.example MX 10:one.example\none.example AAAA forged",
     "4.7.5 one.example: signature expired"},
    {"one family answers", "a.example",
     "a.example MX 10:one.example\none.example A 192.0.2.1\none.example AAAA fails",
     "one.example 192.0.2.1"},
    {"one server is known", "a.example",
     "a.example MX 10:one.example 20:two.example\none.example A fails\ntwo.example A 192.0.2.2",
     "two.example 192.0.2.2; without one.example: no answer in time"},
    {"one fails, the other has no address", "a.example",
     "a.example MX 10:one.example 20:two.example\none.example A fails\ntwo.example A nodomain",
     "4.4.3 one.example: no answer in time"},
    {"no MX, and no answer about the address", "a.example", "a.example A fails",
     "4.4.3 a.example: no answer in time"},
    /* RFC 7505 */
    {"null MX", "a.example", "a.example MX 0:.\na.example A 192.0.2.1", /* rfc7505#3-a */
     "5.1.10 a.example"},
    {"a null MX beside a server is none", "a.example", /* rfc7505#3-b */
     "a.example MX 0:. 10:one.example\none.example A 192.0.2.1", "one.example 192.0.2.1"},
    /* RFC 7672 */
    {"TLSA records of a proven server", "a.example", /* rfc7672#2.2-a, rfc7672#2.2.3-a */
     "a.example MX secure 10:one.example\none.example A secure 192.0.2.1\n"
     "_25._tcp.one.example TLSA secure xyz",
     "one.example 192.0.2.1 secure dane=one.example"},
    {"a proven server of an unsigned domain", "a.example", /* rfc7672#2.2.1-a */
     "a.example MX 10:one.example\none.example A secure 192.0.2.1\n"
     "_25._tcp.one.example TLSA secure xyz",
     "one.example 192.0.2.1 secure dane=one.example"},
    {"TLSA records of an unproven server are not even asked for", "a.example", /* rfc7672#2.2-a */
     "a.example MX secure 10:one.example\none.example A 192.0.2.1\n"
     "_25._tcp.one.example TLSA fails",
     "one.example 192.0.2.1"},
    {"one family is not proven", "a.example",
     "a.example MX 10:one.example\none.example A secure 192.0.2.1\none.example AAAA 2001:db8::1\n"
     "_25._tcp.one.example TLSA secure xyz",
     "one.example 2001:db8::1, one.example 192.0.2.1 secure"},
    {"TLSA records that are not proven do not count", "a.example", /* rfc7672#2.2-b */
     "a.example MX 10:one.example\none.example A secure 192.0.2.1\n_25._tcp.one.example TLSA xyz",
     "one.example 192.0.2.1 secure"},
    {"no TLSA records", "a.example",
     "a.example MX 10:one.example\none.example A secure 192.0.2.1\n"
     "_25._tcp.one.example TLSA secure nodomain",
     "one.example 192.0.2.1 secure"},
    {"no answer about TLSA records: another server", "a.example", /* rfc7672#2.1.2-a */
     "a.example MX 10:one.example 20:two.example\none.example A secure 192.0.2.1\n"
     "two.example A 192.0.2.2\n_25._tcp.one.example TLSA fails",
     "two.example 192.0.2.2; without one.example: no answer in time"},
    {"no answer about TLSA records, and no other server", "a.example",
     "a.example MX 10:one.example\none.example A secure 192.0.2.1\n"
     "_25._tcp.one.example TLSA forged",
     "4.7.5 one.example: signature expired"},
    {"an alias, proven to its end: the end's records", "a.example", /* rfc7672#2.2.2-a */
     "a.example MX 10:one.example\none.example A secure =end.example 192.0.2.1\n"
     "_25._tcp.end.example TLSA secure xyz\n_25._tcp.one.example TLSA secure zyx",
     "one.example 192.0.2.1 secure dane=end.example"},
    {"then those of its own name", "a.example", /* rfc7672#2.2.2-a */
     "a.example MX 10:one.example\none.example A secure =end.example 192.0.2.1\n"
     "_25._tcp.one.example TLSA secure zyx",
     "one.example 192.0.2.1 secure dane=one.example"},
    {"a proven alias into an unsigned zone: its own records", "a.example", /* rfc7672#2.2.2-b */
     "a.example MX 10:one.example\none.example A =end.example 192.0.2.1\n"
     "one.example CNAME secure end.example\n_25._tcp.one.example TLSA secure zyx",
     "one.example 192.0.2.1 dane=one.example"},
    {"an alias that is not proven either", "a.example",
     "a.example MX 10:one.example\none.example A =end.example 192.0.2.1\n"
     "one.example CNAME end.example\n_25._tcp.one.example TLSA secure zyx",
     "one.example 192.0.2.1"},
    {"no answer about the alias", "a.example",
     "a.example MX 10:one.example\none.example A =end.example 192.0.2.1\n"
     "one.example CNAME fails",
     "4.4.3 one.example: no answer in time"},
    {"no MX, and the domain's own TLSA records", "a.example", /* rfc7672#2.2.2-c */
     "a.example MX secure norecord\na.example A secure 192.0.2.1\n"
     "_25._tcp.a.example TLSA secure xyz",
     "a.example 192.0.2.1 secure dane=a.example"},
    /* Configured routes and literals */
    {"a configured hop", "fixed.example",
     "fixed.example MX 10:one.example\nhop.example A 192.0.2.9", "hop.example 192.0.2.9:2525"},
    {"a configured hop has TLSA records at its port", "fixed.example", /* rfc7672#2.2.3-a */
     "hop.example A secure 192.0.2.9\n_2525._tcp.hop.example TLSA secure xyz",
     "hop.example 192.0.2.9:2525 secure dane=hop.example"},
    {"a configured hop without an address", "fixed.example", "hop.example A nodomain",
     "4.4.4 hop.example"},
    {"no answer about a configured hop", "fixed.example", "hop.example A fails",
     "4.4.3 hop.example: no answer in time"},
    {"a configured address, even our own", "there.example", "", "192.0.2.100 192.0.2.100"},
    {"a configured IPv6 address", "six.example", "", "2001:db8::1 2001:db8::1:26"},
    {"a literal", "[192.0.2.7]", "", "[192.0.2.7] 192.0.2.7"},
    {"an IPv6 literal", "[IPv6:2001:db8::7]", "", "[IPv6:2001:db8::7] 2001:db8::7"},
    {"a literal that is ours", "[192.0.2.100]", "", "5.4.6 [192.0.2.100]"},
    {"a literal that is none", "[a.example]", "", "5.1.2 [a.example]"},
    {"a literal that is not closed", "[192.0.2.7", "", "5.1.2 [192.0.2.7"},
    {"half a literal", "[", "", "5.1.2 ["},
    {"an address without brackets", "192.0.2.7", "", "5.1.2 192.0.2.7"},
    {"no name at all", "", "", "5.1.2 "},
    {"not a name", "a b.example", "", "5.1.2 a b.example"},
};

static struct route_input
input_for(const char *domain)
{
    return (struct route_input){.domain = slice_of(domain),
                                .fixed = fixed,
                                .fixed_count = COUNT(fixed),
                                .own_names = own_names,
                                .own_name_count = COUNT(own_names),
                                .own_addresses = own_addresses,
                                .own_address_count = COUNT(own_addresses),
                                .port = ROUTE_SMTP_PORT,
                                .random = 1,
                                .ipv6_first = true};
}

static void
walks_end_where_the_world_says(void **state)
{
    struct buf text, asked;
    struct route route;
    struct world w;

    (void)state;
    buf_init(&text, 16384);
    buf_init(&asked, 16384);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct route_input in = input_for(rows[i].domain);

        buf_reset(&text);
        buf_reset(&asked);
        make_world(&w, rows[i].world);
        walk(&w, &in, &route, &asked);
        put_route(&text, &route);
        if (strcmp((const char *)buf_slice(&text).at, rows[i].expected) != 0)
            fail_msg("%s: %s", rows[i].why, (const char *)buf_slice(&text).at);
        arena_free(w.arena);
    }
    buf_clear(&text);
    buf_clear(&asked);
}

static void
questions_come_together_that_need_no_other_answer(void **state)
{
    static const char *const expected =
        "(MX a.example)"
        "(A one.example, AAAA one.example, A two.example, AAAA two.example)"
        "(TLSA _25._tcp.one.example, TLSA _25._tcp.two.example)";
    struct route_input in = input_for("a.example");
    struct route route;
    struct world w;
    struct buf asked;

    (void)state;
    buf_init(&asked, 4096);
    make_world(&w, "a.example MX secure 10:one.example 20:two.example\n"
                   "one.example A secure 192.0.2.1\ntwo.example A secure 192.0.2.2");
    walk(&w, &in, &route, &asked);
    assert_string_equal((const char *)buf_slice(&asked).at, expected);
    assert_true(route.mx_secure && !route.configured && !route.incomplete);
    arena_free(w.arena);
    buf_clear(&asked);
}

/* rfc5321#5.1-e */
static void
equal_preferences_are_shuffled_by_the_number_handed_in(void **state)
{
    unsigned first[3] = {0};
    struct buf asked;
    struct world w;

    (void)state;
    buf_init(&asked, 1 << 20);
    make_world(&w, "a.example MX 10:n0.example 10:n1.example 10:n2.example 20:last.example\n"
                   "n0.example A 192.0.2.1\nn1.example A 192.0.2.2\nn2.example A 192.0.2.3\n"
                   "last.example A 192.0.2.4");
    for (uint64_t random = 0; random < 300; random++) {
        struct route_input in = input_for("a.example");
        struct route one, again;

        in.random = random;
        walk(&w, &in, &one, &asked);
        walk(&w, &in, &again, &asked);
        assert_int_equal(one.hop_count, 4);
        assert_true(slice_eq(one.hops[3].host, SLICE("last.example")));
        assert_memory_equal(one.hops, again.hops, sizeof(one.hops));
        first[one.hops[0].host.at[1] - '0']++;
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(first[i], 70, 130);
    arena_free(w.arena);
    buf_clear(&asked);
}

static void
ipv4_comes_first_where_the_machine_has_no_ipv6(void **state)
{
    struct route_input in = input_for("a.example");
    struct route route;
    struct world w;
    struct buf asked;

    (void)state;
    buf_init(&asked, 4096);
    make_world(&w, "a.example A 192.0.2.1\na.example AAAA 2001:db8::1 2001:db8::2");
    in.ipv6_first = false;
    walk(&w, &in, &route, &asked);
    assert_int_equal(route.hop_count, 3);
    assert_int_equal(route.hops[0].address.len, 4);
    assert_int_equal(route.hops[1].address.len, 16);
    arena_free(w.arena);
    buf_clear(&asked);
}

/* rfc5321#5.1-f: whoever is told to bring mail to 127.0.0.1 would bring it to itself. */
static void
this_machines_own_loopback_is_ours_where_the_owner_says_so(void **state)
{
    static const struct {
        const char *domain, *world;
        bool ours;
    } cases[] = {
        {"a.example", "a.example A 127.9.9.9", true},
        {"a.example", "a.example A 0.0.0.0", true},
        {"a.example", "a.example AAAA ::1", true},
        {"a.example", "a.example AAAA ::", true},
        {"a.example", "a.example AAAA ::ffff:127.0.0.1", true},
        {"[127.0.0.1]", "", true},
        {"a.example", "a.example A 128.0.0.1", false},
        {"a.example", "a.example AAAA ::2", false},
        {"a.example", "a.example AAAA ::ffff:192.0.2.127", false},
        {"a.example", "a.example AAAA 2001:db8::127.0.0.1", false},
    };
    struct route route;
    struct world w;
    struct buf asked;

    (void)state;
    buf_init(&asked, 1 << 16);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int strict = 0; strict < 2; strict++) {
            struct route_input in = input_for(cases[i].domain);

            in.loopback_is_ours = strict;
            make_world(&w, cases[i].world);
            walk(&w, &in, &route, &asked);
            assert_int_equal(route.kind, strict && cases[i].ours ? ROUTE_LOOP : ROUTE_FOUND);
            arena_free(w.arena);
        }
    buf_clear(&asked);
}

static void
a_smarthost_takes_what_has_no_line_of_its_own(void **state)
{
    static const struct route_fixed all[] = {
        {{(const uint8_t *)"*", 1}, {(const uint8_t *)"192.0.2.1", 9}, 587},
        {{(const uint8_t *)"b.example", 9}, {(const uint8_t *)"192.0.2.2", 9}, 25},
        {{(const uint8_t *)"c.example", 9}, {(const uint8_t *)"not a name", 10}, 25},
    };
    static const struct {
        const char *domain;
        enum route_kind kind;
        uint8_t last; /* of its address */
    } cases[] = {
        {"a.example", ROUTE_FOUND, 1},    {"B.Example", ROUTE_FOUND, 2},
        {"[192.0.2.9]", ROUTE_FOUND, 1},  {"x.b.example", ROUTE_FOUND, 1},
        {"c.example", ROUTE_NEXT_HOP, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct route_input in = input_for(cases[i].domain);
        struct route route;

        in.fixed = all;
        in.fixed_count = COUNT(all);
        route_walk(&in, &route);
        assert_int_equal(route.kind, cases[i].kind);
        assert_true(route.configured);
        if (cases[i].last)
            assert_int_equal(route.hops[0].address.at[3], cases[i].last);
    }
}

static void
put_many(struct buf *text, unsigned hosts, unsigned addresses)
{
    buf_put_string(text, "a.example MX");
    for (unsigned i = hosts; i > 0; i--)
        buf_put_format(text, " %u:n%u.example", i, i);
    for (unsigned i = 1; i <= hosts; i++) {
        buf_put_format(text, "\nn%u.example A", i);
        for (unsigned k = 0; k < addresses; k++)
            buf_put_format(text, " 192.0.2.%u", k);
    }
    buf_put_byte(text, '\0');
}

static void
servers_and_addresses_have_their_limits(void **state)
{
    struct route_input in = input_for("a.example");
    struct buf text, asked;
    struct route route;
    struct world w;

    (void)state;
    buf_init(&text, 65536);
    buf_init(&asked, 65536);
    put_many(&text, 50, 20);
    make_world(&w, (const char *)buf_slice(&text).at);
    walk(&w, &in, &route, &asked);
    assert_int_equal(route.hop_count, ROUTE_HOPS_MAX);
    assert_true(slice_eq(route.hops[0].host, SLICE("n1.example")));
    assert_true(slice_eq(route.hops[ROUTE_HOPS_MAX - 1].host, SLICE("n10.example")));
    arena_free(w.arena);
    buf_clear(&text);
    buf_clear(&asked);
}

static void
every_failure_has_a_code_and_words(void **state)
{
    (void)state;
    for (unsigned i = ROUTE_FOUND + 1; i < ROUTE_KIND_COUNT; i++) {
        assert_true(route_code((enum route_kind)i)[0] == '4' ||
                    route_code((enum route_kind)i)[0] == '5');
        assert_true(strlen(route_text((enum route_kind)i)) > 10);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_end_where_the_world_says),
        cmocka_unit_test(questions_come_together_that_need_no_other_answer),
        cmocka_unit_test(equal_preferences_are_shuffled_by_the_number_handed_in),
        cmocka_unit_test(ipv4_comes_first_where_the_machine_has_no_ipv6),
        cmocka_unit_test(this_machines_own_loopback_is_ours_where_the_owner_says_so),
        cmocka_unit_test(a_smarthost_takes_what_has_no_line_of_its_own),
        cmocka_unit_test(servers_and_addresses_have_their_limits),
        cmocka_unit_test(every_failure_has_a_code_and_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
