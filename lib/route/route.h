/* Where mail for a domain goes: RFC 5321 5.1, null MX (RFC 7505), and what DANE needs to know (RFC
 * 7672 2.2). Pure: a walk looks at the input and the DNS answers known so far, and returns where
 * to, why not, or what to ask next; who walks asks, and walks again with the answers. */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "dns/dns.h"

enum {
    ROUTE_HOSTS_MAX = 10,    /* mail servers of a domain that are tried, the best ones */
    ROUTE_ADDRESSES_MAX = 8, /* addresses of one of them */
    ROUTE_HOPS_MAX = ROUTE_HOSTS_MAX * ROUTE_ADDRESSES_MAX,
    ROUTE_ASKS_MAX = 2 * ROUTE_HOSTS_MAX, /* questions at a time */
    ROUTE_SMTP_PORT = 25,
};

enum route_kind {
    ROUTE_ASK,
    ROUTE_FOUND,
#define FAILURE(id, code, text) ROUTE_##id,
#include "route/failure.def"
#undef FAILURE
    ROUTE_KIND_COUNT
};

struct route_question {
    enum dns_type type;
    char name[DNS_NAME_ROOM];
};

struct route_known {
    enum dns_type type;
    struct slice name;
    const struct dns_answer *answer;
};

/* A line `route DOMAIN HOST:PORT`. */
struct route_fixed {
    struct slice domain; /* or "*" */
    struct slice host;   /* a name, or an address without brackets */
    uint16_t port;
};

struct route_input {
    struct slice domain; /* behind the at sign: a clean name, or a literal in brackets */
    const struct route_fixed *fixed;
    size_t fixed_count;
    const struct slice *own_names; /* what leads to this server, clean */
    size_t own_name_count;
    const struct slice *own_addresses; /* 4 or 16 bytes each */
    size_t own_address_count;
    bool loopback_is_ours; /* 127.0.0.0/8, ::1 and the unspecified addresses lead to this machine */
    uint16_t port;         /* of mail servers that the DNS names: ROUTE_SMTP_PORT, but for tests */
    uint64_t random;       /* decides between equals: the same for all walks to one domain */
    bool ipv6_first;
    const struct route_known *known;
    size_t known_count;
};

/* One address to try. Its slices lie in the input, in the answers, or in the route. */
struct route_hop {
    struct slice host;    /* as the MX record, or the route, has it; for a literal, that */
    struct slice address; /* 4 or 16 bytes */
    uint16_t port;
    uint32_t preference;
    bool secure;            /* DNSSEC proves the address */
    struct slice tlsa_base; /* the name whose TLSA records hold (RFC 7672 2.2.3); empty: none do */
    const struct dns_record *tlsa; /* proven; TLS is then a must */
    size_t tlsa_count;
};

struct route {
    enum route_kind kind;
    struct route_question asks[ROUTE_ASKS_MAX]; /* ROUTE_ASK: all of these, in any order */
    size_t ask_count;
    struct route_hop hops[ROUTE_HOPS_MAX]; /* ROUTE_FOUND: in the order to try them */
    size_t hop_count;
    bool mx_secure;                       /* DNSSEC proves that these are the domain's servers */
    const struct route_fixed *configured; /* the fixed route it goes by, or NULL */
    bool incomplete; /* some servers were left out as the DNS failed: no failure of the hops is for
                        good */
    struct slice about; /* a failure, or incomplete: the name it is about */
    struct slice why;   /* and the resolver's words, or empty */
    uint8_t literal[16];
};

/* About 14 KiB of route, which is set anew. Slices of `in` and of the answers must outlive it. */
void route_walk(const struct route_input *in, struct route *route);

/* As route_walk, but it ends, with no hops, as soon as it is clear whether there is anything that
 * may take the domain's mail, or that the DNS does not say, and asks one question at a time. */
void route_exists(const struct route_input *in, struct route *route);

const char *route_code(enum route_kind failure); /* "5.1.2" */
const char *route_text(enum route_kind failure);

/* "192.0.2.1", or "2001:db8::1" in brackets with IPv6: in front; as bytes. 0: it is neither; else
 * their number. */
size_t route_literal_read(struct slice text, uint8_t bytes[16]);

/* 127.0.0.0/8, 0.0.0.0/8, ::1 and ::, of 4 or 16 bytes: they lead to this machine. */
bool route_is_loopback(struct slice address);

#endif
