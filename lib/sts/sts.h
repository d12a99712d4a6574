/* MTA-STS (RFC 8461): a domain's published word that mail for it comes over TLS, to servers of
 * these names. Pure: the owner of a cache asks it about a domain and is told what holds or what to
 * find out first; it asks the resolver and the fetch role, and asks again. Policies are kept for as
 * long as they promise, also when they cannot be renewed; in memory, so a new process learns anew.
 *
 *     sts_ask(cache, domain, now, NULL, &a);       a.kind is STS_TXT, but for domains without names
 *     ... the TXT records of a.name ...
 *     sts_ask(cache, domain, now, txt, &a);
 *     STS_DECIDED: a.policy holds, or none does where it is NULL. Where a.renew is true a.url is to
 *         be fetched as well, without anybody waiting for it, and sts_learn told the outcome.
 *     STS_FETCH: fetch a.url from a.name, tell sts_learn what came of it, be it that nobody could
 *         fetch it, and sts_ask again with the same records. */
#ifndef STS_STS_H
#define STS_STS_H

#include "dns/dns.h"
#include "sts/tlsrpt.h"

enum {
    STS_ID_MAX = 32,
    STS_POLICY_MAX = 64 * 1024, /* bytes of a policy (RFC 8461 3.3) */
    STS_AGE_MAX = 31557600,     /* seconds a policy holds at most (RFC 8461 3.2) */
    STS_FETCH_SECONDS = 60,     /* that fetching one may take (RFC 8461 3.3) */
    STS_PAUSE_SECONDS = 300,    /* between two attempts to fetch the same (RFC 8461 3.3) */
    STS_RENEW_SECONDS = 86400, /* after which one is fetched anew, though it holds (RFC 8461 3.3) */
    STS_CACHE_MAX = 2 << 20,   /* bytes of all that a cache keeps; what was asked for least
                                  recently goes */
    STS_NAME_ROOM = DNS_NAME_ROOM + 16,
    STS_URL_ROOM = STS_NAME_ROOM + 40,
};

enum sts_mode {
    STS_NONE,    /* as if there were no policy */
    STS_TESTING, /* what is against it is counted, and nothing else comes of it */
    STS_ENFORCE, /* to no server that is not named or does not prove its name over TLS */
};

/* Shared: one owner less with sts_policy_put. */
struct sts_policy {
    enum sts_mode mode;
    uint32_t max_age;
    char id[STS_ID_MAX + 1]; /* of the record that led to it */
    struct slice patterns;   /* of servers' names: one a line, small letters */
    unsigned owners;
};

void sts_policy_put(struct sts_policy *p); /* NULL is fine */

/* May a server of that name, as the MX record has it, take the domain's mail? */
bool sts_policy_allows(const struct sts_policy *p, struct slice host);

/* A policy file. NULL, and words in *why: it is none. The id is empty. */
struct sts_policy *sts_policy_new(struct slice text, const char **why);

/* The id in the TXT records at _mta-sts. False, and it is empty: they do not say that there is a
 * policy. */
bool sts_record_id(const struct dns_answer *txt, char id[STS_ID_MAX + 1]);

/* ---- what is known of all domains ---- */

struct sts_cache;
struct sts_cache *sts_cache_new(uint64_t seed); /* seed: random */
void sts_cache_free(struct sts_cache *c);
size_t sts_cache_count(const struct sts_cache *c); /* domains with a policy, or a failure to be
                                                      remembered */

enum sts_kind { STS_TXT, STS_FETCH, STS_DECIDED };

struct sts_answer {
    enum sts_kind kind;
    bool renew;                /* STS_DECIDED: fetch, too; said once in STS_PAUSE_SECONDS */
    struct sts_policy *policy; /* STS_DECIDED: the caller is one of its owners. NULL: none, or one
                                  of mode "none" */
    char domain[DNS_NAME_ROOM];
    char name[STS_NAME_ROOM]; /* STS_TXT: whose records; to fetch: the host of the URL */
    char url[STS_URL_ROOM];   /* to fetch */
    char id[STS_ID_MAX + 1];
};

/* domain: of the recipients, or the next hop that is configured for them, clean. txt: the records,
 * or NULL. now: seconds since 1970. */
void sts_ask(struct sts_cache *c, struct slice domain, uint64_t now, const struct dns_answer *txt,
             struct sts_answer *a);

enum sts_came { STS_CAME, STS_CAME_NOT, STS_CAME_UNPROVEN }; /* unproven: its certificate */

struct sts_fetched {
    enum sts_came how;
    uint32_t status;   /* of HTTP */
    struct slice type; /* Content-Type */
    struct slice body;
};

/* What came of a.url. TLSRPT_SUCCESS, or what to count for the domain; *why says more, in words for
 * the log. An administrator should hear of it where a policy was to be renewed (RFC 8461 3.3). */
enum tlsrpt_result sts_learn(struct sts_cache *c, const struct sts_answer *a, uint64_t now,
                             const struct sts_fetched *f, const char **why);

#endif
