/* The arithmetic of SCRAM (rfc5802#3-a) with SHA-256 (rfc7677#3-a), on libcrypto. */
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "sasl/sasl.h"

static bool
hmac(struct slice key, struct slice text, uint8_t mac[SASL_SCRAM_KEY])
{
    unsigned len = 0;

    return HMAC(EVP_sha256(), key.at, (int)key.len, text.at, text.len, mac, &len) &&
           len == SASL_SCRAM_KEY;
}

static bool
hash(const uint8_t in[SASL_SCRAM_KEY], uint8_t digest[SASL_SCRAM_KEY])
{
    return EVP_Digest(in, SASL_SCRAM_KEY, digest, NULL, EVP_sha256(), NULL) == 1;
}

/* The two keys that everything else is made from. Wiped by whoever asked for them. */
static bool
derive(struct slice password, struct slice salt, uint32_t iterations,
       uint8_t client[SASL_SCRAM_KEY], uint8_t server[SASL_SCRAM_KEY])
{
    uint8_t salted[SASL_SCRAM_KEY];
    struct slice salted_key = {salted, sizeof(salted)};
    bool good;

    if (iterations == 0 || iterations > INT_MAX || password.len > SASL_PASSWORD_MAX ||
        salt.len > INT_MAX)
        return false;
    good = PKCS5_PBKDF2_HMAC((const char *)password.at, (int)password.len, salt.at, (int)salt.len,
                             (int)iterations, EVP_sha256(), sizeof(salted), salted) == 1 &&
           hmac(salted_key, SLICE("Client Key"), client) &&
           hmac(salted_key, SLICE("Server Key"), server);
    OPENSSL_cleanse(salted, sizeof(salted));
    return good;
}

bool
sasl_scram_derive(struct slice password, struct slice salt, uint32_t iterations,
                  struct sasl_scram_keys *keys)
{
    uint8_t client[SASL_SCRAM_KEY];
    bool good =
        derive(password, salt, iterations, client, keys->server) && hash(client, keys->stored);

    OPENSSL_cleanse(client, sizeof(client));
    return good;
}

bool
sasl_scram_prove(struct slice password, struct slice salt, uint32_t iterations,
                 struct slice auth_message, uint8_t proof[SASL_SCRAM_KEY],
                 uint8_t signature[SASL_SCRAM_KEY])
{
    uint8_t client[SASL_SCRAM_KEY], server[SASL_SCRAM_KEY], stored[SASL_SCRAM_KEY];
    bool good = derive(password, salt, iterations, client, server) && hash(client, stored) &&
                hmac((struct slice){stored, sizeof(stored)}, auth_message, proof) &&
                hmac((struct slice){server, sizeof(server)}, auth_message, signature);

    for (size_t i = 0; good && i < SASL_SCRAM_KEY; i++)
        proof[i] ^= client[i];
    OPENSSL_cleanse(client, sizeof(client));
    OPENSSL_cleanse(server, sizeof(server));
    OPENSSL_cleanse(stored, sizeof(stored));
    return good;
}

bool
sasl_scram_verify(const struct sasl_scram_keys *keys, struct slice auth_message, struct slice proof,
                  uint8_t signature[SASL_SCRAM_KEY])
{
    uint8_t client[SASL_SCRAM_KEY], stored[SASL_SCRAM_KEY];
    bool right;

    if (proof.len != SASL_SCRAM_KEY ||
        !hmac((struct slice){keys->stored, SASL_SCRAM_KEY}, auth_message, client))
        return false;
    for (size_t i = 0; i < SASL_SCRAM_KEY; i++)
        client[i] ^= proof.at[i];
    right = hash(client, stored) && CRYPTO_memcmp(stored, keys->stored, SASL_SCRAM_KEY) == 0 &&
            hmac((struct slice){keys->server, SASL_SCRAM_KEY}, auth_message, signature);
    OPENSSL_cleanse(client, sizeof(client));
    return right;
}
