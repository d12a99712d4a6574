/* Trace lines (RFC 5321 4.4): Received: at the front of what we take, Return-Path: at final
 * delivery. */
#ifndef SMTP_RECEIVED_H
#define SMTP_RECEIVED_H

#include "base/buf.h"

enum { SMTP_TRACE_MAX = 2048 }; /* octets of either line, folds included */

struct smtp_trace {
    struct slice helo;    /* as the client named itself */
    struct slice address; /* text of its IP address, or "local" */
    struct slice host;    /* us */
    struct slice id;
    struct slice rcpt; /* empty: more than one, and nobody is told of the others */
    struct slice tls_version, tls_cipher;
    bool esmtp, tls, authenticated, utf8;
    int64_t time; /* seconds since 1970-01-01 UTC */
    int utc_offset_minutes;
};

/* False: the cap of out is reached; SMTP_TRACE_MAX is always enough. */
bool smtp_received_put(struct buf *out, const struct smtp_trace *t);

/* "Return-Path: <sender>"; an empty sender is the null reverse-path. */
bool smtp_return_path_put(struct buf *out, struct slice sender);

#endif
