/* A multipart/report of three parts (rfc6522#3-a): for people, for programs, the original. Whatever
 * strangers wrote is set in, folded or encoded, so no line of theirs is a boundary; only the
 * original's lines stand as they are, and the boundary is one that it does not hold. */
#include "bounce/bounce.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "bounce/bounce_private.h"
#include "mime/date.h"
#include "mime/encode.h"
#include "mime/header.h"

enum {
    BOUNDARY_SIZE = 32,
    BOUNDARY_TRIES = 8, /* an original that holds them all stays away */
    ID_MAX = 250,       /* octets of a message's id that is answered to */
    TAG_MAX = 35,       /* of a language's tag */
    FOLD_AT = 78,
};

static bool
holds(struct slice bytes, const char *text)
{
    return bytes.len && memmem(bytes.at, bytes.len, text, strlen(text)) != NULL;
}

/* False, with a boundary all the same: the original holds all that were tried. */
static bool
choose_boundary(const struct notice *n, char boundary[BOUNDARY_SIZE])
{
    char id[ID_TEXT_LEN + 1];

    id_format(n->b->id, id);
    for (unsigned i = 0; i < BOUNDARY_TRIES; i++) {
        snprintf(boundary, BOUNDARY_SIZE, "=_%u_%s", i, id);
        if (!holds(n->b->original, boundary))
            return true;
    }
    return false;
}

static size_t
column_of(const struct buf *out)
{
    ptrdiff_t end = slice_find_last(buf_slice(out), '\n');

    return out->len - (size_t)(end + 1);
}

static void
put_from(struct buf *out, const struct notice *n)
{
    const struct bounce *b = n->b;
    struct slice domain = b->domain.len ? b->domain : b->host;

    buf_put_string(out, "From: ");
    mime_phrase_put(out, word_find(n->c, b->languages[0], "bounce", "from"), strlen("From: "));
    buf_put_string(out, column_of(out) + domain.len > FOLD_AT / 2 ? "\r\n " : " ");
    buf_put_string(out, "<MAILER-DAEMON@");
    clean_put_exactly(out, domain, false);
    buf_put_string(out, ">\r\nReply-To: <postmaster@"); /* rfc3464#2-b: a person reads it */
    clean_put_exactly(out, domain, false);
    buf_put_string(out, ">\r\n");
}

static void
put_subject(struct buf *out, const struct notice *n)
{
    const char *action = bounce_action_names[view_gravest(n)];
    struct buf subject, original;

    buf_init(&subject, BOUNCE_TEXT_MAX);
    buf_init(&original, BOUNCE_TEXT_MAX);
    for (size_t i = 0; i < BOUNCE_LANGUAGES; i++) {
        if (i && n->b->languages[i].len == 0)
            break;
        buf_put_string(&subject, i ? " / " : "");
        buf_put(&subject, word_find(n->c, n->b->languages[i], "bounce.subject", action));
    }
    original_put_subject(&original, n);
    buf_put_string(&subject, original.len ? ": " : "");
    buf_put(&subject, buf_slice(&original));
    buf_put_string(out, "Subject: ");
    mime_unstructured_put(out, buf_slice(&subject), strlen("Subject: "));
    buf_put_string(out, "\r\n");
    buf_clear(&subject);
    buf_clear(&original);
}

/* msg-id = "<" 1*(printable ASCII but blanks and brackets) ">" */
static bool
is_id(struct slice id)
{
    if (id.len < 3 || id.len > ID_MAX || id.at[0] != '<' || id.at[id.len - 1] != '>')
        return false;
    for (size_t i = 1; i + 1 < id.len; i++)
        if (id.at[i] <= ' ' || id.at[i] >= 0x7f || id.at[i] == '<' || id.at[i] == '>')
            return false;
    return true;
}

/* rfc3834#3.1.6-a: shown below the message it answers */
static void
put_ids(struct buf *out, const struct notice *n)
{
    char id[ID_TEXT_LEN + 1];
    struct slice answered;

    id_format(n->b->id, id);
    buf_put_format(out, "Message-ID: <%s.notice@", id);
    clean_put_exactly(out, n->b->host, false);
    buf_put_string(out, ">\r\n");
    if (!mime_field_find(n->header, SLICE("Message-ID"), &answered) || !is_id(answered))
        return;
    for (size_t i = 0; i < 2; i++) {
        buf_put_string(out, i ? "References: " : "In-Reply-To: ");
        buf_put(out, answered);
        buf_put_string(out, "\r\n");
    }
}

/* rfc3464#2-a: to the return path, as a report, at the top of the message */
static void
put_header(struct buf *out, const struct notice *n, const char *boundary, bool is_8bit)
{
    put_from(out, n);
    buf_put_string(out, "To: <");
    clean_put_exactly(out, n->b->postmaster.len ? n->b->postmaster : n->b->sender, true);
    buf_put_string(out, ">\r\n");
    put_subject(out, n);
    buf_put_string(out, "Date: ");
    mime_date_put(out, n->b->now, n->b->offset);
    buf_put_string(out, "\r\n");
    put_ids(out, n);
    buf_put_string(out, "Auto-Submitted: auto-replied\r\n" /* rfc3834#5-a */
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: multipart/report; report-type=delivery-status;\r\n");
    buf_put_format(out, " boundary=\"%s\"\r\n", boundary);
    buf_put_string(out, is_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

static void
begin_part(struct buf *out, const char *boundary, const char *type, const char *encoding)
{
    buf_put_format(out, "\r\n--%s\r\nContent-Type: %s\r\n", boundary, type);
    if (strcmp(encoding, "7bit") != 0)
        buf_put_format(out, "Content-Transfer-Encoding: %s\r\n", encoding);
}

static bool
is_tag(struct slice language)
{
    for (size_t i = 0; i < language.len; i++)
        if (!ascii_is_alnum(language.at[i]) && language.at[i] != '-')
            return false;
    return language.len > 0 && language.len <= TAG_MAX;
}

static void
put_languages(struct buf *out, const struct bounce *b)
{
    const char *before = "Content-Language: ";

    for (size_t i = 0; i < BOUNCE_LANGUAGES; i++) {
        if (!is_tag(b->languages[i]))
            continue;
        buf_put_string(out, before);
        buf_put(out, b->languages[i]);
        before = ", ";
    }
    buf_put_string(out, before[0] == ',' ? "\r\n" : "");
}

/* Quoted-printable where it is not ASCII: it travels through any server, which 8bit does not. */
static void
put_text_part(struct buf *out, const struct notice *n, const char *boundary)
{
    struct buf text;
    bool is_ascii;

    buf_init(&text, BOUNCE_TEXT_MAX);
    text_put(&text, n);
    is_ascii = slice_is_ascii(buf_slice(&text));
    begin_part(out, boundary, "text/plain; charset=utf-8", is_ascii ? "7bit" : "quoted-printable");
    put_languages(out, n->b);
    buf_put_string(out, "\r\n");
    if (is_ascii)
        clean_put_crlf(out, buf_slice(&text));
    else
        mime_quoted_printable_put(out, buf_slice(&text));
    buf_clear(&text);
}

static void
put_parts(struct buf *out, const struct notice *n, const char *boundary, bool is_utf8,
          const struct original *o)
{
    put_text_part(out, n, boundary);
    if (is_utf8) /* rfc6533#4-a */
        begin_part(out, boundary, "message/global-delivery-status", "8bit");
    else
        begin_part(out, boundary, "message/delivery-status", "7bit");
    buf_put_string(out, "\r\n");
    status_put(out, n);
    if (o->type) {
        begin_part(out, boundary, o->type, o->encoding);
        buf_put_string(out, "\r\n");
        original_put(out, o);
    }
    buf_put_format(out, "\r\n--%s--\r\n", boundary);
}

bool
bounce_put(struct buf *out, const struct catalogue *c, const struct bounce *b)
{
    struct notice n = {.b = b, .c = c};
    char boundary[BOUNDARY_SIZE];
    struct original o = {0};
    bool is_utf8;

    ensure(b->count > 0 && b->host.len > 0 && (b->sender.len > 0 || b->postmaster.len > 0));
    view_all(&n);
    mime_header_cut(b->original, &n.header, &n.body);
    if (choose_boundary(&n, boundary))
        o = original_choose(&n);
    is_utf8 = status_is_utf8(&n);
    put_header(out, &n, boundary, is_utf8 || (o.type && strcmp(o.encoding, "8bit") == 0));
    put_parts(out, &n, boundary, is_utf8, &o);
    view_clear(&n);
    return !out->full;
}
