/* courier: brings mail to other servers. A job (job.h) is one message for one destination, a site
 * (site.h) a destination with its jobs and connections, and a connection (conn.h) a conversation
 * with one of its servers. What came of it goes back to the queue, which decides what happens next.
 */
#ifndef COURIER_COURIER_H
#define COURIER_COURIER_H

#include "base/list.h"
#include "base/map.h"
#include "role/role.h"
#include "settings.h"
#include "sts/sts.h"
#include "tls/tls.h"

enum {
    COURIER_JOBS_MAX = 20000,      /* jobs at a time */
    COURIER_BYTES_MAX = 256 << 20, /* bytes of memory they take */
    COURIER_FILES_MAX = 2048,      /* of them with a descriptor */
    COURIER_SITES_MAX = 2000,      /* sites that have nothing to do and are remembered */
    COURIER_SWEEP_MS = 1000,       /* how often time-outs are looked for */
    COURIER_IDLE_MS = 4000,        /* a connection waits so long for the next message */
    COURIER_TURN_MESSAGES = 10,    /* that one connection brings while other sites wait for one */
    COURIER_STOP_MS = 5000,        /* at a stop: for answers to messages that have left */
};

struct counters {
    uint64_t taken, delivered, later, failed, unknown; /* recipients, but for `taken` */
    uint64_t connections, refused_connections;         /* made; that did not come about */
    uint64_t tls, clear;                               /* connections that carried mail */
    uint64_t lost;                                     /* jobs whose queue went away */
    uint64_t policies_fetched, policies_failed;        /* of MTA-STS */
    uint64_t known; /* recipients a later queue sent again though they were delivered */
};

struct courier {
    struct role *role;
    struct settings *settings;
    struct tls_client *tls;
    struct sts_cache *policies; /* of domains, MTA-STS */
    struct tlsrpt *report;
    struct list fetchings; /* struct fetching */
    size_t fetching_count;
    struct list sites; /* struct site, those that did something last at the end */
    struct map sites_by_domain;
    uint64_t seed;
    size_t site_count;
    struct list wanting; /* sites that wait for a connection to become free, in turn */
    struct list conns;   /* struct conn, all of them */
    struct list idle;    /* those that wait for a message, the longest first */
    size_t conn_count;
    struct list orphans; /* struct job: under way, and nobody waits for them */
    uint32_t queues;     /* that went away */
    size_t job_count, job_bytes, job_files;
    struct timer *sweep, *stop;
    struct counters counters;
};

#endif
