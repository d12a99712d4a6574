#include "policy.h"

static enum smtp_tls
must(enum smtp_tls tls)
{
    return tls == SMTP_TLS_AT_ONCE ? tls : SMTP_TLS_MUST;
}

/* rfc7672#2.2-c; with records of which none can be used, encrypted all the same. */
static void
heed_records(struct policy *p, const struct policy_facts *f)
{
    p->tls = must(p->tls);
    p->counts = TLSRPT_TLSA;
    p->trust = f->tlsa_unusable ? TLS_TRUST_ANYONE : TLS_TRUST_DANE;
    p->doubt = f->tlsa_unusable ? TLSRPT_TLSA_INVALID : TLSRPT_SUCCESS;
}

/* rfc8461#5-a rfc8461#5-b */
static void
heed_promise(struct policy *p, const struct policy_facts *f)
{
    bool named = sts_policy_allows(f->promise, f->hop->host);

    p->trust = TLS_TRUST_NAME;
    p->lenient = f->promise->mode != STS_ENFORCE;
    if (!p->lenient) {
        p->tls = must(p->tls);
        p->excluded = !named;
    }
    if (p->counts == TLSRPT_TLSA)
        return;
    p->counts = TLSRPT_STS;
    p->doubt = named ? TLSRPT_SUCCESS : TLSRPT_FAILURE;
}

bool
policy_heeds_promises(const struct settings_route *route)
{
    return !route || route->tls == SMTP_TLS_MAY;
}

/* What DANE proves or not is not asked of MTA-STS again (rfc8461#2-a). */
struct policy
policy_of(const struct policy_facts *f)
{
    struct policy p = {.tls = f->route ? f->route->tls : SMTP_TLS_MAY,
                       .trust = TLS_TRUST_ANYONE,
                       .counts = TLSRPT_NO_POLICY};

    if (p.tls == SMTP_TLS_NEVER)
        return p;
    if (f->route && f->route->verify) {
        p.trust = TLS_TRUST_NAME; /* the owner's word, whatever the DNS says */
        return p;
    }
    if (f->hop->tlsa_count)
        heed_records(&p, f);
    if (f->promise && p.trust != TLS_TRUST_DANE)
        heed_promise(&p, f);
    if (p.tls == SMTP_TLS_MAY) {
        p.clear_after = !f->tls_failed;
        p.tls = f->tls_failed ? SMTP_TLS_NEVER : SMTP_TLS_MAY;
    }
    return p;
}
