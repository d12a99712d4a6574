/* crypt(3) for passwords, lib/sasl for SCRAM, libcrypto for the rest. Every comparison takes the
 * same time wherever the difference is. */
#include "credentials.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/utf8.h"

enum { HASH_LEN_LEAST = 13 }; /* of the oldest method, DES */

/* Checked against where there is no hash: yescrypt at the cost that credentials_make uses. */
static const char nobody[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1";

void
credentials_wipe(struct credentials *c)
{
    explicit_bzero(c, sizeof(*c));
}

bool
credentials_password_ok(struct slice password)
{
    for (size_t i = 0; i < password.len; i++)
        if (password.at[i] < ' ' || password.at[i] == 0x7f)
            return false;
    return password.len >= 1 && password.len <= SASL_PASSWORD_MAX && utf8_ok(password);
}

bool
credentials_hash_ok(struct slice hash)
{
    char text[CRYPT_OUTPUT_SIZE];
    int kind;

    if (hash.len < HASH_LEN_LEAST || !slice_to_string(hash, text, sizeof(text)))
        return false;
    for (size_t i = 0; i < hash.len; i++)
        if (hash.at[i] <= ' ' || hash.at[i] >= 0x7f || hash.at[i] == ':')
            return false;
    kind = crypt_checksalt(text);
    return kind == CRYPT_SALT_OK || kind == CRYPT_SALT_METHOD_LEGACY ||
           kind == CRYPT_SALT_TOO_CHEAP;
}

/* out: CRYPT_OUTPUT_SIZE bytes; empty where crypt(3) fails. False, after the same time, where the
 * password cannot be one. */
static bool
hash_with(const char *setting, struct slice password, char *out)
{
    char text[SASL_PASSWORD_MAX + 1];
    struct crypt_data *data = heap_take(sizeof(*data));
    bool fits = slice_to_string(password, text, sizeof(text));
    const char *made = crypt_rn(text, setting, data, sizeof(*data));

    out[0] = '\0';
    if (made)
        slice_to_string(slice_of(made), out, CRYPT_OUTPUT_SIZE);
    explicit_bzero(text, sizeof(text));
    explicit_bzero(data, sizeof(*data));
    free(data);
    return fits;
}

bool
credentials_make(struct credentials *c, struct slice password)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    uint8_t chance[16];

    *c = (struct credentials){0};
    random_fill(chance, sizeof(chance));
    if (!crypt_gensalt_rn("$y$", 0, (const char *)chance, sizeof(chance), setting, sizeof(setting)))
        return false;
    return hash_with(setting, password, c->hash) && c->hash[0] &&
           credentials_make_scram(c, password);
}

bool
credentials_make_scram(struct credentials *c, struct slice password)
{
    c->iterations = CREDENTIALS_ITERATIONS;
    c->salt_len = CREDENTIALS_SALT;
    random_fill(c->salt, c->salt_len);
    return sasl_scram_derive(password, slice_make(c->salt, c->salt_len), c->iterations, &c->scram);
}

bool
credentials_verify(const char *hash, struct slice password)
{
    char made[CRYPT_OUTPUT_SIZE];
    bool fits = hash_with(hash[0] ? hash : nobody, password, made);
    bool right = made[0] && secret_eq(slice_of(made), slice_of(hash)) && fits;

    explicit_bzero(made, sizeof(made));
    return right;
}

void
credentials_fake(struct credentials *c, struct slice secret, struct slice name)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    *c = (struct credentials){.iterations = CREDENTIALS_ITERATIONS, .salt_len = CREDENTIALS_SALT};
    ensure(HMAC(EVP_sha256(), secret.at, (int)secret.len, name.at, name.len, mac, &len) != NULL);
    memcpy(c->salt, mac, c->salt_len);
    random_fill(&c->scram, sizeof(c->scram));
}

static bool
hex_value(uint8_t c, uint8_t *value)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, ascii_lower(c)) : NULL;

    *value = at ? (uint8_t)(at - digits) : 0;
    return at != NULL;
}

bool
credentials_apop(const char *secret, struct slice stamp, struct slice digest)
{
    uint8_t made[EVP_MAX_MD_SIZE], given[CREDENTIALS_DIGEST / 2], high, low;
    EVP_MD_CTX *md5 = EVP_MD_CTX_new();
    unsigned len = 0;
    bool done;

    ensure(md5 != NULL);
    done = EVP_DigestInit_ex(md5, EVP_md5(), NULL) && EVP_DigestUpdate(md5, stamp.at, stamp.len) &&
           EVP_DigestUpdate(md5, secret, strlen(secret)) && EVP_DigestFinal_ex(md5, made, &len);
    EVP_MD_CTX_free(md5);
    if (!done || secret[0] == '\0' || digest.len != CREDENTIALS_DIGEST)
        return false;
    for (size_t i = 0; i < sizeof(given); i++) {
        if (!hex_value(digest.at[2 * i], &high) || !hex_value(digest.at[2 * i + 1], &low))
            return false;
        given[i] = (uint8_t)(high << 4 | low);
    }
    return len == sizeof(given) &&
           secret_eq(slice_make(made, len), slice_make(given, sizeof(given)));
}
