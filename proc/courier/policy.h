/* What a connection to a hop must be: whether TLS is used, and whom the server must prove to be.
 * The one place that decides it. Pure. */
#ifndef COURIER_POLICY_H
#define COURIER_POLICY_H

#include "settings.h"
#include "tls/tls.h"

struct policy {
    enum smtp_tls tls;
    enum tls_trust trust;
    bool clear_after; /* where TLS does not come about, the same hop is tried without */
};

/* route: the fixed route the hop belongs to, or NULL. tlsa_unusable: no TLSA record of the hop is
 * of a kind that can be used. tls_failed: it did not come about there, a moment ago. */
struct policy policy_of(const struct route_hop *hop, const struct settings_route *route,
                        bool tlsa_unusable, bool tls_failed);

#endif
