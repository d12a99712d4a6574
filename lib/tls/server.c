/* A set of certificates, each with an SSL_CTX of its own; the name in the ClientHello chooses. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "tls/private.h"

struct tls_server *
tls_server_new(tls_sign_fn *sign, void *ctx)
{
    struct tls_server *s = heap_take(sizeof(*s));

    *s = (struct tls_server){.owners = 1, .sign = sign, .ctx = ctx};
    list_init(&s->certificates);
    return s;
}

void
tls_server_put(struct tls_server *s)
{
    if (!s || --s->owners > 0)
        return;
    LIST_EACH(at, &s->certificates)
    {
        struct certificate *c = LIST_OF(at, struct certificate, link);

        SSL_CTX_free(c->ctx);
        free(c);
    }
    free(s);
}

bool
tls_server_is_empty(const struct tls_server *s)
{
    return s->count == 0;
}

static bool
name_matches(const char *pattern, struct slice name)
{
    struct slice p = slice_of(pattern);
    ptrdiff_t dot = slice_find(name, '.');

    if (p.len > 2 && p.at[0] == '*' && dot > 0)
        return slice_eq_nocase(slice_tail(p, 1), slice_tail(name, (size_t)dot));
    return slice_eq_nocase(p, name);
}

struct certificate *
certificate_find(const struct tls_server *s, const char *name)
{
    LIST_EACH(at, &s->certificates)
    {
        struct certificate *c = LIST_OF(at, struct certificate, link);

        if (name_matches(c->name, slice_of(name)))
            return c;
    }
    return NULL;
}

/* The handshake goes on with the default certificate where there is none for the name: the client
 * then says what is wrong in its own words, and our log says which name was asked for. */
static int
choose_certificate(SSL *ssl, int *alert, void *arg)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct certificate *c = name ? certificate_find(arg, name) : NULL;

    (void)alert;
    if (c)
        SSL_set_SSL_CTX(ssl, c->ctx);
    return SSL_TLSEXT_ERR_OK;
}

/* A client that speaks another protocol on our port is refused before it can say a word of it
 * (RFC 7301 3.2; cross-protocol attacks such as ALPACA). */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                const unsigned char *in, unsigned int in_len, void *arg)
{
    const char *ours = SSL_get_app_data(ssl);
    struct slice offers = slice_make(in, in_len);

    (void)arg;
    while (offers.len > 0 && offers.len > offers.at[0]) {
        struct slice one = slice_head(slice_tail(offers, 1), offers.at[0]);

        if (slice_eq(one, slice_of(ours))) {
            *out = one.at;
            *out_len = (unsigned char)one.len;
            return SSL_TLSEXT_ERR_OK;
        }
        offers = slice_tail(offers, 1 + one.len);
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool
add_chain(SSL_CTX *ctx, BIO *pem)
{
    X509 *more;

    while ((more = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL)
        if (SSL_CTX_add0_chain_cert(ctx, more) != 1) {
            X509_free(more);
            return false;
        }
    return true;
}

static bool
use_certificate(struct tls_server *s, SSL_CTX *ctx, struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = leaf ? remote_key_new(s, leaf) : NULL;
    bool done = key && SSL_CTX_use_certificate(ctx, leaf) == 1 &&
                SSL_CTX_use_PrivateKey(ctx, key) == 1 && add_chain(ctx, bio);

    EVP_PKEY_free(key);
    X509_free(leaf);
    BIO_free(bio);
    ERR_clear_error(); /* the end of the file is an error to PEM_read */
    return done;
}

static void
set_options(struct tls_server *s, SSL_CTX *ctx)
{
    tls_context_options(ctx);
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_tlsext_servername_callback(ctx, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(ctx, s);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
}

struct err
tls_server_add(struct tls_server *s, struct slice name, struct slice pem)
{
    struct certificate *c;
    SSL_CTX *ctx;

    if (s->count == TLS_CERTIFICATES_MAX)
        return err_make(ERR_LIMIT, "the number of certificates");
    ctx = SSL_CTX_new(TLS_server_method());
    ensure(ctx != NULL);
    set_options(s, ctx);
    if (!use_certificate(s, ctx, pem)) {
        SSL_CTX_free(ctx);
        return err_make(ERR_MALFORMED, "no PEM certificate with an RSA or ECDSA key in it");
    }
    c = heap_take(sizeof(*c));
    c->ctx = ctx;
    slice_to_string(name, c->name, sizeof(c->name));
    list_append(&s->certificates, &c->link);
    s->count++;
    return ERR_OK;
}

struct tls_conn *
tls_conn_new(struct tls_server *s, int fd, const char *alpn)
{
    struct tls_conn *c;

    ensure(!list_empty(&s->certificates));
    c = tls_conn_on(LIST_OF(s->certificates.next, struct certificate, link)->ctx, fd);
    s->owners++;
    c->server = s;
    SSL_set_app_data(c->ssl, (char *)(uintptr_t)alpn);
    SSL_set_accept_state(c->ssl);
    return c;
}
