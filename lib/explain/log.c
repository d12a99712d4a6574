/* line    = [ stamp ] message                a line of a mail server's log
 * stamp   = "Nov 22 21:50:17 host program[1]: " / "2026-11-22T21:50:17.123Z host program[1]: " /
 *           "2026-11-22 21:50:17 " / "@" 24HEXDIG " "
 * message = Postfix and Sendmail: *( key "=" value ", " ) ( "status=" / "stat=" ) text
 *           Postfix, Sendmail smtpd: ... "reject: RCPT from" host ": " reply "; from=<...>
 * to=<...>" Exim:  [ id ] ( "**" / "==" / "=>" / "->" ) address ... ": " text qmail: "starting
 * delivery" n ": msg" m "to" place address "delivery" n ": " ( "failure" / "deferral" / "success" )
 * ": " text_with_underscores/ Exchange: "[{LRT=...};{LED=" reply "};{...}]", or comma-separated
 * values valija: role[n] session event *( key "=" value ) Lines about the same recipient are one
 * story, of which the last words count. */
#include "explain/explain_private.h"

enum {
    LOG_LINES_TRIED = 20, /* lines of which one must be a log's */
    KEY_MAX = 16,         /* bytes of a key with its "=" */
};

struct log {
    struct session *s;
    struct map deliveries; /* qmail: a delivery's number + 1 to its finding */
    bool has_stamp;
};

/* The length of a pattern of digits (0) and other bytes that stand for themselves. */
static size_t
shape(struct slice s, const char *pattern)
{
    size_t n = strlen(pattern);

    if (s.len < n)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (pattern[i] == '0'   ? !ascii_is_digit(s.at[i])
            : pattern[i] == 'a' ? !ascii_is_alnum(s.at[i])
                                : s.at[i] != (uint8_t)pattern[i])
            return 0;
    }
    return n;
}

static void
take_word(struct slice *s)
{
    struct slice word;

    slice_cut(s, ' ', &word);
    *s = slice_trim(*s);
}

/* "host program[1]: " after a time. */
static void
take_program(struct slice *s)
{
    ptrdiff_t end = text_find(slice_head(*s, 120), SLICE("]: "));

    if (end < 0)
        end = text_find(slice_head(*s, 60), SLICE(": "));
    else
        end++;
    if (end >= 0 && slice_find(slice_head(*s, (size_t)end), '=') < 0 &&
        slice_find(slice_head(*s, (size_t)end), '<') < 0)
        *s = slice_tail(*s, (size_t)end + 2);
}

/* Cut the stamp off. False: there is none. */
static bool
take_stamp(struct slice *line)
{
    struct slice s = *line;
    size_t n;

    if ((n = shape(s, "aaa 00 00:00:00 ")) != 0 || (n = shape(s, "aaa  0 00:00:00 ")) != 0) {
        s = slice_tail(s, n);
        take_word(&s); /* host */
        take_program(&s);
    } else if (shape(s, "0000-00-00T00:00:00") || shape(s, "0000/00/00 00:00:00")) {
        n = 19;
        while (n < s.len && s.at[n] != ' ' && s.at[n] != ',')
            n++;
        s = slice_tail(s, n + 1);
        take_program(&s);
    } else if ((n = shape(s, "0000-00-00 00:00:00")) != 0) {
        s = slice_tail(s, n);
        take_word(&s); /* fractions of a second */
    } else if (shape(s, "@40000000aaaaaaaaaaaaaaaa ")) {
        take_word(&s);
    } else {
        return false;
    }
    *line = s;
    return true;
}

/* The value of "key=" up to a comma, a blank or the end; in brackets up to those. */
static bool
value_of(struct slice s, const char *key, struct slice *value)
{
    for (struct slice rest = s; text_after(&rest, key) && rest.len;) {
        const uint8_t *before = rest.at - strlen(key);
        size_t n = 0;

        if (before > s.at && before[-1] != ' ' && before[-1] != ',' && before[-1] != '\t')
            continue;
        if (rest.len && rest.at[0] == '"') {
            rest = slice_tail(rest, 1);
            slice_cut(&rest, '"', value);
            return true;
        }
        while (n < rest.len && rest.at[n] != ' ' && rest.at[n] != ',')
            n++;
        *value = slice_head(rest, n);
        return true;
    }
    return false;
}

static bool
address_value(struct slice s, const char *key, struct slice *address)
{
    struct slice value;

    return value_of(s, key, &value) && text_take_address(&value, address);
}

static void
set_host(struct finding *f, struct slice value)
{
    struct slice host;

    if (text_take_host(&value, &host))
        f->remote = host;
}

/* "(host mx said: ...)" without its brackets. */
static struct slice
in_brackets(struct slice text)
{
    text = text_trim(text);
    if (text.len > 1 && text.at[0] == '(' && text.at[text.len - 1] == ')')
        return slice_make(text.at + 1, text.len - 2);
    return text;
}

/* Postfix: "to=<a@b>, relay=mx[192.0.2.1]:25, dsn=5.1.1, status=bounced (host mx said: ...)";
 * Sendmail: "to=<a@b>, relay=mx. [192.0.2.1], dsn=5.1.1, stat=User unknown". */
static bool
read_delivery(struct log *l, struct slice m)
{
    static const struct {
        const char *word;
        enum action action;
    } results[] = {
        {"bounced", ACTION_failed},       {"deferred", ACTION_delayed},
        {"sent", ACTION_delivered},       {"expired", ACTION_failed},
        {"undeliverable", ACTION_failed}, {"deliverable", ACTION_delivered},
    };
    struct slice address = {NULL, 0}, text = m, value;
    struct finding *f;

    if (!text_after(&text, "status=") && !text_after(&text, "stat="))
        return false;
    if (!address_value(m, "to=", &address))
        return false;
    f = findings_get(&l->s->findings, address);
    if (!f)
        return true;
    f->action = ACTION_none;
    f->form = NULL;
    for (size_t i = 0; i < COUNT(results); i++)
        if (slice_starts_nocase(text, slice_of(results[i].word)))
            f->action = results[i].action;
    if (f->action == ACTION_delivered)
        f->form = l->s->explain->known[KNOWN_delivered];
    if (value_of(m, "relay=", &value))
        set_host(f, value);
    if (value_of(m, "dsn=", &value))
        f->status = value;
    if (f->action != ACTION_none)
        take_word(&text);
    f->text = in_brackets(text);
    return true;
}

/* What follows the host in "reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 ...; from=<...>
 * to=<...>". */
static bool
read_reject(struct log *l, struct slice m)
{
    struct slice address = {NULL, 0}, text = m;
    struct finding *f;
    ptrdiff_t end;

    if (text_after(&text, "reject: ") || text_after(&text, "reject_warning: ") ||
        text_after(&text, "milter-reject: ")) {
        text_after(&text, "]: ");
    } else if (!text_after(&text, "reject=")) {
        return false;
    }
    if (!address_value(m, "to=", &address))
        address_value(m, "arg1=", &address);
    f = findings_get(&l->s->findings, address);
    if (!f)
        return true;
    end = text_find(text, SLICE("; from="));
    f->reply = text_trim(end < 0 ? text : slice_head(text, (size_t)end));
    f->text = m;
    return true;
}

/* Exim: "1abcDE-000001-AA ** a@b R=dnslookup T=remote_smtp H=mx [192.0.2.1]: SMTP error ...". */
static bool
read_exim(struct log *l, struct slice m)
{
    static const struct {
        const char *sign;
        enum action action;
    } signs[] = {{"** ", ACTION_failed},
                 {"== ", ACTION_delayed},
                 {"=> ", ACTION_delivered},
                 {"-> ", ACTION_delivered}};
    struct slice address, text;
    struct finding *f;

    if (shape(m, "aaaaaa-aaaaaa-aa ") || shape(m, "aaaaaa-aaaaaaaaaaa-aaaa "))
        take_word(&m);
    for (size_t i = 0; i < COUNT(signs); i++) {
        text = m;
        if (!slice_take_prefix(&text, slice_of(signs[i].sign)) ||
            !text_take_address(&text, &address))
            continue;
        f = findings_get(&l->s->findings, address);
        if (!f)
            return true;
        f->action = signs[i].action;
        f->form = f->action == ACTION_delivered ? l->s->explain->known[KNOWN_delivered] : NULL;
        f->text = text;
        return true;
    }
    return false;
}

/* Exim's reject log: "H=host [192.0.2.1] F=<x@y> rejected RCPT <a@b>: relay not permitted". */
static bool
read_exim_reject(struct log *l, struct slice m)
{
    struct slice address = {NULL, 0}, text = m, rest;
    struct finding *f;

    if (!text_after(&text, " rejected ") && !text_after(&text, " temporarily rejected "))
        return false;
    if (text_find(m, SLICE("H=")) < 0)
        return false;
    if (slice_starts_nocase(text, SLICE("RCPT ")))
        text_find_address(text, &address, &rest);
    f = findings_get(&l->s->findings, address);
    if (f)
        f->text = m;
    rest = text;
    if (f && text_after(&rest, ": "))
        f->reply = rest;
    return true;
}

/* qmail writes spaces as "_" and line ends as "/". */
static struct slice
unwritten(struct slice text, struct arena *a)
{
    struct slice copy = arena_copy(a, text);
    uint8_t *at = (uint8_t *)(uintptr_t)copy.at;

    for (size_t i = 0; i < copy.len; i++) {
        bool ends = at[i] == '/' && (i + 1 == copy.len || (at[i + 1] >= 'A' && at[i + 1] <= 'Z'));

        at[i] = at[i] == '_' ? ' ' : ends ? '\n' : at[i];
    }
    return copy;
}

static bool
take_number(struct slice *s, uint64_t *number)
{
    size_t n = 0;

    while (n < s->len && ascii_is_digit(s->at[n]))
        n++;
    if (!slice_to_u64(slice_head(*s, n), number) || *number == UINT64_MAX)
        return false;
    *s = slice_tail(*s, n);
    return true;
}

static bool
read_qmail(struct log *l, struct slice m)
{
    struct slice text = m, address, rest;
    struct finding *f;
    uint64_t number;

    if (text_after(&text, "starting delivery ") && take_number(&text, &number)) {
        f = text_find_address(text, &address, &rest) ? findings_get(&l->s->findings, address)
                                                     : NULL;
        if (f)
            map_put(&l->deliveries, number + 1, f);
        return true;
    }
    text = m;
    if (!text_after(&text, "delivery ") || !take_number(&text, &number) ||
        !slice_take_prefix(&text, SLICE(": ")))
        return false;
    f = map_get(&l->deliveries, number + 1);
    if (!f)
        f = findings_get(&l->s->findings, (struct slice){NULL, 0});
    if (!f)
        return true;
    f->action = slice_take_prefix(&text, SLICE("failure: "))    ? ACTION_failed
                : slice_take_prefix(&text, SLICE("deferral: ")) ? ACTION_delayed
                                                                : ACTION_delivered;
    f->form = f->action == ACTION_delivered ? l->s->explain->known[KNOWN_delivered] : NULL;
    f->text = unwritten(text, l->s->arena);
    return true;
}

/* Exchange: "{LRT=time};{LED=reply};{FQDN=host};{IP=address}", around it values with commas. */
static bool
read_exchange(struct log *l, struct slice m)
{
    struct slice text = m, address = {NULL, 0}, rest;
    struct finding *f;
    bool led = text_after(&text, "LED=");

    if (!led && text_find(m, SLICE(",FAIL,")) < 0 && text_find(m, SLICE(",DEFER,")) < 0)
        return false;
    text_find_address(m, &address, &rest);
    f = findings_get(&l->s->findings, address);
    if (!f)
        return true;
    f->text = m;
    if (led) {
        slice_cut(&text, '}', &f->reply);
        rest = m;
        if (text_after(&rest, "{FQDN="))
            set_host(f, rest);
    }
    return true;
}

/* valija's own lines (lib/base/log.h): "edge[0] 7KQ2M9 refuse reason=no-mailbox
 * to=ana@example.com". */
static bool
read_own(struct log *l, struct slice m)
{
    struct slice id, address = {NULL, 0}, value, role, session;
    const struct catalogue_reason *r;
    struct finding *f;

    if (!value_of(m, "reason=", &id))
        return false;
    r = catalogue_find(l->s->explain->catalogue, id);
    if (!r)
        return false;
    if (!address_value(m, "to=", &address))
        address_value(m, "recipient=", &address);
    f = findings_get(&l->s->findings, address);
    if (!f)
        return true;
    f->form = r;
    f->text = m;
    if (value_of(m, "remote=", &value))
        set_host(f, value);
    if (slice_cut(&m, ' ', &role) && slice_find(role, '[') > 0 && slice_cut(&m, ' ', &session) &&
        !slice_eq(session, SLICE("-")))
        f->reference = session;
    return true;
}

/* Any other line of a log: its words, and the recipient it names. */
static bool
read_other(struct log *l, struct slice m)
{
    static const char *const keys[] = {"rcpt <",      "RCPT <", "to=<",
                                       "recipient <", "rcpt=<", "RCPT TO:<"};
    struct slice address = {NULL, 0};
    struct finding *f;

    for (size_t i = 0; i < COUNT(keys) && address.len == 0; i++) {
        struct slice rest = m;

        if (text_after(&rest, keys[i]))
            text_take_address(&rest, &address);
    }
    f = findings_get(&l->s->findings, address);
    if (f)
        f->text = m;
    return true;
}

static bool
read_line(struct log *l, struct slice line)
{
    bool stamped = take_stamp(&line);

    if (!stamped)
        slice_take_prefix(&line, SLICE("postfix/"));
    if (read_delivery(l, line) || read_reject(l, line) || read_exim(l, line) ||
        read_qmail(l, line) || read_exchange(l, line))
        return true;
    if (stamped && (read_own(l, line) || read_exim_reject(l, line)))
        return true;
    l->has_stamp = l->has_stamp || stamped;
    return false;
}

bool
log_read(struct session *s, struct slice input)
{
    struct log l = {.s = s};
    struct slice rest = input, line, last = {NULL, 0};
    bool found = false;

    for (size_t n = 0; text_take_line(&rest, &line) && (found || n < LOG_LINES_TRIED); n++) {
        if (text_is_blank(line))
            continue;
        found = read_line(&l, line) || found;
        last = line;
    }
    if (!found && l.has_stamp && take_stamp(&last))
        found = read_other(&l, last);
    map_clear(&l.deliveries);
    return found && s->findings.count > 0;
}
