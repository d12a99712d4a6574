/* TLS on a connection: whom the server must prove to be is the policy's, what is said and when the
 * SMTP client's. */
#include <stdio.h>

#include "base/log.h"
#include "conn.h"

void
secure_choose_policy(struct conn *c, bool tlsa_unusable)
{
    struct policy_facts f = {.hop = &c->hop->at,
                             .route = c->hops->route,
                             .promise = c->hops->promise,
                             .tlsa_unusable = tlsa_unusable,
                             .tls_failed = c->in_clear};

    c->policy = policy_of(&f);
}

static void
failed(struct conn *c, enum tls_failure why, const char *words)
{
    c->tls_failure = why;
    conn_lost(c, SMTP_TROUBLE_TLS_FAILED, words);
}

static struct tls_conn *
begin_with(struct conn *c, enum tls_failure *why)
{
    struct tls_peer peer = {.name = c->hop->name,
                            .trust = c->policy.trust,
                            .tlsa = c->hop->tlsa,
                            .tlsa_count = c->hop->at.tlsa_count,
                            .lenient = c->policy.lenient,
                            .tlsa_base = c->hop->tlsa_base,
                            .other_name = c->hops->proven_domain};

    return tls_conn_new_client(c->courier->tls, c->fd, &peer, why);
}

/* rfc7672#2.2-c: records of which none is of use leave encryption as a must. */
static bool
begin(struct conn *c)
{
    enum tls_failure why;

    c->tls = begin_with(c, &why);
    if (!c->tls && why == TLS_FAILURE_TLSA_UNUSABLE) {
        secure_choose_policy(c, true);
        c->tls = c->policy.excluded ? NULL : begin_with(c, &why);
    }
    if (!c->tls)
        failed(c, why, "there is nothing the server could prove");
    return c->tls != NULL;
}

static void
done(struct conn *c)
{
    static const char *const proofs[] = {
        [TLS_TRUST_ANYONE] = "", [TLS_TRUST_NAME] = " name", [TLS_TRUST_DANE] = " dane"};

    bool proved = tls_conn_failure(c->tls) == TLS_FAILURE_NONE;

    snprintf(c->tls_words, sizeof(c->tls_words), "%s%s", tls_conn_version(c->tls),
             proved ? proofs[c->policy.trust] : "");
    c->drained = false;
    smtp_client_tls_started(&c->client);
}

bool
secure_step(struct conn *c)
{
    struct err e;

    if (!c->tls && !begin(c))
        return true;
    e = tls_conn_handshake(c->tls, &c->tls_wants_write);
    if (e.kind == ERR_AGAIN)
        return false;
    if (err_is(e))
        failed(c, tls_conn_failure(c->tls), tls_conn_error(c->tls));
    else
        done(c);
    return true;
}

/* A handshake that hangs or breaks off is one that failed. */
bool
secure_has_failed(const struct conn *c)
{
    const struct smtp_outcome *o = &c->client.outcome;

    return o->stage == SMTP_STAGE_TLS && o->trouble != SMTP_TROUBLE_NONE;
}

static bool
is_promised(const struct conn *c)
{
    return c->hops->promise && c->policy.trust == TLS_TRUST_NAME && !c->policy.lenient;
}

const char *
secure_reason(const struct conn *c)
{
    const struct smtp_outcome *o = &c->client.outcome;
    bool about_tls = o->stage == SMTP_STAGE_TLS || o->trouble == SMTP_TROUBLE_NO_TLS;

    if (about_tls && c->policy.trust == TLS_TRUST_DANE)
        return "dane-failed";
    if (c->policy.excluded || (about_tls && is_promised(c)))
        return "mta-sts-failed";
    if (c->tls_failure == TLS_FAILURE_EXPIRED || c->tls_failure == TLS_FAILURE_NAME ||
        c->tls_failure == TLS_FAILURE_NOT_TRUSTED)
        return "certificate-not-trusted";
    return secure_has_failed(c) ? "tls-failed" : NULL;
}
