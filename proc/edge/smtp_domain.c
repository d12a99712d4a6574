/* Does an address have a domain that takes mail? The resolver is asked, one question after the
 * other, until lib/route knows. Where nobody answers that is a temporary failure like any other. */
#include <unistd.h>

#include "base/ensure.h"
#include "mime/address.h"
#include "smtp.h"

enum {
    ASKS_MAX = 1 + ROUTE_ASKS_MAX,
    RECORDS_MAX = 50, /* of one answer that are looked at */
    MEMORY_MAX = ASKS_MAX * DNS_NAME_ROOM + RECORDS_MAX * (DNS_NAME_ROOM + 64),
};

/* While it lasts; it dies with its arena. */
struct smtp_domain {
    struct arena *arena;
    struct slice name;
    struct route_known known[ASKS_MAX];
    struct dns_answer answers[ASKS_MAX];
    size_t count;
    smtp_domain_fn *done;
};

static void on_answer(struct conn *c, const union msg_any *m, int fd);

void
smtp_domain_clear(struct smtp_session *s)
{
    if (s->domain)
        arena_free(s->domain->arena);
    s->domain = NULL;
}

static void
ask(struct conn *c, const struct route_question *q)
{
    struct smtp_domain *d = smtp_session_of(c)->domain;
    struct resolver_ask m = {slice_of(q->name), q->type};

    ensure(d->count < ASKS_MAX);
    d->known[d->count] =
        (struct route_known){q->type, arena_copy(d->arena, m.name), &d->answers[d->count]};
    conn_ask(c, ROLE_resolver, 0, MSG_resolver_ask, &m, -1, MSG_resolver_answer, on_answer);
}

static void
go_on(struct conn *c)
{
    static struct route route;
    struct smtp_domain *d = smtp_session_of(c)->domain;
    struct route_input in = {
        .domain = d->name, .port = ROUTE_SMTP_PORT, .known = d->known, .known_count = d->count};
    smtp_domain_fn *done = d->done;

    route_exists(&in, &route);
    if (route.kind == ROUTE_ASK) {
        ask(c, &route.asks[0]);
        return;
    }
    smtp_domain_clear(smtp_session_of(c));
    done(c, route.kind);
}

/* The records of an MX answer are named by further questions; of the others it is enough that there
 * are any. */
static void
read_records(struct smtp_domain *d, struct slice items, struct dns_answer *a)
{
    struct dns_record *records = arena_take(d->arena, RECORDS_MAX * sizeof(*records));
    struct resolver_record r;

    a->records = records;
    while (records && a->count < RECORDS_MAX && msg_items_take(&items, MSG_resolver_record, &r)) {
        records[a->count] = (struct dns_record){r.preference, arena_copy(d->arena, r.data)};
        a->count += records[a->count].data.at != NULL;
    }
}

static void
on_answer(struct conn *c, const union msg_any *m, int fd)
{
    struct smtp_domain *d = smtp_session_of(c)->domain;
    struct dns_answer *a = &d->answers[d->count];

    if (fd >= 0)
        close(fd);
    *a = (struct dns_answer){.verdict = DNS_TEMPORARY};
    if (m && m->resolver_answer.verdict < DNS_VERDICT_COUNT) {
        a->verdict = (enum dns_verdict)m->resolver_answer.verdict;
        if (d->known[d->count].type == DNS_MX)
            read_records(d, m->resolver_answer.records, a);
    }
    d->count++;
    go_on(c);
}

void
smtp_ask_domain(struct conn *c, smtp_domain_fn *done)
{
    struct smtp_session *s = smtp_session_of(c);
    struct arena *arena = arena_new("a domain", sizeof(*s->domain) + MEMORY_MAX);
    struct slice local;

    s->domain = arena_take(arena, sizeof(*s->domain));
    ensure(s->domain);
    s->domain->arena = arena;
    s->domain->done = done;
    mime_address_split(s->server.address, &local, &s->domain->name);
    go_on(c);
}
