/* The list's order is that of age: an entry is appended whenever it is made anew. */
#include "verified.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/ensure.h"

struct entry {
    struct list link;
    uint64_t account, at_ms;
    uint8_t mac[VERIFIED_MAC];
};

void
verified_init(struct verified *v, size_t most)
{
    *v = (struct verified){.most = most};
    random_fill(v->key, sizeof(v->key));
    list_init(&v->order);
}

static void
drop(struct verified *v, struct entry *e)
{
    map_take(&v->entries, e->account);
    list_remove(&e->link);
    explicit_bzero(e, sizeof(*e));
    free(e);
}

void
verified_clear(struct verified *v)
{
    LIST_EACH(at, &v->order)
    drop(v, LIST_OF(at, struct entry, link));
    map_clear(&v->entries);
    explicit_bzero(v->key, sizeof(v->key));
}

static void
mac_of(const struct verified *v, uint64_t account, struct slice password, uint8_t mac[VERIFIED_MAC])
{
    uint8_t text[sizeof(account) + VERIFIED_PASSWORD_MAX];
    unsigned len = 0;

    ensure(password.len <= VERIFIED_PASSWORD_MAX);
    memcpy(text, &account, sizeof(account));
    if (password.len)
        memcpy(text + sizeof(account), password.at, password.len);
    ensure(HMAC(EVP_sha256(), v->key, sizeof(v->key), text, sizeof(account) + password.len, mac,
                &len) != NULL);
    explicit_bzero(text, sizeof(text));
}

void
verified_put(struct verified *v, uint64_t account, struct slice password, uint64_t now_ms)
{
    struct entry *e;

    verified_forget(v, account);
    if (v->entries.count >= v->most)
        drop(v, LIST_OF(v->order.next, struct entry, link));
    e = heap_take(sizeof(*e));
    *e = (struct entry){.account = account, .at_ms = now_ms};
    mac_of(v, account, password, e->mac);
    list_append(&v->order, &e->link);
    map_put(&v->entries, account, e);
}

bool
verified_has(struct verified *v, uint64_t account, struct slice password, uint64_t now_ms,
             uint64_t keep_ms)
{
    struct entry *e = map_get(&v->entries, account);
    uint8_t mac[VERIFIED_MAC];
    bool right;

    if (e && now_ms - e->at_ms >= keep_ms) {
        drop(v, e);
        e = NULL;
    }
    if (!e)
        return false;
    mac_of(v, account, password, mac);
    right = secret_eq(slice_make(mac, sizeof(mac)), slice_make(e->mac, sizeof(e->mac)));
    explicit_bzero(mac, sizeof(mac));
    return right;
}

void
verified_forget(struct verified *v, uint64_t account)
{
    struct entry *e = map_get(&v->entries, account);

    if (e)
        drop(v, e);
}
