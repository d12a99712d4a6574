/* What the configuration says of the way to other servers: fixed routes, with the login that a
 * smarthost wants, and the addresses that are our own. Counted, as what was found with old settings
 * outlives a reload. */
#ifndef COURIER_SETTINGS_H
#define COURIER_SETTINGS_H

#include "base/arena.h"
#include "base/buf.h"
#include "route/route.h"
#include "smtp/client.h"

enum {
    SETTINGS_PASSWORD_MAX = SASL_PASSWORD_MAX, /* bytes of the first line of a password's file */
    SETTINGS_MEMORY_MAX = 16 << 20,
};

/* A line `route`, beyond what lib/route needs to know of it. */
struct settings_route {
    enum smtp_tls tls;
    bool verify;        /* the server must prove its name to the authorities */
    struct slice login; /* empty: none */
    struct secret password;
};

struct settings {
    unsigned users;
    struct arena *arena;
    struct route_fixed *fixed;
    struct settings_route *routes; /* by the same index */
    size_t route_count;
    struct slice *addresses; /* 4 or 16 bytes each */
    size_t address_count;
    struct secret seen; /* everything that was put */
};

struct settings *settings_new(void);
struct settings *settings_get(struct settings *s); /* one user more */
void settings_put(struct settings *s);             /* one less; NULL is fine */

/* As enum role_setting_kind has them. What is malformed is our own bug. */
void settings_put_route(struct settings *s, struct slice value);
void settings_put_address(struct settings *s, struct slice value);
void settings_put_password(struct settings *s, struct slice domain, struct slice text);

bool settings_eq(const struct settings *a, const struct settings *b);

/* What belongs to a route; NULL for NULL. */
const struct settings_route *settings_route_of(const struct settings *s,
                                               const struct route_fixed *fixed);

#endif
