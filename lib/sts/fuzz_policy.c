/* Any bytes as a policy: one that is accepted has what a policy must have, and means the servers
 * that it names. */
#include "base/ensure.h"
#include "sts/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why;
    struct sts_policy *p = sts_policy_new(slice_make(data, size), &why);
    struct slice rest, pattern;

    ensure((p == NULL) == (why != NULL));
    if (!p)
        return 0;
    ensure(p->max_age <= STS_AGE_MAX && (p->mode == STS_NONE || p->patterns.len));
    for (rest = p->patterns; rest.len;) {
        ensure(slice_cut(&rest, '\n', &pattern) && pattern.len);
        ensure(sts_policy_allows(p, pattern));
    }
    ensure(!sts_policy_allows(p, SLICE("")));
    sts_policy_put(p);
    return 0;
}
