/* A header begins with the first line and ends with an empty line, or before the first line that is
 * no field: programs often send a body alone.
 *
 * address-list = address *("," address)          address = mailbox / group
 * mailbox = addr-spec / [name] "<" addr-spec ">"  group = name ":" [mailboxes] ";"
 * with comments in parentheses, quoted strings and domain literals anywhere they may be. */
#include "letter.h"

#include "base/base64.h"
#include "base/clock.h"
#include "mime/date.h"

enum { NAME_MAX_LEN = 45 }; /* bytes of a name that fit one encoded-word (RFC 2047 2: 75) */

enum field_kind {
    FIELD_OTHER = 0,
    FIELD_FROM = 1,
    FIELD_DATE = 2,
    FIELD_ID = 4,
    FIELD_RECIPIENTS = 8,
    FIELD_RESENT = 16,
    FIELD_DROPPED = 32,
};

static const struct {
    const char *name;
    unsigned kind;
} fields[] = {
    {"From", FIELD_FROM},
    {"Date", FIELD_DATE},
    {"Message-ID", FIELD_ID},
    {"To", FIELD_RECIPIENTS},
    {"Cc", FIELD_RECIPIENTS},
    {"Bcc", FIELD_RECIPIENTS | FIELD_DROPPED},
    {"Resent-To", FIELD_RESENT},
    {"Resent-Cc", FIELD_RESENT},
    {"Resent-Bcc", FIELD_RESENT | FIELD_DROPPED},
    {"Return-Path", FIELD_DROPPED}, /* the final delivery's to write: RFC 5321 4.4 */
};

void
letter_init(struct letter *l, size_t text_max)
{
    *l = (struct letter){0};
    buf_init(&l->text, text_max);
    buf_init(&l->recipients, LETTER_RECIPIENTS_MAX);
}

void
letter_clear(struct letter *l)
{
    buf_clear(&l->text);
    buf_clear(&l->recipients);
}

/* The next line without its end, which is LF, CR LF or CR. False: there is none. */
static bool
take_line(struct slice *rest, struct slice *line)
{
    size_t n = 0;

    if (rest->len == 0)
        return false;
    while (n < rest->len && rest->at[n] != '\n' && rest->at[n] != '\r')
        n++;
    *line = slice_head(*rest, n);
    *rest = slice_tail(*rest, n);
    if (!slice_take_prefix(rest, SLICE("\r\n")))
        *rest = slice_tail(*rest, 1);
    return true;
}

/* The name of the field that a line begins (RFC 5322 3.6.8), or an empty slice. */
static struct slice
field_name(struct slice line)
{
    struct slice name;
    ptrdiff_t colon = slice_find(line, ':');

    if (colon <= 0)
        return (struct slice){NULL, 0};
    name = slice_trim(slice_head(line, (size_t)colon));
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] >= 0x7f)
            return (struct slice){NULL, 0};
    return line.at == name.at ? name : (struct slice){NULL, 0};
}

static unsigned
field_kind(struct slice name)
{
    for (size_t i = 0; i < COUNT(fields); i++)
        if (slice_eq_nocase(name, slice_of(fields[i].name)))
            return fields[i].kind;
    return FIELD_OTHER;
}

static void
put_line(struct letter *l, struct slice line)
{
    for (size_t i = 0; i < line.len && !l->is_8bit; i++)
        l->is_8bit = line.at[i] >= 0x80;
    buf_put(&l->text, line);
    buf_put_string(&l->text, "\r\n");
}

/* A name as a phrase: plain words, else a quoted string, else an encoded-word. */
static void
put_name(struct buf *out, struct slice name)
{
    bool ascii = true, plain = true;

    for (size_t i = 0; i < name.len; i++) {
        ascii = ascii && name.at[i] >= ' ' && name.at[i] < 0x7f;
        plain = plain && (ascii_is_alnum(name.at[i]) || name.at[i] == ' ');
    }
    if (!ascii) {
        buf_put_string(out, "=?UTF-8?B?");
        base64_put(out, name);
        buf_put_string(out, "?=");
        return;
    }
    buf_put_string(out, plain ? "" : "\"");
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '"' || name.at[i] == '\\')
            buf_put_byte(out, '\\');
        buf_put_byte(out, name.at[i]);
    }
    buf_put_string(out, plain ? "" : "\"");
}

static void
put_missing(struct letter *l, const struct letter_wish *w, unsigned seen)
{
    struct slice name = slice_of(w->name);
    char id[ID_TEXT_LEN + 1];

    if (!(seen & FIELD_FROM)) {
        bool named = name.len && name.len <= NAME_MAX_LEN;

        buf_put_string(&l->text, "From: ");
        if (named)
            put_name(&l->text, name);
        buf_put_string(&l->text, named ? " <" : "");
        buf_put(&l->text, w->from);
        buf_put_string(&l->text, named ? ">\r\n" : "\r\n");
    }
    if (!(seen & FIELD_DATE)) {
        buf_put_string(&l->text, "Date: ");
        mime_date_put(&l->text, w->seconds, w->offset);
        buf_put_string(&l->text, "\r\n");
    }
    if (!(seen & FIELD_ID)) {
        id_format(w->id, id);
        buf_put_format(&l->text, "Message-ID: <%s@%s>\r\n", id, w->hostname);
    }
}

/* The header of a letter being read. */
struct header {
    struct letter *letter;
    unsigned seen; /* kinds of all fields */
    unsigned kind; /* of the current field */
    bool in_field, too_large;
    struct buf value;  /* of the current field, where it has recipients */
    struct buf resent; /* recipients of Resent- fields */
};

static void
finish_field(struct header *h)
{
    struct slice value = buf_slice(&h->value);

    if (h->kind & FIELD_RECIPIENTS)
        letter_put_addresses(&h->letter->recipients, value);
    else if (h->kind & FIELD_RESENT)
        letter_put_addresses(&h->resent, value);
    h->too_large |= h->value.full;
    buf_reset(&h->value);
}

/* Is the line a part of the header? */
static bool
take_header_line(struct header *h, struct slice line)
{
    struct slice name = field_name(line), value = line;

    if (h->in_field && line.len && (line.at[0] == ' ' || line.at[0] == '\t')) {
        buf_put_byte(&h->value, ' '); /* folded */
    } else if (name.len) {
        finish_field(h);
        h->kind = field_kind(name);
        h->seen |= h->kind;
        h->in_field = true;
        value = slice_tail(line, (size_t)slice_find(line, ':') + 1);
    } else {
        return false;
    }
    if (h->kind & (FIELD_RECIPIENTS | FIELD_RESENT))
        buf_put(&h->value, value);
    if (!(h->kind & FIELD_DROPPED))
        put_line(h->letter, line);
    return true;
}

/* True: all of it fitted. */
static bool
finish_header(struct header *h, const struct letter_wish *wish)
{
    bool good;

    finish_field(h);
    put_missing(h->letter, wish, h->seen);
    if (h->seen & FIELD_RESENT) {
        buf_reset(&h->letter->recipients);
        buf_put(&h->letter->recipients, buf_slice(&h->resent));
    }
    good = !h->too_large && !h->resent.full && !h->letter->recipients.full;
    buf_clear(&h->value);
    buf_clear(&h->resent);
    return good;
}

bool
letter_make(struct letter *l, const struct letter_wish *wish, struct slice typed)
{
    struct header h = {.letter = l};
    struct slice line;
    bool good, more;

    buf_init(&h.value, LETTER_FIELD_MAX);
    buf_init(&h.resent, LETTER_RECIPIENTS_MAX);
    if (slice_starts_nocase(typed, SLICE("From ")) || slice_starts_nocase(typed, SLICE(">From ")))
        take_line(&typed, &line); /* of an mbox file */
    more = take_line(&typed, &line);
    while (more && take_header_line(&h, line))
        more = take_line(&typed, &line);
    good = finish_header(&h, wish);
    buf_put_string(&l->text, "\r\n");
    if (more && line.len == 0)
        more = take_line(&typed, &line);
    while (more && !l->text.full && !(wish->dot_ends && slice_eq(line, SLICE(".")))) {
        put_line(l, line);
        more = take_line(&typed, &line);
    }
    return good && !l->text.full;
}

/* How an address list is read: what has been gathered of the current address. */
struct address_reader {
    struct buf *out;
    size_t begin; /* of the current address in out */
    bool in_angle, had_angle;
};

static void
forget(struct address_reader *r)
{
    buf_cut(r->out, r->begin);
}

static void
finish_address(struct address_reader *r)
{
    if (r->out->len > r->begin)
        buf_put_byte(r->out, '\n');
    r->begin = r->out->len;
    r->in_angle = r->had_angle = false;
}

/* How many bytes a comment takes; comments nest (RFC 5322 3.2.2). */
static size_t
comment_length(struct slice s)
{
    size_t depth = 0, i = 0;

    for (; i < s.len; i++) {
        if (s.at[i] == '\\')
            i++;
        else if (s.at[i] == '(')
            depth++;
        else if (s.at[i] == ')' && --depth == 0)
            return i + 1;
    }
    return s.len;
}

/* How many bytes a quoted string or a domain literal takes, `end` being its last. */
static size_t
quoted_length(struct slice s, uint8_t end)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '\\')
            i++;
        else if (s.at[i] == end)
            return i + 1;
    }
    return s.len;
}

/* A byte with a meaning of its own; true: it was one. */
static bool
take_special(struct address_reader *r, uint8_t c)
{
    if (c == '<') {
        forget(r); /* what came before is a name */
        r->in_angle = true;
        r->had_angle = true;
    } else if (c == '>') {
        r->in_angle = false;
    } else if (c == ':') {
        forget(r); /* the name of a group, or a source route */
    } else if (c == ';' || (c == ',' && !r->in_angle)) {
        finish_address(r);
    } else {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
    }
    return true;
}

bool
letter_put_addresses(struct buf *out, struct slice list)
{
    struct address_reader r = {.out = out, .begin = out->len};
    size_t n;

    for (; list.at && list.len; list = slice_tail(list, n)) {
        uint8_t c = list.at[0];
        struct slice part;

        n = 1;
        if (c == '(') {
            n = comment_length(list);
            continue;
        }
        if (c == '"' || c == '[')
            n = quoted_length(list, c == '"' ? '"' : ']');
        else if (take_special(&r, c))
            continue;
        part = slice_head(list, n);
        if (slice_find(part, '\n') < 0 && slice_find(part, '\r') < 0 &&
            (r.in_angle || !r.had_angle))
            buf_put(out, part);
    }
    finish_address(&r);
    return !out->full;
}
