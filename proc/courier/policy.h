/* What a connection to a hop must be: whether TLS is used, whom the server must prove to be, and
 * whether it may have the mail at all. The one place that decides it. Pure. */
#ifndef COURIER_POLICY_H
#define COURIER_POLICY_H

#include "settings.h"
#include "sts/sts.h"
#include "tls/tls.h"

struct policy {
    enum smtp_tls tls;
    enum tls_trust trust;
    bool lenient;              /* whatever it proves, it gets the mail */
    bool excluded;             /* it gets nothing: the domain does not name it */
    bool clear_after;          /* where TLS does not come about, the same hop is tried without */
    enum tlsrpt_policy counts; /* under which policy its sessions are counted */
    enum tlsrpt_result doubt;  /* and as what, whatever TLS makes of them; or TLSRPT_SUCCESS */
};

struct policy_facts {
    const struct route_hop *hop;
    const struct settings_route *route; /* the fixed route the hop belongs to, or NULL */
    const struct sts_policy *promise;   /* of its domain, or NULL */
    bool tlsa_unusable; /* no TLSA record of the hop is of a kind that can be used */
    bool tls_failed;    /* it did not come about there, a moment ago */
};

struct policy policy_of(const struct policy_facts *f);

/* May an MTA-STS policy of the domain count, or has the owner decided it all? */
bool policy_heeds_promises(const struct settings_route *route);

#endif
