/* Shared between the files of lib/tls only. */
#ifndef TLS_PRIVATE_H
#define TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "base/list.h"
#include "tls/tls.h"

struct tls_server {
    unsigned owners;
    tls_sign_fn *sign;
    void *ctx;
    struct list certificates; /* struct certificate, the default first */
    size_t count;
};

struct certificate {
    struct list link;
    char name[TLS_NAME_MAX];
    SSL_CTX *ctx;
};

/* A server's or a client's. */
struct tls_conn {
    struct tls_server *server; /* a client has none */
    SSL *ssl;
    bool lenient; /* its certificate is looked at when the handshake is over */
    enum tls_failure failure;
    char error[256];
};

/* conn.c: on that socket, without a role in the handshake yet. */
struct tls_conn *tls_conn_on(SSL_CTX *ctx, int fd);
/* What all connections do, whichever end they are. */
void tls_context_options(SSL_CTX *ctx);

/* client.c: what was wrong with the peer's certificate, in plain words; NULL: nothing. */
const char *tls_certificate_failure(const SSL *ssl, enum tls_failure *failure);

/* server.c: the certificate for a host name, or NULL. */
struct certificate *certificate_find(const struct tls_server *s, const char *name);

/* remote.c: a key that has only its public half here and signs through the server's function. */
EVP_PKEY *remote_key_new(struct tls_server *s, X509 *certificate);

/* key.c: SHA-256 of the public half. */
bool key_id_of(EVP_PKEY *key, uint8_t id[TLS_KEY_ID]);

#endif
