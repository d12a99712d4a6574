/* What the configuration says of the way to other servers: its fixed routes, with the login at a
 * smarthost, and the addresses that are our own. */
#ifndef COURIER_SETTINGS_H
#define COURIER_SETTINGS_H

#include "base/arena.h"
#include "base/buf.h"
#include "route/route.h"
#include "smtp/client.h"

enum {
    SETTINGS_ROUTES_MAX = 4096,    /* as many as a configuration may have */
    SETTINGS_ADDRESSES_MAX = 1024, /* of this machine */
    SETTINGS_PASSWORD_MAX = 256,   /* bytes of a password file's line that count */
    SETTINGS_MEMORY_MAX = 8 << 20,
};

/* A line `route`, beyond what lib/route needs to know of it. */
struct settings_route {
    enum smtp_tls tls;
    struct slice login, password; /* login empty: none */
};

struct settings {
    struct arena *arena; /* of all slices */
    struct route_fixed fixed[SETTINGS_ROUTES_MAX];
    struct settings_route routes[SETTINGS_ROUTES_MAX]; /* by the same index */
    size_t route_count;
    struct slice addresses[SETTINGS_ADDRESSES_MAX]; /* 4 or 16 bytes each */
    size_t address_count;
    uint64_t generation; /* one more whenever they change */
};
#endif
