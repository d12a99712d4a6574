#include "failure.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "role/tell.h"

void
failure_put(struct list *failures, const struct smtp_outcome *o, struct slice remote,
            const char *reason)
{
    struct failure *f = heap_take(sizeof(*f) + o->text.len);

    f->outcome = *o;
    f->outcome.text = slice_make(f->text, o->text.len);
    f->remote = remote;
    f->reason = reason;
    if (o->text.len)
        memcpy(f->text, o->text.at, o->text.len);
    list_append(failures, &f->link);
}

void
failures_free(struct list *failures)
{
    while (!list_empty(failures)) {
        struct failure *f = LIST_OF(failures->next, struct failure, link);

        list_remove(&f->link);
        free(f);
    }
}

static unsigned
weight(const struct failure *f)
{
    bool temporary = f->outcome.verdict != SMTP_VERDICT_PERMANENT;

    return 2u * temporary + (f->outcome.code != 0);
}

const struct failure *
failures_worst(const struct list *failures)
{
    const struct failure *worst = NULL;

    for (const struct list *at = failures->next; at != failures; at = at->next) {
        const struct failure *f = LIST_OF(at, const struct failure, link);

        if (!worst || weight(f) > weight(worst))
            worst = f;
    }
    return worst;
}

struct finding
failure_finding(const struct failure *f)
{
    struct finding found = finding_of_outcome(&f->outcome, f->remote, "");

    if (f->reason)
        finding_give_reason(&found, f->reason);
    return found;
}

void
failure_tell(const struct failure *f, struct role *r, uint64_t message)
{
    struct finding found = failure_finding(f);
    struct trace_event e = {.kind = TRACE_attempt,
                            .message = message,
                            .reason = found.reason,
                            .reply = found.said,
                            .remote = found.remote,
                            .stage = slice_of(found.stage)};

    tell_event(r, &e);
}
