/* Time-stamp-line = "Received:" From-domain By-domain [With] [ID] [For] ";" date-time
 * rfc5321#4.4-a; the words after "with" are those of rfc3848#1-a and rfc6531#3.7.3-a. */
#include "smtp/received.h"

#include "mime/date.h"

/* TCP-info: what we saw ourselves, whatever the client said. */
static void
put_address(struct buf *out, struct slice address)
{
    bool is_v6 = slice_find(address, ':') >= 0, is_v4 = slice_find(address, '.') >= 0;

    buf_put_string(out, is_v6 ? " ([IPv6:" : is_v4 ? " ([" : " (");
    buf_put(out, address);
    buf_put_string(out, is_v6 || is_v4 ? "])" : ")");
}

static void
put_protocol(struct buf *out, const struct smtp_trace *t)
{
    buf_put_string(out, t->utf8 ? " with UTF8SMTP" : t->esmtp ? " with ESMTP" : " with SMTP");
    if (t->utf8 || t->esmtp) {
        buf_put_string(out, t->tls ? "S" : "");
        buf_put_string(out, t->authenticated ? "A" : "");
    }
    if (t->tls && t->tls_version.len) {
        buf_put_string(out, " (");
        buf_put(out, t->tls_version);
        buf_put_byte(out, ' ');
        buf_put(out, t->tls_cipher);
        buf_put_byte(out, ')');
    }
}

bool
smtp_received_put(struct buf *out, const struct smtp_trace *t)
{
    buf_put_string(out, "Received: from ");
    buf_put(out, t->helo);
    put_address(out, t->address);
    buf_put_string(out, "\r\n\tby ");
    buf_put(out, t->host);
    put_protocol(out, t);
    buf_put_string(out, "\r\n\tid ");
    buf_put(out, t->id);
    if (t->rcpt.len) {
        buf_put_string(out, "\r\n\tfor <");
        buf_put(out, t->rcpt);
        buf_put_byte(out, '>');
    }
    buf_put_string(out, ";\r\n\t");
    mime_date_put(out, t->time, t->utc_offset_minutes);
    return buf_put_string(out, "\r\n");
}

/* rfc5321#4.4-b */
bool
smtp_return_path_put(struct buf *out, struct slice sender)
{
    buf_put_string(out, "Return-Path: <");
    buf_put(out, sender);
    return buf_put_string(out, ">\r\n");
}
