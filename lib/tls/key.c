/* Private keys, for the one process that holds them. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "tls/private.h"

struct tls_key {
    EVP_PKEY *key;
    uint8_t id[TLS_KEY_ID];
};

void
tls_prepare(void)
{
    ensure(OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS |
                                OPENSSL_INIT_NO_ATEXIT,
                            NULL) == 1);
}

bool
key_id_of(EVP_PKEY *key, uint8_t id[TLS_KEY_ID])
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    bool done = len > 0 && EVP_Digest(der, (size_t)len, id, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    return done;
}

static bool
is_served(const EVP_PKEY *key)
{
    return EVP_PKEY_base_id(key) == EVP_PKEY_RSA || EVP_PKEY_base_id(key) == EVP_PKEY_EC;
}

/* A key file with a passphrase would ask a terminal: refuse instead. */
static int
no_passphrase(char *room, int size, int writing, void *ctx)
{
    (void)room, (void)size, (void)writing, (void)ctx;
    return -1;
}

struct err
tls_key_load(struct slice pem, struct tls_key **key)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    EVP_PKEY *loaded = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    if (!loaded)
        return err_make(ERR_MALFORMED, "no PEM private key without a passphrase in it");
    *key = heap_take(sizeof(**key));
    (*key)->key = loaded;
    if (is_served(loaded) && key_id_of(loaded, (*key)->id))
        return ERR_OK;
    tls_key_free(*key);
    *key = NULL;
    return err_make(ERR_PERMANENT, "a key that is neither RSA nor ECDSA");
}

void
tls_key_free(struct tls_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->key);
    free(k);
}

struct slice
tls_key_id(const struct tls_key *k)
{
    return slice_make(k->id, sizeof(k->id));
}

/* Only what TLS signs: a padded block that OpenSSL prepared over there (PSS), a DigestInfo, or a
 * digest. */
static bool
set_padding(EVP_PKEY_CTX *ctx, EVP_PKEY *key, uint32_t padding)
{
    if (EVP_PKEY_base_id(key) != EVP_PKEY_RSA)
        return padding == 0;
    return (padding == RSA_PKCS1_PADDING || padding == RSA_NO_PADDING) &&
           EVP_PKEY_CTX_set_rsa_padding(ctx, (int)padding) > 0;
}

bool
tls_key_sign(struct tls_key *k, uint32_t padding, struct slice digest,
             uint8_t signature[TLS_SIGNATURE_MAX], size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->key, NULL);
    bool done;

    *len = TLS_SIGNATURE_MAX;
    done = ctx && EVP_PKEY_sign_init(ctx) > 0 && set_padding(ctx, k->key, padding) &&
           EVP_PKEY_sign(ctx, signature, len, digest.at, digest.len) > 0;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return done;
}
