/* How TLS with other domains' servers went, counted so that each can be told about its own (RFC
 * 8460): by domain, day in UTC and the policy that held. Pure, and bounded: what does not fit is
 * counted as such and nothing else. */
#ifndef STS_TLSRPT_H
#define STS_TLSRPT_H

#include "base/slice.h"

enum {
    TLSRPT_ROWS_MAX = 5000,
    TLSRPT_DAYS_KEPT = 2, /* today and so many before: a report may be some hours late */
};

enum tlsrpt_policy {
    TLSRPT_TLSA,
    TLSRPT_STS,
    TLSRPT_NO_POLICY,
    TLSRPT_POLICY_COUNT,
};

enum tlsrpt_result { /* rfc8460#4.3-a */
#define RESULT(id, word) TLSRPT_##id,
#include "sts/result.def"
#undef RESULT
                     TLSRPT_RESULT_COUNT
};

/* rfc8460#4-a rfc8460#4.2-a */
struct tlsrpt_row {
    struct slice domain;
    uint64_t day; /* days since 1970 */
    enum tlsrpt_policy policy;
    uint32_t counts[TLSRPT_RESULT_COUNT]; /* sessions */
};

struct tlsrpt;
struct tlsrpt *tlsrpt_new(uint64_t seed); /* seed: random */
void tlsrpt_free(struct tlsrpt *t);

/* One more. domain: the policy's, clean. now: seconds since 1970. */
void tlsrpt_count(struct tlsrpt *t, struct slice domain, enum tlsrpt_policy policy,
                  enum tlsrpt_result result, uint64_t now);

/* All rows of a day, in no order. The counters must not change meanwhile. */
void tlsrpt_each(const struct tlsrpt *t, uint64_t day,
                 void (*fn)(void *ctx, const struct tlsrpt_row *row), void *ctx);
uint64_t tlsrpt_dropped(const struct tlsrpt *t); /* for which there was no room, ever */

const char *tlsrpt_policy_word(enum tlsrpt_policy p); /* "no-policy-found" */
const char *tlsrpt_result_word(enum tlsrpt_result r); /* "certificate-expired" */

#endif
