/* TLS 1.2 and 1.3: OpenSSL behind one header. A server's private key is elsewhere: signing is a
 * function that the owner hands in (in the edges it asks the keys role). */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include "base/buf.h"
#include "base/err.h"

enum {
    TLS_KEY_ID = 32,             /* SHA-256 of the SubjectPublicKeyInfo */
    TLS_SIGNATURE_MAX = 1024,    /* RSA of 8192 bits */
    TLS_PEM_MAX = 1 << 20,       /* bytes of a certificate or key file */
    TLS_CERTIFICATES_MAX = 4096, /* names of one server */
    TLS_NAME_MAX = 256,
    TLS_BINDING_MAX = 64,
};

/* Load nothing from files, ever; call once, before the jail. */
void tls_prepare(void);

/* ---- the holder of private keys ---- */

struct tls_key; /* a private key */
struct err tls_key_load(struct slice pem, struct tls_key **key);
void tls_key_free(struct tls_key *k);
struct slice tls_key_id(const struct tls_key *k);

/* Sign what OpenSSL asked the other side to sign: padding is one of its RSA_*_PADDING, or 0 for
 * elliptic curves. False: this key would not sign that. */
bool tls_key_sign(struct tls_key *k, uint32_t padding, struct slice digest,
                  uint8_t signature[TLS_SIGNATURE_MAX], size_t *len);

/* ---- servers ---- */

/* As tls_key_sign, for the key of that id, wherever it is. */
typedef bool tls_sign_fn(void *ctx, struct slice key_id, uint32_t padding, struct slice digest,
                         uint8_t signature[TLS_SIGNATURE_MAX], size_t *len);

/* A set of certificates, chosen by the name the client asks for (SNI); the first is for clients
 * that ask for none of them. Connections keep the set they began with. */
struct tls_server;
struct tls_server *tls_server_new(tls_sign_fn *sign, void *ctx);
void tls_server_put(struct tls_server *s); /* one owner less; NULL is fine */

/* pem: the certificate and those that lead to its root. name: a host name, "*.example" or "*". */
struct err tls_server_add(struct tls_server *s, struct slice name, struct slice pem);
bool tls_server_is_empty(const struct tls_server *s);

/* ---- clients ---- */

/* Whom the other side must prove to be. */
enum tls_trust {
    TLS_TRUST_ANYONE, /* nobody: encryption as such (RFC 7435) */
    TLS_TRUST_NAME,   /* the name, by a certificate that leads to one of the roots (RFC 8461 4.2) */
    TLS_TRUST_DANE,   /* what its TLSA records say (RFC 7672 3) */
};

struct tls_peer {
    const char
        *name; /* asked for (SNI), and with TLS_TRUST_NAME to be proved; without dot at its end */
    enum tls_trust trust;
    const struct slice *tlsa; /* TLS_TRUST_DANE: records as dns_record has them */
    size_t tlsa_count;
    const char *tlsa_base; /* the name at which they are: it may stand in the certificate, too */
    const char
        *other_name; /* a further one that may (RFC 7672 3.2.2: the next-hop domain), or NULL */
    bool lenient;    /* TLS_TRUST_NAME: what is not proved ends nothing; tls_conn_failure tells */
};

/* Why a handshake failed, as RFC 8460 4.3 tells them apart. */
enum tls_failure {
    TLS_FAILURE_NONE,
    TLS_FAILURE_HANDSHAKE,     /* no common version or cipher, no TLS at all, broken off */
    TLS_FAILURE_EXPIRED,       /* the certificate's time is over, or has not come */
    TLS_FAILURE_NAME,          /* it is another host's */
    TLS_FAILURE_NOT_TRUSTED,   /* it leads to nobody we trust */
    TLS_FAILURE_TLSA,          /* no TLSA record fits it */
    TLS_FAILURE_TLSA_UNUSABLE, /* none of them is of a kind that can be used: to be treated as
                                  TLS_TRUST_ANYONE, and encryption is a must (RFC 7672 2.2) */
    TLS_FAILURE_COUNT
};

/* What all connections outward share. */
struct tls_client;
struct tls_client *tls_client_new(void);
void tls_client_free(struct tls_client *c); /* NULL is fine; after its connections */
/* Certificates of authorities, PEM; kept as they are and read when first needed. */
struct err tls_client_set_roots(struct tls_client *c, struct slice pem);

/* ---- connections ---- */

struct tls_conn;

/* On a non-blocking socket, which stays the caller's. alpn: the one protocol a client that offers
 * any must offer, a literal; every other offer ends the handshake. */
struct tls_conn *tls_conn_new(struct tls_server *s, int fd, const char *alpn);
/* As a client. A certificate that peer does not allow ends the handshake. NULL, with *why telling:
 * no handshake can be begun with such a peer (TLS_FAILURE_TLSA_UNUSABLE). peer is copied. */
struct tls_conn *tls_conn_new_client(struct tls_client *c, int fd, const struct tls_peer *peer,
                                     enum tls_failure *why);
enum tls_failure tls_conn_failure(const struct tls_conn *c); /* after a handshake that failed,
                                                                or was lenient */
void tls_conn_free(struct tls_conn *c); /* NULL is fine; says goodbye where that needs no waiting */

/* All of these: AGAIN with *want_write telling which readiness to wait for; CLOSED at the peer's
 * orderly end; PERMANENT, with tls_conn_error, for everything else. */
struct err tls_conn_handshake(struct tls_conn *c, bool *want_write);
struct err tls_conn_read(struct tls_conn *c, void *to, size_t n, size_t *got, bool *want_write);
struct err tls_conn_write(struct tls_conn *c, struct slice bytes, size_t *put, bool *want_write);

const char *tls_conn_error(const struct tls_conn *c);   /* plain words, for the log */
const char *tls_conn_version(const struct tls_conn *c); /* "TLSv1.3" */
const char *tls_conn_cipher(const struct tls_conn *c);
const char *tls_conn_name(const struct tls_conn *c); /* what the client asked for, or "" */
bool tls_conn_name_known(const struct tls_conn *c);  /* there is a certificate for it */

/* Channel bindings: how many bytes of out were written; 0: not available. */
size_t tls_conn_exporter(struct tls_conn *c, uint8_t out[TLS_BINDING_MAX]);  /* RFC 9266 */
size_t tls_conn_end_point(struct tls_conn *c, uint8_t out[TLS_BINDING_MAX]); /* RFC 5929 4 */

#endif
