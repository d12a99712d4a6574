/* delivery-status = per-message-fields 1*( blank-line per-recipient-fields )       RFC 3464 2.1
 * A group is about a recipient once it has a recipient field; what comes before is about the message.
 * Many bounces paste these fields into plain text, so the groups may stand anywhere in it. */
#include "explain/explain_private.h"

struct group {
    struct slice whole;
    struct slice final, original, action, status, diagnostic, remote, reporter;
};

/* A field with the lines folded into it; what is not a field gives name.len 0. */
static bool
take_field(struct slice *text, struct slice *name, struct slice *value)
{
    struct slice line, peek;
    const uint8_t *begin;

    if (!text_take_line(text, &line))
        return false;
    begin = line.at;
    for (struct slice rest = *text; line.len && text_take_line(&rest, &peek);) {
        if (text_indent(peek) == 0 || text_is_blank(peek))
            break;
        line.len = (size_t)(peek.at + peek.len - begin);
        *text = rest;
    }
    if (!slice_cut(&line, ':', name))
        *name = (struct slice){NULL, 0};
    *value = text_trim(line);
    return true;
}

static void
put_field(struct group *g, struct slice name, struct slice value)
{
    const struct {
        const char *name;
        struct slice *to;
    } rows[] = {
        {"Final-Recipient", &g->final},       {"Original-Recipient", &g->original},
        {"Action", &g->action},               {"Status", &g->status},
        {"Diagnostic-Code", &g->diagnostic},  {"Remote-MTA", &g->remote},
        {"Reporting-MTA", &g->reporter},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (slice_eq_nocase(name, slice_of(rows[i].name)) && rows[i].to->len == 0)
            *rows[i].to = value;
}

/* The fields up to the next blank line. False at the end of the text. */
static bool
take_group(struct slice *text, struct group *g)
{
    struct slice name, value, line;
    const uint8_t *begin = text->at;

    *g = (struct group){0};
    while (text->len) {
        struct slice rest = *text;

        if (text_take_line(&rest, &line) && text_is_blank(line)) {
            g->whole = slice_make(begin, (size_t)(line.at - begin));
            *text = rest;
            return true;
        }
        take_field(text, &name, &value);
        put_field(g, name, value);
    }
    if (begin)
        g->whole = slice_make(begin, (size_t)(text->at ? text->at - begin : 0));
    return g->final.len > 0 || g->original.len > 0;
}

static int
hex(uint8_t c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "rfc822; <ana@example.com>" without type and brackets; xtext ("+2B", RFC 3461 4.2) decoded. */
static struct slice
address_of(struct slice value, struct arena *a)
{
    struct slice rest = value, type, address;
    uint8_t *to;
    size_t n = 0;

    if (slice_cut(&rest, ';', &type))
        value = text_trim(rest);
    rest = value;
    if (text_take_address(&rest, &address))
        value = address;
    if (slice_find(value, '+') < 0 || !(to = arena_take(a, value.len)))
        return value;
    for (size_t i = 0; i < value.len; i++) {
        int high = value.at[i] == '+' && i + 2 < value.len ? hex(value.at[i + 1]) : -1;
        int low = high == 2 || high == 3 ? hex(value.at[i + 2]) : -1;

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

static void
use_group(struct session *s, const struct group *g, struct slice reporter)
{
    struct slice final = address_of(g->final, s->arena);
    struct slice original = address_of(g->original, s->arena), type, rest;
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
    rest = g->remote;
    slice_cut(&rest, ';', &type);
    rest = text_trim(rest);
    text_take_host(&rest, &f->remote);
    f->text = f->reply.len ? f->text : g->whole;
    f->reporter = reporter;
    if (f->action == ACTION_delivered || f->action == ACTION_relayed ||
        f->action == ACTION_expanded)
        f->form = s->explain->known[KNOWN_delivered];
}

bool
delivery_read(struct session *s, struct slice text)
{
    struct slice reporter = {NULL, 0}, type;
    struct group g;
    size_t before = s->findings.count;

    if (text_find(text, SLICE("-Recipient:")) < 0 && text_find(text, SLICE("-recipient:")) < 0)
        return false;
    while (take_group(&text, &g)) {
        if (g.reporter.len) {
            reporter = g.reporter;
            slice_cut(&reporter, ';', &type);
            reporter = text_trim(reporter);
        }
        if (g.final.len || g.original.len)
            use_group(s, &g, reporter);
    }
    return s->findings.count > before;
}
