/* Any bytes have an answer: a reason, a confidence, slices that can be read, and a reply that is
 * one line. */
#include "base/ensure.h"
#include "base/map.h"
#include "explain/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads each byte, so that a sanitizer sees a slice that shows what is not there. */
static void
read_all(struct slice s)
{
    ensure(map_hash(0, s) != 0);
}

static void
check(const struct explained *x)
{
    ensure(x->reason && x->reason->id.len);
    ensure(x->confidence >= 0 && x->confidence <= 1);
    ensure(!x->contradicts || x->meant);
    ensure(x->phase < EXPLAIN_PHASES);
    ensure(slice_find(x->reply, '\n') < 0 && slice_find(x->reply, '\r') < 0);
    read_all(x->recipient);
    read_all(x->reply);
    read_all(x->evidence);
    read_all(x->status);
    read_all(x->remote);
    read_all(x->reference);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalogue *catalogue;
    static struct explain *explain;
    struct arena *a = arena_new("fuzz", size % 7 ? EXPLAIN_MEMORY_MAX : size); /* also too little */
    struct explain_answer answer;

    if (!explain) {
        catalogue = catalogue_built_in();
        explain = explain_new(catalogue, NULL, NULL);
    }
    answer = explain_input(explain, slice_make(data, size), a);
    ensure(answer.kind < EXPLAIN_KINDS);
    ensure(answer.count > 0 || answer.truncated);
    for (size_t i = 0; i < answer.count; i++)
        check(&answer.of[i]);
    arena_free(a);
    return 0;
}
