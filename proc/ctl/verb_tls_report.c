/* valija tls-report: how TLS with other domains' servers went on a day in UTC. For machines it is
 * the report of RFC 8460 4.4, one a domain; what the courier does not keep is not in it: the text
 * of policies, and which servers failed. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "out.h"

enum { DAY_SECONDS = 86400, DAY_ROOM = 16, WORD_ROOM = 64 };

/* One domain under one policy. */
struct row {
    json_t *object;
    const char *domain, *policy; /* in it */
};

struct report {
    struct ctl *ctl;
    uint64_t day;        /* since 1970 */
    char text[DAY_ROOM]; /* the same, as people write it */
    struct row *rows;
    size_t count;
};

static const struct out_column columns[] = {
    {"domain", TEXT_head_domain, OUT_TEXT}, {"policy", TEXT_head_policy, OUT_TEXT},
    {"well", TEXT_head_well, OUT_NUMBER},   {"failed", TEXT_head_failed, OUT_NUMBER},
    {"why", TEXT_head_reason, OUT_LIST},    {NULL, TEXT_none, OUT_TEXT},
};

/* ---- the day ---- */

static bool
read_day(const char *word, uint64_t *day)
{
    struct tm tm = {.tm_mday = 1};
    const char *end = strptime(word, "%Y-%m-%d", &tm);
    time_t at = end && !*end ? timegm(&tm) : -1;

    if (at < 0)
        return false;
    *day = (uint64_t)at / DAY_SECONDS;
    return true;
}

static void
write_day(uint64_t day, char text[DAY_ROOM])
{
    time_t at = (time_t)(day * DAY_SECONDS);
    struct tm tm;

    ensure(gmtime_r(&at, &tm) && strftime(text, DAY_ROOM, "%Y-%m-%d", &tm));
}

/* ---- rows ---- */

static json_t *
row_to_json(const struct courier_tls_row *m)
{
    json_t *failures = json_array(), *why = json_array();
    struct slice items = m->counts;
    struct courier_tls_count n;
    uint64_t well = 0, failed = 0;
    char words[WORD_ROOM + 16], result[WORD_ROOM];

    while (msg_items_take(&items, MSG_courier_tls_count, &n)) {
        if (n.result.len == 0) {
            well += n.sessions;
            continue;
        }
        failed += n.sessions;
        json_array_append_new(failures, json_pack("{s:o, s:o}", "result-type", out_string(n.result),
                                                  "failed-session-count", out_number(n.sessions)));
        if (slice_to_string(n.result, result, sizeof(result))) {
            snprintf(words, sizeof(words), "%s:%u", result, n.sessions);
            json_array_append_new(why, json_string(words));
        }
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "domain", out_string(m->domain), "policy",
                     out_string(m->policy), "well", out_number(well), "failed", out_number(failed),
                     "why", why, "failures", failures);
}

static void
add_row(struct report *r, const struct courier_tls_row *m)
{
    struct row *row;

    r->rows = heap_grow(r->rows, (r->count + 1) * sizeof(*r->rows));
    row = &r->rows[r->count++];
    row->object = row_to_json(m);
    row->domain = json_string_value(json_object_get(row->object, "domain"));
    row->policy = json_string_value(json_object_get(row->object, "policy"));
}

static int
by_domain(const void *a, const void *b)
{
    const struct row *one = a, *other = b;
    int order = strcmp(one->domain, other->domain);

    return order ? order : strcmp(one->policy, other->policy);
}

static int
get_rows(struct report *r)
{
    struct courier_tls_report ask = {.day = r->day};
    struct service_question q = {.role = ROLE_courier,
                                 .type = MSG_courier_tls_report,
                                 .message = &ask,
                                 .expected = MSG_courier_tls_reported};
    union msg_any answer;
    int status;

    do {
        struct courier_tls_row m;

        status = service_ask(&r->ctl->service, &q, &answer);
        if (status)
            return status;
        while (msg_items_take(&answer.courier_tls_reported.rows, MSG_courier_tls_row, &m))
            add_row(r, &m);
        ask.after = r->count;
    } while (answer.courier_tls_reported.more);
    qsort(r->rows, r->count, sizeof(r->rows[0]), by_domain);
    return 0;
}

/* ---- what is printed ---- */

static json_t *
policy_to_json(const struct row *row)
{
    return json_pack("{s:{s:O, s:O}, s:{s:O, s:O}, s:O}", "policy", "policy-type",
                     json_object_get(row->object, "policy"), "policy-domain",
                     json_object_get(row->object, "domain"), "summary",
                     "total-successful-session-count", json_object_get(row->object, "well"),
                     "total-failure-session-count", json_object_get(row->object, "failed"),
                     "failure-details", json_object_get(row->object, "failures"));
}

/* rfc8460#4.4-a: all policies of one domain, which are the next n rows. */
static void
print_report(const struct report *r, const struct row *rows, size_t n)
{
    const char *host = r->ctl->conf->hostname;
    json_t *policies = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(policies, policy_to_json(&rows[i]));
    out_json(json_pack("{s:s, s:{s:o, s:o}, s:o, s:o, s:o}", "organization-name", host,
                       "date-range", "start-datetime", json_sprintf("%sT00:00:00Z", r->text),
                       "end-datetime", json_sprintf("%sT23:59:59Z", r->text), "contact-info",
                       json_sprintf("postmaster@%s", host), "report-id",
                       json_sprintf("%s_%s@%s", r->text, rows[0].domain, host), "policies",
                       policies));
}

static void
print_reports(const struct report *r)
{
    size_t end;

    for (size_t at = 0; at < r->count; at = end) {
        for (end = at + 1; end < r->count && strcmp(r->rows[at].domain, r->rows[end].domain) == 0;
             end++)
            ;
        print_report(r, &r->rows[at], end - at);
    }
}

static void
print_table(const struct report *r)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < r->count; i++)
        json_array_append(rows, r->rows[i].object);
    if (r->count == 0)
        SAY(tls_report_empty, r->text);
    out_rows(r->ctl, rows, columns);
}

int
verb_tls_report(struct ctl *c)
{
    struct report r = {.ctl = c, .day = clock_now_us() / 1000000 / DAY_SECONDS};
    int status;

    if (c->count && !read_day(c->args[0], &r.day))
        return FAIL(bad_day, c->args[0]);
    if (!c->service.running)
        return FAIL(not_running, c->conf->run); /* what was counted has gone with it */
    write_day(r.day, r.text);
    status = get_rows(&r);
    if (status == 0 && ctl_has(c, OPTION_json))
        print_reports(&r);
    else if (status == 0)
        print_table(&r);
    for (size_t i = 0; i < r.count; i++)
        json_decref(r.rows[i].object);
    free(r.rows);
    return status;
}
