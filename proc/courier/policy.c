#include "policy.h"

struct policy
policy_of(const struct route_hop *hop, const struct settings_route *route, bool tlsa_unusable,
          bool tls_failed)
{
    struct policy p = {route ? route->tls : SMTP_TLS_MAY, TLS_TRUST_ANYONE, false};

    if (hop->tlsa_count && p.tls != SMTP_TLS_NEVER) {
        /* rfc7672#2.2-c; with records of which none can be used, encrypted all the same */
        p.tls = p.tls == SMTP_TLS_AT_ONCE ? p.tls : SMTP_TLS_MUST;
        p.trust = tlsa_unusable ? TLS_TRUST_ANYONE : TLS_TRUST_DANE;
    }
    if (p.tls == SMTP_TLS_MAY) {
        p.clear_after = !tls_failed;
        p.tls = tls_failed ? SMTP_TLS_NEVER : SMTP_TLS_MAY;
    }
    return p;
}
