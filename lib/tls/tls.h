/* TLS 1.2 and 1.3 for servers: OpenSSL behind one header. The private key is elsewhere: signing is
 * a function that the owner hands in (in the edges it asks the keys role). */
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

/* ---- connections ---- */

struct tls_conn;

/* On a non-blocking socket, which stays the caller's. alpn: the one protocol a client that offers
 * any must offer, a literal; every other offer ends the handshake. */
struct tls_conn *tls_conn_new(struct tls_server *s, int fd, const char *alpn);
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
