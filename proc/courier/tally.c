/* One session, one count, under the policy that held for its hop (rfc8460#4-a). A hop to which
 * nobody would speak TLS, as it failed a moment ago or the owner says so, is not counted. */
#include "tally.h"

#include "base/clock.h"

enum { ROW_HEAD = 512 }; /* bytes of an item without its domain, and of an answer without items */

static const enum tlsrpt_result results[TLS_FAILURE_COUNT] = {
    [TLS_FAILURE_NONE] = TLSRPT_FAILURE, /* it broke off, or hung */
    [TLS_FAILURE_HANDSHAKE] = TLSRPT_FAILURE,  [TLS_FAILURE_EXPIRED] = TLSRPT_EXPIRED,
    [TLS_FAILURE_NAME] = TLSRPT_HOST_MISMATCH, [TLS_FAILURE_NOT_TRUSTED] = TLSRPT_NOT_TRUSTED,
    [TLS_FAILURE_TLSA] = TLSRPT_FAILURE,       [TLS_FAILURE_TLSA_UNUSABLE] = TLSRPT_TLSA_INVALID,
};

static void
count(const struct conn *c, enum tlsrpt_result result)
{
    struct slice domain = c->hops->policy_domain;

    if (domain.len)
        tlsrpt_count(c->courier->report, domain, c->policy.counts,
                     c->policy.doubt ? c->policy.doubt : result, clock_now_us() / 1000000);
}

/* rfc8460#4.2-a; where what is not proved does no harm it counts all the same. */
void
tally_ready(const struct conn *c)
{
    enum tls_failure failure = c->tls ? tls_conn_failure(c->tls) : TLS_FAILURE_NONE;

    if (c->policy.tls == SMTP_TLS_NEVER)
        return;
    if (!c->tls)
        count(c, TLSRPT_NO_STARTTLS);
    else
        count(c, failure ? results[failure] : TLSRPT_SUCCESS);
}

void
tally_failed(const struct conn *c)
{
    const struct smtp_outcome *o = &c->client.outcome;

    if (o->trouble == SMTP_TROUBLE_NO_TLS || (o->stage == SMTP_STAGE_TLS && o->code))
        count(c, TLSRPT_NO_STARTTLS); /* not offered, or refused */
    else if (o->trouble == SMTP_TROUBLE_INJECTED)
        count(c, TLSRPT_FAILURE);
    else if (secure_has_failed(c))
        count(c, results[c->tls_failure]);
}

/* ---- who asks ---- */

struct page {
    struct buf rows;
    uint64_t skip; /* rows of the day that the asker has */
    bool full;
};

static void
put_row(void *ctx, const struct tlsrpt_row *row)
{
    struct page *page = ctx;
    uint8_t room[ROW_HEAD * 2];
    struct buf counts = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct courier_tls_row m = {.domain = row->domain,
                                .policy = slice_of(tlsrpt_policy_word(row->policy))};

    if (page->skip) {
        page->skip--;
        return;
    }
    page->full = page->full || page->rows.cap - page->rows.len < sizeof(room) + row->domain.len;
    if (page->full)
        return;
    for (enum tlsrpt_result r = TLSRPT_SUCCESS; r < TLSRPT_RESULT_COUNT; r++)
        if (row->counts[r])
            msg_items_put(
                &counts, MSG_courier_tls_count,
                &(struct courier_tls_count){slice_of(tlsrpt_result_word(r)), row->counts[r]});
    m.counts = buf_slice(&counts);
    msg_items_put(&page->rows, MSG_courier_tls_row, &m);
}

void
tally_on_report(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct courier *c = ((struct role *)ctx)->state;
    struct page page = {.skip = m->courier_tls_report.after};

    buf_init(&page.rows, MSG_FRAME_MAX - ROW_HEAD);
    tlsrpt_each(c->report, m->courier_tls_report.day, put_row, &page);
    chan_answer(call, MSG_courier_tls_reported,
                &(struct courier_tls_reported){page.full, buf_slice(&page.rows)}, -1);
    buf_clear(&page.rows);
}
