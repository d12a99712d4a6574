/* notice    = *any-line *( paragraph ) [ original ]
 * paragraph = 1*recipient-line *any-line
 *
 * A bounce in free text, of whatever program: somewhere an address stands at the beginning of a
 * line, alone or before a colon or a reason, and what follows is about it. So read, qmail, Postfix,
 * Exim, Sendmail, Exchange and most others are one format. What stands deeper than the first
 * recipient goes on with a paragraph. The message that came back ends the notice: its words mean
 * nothing here. */
#include "explain/explain_private.h"

enum {
    PARAGRAPH_MAX = 4096, /* bytes that are read as the words about a recipient */
    OPENING_LINES = 60,   /* lines in which an opening is looked for */
    LABEL_MAX = 40,       /* bytes of a label such as "Recipient address:" */
    NAME_MAX = 80,        /* bytes of a person's name before the address */
    ORIGINAL_LEAST = 16,  /* bytes that a notice has at least before the original */
};

static const char *const originals[] = {
#define LINE(text) text,
#include "explain/original.def"
#undef LINE
};
static const char *const openings[] = {
#define LINE(text) text,
#include "explain/opening.def"
#undef LINE
};
static const char *const labels[] = {
#define LINE(text) text,
#include "explain/label.def"
#undef LINE
};
static const char *const phrases[] = {
#define LINE(text) text,
#include "explain/phrase.def"
#undef LINE
};

struct notice {
    struct session *s;
    struct slice text;
    struct slice original;  /* the message that came back, or what of it there is */
    bool may_add;           /* recipients nobody has named yet count */
    bool in_group;          /* the lines just read were recipients */
    struct finding **group; /* recipients whose paragraph is open */
    size_t group_count, group_room;
    const uint8_t *begin; /* of that paragraph; NULL: none is open */
    const uint8_t *first; /* where the first recipient stands; NULL: none yet */
    size_t indent;        /* of the first recipient */
    bool last_blank;      /* the line before was */
};

/* Without what decorates a line's beginning. */
static struct slice
bare(struct slice line)
{
    while (line.len && slice_find(SLICE(" \t>*-=_#|"), line.at[0]) >= 0)
        line = slice_tail(line, 1);
    if (!slice_take_prefix(&line, SLICE("\xe2\x80\xa2"))) /* a bullet */
        slice_take_prefix(&line, SLICE("\xc2\xb7"));
    return text_trim(line);
}

static bool
begins_with_one(struct slice line, const char *const *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_starts_nocase(line, slice_of(rows[i])))
            return true;
    return false;
}

/* The first header lines of a returned message that needs no words to be recognised. */
static bool
is_returned_header(struct slice line)
{
    return slice_starts_nocase(line, SLICE("Received: ")) ||
           slice_starts_nocase(line, SLICE("Return-Path: <")) ||
           slice_starts_nocase(line, SLICE("DKIM-Signature: ")) ||
           slice_starts_nocase(line, SLICE("MIME-Version: "));
}

/* The text before the message that came back. */
static struct slice
without_original(struct slice text)
{
    struct slice rest = text, line;

    while (text_take_line(&rest, &line)) {
        size_t at = (size_t)(line.at - text.at);

        if (at >= ORIGINAL_LEAST && line.len &&
            (begins_with_one(bare(line), originals, COUNT(originals)) || is_returned_header(line)))
            return slice_head(text, at);
    }
    return text;
}

/* The message in what without_original cut off: past the line that announces it. */
static struct slice
after_marker(struct slice text)
{
    struct slice rest = text, line;

    while (text_take_line(&rest, &line) && !is_returned_header(line) &&
           !slice_starts_nocase(line, SLICE("From: ")) && !slice_starts_nocase(line, SLICE("To: ")))
        text = rest;
    return text;
}

static bool
has_opening(struct slice text)
{
    struct slice line;

    for (unsigned n = 0; n < OPENING_LINES && text_take_line(&text, &line); n++)
        if (line.len && begins_with_one(bare(line), openings, COUNT(openings)))
            return true;
    return false;
}

/* Addresses that notices name without meaning a recipient. */
static bool
is_office(struct slice address)
{
    static const char *const offices[] = {"postmaster@", "mailer-daemon@", "mailerdaemon@",
                                          "abuse@",      "mail-daemon@",   "hostmaster@"};

    return begins_with_one(address, offices, COUNT(offices));
}

/* "To: ", "Recipient address: " at the front of *s goes; another label means that this is no
 * recipient. */
static bool
take_label(struct slice *s)
{
    ptrdiff_t colon = slice_find(slice_head(*s, LABEL_MAX), ':');
    struct slice label, sign = SLICE(":");

    if (colon < 0) {
        sign = SLICE("\xef\xbc\x9a"); /* as it is written in Chinese and Japanese */
        colon = text_find(slice_head(*s, LABEL_MAX), sign);
    }
    if (colon < 0 || slice_find(slice_head(*s, (size_t)colon), '@') >= 0 ||
        slice_find(slice_head(*s, (size_t)colon), '<') >= 0)
        return true;
    label = text_trim(slice_head(*s, (size_t)colon));
    for (size_t i = 0; i < COUNT(labels); i++) {
        if (slice_eq_nocase(label, slice_of(labels[i]))) {
            *s = text_trim(slice_tail(*s, (size_t)colon + sign.len));
            return true;
        }
    }
    return false;
}

/* "Ana Lopez (ana@example.com)" or "Ana <ana@example.com>": a name, then the address at the end. */
static bool
take_named(struct slice *s, struct slice *address)
{
    struct slice rest;
    size_t before;

    if (!text_find_address(slice_head(*s, NAME_MAX + 320), address, &rest))
        return false;
    before = (size_t)(address->at - s->at);
    if (before == 0 || before > NAME_MAX || slice_find(SLICE("(<["), address->at[-1]) < 0 ||
        slice_find(slice_head(*s, before), '.') >= 0 ||
        slice_find(slice_head(*s, before), ':') >= 0)
        return false;
    while (rest.len && slice_find(SLICE(")>] "), rest.at[0]) >= 0)
        rest = slice_tail(rest, 1);
    *s = rest;
    return rest.len == 0 || rest.at[0] == '<' || rest.at[0] == ':';
}

/* Does the line begin with a recipient? *rest is what it says after the address. */
static bool
recipient_line(const struct notice *n, struct slice line, struct slice *address, struct slice *rest)
{
    struct slice s = bare(line);
    bool labelled, bracket;

    *rest = s;
    if (slice_find(line, '@') < 0)
        return false;
    if (!take_label(&s))
        return false;
    labelled = s.at != rest->at;
    bracket = s.len && s.at[0] == '<';
    if (!text_take_address(&s, address)) {
        *rest = s;
        return take_named(rest, address) && !is_office(*address);
    }
    *rest = s;
    if (is_office(*address))
        return false;
    s = text_trim(s);
    return s.len == 0 || bracket || labelled || slice_find(SLICE(":,;(-."), s.at[0]) >= 0 ||
           n->last_blank || n->in_group;
}

static bool
add_to_group(struct notice *n, struct finding *f)
{
    if (n->group_count == n->group_room) {
        size_t room = n->group_room ? 2 * n->group_room : 8;
        struct finding **more = arena_take(n->s->arena, room * sizeof(struct finding *));

        if (!more)
            return false;
        if (n->group_count)
            memcpy(more, n->group, n->group_count * sizeof(struct finding *));
        n->group = more;
        n->group_room = room;
    }
    n->group[n->group_count++] = f;
    return true;
}

/* The paragraph ends before `end`: it is about all of its group. */
static void
close_paragraph(struct notice *n, const uint8_t *end)
{
    struct slice text = {NULL, 0};

    if (n->begin && end > n->begin)
        text = text_trim(slice_make(n->begin, (size_t)(end - n->begin)));
    for (size_t i = 0; i < n->group_count; i++)
        if (n->group[i]->text.len == 0 || n->group[i]->reply.len == 0)
            n->group[i]->text = slice_head(text, PARAGRAPH_MAX);
    n->group_count = 0;
    n->begin = NULL;
}

static struct finding *
known_or_new(struct notice *n, struct slice address)
{
    size_t before = n->s->findings.count;
    struct finding *f;

    if (n->may_add)
        return findings_get(&n->s->findings, address);
    f = findings_find(&n->s->findings, address);
    return before ? f : NULL;
}

static void
read_line(struct notice *n, struct slice line)
{
    struct slice address, rest;
    struct finding *f = NULL;
    bool deeper = n->first && text_indent(line) > n->indent;

    if (!deeper && recipient_line(n, line, &address, &rest))
        f = known_or_new(n, address);
    if (!f) {
        n->in_group = n->in_group && text_is_blank(line);
        n->last_blank = text_is_blank(line);
        return;
    }
    if (n->group_count && n->group[n->group_count - 1] == f)
        return; /* it goes on: "550 5.1.1\n<ana@example.com>: ..." */
    if (!n->first) {
        n->first = line.at;
        n->indent = text_indent(line);
    }
    if (!n->in_group)
        close_paragraph(n, line.at);
    if (!add_to_group(n, f))
        return;
    slice_take_prefix(&rest, SLICE(":"));
    n->begin = rest.len ? rest.at : line.at + line.len;
    n->in_group = text_is_blank(rest);
}

/* Sendmail's transcript: what was sent (">>> RCPT To:<a@b>") and what came back ("<<< 550 ..."),
 * or lines that begin with a code and name an address ("550 a@b... User unknown"). */
static void
read_transcript(struct notice *n)
{
    struct slice rest = n->text, line, after, address;
    struct finding *f = NULL;

    while (text_take_line(&rest, &line)) {
        struct slice s = text_trim(line);
        struct explain_codes codes;
        bool sent = slice_take_prefix(&s, SLICE(">>> ")) || slice_take_prefix(&s, SLICE("> "));

        if (sent) {
            f = NULL;
            if (slice_starts_nocase(s, SLICE("RCPT")) && text_find_address(s, &address, &after))
                f = known_or_new(n, address);
            continue;
        }
        if (!slice_take_prefix(&s, SLICE("<<< ")))
            slice_take_prefix(&s, SLICE("< "));
        after = s;
        if (!codes_take(&after, &codes) || codes.basic < 400)
            continue;
        if (text_find_address(s, &address, &after)) {
            struct finding *named = known_or_new(n, address);

            f = named ? named : f;
        }
        if (f && f->reply.len == 0)
            f->reply = s;
    }
}

static bool
ends_with_phrase(struct slice before)
{
    for (size_t i = 0; i < COUNT(phrases); i++) {
        size_t len = strlen(phrases[i]);

        if (before.len < len ||
            !slice_eq_nocase(slice_tail(before, before.len - len), slice_of(phrases[i])))
            continue;
        if (before.len == len || !ascii_is_alnum(before.at[before.len - len - 1]))
            return true;
    }
    return false;
}

/* The recipient of a notice that names it in a sentence only, or only in the message that came
 * back. */
static struct slice
find_in_sentences(const struct notice *n)
{
    struct slice rest = n->text, address, chosen = {NULL, 0};

    while (text_find_address(rest, &address, &rest)) {
        struct slice before = slice_head(n->text, (size_t)(address.at - n->text.at));

        if (is_office(address) || slice_eq_nocase(address, n->s->owner))
            continue;
        while (before.len && slice_find(SLICE("<'\"([ :\t\n\r"), before.at[before.len - 1]) >= 0)
            before.len--;
        if (ends_with_phrase(before))
            return address;
        if (chosen.len == 0)
            chosen = address;
    }
    return chosen.len ? chosen : arf_recipient(n->original);
}

/* A notice in free text says in its own words that it is only a warning. */
static void
see_warning(struct notice *n)
{
    const struct explain *e = n->s->explain;
    struct reader *r = &n->s->reader;
    bool delayed = false, expired = false;

    reader_read(r, slice_head(n->text, NOTICE_TEXT_MAX));
    for (size_t i = 0; i < r->count; i++) {
        delayed = delayed || r->matches[i].pattern->reason == e->known[KNOWN_delayed];
        expired = expired || r->matches[i].pattern->reason == e->known[KNOWN_expired];
    }
    for (struct finding *f = n->s->findings.first; f && delayed && !expired; f = f->next)
        if (f->action == ACTION_none)
            f->action = ACTION_delayed;
}

/* What is about all recipients: everything, where there is but one. */
static void
share(struct notice *n)
{
    struct slice wider = n->text;

    if (n->s->findings.count > 1 && n->first)
        wider = slice_head(wider, (size_t)(n->first - n->text.at));
    for (struct finding *f = n->s->findings.first; f; f = f->next)
        f->wider = wider;
}

static void
read_all(struct notice *n)
{
    struct slice rest = n->text, line;

    n->last_blank = true;
    while (text_take_line(&rest, &line))
        read_line(n, line);
    close_paragraph(n, n->text.at + n->text.len);
    if (text_find(n->text, SLICE("<<< ")) >= 0 ||
        text_find(n->text, SLICE("while talking to")) >= 0)
        read_transcript(n);
    if (n->may_add && n->s->findings.count == 0)
        findings_get(&n->s->findings, find_in_sentences(n));
    share(n);
    if (n->may_add)
        see_warning(n);
}

/* A line such as "<ana@example.com>:" with nothing before it. */
static bool
has_paragraph(struct slice text)
{
    struct slice line, address;

    for (unsigned i = 0; i < OPENING_LINES && text_take_line(&text, &line); i++) {
        struct slice s = bare(line);

        if (s.len && s.at[0] == '<' && text_take_address(&s, &address) && s.len && s.at[0] == ':')
            return true;
    }
    return false;
}

void
notice_add(struct session *s, struct slice text, struct slice original, bool may_add)
{
    struct notice n = {.s = s, .original = original, .may_add = may_add};

    n.text = text.len ? without_original(text) : SLICE(""); /* never NULL: places are compared */
    if (original.len == 0)
        n.original = after_marker(slice_tail(text, n.text.len));
    read_all(&n);
}

bool
notice_is(struct slice text)
{
    return has_opening(text) || has_paragraph(text);
}

bool
notice_read(struct session *s, struct slice text)
{
    if (!notice_is(text))
        return false;
    notice_add(s, text, (struct slice){NULL, 0}, true);
    return s->findings.count > 0;
}
