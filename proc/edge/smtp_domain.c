/* Does an address have a domain that takes mail? The resolver is asked, one question after the
 * other, until lib/route knows. Where nobody answers that is a temporary failure like any other. */
#include <unistd.h>

#include "base/ensure.h"
#include "mime/address.h"
#include "smtp.h"

static void on_answer(struct conn *c, const union msg_any *m, int fd);

/* The records of an answer are read once, when it comes: one that leads to a further question has
 * none that matter. */
static void
forget_records(struct smtp_domain *d)
{
    for (size_t i = 0; i < d->count; i++) {
        d->answers[i].records = NULL;
        d->answers[i].count = 0;
    }
}

static void
go_on(struct conn *c)
{
    static struct route route;
    struct smtp_domain *d = &smtp_session_of(c)->domain;
    struct route_input in = {
        .domain = d->name, .port = ROUTE_SMTP_PORT, .known = d->known, .known_count = d->count};
    const struct route_question *q = &route.asks[0];

    route_exists(&in, &route);
    forget_records(d);
    if (route.kind == ROUTE_ASK)
        conn_ask(c, ROLE_resolver, 0, MSG_resolver_ask,
                 &(struct resolver_ask){slice_of(q->name), q->type}, -1, MSG_resolver_answer,
                 on_answer);
    else
        d->done(c, route.kind);
}

static size_t
read_records(struct slice items, struct dns_record records[DNS_RECORDS_MAX])
{
    struct resolver_record r;
    size_t count = 0;

    while (count < DNS_RECORDS_MAX && msg_items_take(&items, MSG_resolver_record, &r))
        records[count++] = (struct dns_record){r.preference, r.data};
    return count;
}

static void
on_answer(struct conn *c, const union msg_any *m, int fd)
{
    static const enum dns_type types[SMTP_DOMAIN_ASKS] = {DNS_MX, DNS_A, DNS_AAAA};
    static struct dns_record records[DNS_RECORDS_MAX];
    struct smtp_domain *d = &smtp_session_of(c)->domain;
    struct dns_answer *a = &d->answers[d->count];

    if (fd >= 0)
        close(fd);
    ensure(d->count < SMTP_DOMAIN_ASKS);
    *a = (struct dns_answer){.verdict = DNS_TEMPORARY, .records = records};
    if (m && m->resolver_answer.verdict < DNS_VERDICT_COUNT) {
        a->verdict = (enum dns_verdict)m->resolver_answer.verdict;
        a->count = read_records(m->resolver_answer.records, records);
    }
    d->known[d->count] = (struct route_known){types[d->count], d->name, a};
    d->count++;
    go_on(c);
}

void
smtp_ask_domain(struct conn *c, smtp_domain_fn *done)
{
    struct smtp_session *s = smtp_session_of(c);
    struct slice local;

    s->domain = (struct smtp_domain){.done = done};
    mime_address_split(s->server.address, &local, &s->domain.name);
    go_on(c);
}
