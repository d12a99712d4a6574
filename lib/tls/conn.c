/* One TLS connection on a socket that somebody else watches. */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "tls/private.h"

/* Tickets and a session cache would need keys shared between the edges; a new handshake is one
 * signature. Released buffers keep idle sessions small. rfc8461#7.2-a */
void
tls_context_options(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

struct tls_conn *
tls_conn_on(SSL_CTX *ctx, int fd)
{
    struct tls_conn *c = heap_take(sizeof(*c));

    c->ssl = SSL_new(ctx);
    ensure(c->ssl && SSL_set_fd(c->ssl, fd) == 1);
    return c;
}

void
tls_conn_free(struct tls_conn *c)
{
    if (!c)
        return;
    if (SSL_is_init_finished(c->ssl) && !c->error[0])
        SSL_shutdown(c->ssl);
    ERR_clear_error();
    SSL_free(c->ssl);
    tls_server_put(c->server);
    free(c);
}

static void
keep_error(struct tls_conn *c)
{
    unsigned long code = ERR_get_error();
    bool nobody_asked = SSL_get_verify_mode(c->ssl) == SSL_VERIFY_NONE;
    const char *why = nobody_asked ? NULL : tls_certificate_failure(c->ssl, &c->failure);

    if (!why) {
        c->failure = TLS_FAILURE_HANDSHAKE;
        why = code ? ERR_reason_error_string(code) : NULL;
    }
    snprintf(c->error, sizeof(c->error), "%s", why ? why : "the connection broke");
    ERR_clear_error();
}

static struct err
result_of(struct tls_conn *c, int returned, bool *want_write)
{
    int kind = SSL_get_error(c->ssl, returned);

    *want_write = kind == SSL_ERROR_WANT_WRITE;
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
        return err_make(ERR_AGAIN, "TLS");
    if (kind == SSL_ERROR_ZERO_RETURN)
        return err_make(ERR_CLOSED, "TLS");
    keep_error(c);
    return err_make(ERR_PERMANENT, "TLS");
}

struct err
tls_conn_handshake(struct tls_conn *c, bool *want_write)
{
    int done = SSL_do_handshake(c->ssl);

    if (done != 1)
        return result_of(c, done, want_write);
    if (c->lenient)
        tls_certificate_failure(c->ssl, &c->failure);
    return ERR_OK;
}

struct err
tls_conn_read(struct tls_conn *c, void *to, size_t n, size_t *got, bool *want_write)
{
    int done = SSL_read_ex(c->ssl, to, n, got);

    return done == 1 ? ERR_OK : result_of(c, done, want_write);
}

struct err
tls_conn_write(struct tls_conn *c, struct slice bytes, size_t *put, bool *want_write)
{
    int done = SSL_write_ex(c->ssl, bytes.at, bytes.len, put);

    return done == 1 ? ERR_OK : result_of(c, done, want_write);
}

enum tls_failure
tls_conn_failure(const struct tls_conn *c)
{
    return c->failure;
}

const char *
tls_conn_error(const struct tls_conn *c)
{
    return c->error;
}

const char *
tls_conn_version(const struct tls_conn *c)
{
    return SSL_get_version(c->ssl);
}

const char *
tls_conn_cipher(const struct tls_conn *c)
{
    return SSL_get_cipher_name(c->ssl);
}

const char *
tls_conn_name(const struct tls_conn *c)
{
    const char *name = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);

    return name ? name : "";
}

bool
tls_conn_name_known(const struct tls_conn *c)
{
    return c->server && certificate_find(c->server, tls_conn_name(c)) != NULL;
}

size_t
tls_conn_exporter(struct tls_conn *c, uint8_t out[TLS_BINDING_MAX])
{
    static const char label[] = "EXPORTER-Channel-Binding";

    if (SSL_version(c->ssl) < TLS1_3_VERSION)
        return 0;
    return SSL_export_keying_material(c->ssl, out, 32, label, sizeof(label) - 1, NULL, 0, 0) == 1
               ? 32
               : 0;
}

/* The hash is that of the certificate's signature, SHA-256 in place of MD5 and SHA-1. */
size_t
tls_conn_end_point(struct tls_conn *c, uint8_t out[TLS_BINDING_MAX])
{
    X509 *leaf = SSL_get_certificate(c->ssl);
    const EVP_MD *hash = EVP_sha256();
    unsigned int len = 0;
    int digest;

    if (!leaf || !OBJ_find_sigid_algs(X509_get_signature_nid(leaf), &digest, NULL))
        return 0;
    if (digest == NID_sha384)
        hash = EVP_sha384();
    else if (digest == NID_sha512)
        hash = EVP_sha512();
    return X509_digest(leaf, hash, out, &len) == 1 ? len : 0;
}
