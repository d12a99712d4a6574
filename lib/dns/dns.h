/* The DNS as the rest of the tree knows it: names, the types that are asked for, and answers. Names
 * are text in small letters without a dot at their end, in A-labels; the root is ".". Nothing here
 * asks anybody: proc/resolver does. */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include "base/arena.h"

enum {
    DNS_NAME_MAX = 253,       /* characters of a name (RFC 1035 2.3.4: 255 octets on the wire) */
    DNS_NAME_ROOM = 256,      /* for one, with a NUL */
    DNS_LABEL_MAX = 63,       /* and of one label */
    DNS_CHAIN_MAX = 16,       /* aliases that lead to an answer */
    DNS_RECORDS_MAX = 500,    /* records of one answer */
    DNS_DATA_MAX = 40 * 1024, /* bytes of their data, so that an answer fits a frame of lib/ipc */
    DNS_TTL_MAX = 86400,      /* seconds any answer is believed */
};

enum dns_type {
#define TYPE(name, number, reader) DNS_##name = number,
#include "dns/type.def"
#undef TYPE
};

enum dns_verdict {
    DNS_FOUND,     /* though perhaps with no record that could be read */
    DNS_NO_DOMAIN, /* there is no such name */
    DNS_NO_RECORD, /* there is, but it has no such record */
    DNS_TEMPORARY, /* no answer, or a server's failure: nothing is known */
    DNS_BOGUS,     /* an answer that DNSSEC shows to be forged or broken */
    DNS_VERDICT_COUNT
};

/* What data is: A and AAAA, the 4 or 16 bytes of an address; CNAME, PTR and MX, a name; TXT, its
 * strings joined; TLSA, usage, selector, matching type and what they apply to. */
struct dns_record {
    uint32_t preference; /* of an MX; else 0 */
    struct slice data;
};

struct dns_answer {
    enum dns_verdict verdict;
    bool secure;            /* DNSSEC proves it, what is not there as well */
    bool cut;               /* there were more records than DNS_RECORDS_MAX or DNS_DATA_MAX */
    uint32_t ttl;           /* seconds it holds */
    struct slice why;       /* words, where it is DNS_TEMPORARY or DNS_BOGUS */
    struct slice canonical; /* the name the records belong to, after aliases */
    const struct dns_record *records;
    size_t count;
};

bool dns_type_known(uint32_t type);
const char *dns_type_name(enum dns_type type); /* "MX" */

/* The name as it is asked for: small letters, no dot at the end. False: the DNS cannot hold it, or
 * it has a character that no name of a host, a service or a network has. */
bool dns_name_clean(struct slice name, char room[DNS_NAME_ROOM]);

/* Could it be a host's (RFC 1123 2.1, and the underscore that some have): no address, not ".". */
bool dns_name_is_host(struct slice name);

/* The name whose PTR records tell the name of an address, given as text. False: it is none. */
bool dns_name_of_address(struct slice address, char room[DNS_NAME_ROOM]);

/* A response's packet as an answer about a clean name: verdict, ttl, canonical and records, aliases
 * followed. Not secure, nor DNS_BOGUS: that the packet cannot know. False: it is malformed. What
 * *answer points to lies in a. A record whose data is malformed is left out. */
bool dns_packet_read(struct slice packet, struct slice name, enum dns_type type, struct arena *a,
                     struct dns_answer *answer);

#endif
