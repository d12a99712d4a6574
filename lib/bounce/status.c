/* delivery-status = message-fields 1*( CR LF recipient-fields )                 rfc3464#2.1-a
 * Fields are folded as in any header, so nothing that a stranger said begins a field of its own. */
#include "bounce/bounce_private.h"
#include "mime/date.h"

enum {
    FOLD_AT = 78,
    WORD_MAX = 900,   /* octets of a word on one line; a line has 998 at most */
    VALUE_MAX = 1024, /* octets of a decoded parameter: a client's has 500 at most */
};

/* "ORCPT=utf-8;...": cut at its type. False: no type that could be one. */
static bool
orcpt_cut(struct slice orcpt, struct slice *type, struct slice *address)
{
    if (!slice_cut(&orcpt, ';', type) || type->len == 0)
        return false;
    for (size_t i = 0; i < type->len; i++)
        if (!ascii_is_alnum(type->at[i]) && type->at[i] != '-')
            return false;
    *address = orcpt;
    return true;
}

static bool
is_utf8_type(struct slice type)
{
    return slice_eq_nocase(type, SLICE("utf-8"));
}

static void
put_original_address(struct buf *out, struct slice type, struct slice address)
{
    if (is_utf8_type(type))
        xtext_put_address(out, address);
    else
        xtext_put(out, address);
}

static bool
orcpt_is_utf8(struct slice orcpt)
{
    struct slice type, address;
    struct buf decoded;
    bool is_utf8;

    if (!orcpt_cut(orcpt, &type, &address) || !is_utf8_type(type))
        return false;
    buf_init(&decoded, VALUE_MAX);
    xtext_put_address(&decoded, address);
    is_utf8 = !slice_is_ascii(buf_slice(&decoded));
    buf_clear(&decoded);
    return is_utf8;
}

bool
status_is_utf8(const struct notice *n)
{
    for (size_t i = 0; i < n->b->count; i++)
        if (!slice_is_ascii(n->views[i].address) || orcpt_is_utf8(n->b->recipients[i].orcpt))
            return true;
    return false;
}

/* A value that counts as it is: an address, a name. */
static void
put_exact(struct buf *out, const char *name, struct slice value, bool as_utf8)
{
    buf_put_format(out, "%s ", name);
    clean_put_exactly(out, slice_head(value, WORD_MAX), as_utf8);
    buf_put_string(out, "\r\n");
}

/* A value that is words, of which only the order counts. */
static void
put_words(struct buf *out, const char *name, struct slice words)
{
    size_t column = strlen(name), left = BOUNCE_DIAGNOSTIC_MAX;
    struct slice word;

    buf_put_string(out, name);
    while (words.len && left && !out->full) {
        size_t n = 0;

        while (n < words.len && n < WORD_MAX && n < left && words.at[n] != ' ' &&
               words.at[n] != '\t' && words.at[n] != '\r' && words.at[n] != '\n')
            n++;
        word = slice_head(words, n);
        words = slice_tail(words, n ? n : 1);
        left -= n ? n : 1;
        if (n == 0)
            continue;
        if (column + 1 + n > FOLD_AT) {
            buf_put_string(out, "\r\n");
            column = 0;
        }
        buf_put_byte(out, ' ');
        clean_put_exactly(out, word, false);
        column += 1 + n;
    }
    buf_put_string(out, "\r\n");
}

static void
put_date(struct buf *out, const char *name, int64_t seconds, int offset)
{
    if (seconds == 0)
        return;
    buf_put_format(out, "%s ", name);
    mime_date_put(out, seconds, offset);
    buf_put_string(out, "\r\n");
}

/* rfc3461#6.3-a */
static void
put_message_fields(struct buf *out, const struct bounce *b)
{
    struct buf envid;

    if (b->envid.len) {
        buf_init(&envid, VALUE_MAX);
        xtext_put(&envid, b->envid);
        put_exact(out, "Original-Envelope-Id:", buf_slice(&envid), false); /* rfc3464#2.2.1-a */
        buf_clear(&envid);
    }
    put_exact(out, "Reporting-MTA: dns;", b->host, false); /* rfc3464#2.2.2-a */
    put_date(out, "Arrival-Date:", b->arrived, b->offset); /* rfc3464#2.2.5-a */
    if (b->reference.len)
        put_exact(out, "X-Valija-Reference:", b->reference, false); /* rfc3464#2.4-a */
}

/* rfc3464#2.3.1-a rfc3461#6.3-b: what the sender wrote, decoded */
static void
put_orcpt(struct buf *out, struct slice orcpt)
{
    struct slice type, address;
    struct buf decoded;

    if (!orcpt_cut(orcpt, &type, &address))
        return;
    buf_init(&decoded, VALUE_MAX);
    put_original_address(&decoded, type, address);
    buf_put_string(out, "Original-Recipient: ");
    buf_put(out, type);
    put_exact(out, ";", buf_slice(&decoded), is_utf8_type(type));
    buf_clear(&decoded);
}

/* status = class "." 1*3DIGIT "." 1*3DIGIT                                       rfc3464#2.3.4-a */
static bool
is_status(struct slice s)
{
    struct slice part;
    bool more = true;
    int parts = 0;

    for (; more; parts++) {
        more = slice_cut(&s, '.', &part);
        if (part.len == 0 || part.len > 3)
            return false;
        for (size_t i = 0; i < part.len; i++)
            if (!ascii_is_digit(part.at[i]))
                return false;
        if (parts == 0 && (part.len != 1 || slice_find(SLICE("245"), part.at[0]) < 0))
            return false;
    }
    return parts == 3;
}

/* What still waits has not failed for good, whatever another server said. */
static void
put_status(struct buf *out, const struct bounce_recipient *r)
{
    const struct action_row *row = &action_rows[r->action];
    struct slice status = is_status(r->status) ? r->status : slice_of(row->status);

    buf_put_string(out, "Status: ");
    buf_put_byte(out, r->action == BOUNCE_held ? '4' : status.at[0]);
    buf_put(out, slice_tail(status, 1));
    buf_put_string(out, "\r\n");
}

/* Ours is no SMTP reply, though it may look like one. rfc3464#2.3.6-a */
static const char *
diagnostic_name(const struct view *v)
{
    return v->of->is_ours ? "Diagnostic-Code: x-valija;" : "Diagnostic-Code: smtp;";
}

static void
put_recipient_fields(struct buf *out, const struct notice *n, const struct view *v)
{
    const struct bounce_recipient *r = v->of;
    bool is_ascii = slice_is_ascii(v->address);

    buf_put_string(out, "\r\n");
    put_orcpt(out, r->orcpt);
    put_exact(out, is_ascii ? "Final-Recipient: rfc822;" : "Final-Recipient: utf-8;", v->address,
              true); /* rfc3464#2.3.2-a rfc6533#4-b */
    put_exact(out, "Action:", slice_of(action_rows[r->action].word), false);
    put_status(out, r);
    if (v->remote.len)
        put_exact(out, "Remote-MTA: dns;", v->remote, false); /* rfc3464#2.3.5-a */
    if (v->said.len)
        put_words(out, diagnostic_name(v), v->said);
    put_date(out, "Last-Attempt-Date:", r->tried, n->b->offset); /* rfc3464#2.3.7-a */
    if (r->action == BOUNCE_delayed)
        put_date(out, "Will-Retry-Until:", r->until, n->b->offset); /* rfc3464#2.3.9-a */
    put_exact(out, "X-Valija-Reason:", v->reason->id, false);
}

void
status_put(struct buf *out, const struct notice *n)
{
    put_message_fields(out, n->b);
    for (size_t i = 0; i < n->b->count && !out->full; i++)
        put_recipient_fields(out, n, &n->views[i]);
}
