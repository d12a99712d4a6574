/* How a process begins, lives and ends. Every role's main is one call of role_main with its spec;
 * what it may do stands in roles.def and is enforced before any of its own code runs. */
#ifndef ROLE_ROLE_H
#define ROLE_ROLE_H

#include "base/limit.h"
#include "ipc/chan.h"
#include "ipc/verdict.h"
#include "loop/loop.h"

enum role_id {
#define ROLE(name, program, count, user, root, promises) ROLE_##name,
#define LINK(asks, answers, what)
#include "role/roles.def"
#undef ROLE
#undef LINK
    ROLE_COUNT
};

enum role_protocol {
    ROLE_SMTP,
    ROLE_SUBMISSION,
    ROLE_SUBMISSIONS,
    ROLE_POP3,
    ROLE_POP3S,
    ROLE_SYSTEM, /* SMTP over a unix socket from this machine's own users */
    ROLE_PROTOCOL_COUNT
};

enum role_file_kind {
    ROLE_FILE_CERTIFICATE,
    ROLE_FILE_KEY,
    ROLE_FILE_TRUST_ANCHOR,        /* that a line names */
    ROLE_FILE_SYSTEM_TRUST_ANCHOR, /* where no line says anything */
    ROLE_FILE_SYSTEM_RESOLVERS,    /* resolv.conf, where no line names a resolver */
    ROLE_FILE_ROUTE_PASSWORD,      /* in its first line; name: the domain of the route */
    ROLE_FILE_AUTHORITIES,         /* certificates, PEM: who is believed about others' names */
    ROLE_FILE_KIND_COUNT
};

/* A line of the configuration that concerns a role. */
enum role_setting_kind {
    ROLE_SETTING_RESOLVER,    /* ADDRESS:PORT of a DNS server */
    ROLE_SETTING_ROUTE,       /* DOMAIN HOST PORT POLICY [USER]: a line `route`; POLICY is a word of
                                 conf/route_tls.def, and its password comes as a file */
    ROLE_SETTING_ROUTED,      /* DOMAIN of such a line, for who needs to know no more */
    ROLE_SETTING_OWN_ADDRESS, /* an address at which this machine takes mail */
    ROLE_SETTING_KIND_COUNT
};

struct role {
    struct loop *loop;
    enum role_id id;
    unsigned index, count; /* this is number `index` of `count` */
    uint64_t generation;   /* of the configuration; 1 is the first */
    bool stopping;
    struct limits limits; /* renewed in place at a reload */
    char hostname[256];   /* the service's own name */
    void *state;          /* the role's own */
};

/* What other roles may send. Links on which this role only asks need a row too (handlers NULL). */
struct role_door {
    enum role_id from;
    const struct chan_handler *handlers; /* their ctx is struct role * */
    bool raw;     /* no channel: role_peer_fd gives the descriptor, for chan_ask_now */
    bool gathers; /* chan_gather: much goes there, and nothing hangs on its order with others */
};

/* What a role is, for role_main. All members but doors and start may be NULL. */
struct role_spec {
    const struct role_door *doors; /* ends with a row whose from is ROLE_parent */

    /* Before the jail: load what must be opened. */
    void (*prepare)(struct role *r);
    /* In the jail; peers and limits are here. */
    struct err (*start)(struct role *r);

    /* Listeners (the descriptor is taken over), files (it is closed after) and settings come after
     * start and again, all of them, at each reload; configured then says that they are complete. */
    void (*listener)(struct role *r, enum role_protocol p, struct slice address, int fd);
    void (*file)(struct role *r, enum role_file_kind k, struct slice name, int fd);
    void (*setting)(struct role *r, enum role_setting_kind k, struct slice value);
    void (*configured)(struct role *r);

    /* A channel to a peer is new, in place of one that went down; or it is gone, and what was asked
     * on it has failed. */
    void (*peer_up)(struct role *r, enum role_id id, unsigned index);
    void (*peer_down)(struct role *r, enum role_id id, unsigned index);

    /* Finish within seconds, then call role_end. NULL: there is nothing to finish. */
    void (*stop)(struct role *r, unsigned seconds);
    /* Append counters with role_put_value, for `valija status`. */
    void (*status)(struct role *r, struct buf *values);
};

int role_main(int argc, char **argv, const struct role_spec *spec);
void role_end(struct role *r);

/* The channel to a peer, or NULL while it is being replaced. One that runs on demand has a channel
 * while it sleeps, and the first word on it wakes it; it may end when it is idle, so who got no
 * answer asks once more when peer_up says that there is a new channel. */
struct chan *role_peer(const struct role *r, enum role_id id, unsigned index);
int role_peer_fd(const struct role *r, enum role_id id); /* raw doors; -1: none now */
unsigned role_peer_count(const struct role *r, enum role_id id);

/* Which index of role `id` a channel belongs to. False: it is not one of that role's. */
bool role_peer_is(const struct role *r, const struct chan *c, enum role_id id, unsigned *index);

void role_put_value(struct buf *values, const char *name, uint64_t value);

/* A message id: microseconds since 2020 and the maker, so that ids rise and never meet. */
uint64_t role_message_id(const struct role *r);
uint64_t role_message_id_floor(uint64_t seconds); /* less than any id made in the last so many */
bool role_message_id_is_from(uint64_t id, enum role_id maker, unsigned index);
uint64_t role_message_id_seconds(uint64_t id); /* when it was made, since 1970 */

const char *role_name(enum role_id id);
const char *role_protocol_name(enum role_protocol p); /* "smtp", "submissions", ... */

static inline uint64_t
role_limit(const struct role *r, enum limit l)
{
    return r->limits.value[l];
}

#endif
