/* A key whose private half is in another process. OpenSSL 3.0 has this as RSA_METHOD and
 * EC_KEY_METHOD, which it calls deprecated in favour of providers; this is the one file that knows.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "tls/private.h"

/* What a key needs to sign: hangs on the key as its ex_data, freed with it. */
struct remote {
    tls_sign_fn *sign;
    void *ctx;
    uint8_t id[TLS_KEY_ID];
};

static int rsa_index = -1, ec_index = -1;
static RSA_METHOD *rsa_method;
static EC_KEY_METHOD *ec_method;

static void
free_remote(void *parent, void *remote, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    free(remote);
}

/* The length of the signature, or 0. */
static size_t
sign_there(const struct remote *r, int padding, const uint8_t *digest, int len, uint8_t *to,
           size_t room)
{
    uint8_t signature[TLS_SIGNATURE_MAX];
    size_t signature_len;

    if (!r || len < 0 ||
        !r->sign(r->ctx, slice_make(r->id, sizeof(r->id)), (uint32_t)padding,
                 slice_make(digest, (size_t)len), signature, &signature_len) ||
        signature_len > room)
        return 0;
    memcpy(to, signature, signature_len);
    return signature_len;
}

static int
rsa_sign(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
    size_t n =
        sign_there(RSA_get_ex_data(rsa, rsa_index), padding, from, len, to, (size_t)RSA_size(rsa));

    return n ? (int)n : -1;
}

static int
ec_sign(int type, const unsigned char *digest, int len, unsigned char *to, unsigned int *to_len,
        const BIGNUM *inverse, const BIGNUM *r, EC_KEY *ec)
{
    size_t n =
        sign_there(EC_KEY_get_ex_data(ec, ec_index), 0, digest, len, to, (size_t)ECDSA_size(ec));

    (void)type, (void)inverse, (void)r;
    *to_len = (unsigned int)n;
    return n > 0;
}

static void
make_methods(void)
{
    if (rsa_method)
        return;
    rsa_index = RSA_get_ex_new_index(0, NULL, NULL, NULL, free_remote);
    ec_index = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, free_remote);
    rsa_method = RSA_meth_dup(RSA_get_default_method());
    ec_method = EC_KEY_METHOD_new(EC_KEY_get_default_method());
    ensure(rsa_index >= 0 && ec_index >= 0 && rsa_method && ec_method);
    RSA_meth_set_priv_enc(rsa_method, rsa_sign);
    EC_KEY_METHOD_set_sign(ec_method, ec_sign, NULL, NULL);
}

static EVP_PKEY *
rsa_remote(EVP_PKEY *public, struct remote *r)
{
    RSA *rsa = EVP_PKEY_get1_RSA(public), *ours = rsa ? RSAPublicKey_dup(rsa) : NULL;
    EVP_PKEY *key = EVP_PKEY_new();

    RSA_free(rsa);
    if (ours && key && RSA_set_method(ours, rsa_method) == 1 &&
        RSA_set_ex_data(ours, rsa_index, r) == 1 && EVP_PKEY_assign_RSA(key, ours) == 1)
        return key;
    RSA_free(ours);
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *
ec_remote(EVP_PKEY *public, struct remote *r)
{
    EC_KEY *ec = EVP_PKEY_get1_EC_KEY(public), *ours = ec ? EC_KEY_dup(ec) : NULL;
    EVP_PKEY *key = EVP_PKEY_new();

    EC_KEY_free(ec);
    if (ours && key && EC_KEY_set_method(ours, ec_method) == 1 &&
        EC_KEY_set_ex_data(ours, ec_index, r) == 1 && EVP_PKEY_assign_EC_KEY(key, ours) == 1)
        return key;
    EC_KEY_free(ours);
    EVP_PKEY_free(key);
    return NULL;
}

/* Freed with the key; where there is no key, a caller's failed attempt may have freed it already:
 * set_ex_data is the last step but one, and the assignment after it does not fail. */
EVP_PKEY *
remote_key_new(struct tls_server *s, X509 *certificate)
{
    EVP_PKEY *public = X509_get0_pubkey(certificate);
    struct remote *r;

    make_methods();
    if (!public)
        return NULL;
    r = heap_take(sizeof(*r));
    *r = (struct remote){.sign = s->sign, .ctx = s->ctx};
    if (key_id_of(public, r->id)) {
        if (EVP_PKEY_base_id(public) == EVP_PKEY_RSA)
            return rsa_remote(public, r);
        if (EVP_PKEY_base_id(public) == EVP_PKEY_EC)
            return ec_remote(public, r);
    }
    free(r);
    return NULL;
}
