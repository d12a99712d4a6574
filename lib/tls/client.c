/* The client's end: whom the other side must prove to be, and in which words it failed to. Roots
 * and TLSA records hang on each connection, so that all of them share one context. What DANE makes
 * of a certificate is OpenSSL's; which records are for mail is RFC 7672. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "tls/private.h"

struct tls_client {
    SSL_CTX *ctx;
    struct buf roots;  /* PEM */
    X509_STORE *store; /* the same, once it was needed */
};

static const struct {
    int code;
    enum tls_failure failure;
    const char *words; /* NULL: OpenSSL's */
} failures[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, TLS_FAILURE_EXPIRED, NULL},
    {X509_V_ERR_CERT_NOT_YET_VALID, TLS_FAILURE_EXPIRED, NULL},
    {X509_V_ERR_HOSTNAME_MISMATCH, TLS_FAILURE_NAME, "hostname mismatch in its certificate"},
    {X509_V_ERR_DANE_NO_MATCH, TLS_FAILURE_TLSA, "no TLSA record matches its certificate"},
};

const char *
tls_certificate_failure(const SSL *ssl, enum tls_failure *failure)
{
    long code = SSL_get_verify_result(ssl);
    const char *words = NULL;

    if (code == X509_V_OK)
        return NULL;
    *failure = TLS_FAILURE_NOT_TRUSTED;
    for (size_t i = 0; i < COUNT(failures); i++)
        if (failures[i].code == code) {
            *failure = failures[i].failure;
            words = failures[i].words;
        }
    return words ? words : X509_verify_cert_error_string(code);
}

struct tls_client *
tls_client_new(void)
{
    struct tls_client *c = heap_take(sizeof(*c));

    c->ctx = SSL_CTX_new(TLS_client_method());
    ensure(c->ctx && SSL_CTX_dane_enable(c->ctx) == 1);
    tls_context_options(c->ctx);
    buf_init(&c->roots, TLS_PEM_MAX);
    return c;
}

void
tls_client_free(struct tls_client *c)
{
    if (!c)
        return;
    X509_STORE_free(c->store);
    buf_clear(&c->roots);
    SSL_CTX_free(c->ctx);
    free(c);
}

struct err
tls_client_set_roots(struct tls_client *c, struct slice pem)
{
    if (pem.len > TLS_PEM_MAX)
        return err_make(ERR_LIMIT, "the size of the authorities' file");
    X509_STORE_free(c->store);
    c->store = NULL;
    buf_clear(&c->roots);
    buf_put(&c->roots, pem);
    return ERR_OK;
}

/* Files of authorities are long and few connections need them. A certificate that cannot be read
 * is left out: it only makes what it signed untrusted. */
static X509_STORE *
roots(struct tls_client *c)
{
    BIO *pem;
    unsigned char *der;
    char *kind, *header;
    long len;

    if (c->store)
        return c->store;
    c->store = X509_STORE_new();
    pem = BIO_new_mem_buf(c->roots.len ? buf_slice(&c->roots).at : (const void *)"",
                          (int)c->roots.len);
    ensure(c->store && pem);
    while (PEM_read_bio(pem, &kind, &header, &der, &len) == 1) {
        const unsigned char *at = der;
        X509 *root = d2i_X509(NULL, &at, len);

        if (root)
            X509_STORE_add_cert(c->store, root);
        X509_free(root);
        OPENSSL_free(kind);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(pem);
    return c->store;
}

/* No certificate proves an empty name; to OpenSSL it would be every name's, and one with a dot in
 * front all names below it. */
static bool
is_provable(const char *name)
{
    return name[0] && name[0] != '.';
}

/* rfc8461#4.2-a: the name in the certificate's list of names, not in its subject. */
static bool
demand_name(struct tls_client *c, SSL *ssl, const struct tls_peer *peer, enum tls_failure *why)
{
    *why = TLS_FAILURE_NAME;
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return is_provable(peer->name) && SSL_set1_host(ssl, peer->name) == 1 &&
           SSL_set1_verify_cert_store(ssl, roots(c)) == 1;
}

enum { USAGE_DANE_TA = 2, USAGE_DANE_EE = 3, TLSA_HEAD = 3 };

/* rfc7672#3.1.3-a: of the four usages two. OpenSSL leaves out what else it cannot use: selectors
 * and hashes that nobody knows, hashes of a wrong length, keys that are none. It also knows which
 * of several hashes counts (rfc7672#5-a). */
static bool
add_record(SSL *ssl, struct slice record)
{
    const uint8_t *at = record.at;

    return record.len > TLSA_HEAD && (at[0] == USAGE_DANE_TA || at[0] == USAGE_DANE_EE) &&
           SSL_dane_tlsa_add(ssl, at[0], at[1], at[2], at + TLSA_HEAD, record.len - TLSA_HEAD) > 0;
}

/* The base is the name that is asked for (rfc7672#8.1-a) and the first that a certificate below an
 * authority may have (rfc7672#3.2.2-a); it must have one of them (rfc7672#3.1.2-a) and be in its
 * time (rfc7672#3.1.2-b). One that the records name itself need not, and its time does not count
 * (rfc7672#3.1.1-a). */
static bool
demand_record(SSL *ssl, const struct tls_peer *peer, enum tls_failure *why)
{
    const char *others[] = {peer->name, peer->other_name};
    size_t usable = 0;

    *why = TLS_FAILURE_NAME;
    if (!is_provable(peer->tlsa_base) || SSL_dane_enable(ssl, peer->tlsa_base) != 1)
        return false;
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    for (size_t i = 0; i < COUNT(others); i++)
        if (others[i] && is_provable(others[i]) && SSL_add1_host(ssl, others[i]) != 1)
            return false;
    *why = TLS_FAILURE_TLSA_UNUSABLE;
    for (size_t i = 0; i < peer->tlsa_count; i++)
        usable += add_record(ssl, peer->tlsa[i]);
    return usable > 0;
}

/* Where nobody is proved, weak encryption is better than what would follow, which is none. */
static bool
demand(struct tls_client *c, SSL *ssl, const struct tls_peer *peer, enum tls_failure *why)
{
    if (peer->trust == TLS_TRUST_ANYONE) {
        SSL_set_security_level(ssl, 0);
        return true;
    }
    if (peer->lenient)
        SSL_set_security_level(ssl, 0);
    else
        SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return peer->trust == TLS_TRUST_NAME ? demand_name(c, ssl, peer, why)
                                         : demand_record(ssl, peer, why);
}

static bool
is_host_name(const char *name)
{
    uint8_t address[16];

    return name[0] && name[0] != '[' && inet_pton(AF_INET, name, address) != 1 &&
           inet_pton(AF_INET6, name, address) != 1;
}

struct tls_conn *
tls_conn_new_client(struct tls_client *c, int fd, const struct tls_peer *peer,
                    enum tls_failure *why)
{
    struct tls_conn *conn = tls_conn_on(c->ctx, fd);
    bool demanded = demand(c, conn->ssl, peer, why);

    /* rfc8461#7.1-b */
    if (demanded && !SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name) &&
        is_host_name(peer->name))
        SSL_set_tlsext_host_name(conn->ssl, peer->name);
    ERR_clear_error(); /* of records and authorities that were left out */
    if (!demanded) {
        tls_conn_free(conn);
        return NULL;
    }
    conn->lenient = peer->lenient;
    SSL_set_connect_state(conn->ssl);
    *why = TLS_FAILURE_NONE;
    return conn;
}
