/* A reply is explained by its words, which say more than its codes; what we found ourselves has its
 * reason in a table. The catalogue is read at the first failure: mail that goes well needs none. */
#include "finding.h"

#include "base/buf.h"
#include "base/ensure.h"
#include "explain/explain.h"
#include "knowledge.h"
#include "role/tell.h"
#include "wait.h"

enum {
    SAID_MAX = SMTP_SAID_MAX + 32, /* words, and codes in front */
    EXPLAIN_ARENA = 4 << 20,
};

static const char *const trouble_reasons[SMTP_TROUBLE_COUNT] = {
#define TROUBLE_REASON(trouble, reason) [SMTP_TROUBLE_##trouble] = (reason),
#define ROUTE_REASON(failure, reason)
#include "reason.def"
#undef TROUBLE_REASON
#undef ROUTE_REASON
};

static const char *const route_reasons[ROUTE_KIND_COUNT] = {
#define TROUBLE_REASON(trouble, reason)
#define ROUTE_REASON(failure, reason) [ROUTE_##failure] = (reason),
#include "reason.def"
#undef TROUBLE_REASON
#undef ROUTE_REASON
};

static struct {
    struct explain *explain;
    struct arena *arena;
    uint8_t said[SAID_MAX];
} self;

static void
ignore_mistake(void *ctx, const struct catalogue_mistake *mistake)
{
    (void)ctx, (void)mistake; /* the build has checked it */
}

static void
prepare(void)
{
    if (self.explain)
        return;
    self.explain = explain_new(courier_catalogue(), ignore_mistake, NULL);
    self.arena = arena_new("explain", EXPLAIN_ARENA);
}

static void
take_reason(struct finding *f, const struct catalogue_reason *r)
{
    f->reason = r->id;
    f->retry = r->retry;
    if (r->retry == CATALOGUE_RETRY_throttle)
        f->site = COURIER_SITE_SLOW;
}

void
finding_give_reason(struct finding *f, const char *id)
{
    const struct catalogue_reason *r = catalogue_find(courier_catalogue(), slice_of(id));

    ensure(r); /* a name that the catalogue does not have */
    take_reason(f, r);
}

static void
explain_reply(struct finding *f)
{
    struct explain_answer a;

    prepare();
    arena_clear(self.arena);
    a = explain_input(self.explain, f->said, self.arena);
    ensure(a.count);
    take_reason(f, a.of[0].reason);
    if (!f->status.len)
        f->status = a.of[0].status;
    if (f->verdict == COURIER_LATER)
        f->wait = wait_find(f->said);
}

/* "550 5.1.1 words", as it came but for its line ends. */
static struct slice
put_reply(const struct smtp_outcome *o)
{
    struct buf said = {.at = self.said, .room = SAID_MAX, .cap = SAID_MAX};

    buf_put_format(&said, "%u", o->code);
    if (o->enhanced[0])
        buf_put_format(&said, " %s", o->enhanced);
    if (o->text.len) {
        buf_put_byte(&said, ' ');
        buf_put(&said, o->text);
    }
    return buf_slice(&said);
}

static struct slice
status_of_class(enum courier_verdict v)
{
    return v == COURIER_DELIVERED ? SLICE("2.0.0")
           : v == COURIER_FAILED  ? SLICE("5.0.0")
                                  : SLICE("4.0.0");
}

struct finding
finding_of_outcome(const struct smtp_outcome *o, struct slice remote, const char *tls)
{
    static const enum courier_verdict verdicts[] = {
        [SMTP_VERDICT_UNDECIDED] = COURIER_LATER, [SMTP_VERDICT_DELIVERED] = COURIER_DELIVERED,
        [SMTP_VERDICT_TEMPORARY] = COURIER_LATER, [SMTP_VERDICT_PERMANENT] = COURIER_FAILED,
        [SMTP_VERDICT_UNKNOWN] = COURIER_UNKNOWN,
    };
    struct finding f = {.verdict = verdicts[o->verdict],
                        .stage = smtp_stage_row(o->stage)->word,
                        .tls = tls,
                        .ours = o->trouble != SMTP_TROUBLE_NONE,
                        .status = slice_of(o->enhanced),
                        .remote = remote};

    if (o->trouble == SMTP_TROUBLE_TIMED_OUT)
        f.site = COURIER_SITE_SLOW; /* as would be all other mail */
    if (o->trouble) {
        f.said = o->text;
        finding_give_reason(&f, trouble_reasons[o->trouble]);
    } else {
        f.said = put_reply(o);
        if (f.verdict != COURIER_DELIVERED)
            explain_reply(&f);
    }
    if (!f.status.len)
        f.status = status_of_class(f.verdict);
    return f;
}

struct finding
finding_of_route(enum route_kind failure, struct slice about, struct slice why)
{
    const char *code = route_code(failure);
    struct finding f = {.verdict = code[0] == '5' ? COURIER_FAILED : COURIER_LATER,
                        .site = code[0] == '5' ? COURIER_SITE_OK : COURIER_SITE_DOWN,
                        .stage = "dns",
                        .tls = "",
                        .ours = true,
                        .status = slice_of(code)};
    struct buf said = {.at = self.said, .room = SAID_MAX, .cap = SAID_MAX};

    buf_put(&said, slice_head(about, DNS_NAME_MAX));
    buf_put_format(&said, ": %s", route_text(failure));
    if (why.len) {
        buf_put_string(&said, ": ");
        buf_put(&said, slice_head(why, SMTP_SAID_MAX / 2));
    }
    f.said = buf_slice(&said);
    finding_give_reason(&f, route_reasons[failure]);
    return f;
}

void
finding_tell(const struct finding *f, struct role *r, uint64_t message)
{
    struct trace_event e = {.kind = TRACE_attempt,
                            .message = message,
                            .tls = slice_of(f->tls),
                            .reason = f->reason,
                            .reply = f->said,
                            .remote = f->remote,
                            .stage = slice_of(f->stage)};

    tell_event(r, &e);
}
