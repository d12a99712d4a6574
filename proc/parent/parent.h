/* The parent: starts, binds, watches, restarts, reloads. It parses nothing but its own
 * configuration and never touches a byte from the network. */
#ifndef PARENT_PARENT_H
#define PARENT_PARENT_H

#include <sys/types.h>

#include "base/list.h"
#include "conf/conf.h"
#include "role/spawn.h"

enum {
    PARENT_CHILDREN_MAX = 4 * ROLE_INSTANCES_MAX + ROLE_COUNT,
    PARENT_SOCKETS_MAX = 256, /* listening sockets */
    PARENT_QUICK_MS = 1000,   /* a role that lived less died at its start */
    PARENT_QUICK_DEATHS = 3,  /* so many are replaced at once, later ones after a pause */
    PARENT_PAUSE_MS = 500,
};

struct child {
    struct parent *parent;
    enum role_id id;
    unsigned index;
    pid_t pid;            /* 0: not running */
    struct chan *control; /* NULL: not running */
    bool ready;
    bool asleep;                  /* a role on demand that nobody needs yet, */
    bool wanted;                  /* or that somebody does: it is being started */
    struct list ends;             /* asleep.c */
    uint64_t started_ms, started; /* steady; seconds since 1970 */
    unsigned restarts, quick_deaths;
    struct timer *pause;
};

/* A listening socket, kept open over reloads so that no connection is refused meanwhile. */
struct socket {
    enum role_protocol protocol;
    char text[128]; /* the address as configured */
    int fd;
    bool wanted;
};

struct parent {
    struct loop *loop;
    const char *conf_path, *state; /* as given, or NULL */
    const struct conf *conf;
    uint64_t generation, started;
    bool ready, stopping;
    int status; /* to exit with */
    struct child children[PARENT_CHILDREN_MAX];
    size_t child_count;
    struct socket sockets[PARENT_SOCKETS_MAX];
    size_t socket_count;
    unsigned last_ctl; /* number of the latest door for a command */
    struct timer *stop_timer;
    unsigned stage; /* of stopping */
};

/* children.c */
void children_start(struct parent *p);
void children_reload(struct parent *p);   /* a new generation for all */
void children_reap(struct parent *p);     /* replace who died */
void children_stop(struct parent *p);     /* stage by stage, then the loop ends */
void child_want(struct child *c);         /* it is needed: start it, if it is asleep */
bool child_is_due(const struct child *c); /* it should be running */
struct child *child_find(struct parent *p, enum role_id id, unsigned index);

/* asleep.c: the ends of a sleeper's channels, each by who has the other end; the descriptor is
 * taken over. A word on one of them wants the sleeper. take: the caller's from then on; -1: there
 * is none. */
void asleep_keep(struct child *sleeper, const struct child *of, int fd);
int asleep_take(struct child *sleeper, const struct child *of);

/* configure.c: everything a role is told */
void configure_boot(struct child *c); /* before its peers */
void configure_rest(struct child *c); /* limits, sockets, files, and go */

/* sockets.c */
struct err
sockets_open(struct parent *p); /* what the configuration wants, closing what it does not */
void sockets_close(struct parent *p);
struct err sockets_clear_place(const char *path); /* for a new unix socket */

/* addresses.c: tells the addresses, as text, at which this machine takes mail from other servers;
 * one may come twice. */
typedef void address_fn(void *ctx, const char *address);
void addresses_each(const struct conf *conf, address_fn *fn, void *ctx);

/* control.c: the door for commands */
struct err control_open(struct parent *p, const char *run);
void control_close(struct parent *p);

/* main.c */
unsigned parent_reload(struct parent *p); /* how many mistakes kept it from being taken over */
void parent_ready(struct parent *p);      /* every role is; tell who waits */

#endif
