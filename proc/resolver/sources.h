/* Whom to ask and what to believe, from what the parent hands over: name servers and trust anchors,
 * as the strings that libunbound takes. Pure. */
#ifndef RESOLVER_SOURCES_H
#define RESOLVER_SOURCES_H

#include "base/buf.h"

enum {
    SOURCES_SERVERS_MAX = 16, /* name servers; more are not asked */
    SOURCES_SERVER_ROOM = 72, /* an address with its interface, an at sign and a port */
    SOURCES_FILE_MAX = 65536, /* bytes of a file that are read */
};

struct sources {
    char servers[SOURCES_SERVERS_MAX][SOURCES_SERVER_ROOM]; /* ADDRESS@PORT */
    size_t server_count;
    bool system;        /* the servers are those of resolv.conf */
    struct buf anchors; /* DS and DNSKEY records, each with a NUL at its end */
    bool anchors_named; /* by the configuration */
};

void sources_init(struct sources *s);
void sources_clear(struct sources *s);
bool sources_eq(const struct sources *a, const struct sources *b);

/* ADDRESS:PORT, IPv6 in brackets. False: it is none, or there are enough. */
bool sources_put_server(struct sources *s, struct slice address);

/* The nameserver lines of a resolv.conf; what else is in it concerns others. */
void sources_put_resolv_conf(struct sources *s, struct slice text);

/* The DS and DNSKEY records of a file in zone format, or as unbound keeps it (RFC 5011), of which
 * the keys count that are valid or missing just now. */
void sources_put_anchors(struct sources *s, struct slice text);

/* The next anchor from *at on, which begins as 0; NULL at the end. */
const char *sources_next_anchor(const struct sources *s, size_t *at);

#endif
