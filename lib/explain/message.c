/* A whole message: which of the messages within it is the notice, and which of its parts say what.
 * A notice carries the message that failed, and is itself often forwarded within another, so parts
 * are told apart by the message they stand in. */
#include "explain/explain_private.h"
#include "mime/header.h"
#include "mime/html.h"
#include "mime/value.h"
#include "mime/walk.h"

enum {
    FEW_PARTS = 16,     /* nearly every notice has no more */
    HEADER_NAMES = 2,   /* fields known by name that make a text a message */
    SUBJECT_MAX = 1000, /* bytes of a subject that are looked at */
    TEXT_PARTS_MAX = 4, /* texts of one notice */
};

static const char *const bounce_subjects[] = {
#define LINE(text) text,
#include "explain/bounce.def"
#undef LINE
};
static const char *const vacation_subjects[] = {
#define LINE(text) text,
#include "explain/vacation.def"
#undef LINE
};

struct mail {
    struct session *s;
    struct mime_part *parts;
    size_t count;
    size_t notice; /* the part that is the notice's header */
};

static struct slice
field(struct slice header, const char *name)
{
    struct slice value = {NULL, 0};

    mime_field_find(header, slice_of(name), &value);
    return value;
}

/* Text before a blank line is a header where it has names that only headers have. */
static bool
is_message(struct slice input)
{
    static const char *const names[] = {"From",         "To",           "Subject",
                                        "Date",         "Received",     "Message-ID",
                                        "Content-Type", "MIME-Version", "Return-Path"};
    struct slice header, body;
    size_t found = 0;

    mime_header_cut(input, &header, &body);
    for (size_t i = 0; i < COUNT(names); i++)
        found += field(header, names[i]).len > 0;
    return found >= HEADER_NAMES;
}

static bool
is_type(const struct mime_part *p, const char *type, const char *subtype)
{
    return mime_part_is(p, slice_of(type), slice_of(subtype));
}

static bool
is_status(const struct mime_part *p)
{
    return is_type(p, "message", "delivery-status") ||
           is_type(p, "message", "global-delivery-status");
}

static bool
is_embedded(const struct mime_part *p)
{
    return is_type(p, "message", "rfc822") || is_type(p, "message", "global");
}

/* The part whose header is that of the message in which part i stands. */
static size_t
message_of(const struct mail *m, size_t i)
{
    while (i != 0 && !is_embedded(&m->parts[m->parts[i].parent]))
        i = m->parts[i].parent;
    return i;
}

/* A field's value as text for people, folded to lower case. */
static struct slice
lower_words(struct session *s, struct slice value)
{
    struct buf out;
    struct slice copy;

    buf_init(&out, SUBJECT_MAX);
    mime_words_put(&out, value);
    for (size_t i = 0; i < out.len; i++)
        out.at[out.start + i] = ascii_lower(out.at[out.start + i]);
    copy = arena_copy(s->arena, buf_slice(&out));
    buf_clear(&out);
    return copy;
}

static bool
is_bounce_header(struct session *s, struct slice header)
{
    struct slice from = lower_words(s, field(header, "From"));
    struct slice subject = lower_words(s, field(header, "Subject"));

    if (field(header, "X-Failed-Recipients").len || text_find(from, SLICE("mailer-daemon")) >= 0 ||
        text_find(from, SLICE("postmaster")) >= 0 || text_find(from, SLICE("mailer_daemon")) >= 0 ||
        text_find(from, SLICE("mail delivery")) >= 0 || text_find(from, SLICE("mdaemon@")) >= 0)
        return true;
    for (size_t i = 0; i < COUNT(bounce_subjects); i++)
        if (text_find(subject, slice_of(bounce_subjects[i])) >= 0)
            return true;
    return false;
}

static bool
is_vacation_header(struct session *s, struct slice header)
{
    struct slice subject = lower_words(s, field(header, "Subject"));

    if (slice_starts_nocase(field(header, "Auto-Submitted"), SLICE("auto-replied")) ||
        field(header, "X-Autoreply").len || field(header, "X-Autorespond").len ||
        field(header, "X-Autoreply-From").len || field(header, "X-Mail-Autoreply").len ||
        slice_starts_nocase(field(header, "Precedence"), SLICE("auto")))
        return true;
    slice_take_prefix(&subject, SLICE("re: "));
    for (size_t i = 0; i < COUNT(vacation_subjects); i++)
        if (slice_starts_nocase(subject, slice_of(vacation_subjects[i])))
            return true;
    return false;
}

/* The outermost message with a report in it, else the outermost that looks like a notice, else the
 * message itself. */
static size_t
find_notice(const struct mail *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (is_status(&m->parts[i]) || is_type(&m->parts[i], "message", "feedback-report"))
            return message_of(m, i);
    for (size_t i = 0; i < m->count; i++)
        if ((i == 0 || is_embedded(&m->parts[m->parts[i].parent])) &&
            is_bounce_header(m->s, m->parts[i].header))
            return i;
    return 0;
}

static void
put_text(struct buf *out, const struct mime_part *p)
{
    struct buf page;

    if (!is_type(p, "text", "html")) {
        mime_text_put(out, p);
        return;
    }
    buf_init(&page, EXPLAIN_INPUT_MAX);
    mime_text_put(&page, p);
    mime_html_put(out, buf_slice(&page));
    buf_clear(&page);
}

/* The notice's own words: its plain texts, or where it has none its pages. */
static struct slice
own_words(const struct mail *m)
{
    static const char *const subtypes[] = {"plain", "html"};
    struct buf out;
    struct slice copy;

    buf_init(&out, EXPLAIN_INPUT_MAX);
    for (size_t t = 0; t < COUNT(subtypes) && text_is_blank(buf_slice(&out)); t++) {
        size_t taken = 0;

        for (size_t i = 0; i < m->count && taken < TEXT_PARTS_MAX; i++) {
            if (message_of(m, i) != m->notice || !is_type(&m->parts[i], "text", subtypes[t]))
                continue;
            if (taken++)
                buf_put_byte(&out, '\n');
            put_text(&out, &m->parts[i]);
        }
    }
    copy = arena_copy(m->s->arena, buf_slice(&out));
    m->s->findings.truncated |= out.full || (out.len && !copy.at);
    buf_clear(&out);
    return copy;
}

/* Exim and Gmail: "X-Failed-Recipients: a@b, c@d". */
static void
read_failed_recipients(const struct mail *m)
{
    struct slice rest = field(m->parts[m->notice].header, "X-Failed-Recipients"), address;

    while (text_find_address(rest, &address, &rest))
        findings_get(&m->s->findings, address);
}

static struct slice
decoded(const struct mail *m, const struct mime_part *p)
{
    struct buf out;
    struct slice copy;

    buf_init(&out, EXPLAIN_INPUT_MAX);
    mime_text_put(&out, p);
    copy = arena_copy(m->s->arena, buf_slice(&out));
    buf_clear(&out);
    return copy;
}

/* The message that is in the parts of the notice, as header and body. */
static struct slice
returned_message(const struct mail *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (message_of(m, i) == m->notice &&
            (is_embedded(&m->parts[i]) || is_type(&m->parts[i], "text", "rfc822-headers")))
            return m->parts[i].body;
    return (struct slice){NULL, 0};
}

static bool
read_report(const struct mail *m)
{
    for (size_t i = 0; i < m->count; i++) {
        if (message_of(m, i) != m->notice || !is_type(&m->parts[i], "message", "feedback-report"))
            continue;
        arf_read(m->s, decoded(m, &m->parts[i]), returned_message(m));
        return true;
    }
    return false;
}

static void
read_vacation(const struct mail *m)
{
    struct slice address = {NULL, 0}, rest;
    struct finding *f;

    text_find_address(field(m->parts[m->notice].header, "From"), &address, &rest);
    f = findings_get(&m->s->findings, address);
    if (f)
        f->form = m->s->explain->known[KNOWN_vacation];
}

static enum explain_kind
read_mail(const struct mail *m)
{
    struct slice header = m->parts[m->notice].header, words;
    bool is_bounce = is_bounce_header(m->s, header), has_status = false;
    struct slice rest;
    struct finding *f;

    if (read_report(m))
        return EXPLAIN_arf;
    text_find_address(field(header, "To"), &m->s->owner, &rest);
    words = own_words(m);
    m->s->is_notice = true;
    for (size_t i = 0; i < m->count; i++)
        if (is_status(&m->parts[i]) && message_of(m, i) == m->notice)
            has_status = delivery_read(m->s, decoded(m, &m->parts[i])) || has_status;
    if (has_status) {
        notice_add(m->s, words, returned_message(m), false);
        return EXPLAIN_bounce;
    }
    if (!field(header, "X-Failed-Recipients").len && is_vacation_header(m->s, header) &&
        !notice_is(words)) {
        read_vacation(m);
        return EXPLAIN_bounce;
    }
    read_failed_recipients(m);
    if (is_bounce || m->s->findings.count) {
        if (!delivery_read(m->s, words))
            notice_add(m->s, words, returned_message(m), true);
        return EXPLAIN_bounce;
    }
    if (notice_read(m->s, words))
        return EXPLAIN_bounce;
    f = findings_get(&m->s->findings, (struct slice){NULL, 0});
    if (f)
        f->wider = words;
    return EXPLAIN_unknown;
}

bool
message_read(struct session *s, struct slice input, enum explain_kind *kind)
{
    struct mail m = {.s = s};
    size_t room = FEW_PARTS;

    if (!is_message(input))
        return false;
    for (;; room = MIME_PARTS_MAX) {
        m.parts = arena_take(s->arena, room * sizeof(*m.parts));
        if (!m.parts)
            return false;
        m.count = mime_walk(input, m.parts, room);
        if (m.count < room || room == MIME_PARTS_MAX)
            break;
    }
    s->findings.truncated |= m.count == MIME_PARTS_MAX;
    m.notice = find_notice(&m);
    *kind = read_mail(&m);
    return true;
}
