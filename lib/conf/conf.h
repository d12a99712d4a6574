/* valija.conf: the grammar, its mistakes, and the checked result, which nobody changes afterwards.
 * What may be written is data: keys.def, protocol.def, base/limit.def; valija.conf(5) is printed
 * from them. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <sys/socket.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limit.h"

#define CONF_FILE         "/etc/valija/valija.conf"
#define CONF_STATE        "/var/lib/valija"
#define CONF_TRUST_ANCHOR "/usr/share/dns/root.key"
#define CONF_AUTHORITIES  "/etc/ssl/certs/ca-certificates.crt"
#define CONF_RUN          "/run/valija" /* for CONF_STATE; any other state folder has its own "run" */

enum {
    CONF_FILE_MAX = 1 << 20,   /* bytes of a file */
    CONF_LINE_MAX = 2048,      /* bytes of a line */
    CONF_ROWS_MAX = 4096,      /* lines of one directive */
    CONF_PATH_MAX = 1024,      /* bytes of a path */
    CONF_MISTAKES_MAX = 100,   /* mistakes kept; the rest is counted */
    CONF_MISTAKE_LEN = 400,    /* bytes of a mistake's text, with its NUL */
    CONF_MISTAKE_WORD_MAX = 80 /* bytes of a word quoted in it */
};

enum conf_protocol {
#define PROTOCOL(name, port, kind, served, help) CONF_##name,
#include "conf/protocol.def"
#undef PROTOCOL
    CONF_PROTOCOL_COUNT
};

enum conf_protocol_kind { CONF_PLAIN, CONF_TLS, CONF_LOCAL };

struct conf_protocol_row {
    const char *name;
    uint16_t port; /* of the listener that is there when the file has none; 0: none */
    enum conf_protocol_kind kind;
    bool served;
};

extern const struct conf_protocol_row conf_protocols[CONF_PROTOCOL_COUNT];

/* In what follows `line` is the line of the file, from 1; 0 where it is a default. */

struct conf_address {
    struct sockaddr_storage at; /* AF_INET, AF_INET6 or AF_UNIX, ready for bind or connect */
    socklen_t len;
    const char *text; /* as it was written */
};

/* `*` is every address of both families: at is [::] and wants IPV6_V6ONLY off, or 0.0.0.0 where the
 * kernel has no IPv6. Every other IPv6 address wants IPV6_V6ONLY on. */
struct conf_listen {
    enum conf_protocol protocol;
    bool every;
    struct conf_address address;
    unsigned line;
};

struct conf_tls {
    const char *name; /* of the server as clients name it (SNI), or "*" */
    const char *certificate, *key;
    unsigned line;
};

struct conf_resolver {
    struct conf_address address;
    unsigned line;
};

enum conf_route_tls {
#define ROUTE_TLS(name, word) CONF_ROUTE_##name,
#include "conf/route_tls.def"
#undef ROUTE_TLS
    CONF_ROUTE_TLS_COUNT
};

extern const char *const conf_route_tls_words[CONF_ROUTE_TLS_COUNT];

struct conf_route {
    const char *domain; /* or "*" */
    const char *host;   /* a name, or an address without brackets */
    uint16_t port;
    const char *user,
        *password; /* the name to log in by, and the file with its password; or NULL */
    enum conf_route_tls tls;
    unsigned line;
};

/* Paths are absolute where the folder of the input was. Everything lives in one arena. */
struct conf {
    struct arena *arena;
    const char *hostname;
    const char *state, *run;
    struct conf_listen *listens; /* no two overlap; always one for CONF_system */
    size_t listen_count;
    struct conf_tls *tls; /* the first serves clients that name none of them */
    size_t tls_count;
    struct conf_resolver *resolvers;
    size_t resolver_count;
    struct conf_route *routes;
    size_t route_count;
    const char *trust_anchor; /* NULL: none */
    bool trust_anchor_named;  /* by a line; else it may be missing */
    const char *authorities;
    bool authorities_named; /* likewise */
    struct limits limits;
};

struct conf_mistake {
    unsigned line, column; /* from 1, in characters; both 0 where it is the file as a whole */
    bool warning;          /* worth saying, but the configuration holds */
    char what[CONF_MISTAKE_LEN];
};

/* Owns nothing that needs freeing. About 40 KiB: not for a deep stack. */
struct conf_mistakes {
    const char *file; /* lives as long as the caller's name of it */
    struct conf_mistake at[CONF_MISTAKES_MAX];
    size_t count;  /* of those in `at` */
    size_t missed; /* those that found no room there */
    size_t errors; /* of all, those that are not warnings */
};

/* Everything a configuration depends on. */
struct conf_input {
    struct slice text;
    const char *file;        /* as mistakes name it */
    const char *folder;      /* what relative paths start from, without a slash at its end */
    const char *state;       /* overrides the file; NULL: it does not */
    const char *system_name; /* the host's name where the file has none */
};

/* Pure. NULL where there is an error among the mistakes, which are set anew. */
const struct conf *conf_parse(const struct conf_input *input, struct conf_mistakes *mistakes);

/* Reads a file and parses it. path NULL is CONF_FILE, which may be missing; a path that was named
 * may not. state: what -s said, or NULL. Relative ones start from the working folder. */
const struct conf *conf_load(const char *path, const char *state, struct conf_mistakes *mistakes);

void conf_free(const struct conf *c); /* NULL is fine */

/* Appends the value of a limit as one would write it: 64K, 5m. */
void conf_value_put(struct buf *out, enum limit_unit unit, uint64_t value);

/* The way back. False: it is no number with a suffix of that unit, or too large. */
bool conf_value_read(enum limit_unit unit, struct slice text, uint64_t *value);

/* Appends `file:line:column: what` lines. False where the cap of out was reached. */
bool conf_mistakes_put(const struct conf_mistakes *mistakes, struct buf *out);

#endif
