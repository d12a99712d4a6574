/* Passwords that were found right a short while ago, so that a mail program that polls does not
 * cost a slow hash each time. Kept as HMAC-SHA-256 under a key that only this process's memory has.
 */
#ifndef ACCOUNTS_VERIFIED_H
#define ACCOUNTS_VERIFIED_H

#include "base/list.h"
#include "base/map.h"

enum {
    VERIFIED_MAC = 32,
    VERIFIED_PASSWORD_MAX = 255, /* bytes; the caller never asks about longer ones */
};

struct verified {
    uint8_t key[32];
    size_t most;
    struct map entries; /* account to entry: one password each */
    struct list order;  /* oldest first */
};

void verified_init(struct verified *v, size_t most);
void verified_clear(struct verified *v);

/* Where `most` are kept already, the oldest one is forgotten. */
void verified_put(struct verified *v, uint64_t account, struct slice password, uint64_t now_ms);

/* Was this password found right for this account at most keep_ms ago? */
bool verified_has(struct verified *v, uint64_t account, struct slice password, uint64_t now_ms,
                  uint64_t keep_ms);

void verified_forget(struct verified *v, uint64_t account);

#endif
