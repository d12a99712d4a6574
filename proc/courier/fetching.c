/* The role ends when it is idle: who meets it as it does asks again, once. */
#include "fetching.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "question.h"
#include "route/route.h"

enum {
    FAMILIES = 2,
    ANSWERS_MAX = 1 << 18, /* bytes of the host's addresses */
    ASKS_MAX = 2,          /* of the role for one policy */
    GRACE_MS = 10 * 1000,  /* so much later than it should the role may answer */
};

struct fetching {
    struct list link; /* of courier.fetchings */
    struct list waits;
    struct courier *courier;
    struct sts_answer what;
    struct arena *answers;
    struct question families[FAMILIES];
    size_t open; /* questions */
    struct buf addresses;
    struct chan_ask *at; /* at the role, or NULL */
    unsigned asks;
    uint64_t begun_ms;
};

static void
fetching_free(struct fetching *f)
{
    if (f->at)
        chan_ask_cancel(f->at);
    for (size_t i = 0; i < FAMILIES; i++)
        question_cancel(&f->families[i]);
    list_remove(&f->link);
    f->courier->fetching_count--;
    arena_free(f->answers);
    buf_clear(&f->addresses);
    free(f);
}

/* rfc8461#3.3-h */
static void
tell(const struct fetching *f, const char *why, struct slice words)
{
    LOG(policy, SLICE(""), log_string("domain", f->what.domain), log_string("url", f->what.url),
        log_string("why", why), log_slice("said", words));
}

static void
end(struct fetching *f, const struct sts_fetched *came, struct slice words)
{
    struct courier *c = f->courier;
    uint64_t now = clock_now_us() / 1000000;
    const char *why;
    enum tlsrpt_result result = sts_learn(c->policies, &f->what, now, came, &why);

    c->counters.policies_fetched += result == TLSRPT_SUCCESS;
    if (result != TLSRPT_SUCCESS) {
        c->counters.policies_failed++;
        tlsrpt_count(c->report, slice_of(f->what.domain), TLSRPT_STS, result, now);
        tell(f, why, words);
    }
    list_remove(&f->link); /* what is asked for now is another one */
    while (!list_empty(&f->waits)) {
        struct fetching_wait *wait = LIST_OF(f->waits.next, struct fetching_wait, link);

        list_remove(&wait->link);
        wait->ready(wait->ctx);
    }
    fetching_free(f);
}

static void
fail(struct fetching *f, const char *words)
{
    end(f, &(struct sts_fetched){.how = STS_CAME_NOT}, slice_of(words));
}

/* ---- the role ---- */

static void ask_role(struct fetching *f);

static void
on_got(void *ctx, const union msg_any *m, int fd)
{
    struct fetching *f = ctx;
    const struct fetch_got *got = m ? &m->fetch_got : NULL;
    struct sts_fetched came = {.how = STS_CAME_NOT};

    if (fd >= 0)
        close(fd);
    f->at = NULL;
    if (!got) {
        ask_role(f);
        return;
    }
    if (got->result == FETCH_CAME)
        came = (struct sts_fetched){STS_CAME, got->status, got->type, got->body};
    else if (got->result == FETCH_UNPROVEN)
        came.how = STS_CAME_UNPROVEN;
    end(f, &came, got->why);
}

/* "https://HOST/PATH", with the port where it is another. */
static struct slice
put_url(const struct fetching *f, char room[STS_URL_ROOM + 8])
{
    static const char scheme[] = "https://";
    enum { HTTPS_PORT = 443 };
    unsigned port = (unsigned)role_limit(f->courier->role, LIMIT_policy_port);
    const char *path = f->what.url + sizeof(scheme) - 1 + strlen(f->what.name);

    if (port == HTTPS_PORT)
        return slice_of(f->what.url);
    snprintf(room, STS_URL_ROOM + 8, "%s%s:%u%s", scheme, f->what.name, port, path);
    return slice_of(room);
}

static void
ask_role(struct fetching *f)
{
    struct role *r = f->courier->role;
    struct chan *c = role_peer(r, ROLE_fetch, 0);
    char room[STS_URL_ROOM + 8];
    struct fetch_get m = {.addresses = buf_slice(&f->addresses),
                          .bytes = FETCH_BYTES_MAX,
                          .seconds = STS_FETCH_SECONDS};

    if (f->asks == ASKS_MAX) {
        fail(f, "the fetch role does not answer");
        return;
    }
    if (!c)
        return; /* fetching_role_up asks */
    f->asks++;
    m.url = put_url(f, room);
    f->at = chan_ask(c, MSG_fetch_get, &m, -1, MSG_fetch_got, on_got, f);
}

void
fetching_role_up(struct courier *c)
{
    LIST_EACH(at, &c->fetchings)
    {
        struct fetching *f = LIST_OF(at, struct fetching, link);

        if (f->open == 0 && !f->at)
            ask_role(f);
    }
}

void
fetching_sweep(struct courier *c)
{
    uint64_t most =
        STS_FETCH_SECONDS * 1000 + GRACE_MS + role_limit(c->role, LIMIT_dns_seconds) * 1000;

    LIST_EACH(at, &c->fetchings)
    {
        struct fetching *f = LIST_OF(at, struct fetching, link);

        if (loop_now_ms(c->role->loop) - f->begun_ms > most)
            fail(f, "the fetch role is not there");
    }
}

/* ---- the host ---- */

/* No stranger's record makes us ask this machine's own web servers. */
static void
on_addresses(void *ctx, const struct dns_answer *a)
{
    struct fetching *f = ctx;
    bool loopback = role_limit(f->courier->role, LIMIT_remote_loopback);

    for (size_t i = 0; a->verdict == DNS_FOUND && i < a->count; i++)
        if (loopback || !route_is_loopback(a->records[i].data))
            msg_items_put(&f->addresses, MSG_fetch_address,
                          &(struct fetch_address){a->records[i].data});
    if (--f->open)
        return;
    if (f->addresses.len)
        ask_role(f);
    else
        fail(f, "the policy's host has no address that may be asked");
}

static void
ask_addresses(struct fetching *f)
{
    static const enum dns_type types[FAMILIES] = {DNS_AAAA, DNS_A};

    for (size_t i = 0; i < FAMILIES; i++) {
        struct question *q = &f->families[i];

        *q = (struct question){.type = types[i], .arena = f->answers, .fn = on_addresses, .ctx = f};
        question_put(q, f->courier->role, f->what.name);
        f->open++;
    }
}

/* ---- those that want it ---- */

static struct fetching *
find(struct courier *c, const struct sts_answer *a)
{
    LIST_EACH(at, &c->fetchings)
    {
        struct fetching *f = LIST_OF(at, struct fetching, link);

        if (strcmp(f->what.domain, a->domain) == 0 && strcmp(f->what.id, a->id) == 0)
            return f;
    }
    return NULL;
}

static struct fetching *
fetching_new(struct courier *c, const struct sts_answer *a)
{
    struct fetching *f = heap_take(sizeof(*f));

    f->courier = c;
    f->what = *a;
    f->what.policy = NULL; /* the asker's */
    f->answers = arena_new("addresses", ANSWERS_MAX);
    f->begun_ms = loop_now_ms(c->role->loop);
    buf_init(&f->addresses, MSG_FRAME_MAX / 2);
    list_init(&f->waits);
    list_append(&c->fetchings, &f->link);
    c->fetching_count++;
    ask_addresses(f);
    return f;
}

bool
fetching_start(struct courier *c, const struct sts_answer *a, struct fetching_wait *wait)
{
    struct fetching *f = find(c, a);

    if (!f && c->fetching_count == FETCHINGS_MAX)
        return false;
    if (!f)
        f = fetching_new(c, a);
    if (wait)
        list_append(&f->waits, &wait->link);
    return true;
}

void
fetching_leave(struct fetching_wait *wait)
{
    if (wait->link.next)
        list_remove(&wait->link);
}
