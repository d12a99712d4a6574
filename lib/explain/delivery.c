/* delivery-status = per-message-fields 1*( blank-line per-recipient-fields )       RFC 3464 2.1
 * A group is about a recipient once it has a recipient field; what comes before is about the
 * message. Many bounces paste these fields into plain text, so the groups may stand anywhere in it.
 */
#include "explain/explain_private.h"
#include "mime/header.h"

struct group {
    struct slice whole;
    struct slice final, original, action, status, diagnostic, remote, reporter;
    struct slice reason, reference; /* of valija's own notices (lib/bounce) */
};

/* What the fields about the message say of every recipient. */
struct about {
    struct slice reporter, reference;
};

static void
put_field(struct group *g, struct slice name, struct slice value)
{
    const struct {
        const char *name;
        struct slice *to;
    } rows[] = {
        {"Final-Recipient", &g->final},
        {"Original-Recipient", &g->original},
        {"Action", &g->action},
        {"Status", &g->status},
        {"Diagnostic-Code", &g->diagnostic},
        {"Remote-MTA", &g->remote},
        {"Reporting-MTA", &g->reporter},
        {"X-Valija-Reason", &g->reason},
        {"X-Valija-Reference", &g->reference},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (slice_eq_nocase(name, slice_of(rows[i].name)) && rows[i].to->len == 0)
            *rows[i].to = value;
}

static struct group
read_group(struct slice text)
{
    struct group g = {.whole = text};
    struct mime_field field;

    while (mime_field_take(&text, &field))
        put_field(&g, field.name, field.value);
    return g;
}

/* "rfc822; <ana@example.com>" without type and brackets; xtext ("+2B", RFC 3461 4.2) decoded where
 * the writer may have left it. */
static struct slice
address_of(struct slice value, bool may_be_xtext, struct arena *a)
{
    struct slice rest = value, type, address;
    uint8_t *to;
    size_t n = 0;

    if (slice_cut(&rest, ';', &type))
        value = text_trim(rest);
    rest = value;
    if (text_take_address(&rest, &address))
        value = address;
    if (!may_be_xtext || slice_find(value, '+') < 0 || !(to = arena_take(a, value.len)))
        return value;
    for (size_t i = 0; i < value.len; i++) {
        int high = value.at[i] == '+' && i + 2 < value.len ? ascii_hex_value(value.at[i + 1]) : -1;
        int low = high == 2 || high == 3 ? ascii_hex_value(value.at[i + 2]) : -1;

        /* xtext writes only "+" and "=" so in an address; a "+25" of somebody's own stays */
        if (low == 0xb || low == 0xd) {
            to[n++] = (uint8_t)(high << 4 | low);
            i += 2;
        } else {
            to[n++] = value.at[i];
        }
    }
    return slice_make(to, n);
}

static enum action
action_of(struct slice value)
{
    for (int i = ACTION_none + 1; i < ACTION_COUNT; i++)
        if (slice_starts_nocase(value, slice_of(action_words[i])))
            return (enum action)i;
    return ACTION_none;
}

/* The name or address after "dns;". */
static struct slice
mta_of(struct slice value)
{
    struct slice type, rest = value;

    return slice_cut(&rest, ';', &type) ? text_trim(rest) : value;
}

static void
use_group(struct session *s, const struct group *g, const struct about *about)
{
    const struct catalogue_reason *named = catalogue_find(s->explain->catalogue, g->reason);
    struct slice final = address_of(g->final, !named, s->arena);
    struct slice original = address_of(g->original, !named, s->arena), type, rest;
    bool is_address = slice_find(final, '@') >= 0 || original.len == 0;
    struct finding *f = findings_get(&s->findings, is_address ? final : original);

    if (!f)
        return;
    f->action = action_of(g->action);
    f->status = slice_head(g->status, 5);
    while (f->status.len < g->status.len && ascii_is_digit(g->status.at[f->status.len]))
        f->status.len++;
    rest = g->diagnostic;
    if (slice_cut(&rest, ';', &type) && slice_find(type, ' ') < 0)
        f->reply = text_trim(rest);
    else
        f->reply = g->diagnostic;
    rest = mta_of(g->remote);
    text_take_host(&rest, &f->remote);
    f->text = f->reply.len ? f->text : g->whole;
    f->reporter = about->reporter;
    f->reference = about->reference;
    f->named = named;
    if (f->action == ACTION_delivered || f->action == ACTION_relayed ||
        f->action == ACTION_expanded)
        f->form = s->explain->known[KNOWN_delivered];
}

bool
delivery_read(struct session *s, struct slice text)
{
    struct about about = {0};
    struct slice block;
    size_t before = s->findings.count;

    if (text_find(text, SLICE("-Recipient:")) < 0 && text_find(text, SLICE("-recipient:")) < 0)
        return false;
    while (mime_group_take(&text, &block)) {
        struct group g = read_group(block);

        if (g.reporter.len)
            about.reporter = mta_of(g.reporter);
        if (g.reference.len)
            about.reference = g.reference;
        if (g.final.len || g.original.len)
            use_group(s, &g, &about);
    }
    return s->findings.count > before;
}
