/* keys: holds the private keys and signs digests; opens nothing after its start, parses no byte
 * from the network. The parent hands it each key file as a descriptor. */
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/list.h"
#include "base/log.h"
#include "role/role.h"
#include "tls/tls.h"

struct held {
    struct list link;
    struct tls_key *key;
};

/* What signs now, and what a reload has brought so far. */
static struct list keys, coming;

static void
drop_all(struct list *list)
{
    LIST_EACH(at, list)
    {
        struct held *h = LIST_OF(at, struct held, link);

        list_remove(&h->link);
        tls_key_free(h->key);
        free(h);
    }
}

static struct tls_key *
find(struct slice id)
{
    LIST_EACH(at, &keys)
    {
        struct held *h = LIST_OF(at, struct held, link);

        if (slice_eq(tls_key_id(h->key), id))
            return h->key;
    }
    return NULL;
}

static void
on_sign(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct tls_key *key = find(m->keys_sign.key_id);
    struct keys_signed answer = {{NULL, 0}};
    uint8_t signature[TLS_SIGNATURE_MAX];
    size_t len;

    (void)ctx;
    if (key && tls_key_sign(key, m->keys_sign.padding, m->keys_sign.digest, signature, &len))
        answer.signature = slice_make(signature, len);
    chan_answer(call, MSG_keys_signed, &answer, -1);
}

static struct err
load(int fd, struct tls_key **key)
{
    uint8_t *pem = heap_take(TLS_PEM_MAX);
    ssize_t n = pread(fd, pem, TLS_PEM_MAX, 0);
    struct err e = tls_key_load(slice_make(pem, n > 0 ? (size_t)n : 0), key);

    explicit_bzero(pem, TLS_PEM_MAX);
    free(pem);
    return e;
}

static void
on_file(struct role *r, enum role_file_kind kind, struct slice name, int fd)
{
    struct held *h = heap_take(sizeof(*h));
    struct err e = load(fd, &h->key);

    (void)r, (void)kind;
    if (err_is(e)) {
        LOG(storage, SLICE(""), log_slice("key", name), log_err(e));
        free(h);
        return;
    }
    list_append(&coming, &h->link);
}

/* A reload that brought no usable key keeps the ones at hand: better an old key than none. */
static void
on_configured(struct role *r)
{
    (void)r;
    if (list_empty(&coming))
        return;
    drop_all(&keys);
    LIST_EACH(at, &coming)
    {
        list_remove(at);
        list_append(&keys, at);
    }
}

static void
on_prepare(struct role *r)
{
    (void)r;
    tls_prepare();
}

static struct err
on_start(struct role *r)
{
    (void)r;
    list_init(&keys);
    list_init(&coming);
    return ERR_OK;
}

static const struct chan_handler from_edge[] = {{MSG_keys_sign, on_sign}, {MSG_NONE, NULL}};
static const struct role_door doors[] = {
    {.from = ROLE_mx, .handlers = from_edge},
    {.from = ROLE_access, .handlers = from_edge},
    {.from = ROLE_parent},
};
static const struct role_spec spec = {
    .doors = doors,
    .prepare = on_prepare,
    .start = on_start,
    .file = on_file,
    .configured = on_configured,
};

int
main(int argc, char **argv)
{
    return role_main(argc, argv, &spec);
}
