/* What proves a login, made and checked. Pure; the two slow functions are for other threads. */
#ifndef ACCOUNTS_CREDENTIALS_H
#define ACCOUNTS_CREDENTIALS_H

#include <crypt.h>

#include "ipc/verdict.h"
#include "sasl/sasl.h"

enum {
    CREDENTIALS_SALT = 16,          /* bytes of a SCRAM salt */
    CREDENTIALS_ITERATIONS = 10000, /* rfc7677#3-b */
    CREDENTIALS_SALT_MAX = 64,      /* of SCRAM keys that were made elsewhere */
    CREDENTIALS_DIGEST = 32,        /* hex characters of an APOP digest */
};

struct credentials {
    char hash[CRYPT_OUTPUT_SIZE]; /* crypt(3); empty: there is no password */
    uint32_t iterations;          /* SCRAM-SHA-256; 0: there are no keys */
    uint8_t salt[CREDENTIALS_SALT_MAX];
    size_t salt_len;
    struct sasl_scram_keys scram;
    char apop[SASL_PASSWORD_MAX + 1]; /* the password itself; empty: not opted in */
};

void credentials_wipe(struct credentials *c);

/* May this be a password (1 to SASL_PASSWORD_MAX bytes of UTF-8 without control characters), this a
 * hash that crypt(3) can check? */
bool credentials_password_ok(struct slice password);
bool credentials_hash_ok(struct slice hash);

/* A yescrypt hash and SCRAM keys for a password that is ok. Slow, as yescrypt is meant to be.
 * False: crypt(3) or libcrypto failed. apop is left empty. */
bool credentials_make(struct credentials *c, struct slice password);

/* Fresh SCRAM keys alone. About 5 ms. */
bool credentials_make_scram(struct credentials *c, struct slice password);

/* Is this the password of that hash? Slow. An empty hash takes as long and is never right. */
bool credentials_verify(const char *hash, struct slice password);

/* SCRAM for a user who has no keys: always the same salt for the same name, and keys that nothing
 * proves. secret: the directory's own: who exists is not told. */
void credentials_fake(struct credentials *c, struct slice secret, struct slice name);

/* rfc1939#7-g: digest is the MD5 of stamp and secret in hex. */
bool credentials_apop(const char *secret, struct slice stamp, struct slice digest);

#endif
