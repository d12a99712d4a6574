/* What is known of domains, the one asked for last at the end of the list. Invariant: `bytes` is
 * what all entries take, and never more than STS_CACHE_MAX. */
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/list.h"
#include "base/map.h"
#include "sts/sts.h"

struct entry {
    struct list link;
    uint64_t key;
    struct sts_policy *policy; /* or NULL: only an attempt is remembered */
    uint64_t fetched, expires; /* of the policy */
    uint64_t tried;            /* when it was last to be fetched, and for which id */
    char tried_id[STS_ID_MAX + 1];
    char domain[DNS_NAME_ROOM];
};

struct sts_cache {
    uint64_t seed;
    struct map entries;
    struct list order;
    size_t bytes;
};

struct sts_cache *
sts_cache_new(uint64_t seed)
{
    struct sts_cache *c = heap_take(sizeof(*c));

    c->seed = seed;
    list_init(&c->order);
    return c;
}

static size_t
bytes_of(const struct entry *e)
{
    return sizeof(*e) + (e->policy ? sizeof(*e->policy) + e->policy->patterns.len : 0);
}

static void
forget(struct sts_cache *c, struct entry *e)
{
    c->bytes -= bytes_of(e);
    list_remove(&e->link);
    map_take(&c->entries, e->key);
    sts_policy_put(e->policy);
    free(e);
}

void
sts_cache_free(struct sts_cache *c)
{
    if (!c)
        return;
    LIST_EACH(at, &c->order)
    forget(c, LIST_OF(at, struct entry, link));
    map_clear(&c->entries);
    free(c);
}

size_t
sts_cache_count(const struct sts_cache *c)
{
    return c->entries.count;
}

static struct entry *
find(struct sts_cache *c, const char *domain)
{
    struct entry *e = map_get(&c->entries, map_hash(c->seed, slice_of(domain)));

    if (!e || strcmp(e->domain, domain) != 0)
        return NULL;
    list_remove(&e->link);
    list_append(&c->order, &e->link);
    return e;
}

/* Of two domains with one key the later stays. */
static struct entry *
make(struct sts_cache *c, const char *domain)
{
    uint64_t key = map_hash(c->seed, slice_of(domain));
    struct entry *e = map_get(&c->entries, key);

    if (e)
        forget(c, e);
    e = heap_take(sizeof(*e));
    e->key = key;
    snprintf(e->domain, sizeof(e->domain), "%s", domain);
    list_append(&c->order, &e->link);
    map_put(&c->entries, key, e);
    c->bytes += bytes_of(e);
    return e;
}

static void
keep_policy(struct sts_cache *c, struct entry *e, struct sts_policy *p, uint64_t now)
{
    c->bytes -= bytes_of(e);
    sts_policy_put(e->policy);
    e->policy = p;
    e->fetched = now;
    e->expires = now + p->max_age;
    c->bytes += bytes_of(e);
}

static void
shrink(struct sts_cache *c)
{
    while (c->bytes > STS_CACHE_MAX)
        forget(c, LIST_OF(c->order.next, struct entry, link));
}

static void
note_attempt(struct entry *e, const char *id, uint64_t now)
{
    e->tried = now;
    snprintf(e->tried_id, sizeof(e->tried_id), "%s", id);
}

/* rfc8461#3.3-d: not again so soon, unless it says that it is another one now. */
static bool
may_try(const struct entry *e, const char *id, uint64_t now)
{
    return !e || strcmp(e->tried_id, id) != 0 || now - e->tried >= STS_PAUSE_SECONDS;
}

/* rfc8461#3.1-a. False: it is a literal, or too long to have a policy. */
static bool
name_record(struct slice domain, struct sts_answer *a)
{
    if (!dns_name_is_host(domain) || !slice_to_string(domain, a->domain, sizeof(a->domain)))
        return false;
    return snprintf(a->name, sizeof(a->name), "_mta-sts.%s", a->domain) <= DNS_NAME_MAX;
}

/* rfc8461#3.2-a; a subdomain's policy is its own (rfc8461#3.4-b). */
static void
name_policy(struct sts_answer *a)
{
    snprintf(a->name, sizeof(a->name), "mta-sts.%s", a->domain);
    snprintf(a->url, sizeof(a->url), "https://%s/.well-known/mta-sts.txt", a->name);
}

/* rfc8461#3.3-e rfc8461#3.3-f: what was promised holds until its time is over, whatever can be
 * found now; and without such a promise what cannot be found is none, as is one of mode none
 * (rfc8461#5-c). What holds is renewed every day, also where the record is gone (rfc8461#3.3-g),
 * and when the record names another one; nobody waits for that, as the promise stands. */
static void
weigh(struct sts_cache *c, uint64_t now, const struct dns_answer *txt, struct sts_answer *a)
{
    struct entry *e = find(c, a->domain);
    bool holds = e && e->policy && now <= e->expires;
    bool published = sts_record_id(txt, a->id), wanted = published;

    if (holds && !published)
        memcpy(a->id, e->policy->id, sizeof(a->id));
    if (holds)
        wanted = strcmp(a->id, e->policy->id) != 0 || now - e->fetched >= STS_RENEW_SECONDS;
    a->kind = STS_DECIDED;
    if (wanted && may_try(e, a->id, now)) {
        name_policy(a);
        a->kind = holds ? STS_DECIDED : STS_FETCH;
        a->renew = holds;
    }
    if (a->renew)
        note_attempt(e, a->id, now);
    if (holds && e->policy->mode != STS_NONE) {
        a->policy = e->policy;
        a->policy->owners++;
    }
}

void
sts_ask(struct sts_cache *c, struct slice domain, uint64_t now, const struct dns_answer *txt,
        struct sts_answer *a)
{
    *a = (struct sts_answer){.kind = STS_DECIDED};
    if (!name_record(domain, a))
        return;
    a->kind = STS_TXT;
    if (txt)
        weigh(c, now, txt, a);
}

/* rfc8461#3.2-f: text/plain, whatever its parameters. */
static bool
is_plain_text(struct slice type)
{
    struct slice head;

    slice_cut(&type, ';', &head);
    return slice_eq_nocase(slice_trim(head), SLICE("text/plain"));
}

/* rfc8461#3.3-b: 200 and nothing else. */
static enum tlsrpt_result
read_fetched(const struct sts_fetched *f, struct sts_policy **policy, const char **why)
{
    if (f->how == STS_CAME_UNPROVEN) {
        *why = "the certificate of the policy's host is not to be trusted";
        return TLSRPT_STS_UNTRUSTED;
    }
    if (f->how != STS_CAME || f->status != 200) {
        *why = "the policy cannot be fetched";
        return TLSRPT_STS_FETCH;
    }
    *why = "it is not plain text";
    if (is_plain_text(f->type))
        *policy = sts_policy_new(f->body, why);
    return *policy ? TLSRPT_SUCCESS : TLSRPT_STS_INVALID;
}

enum tlsrpt_result
sts_learn(struct sts_cache *c, const struct sts_answer *a, uint64_t now,
          const struct sts_fetched *f, const char **why)
{
    struct sts_policy *policy = NULL;
    enum tlsrpt_result result = read_fetched(f, &policy, why);
    struct entry *e = find(c, a->domain);

    if (!e)
        e = make(c, a->domain);
    note_attempt(e, a->id, now);
    if (policy) {
        memcpy(policy->id, a->id, sizeof(policy->id));
        keep_policy(c, e, policy, now);
    }
    shrink(c); /* not of e, which is the last */
    return result;
}
