/* What a mail transaction has gathered: who sends, to whom, and how they want to be told. */
#ifndef SMTP_ENVELOPE_H
#define SMTP_ENVELOPE_H

#include "base/slice.h"

/* NOTIFY= of RFC 3461, as a set; 0: the client did not say. */
enum {
    SMTP_NOTIFY_NEVER = 1,
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8
};

enum smtp_ret { SMTP_RET_UNSAID, SMTP_RET_FULL, SMTP_RET_HDRS };

/* BODY= of RFC 6152. */
enum smtp_body { SMTP_BODY_UNSAID, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };

struct smtp_rcpt {
    struct smtp_rcpt *next;
    struct slice address; /* canonical local@domain; "postmaster" may come without a domain */
    struct slice orcpt;   /* "rfc822;xtext" as the client wrote it, or empty */
    struct slice note;    /* what the owner gave with its answer, for itself */
    unsigned notify;
    uint64_t room; /* bytes left in the quota when asked; UINT64_MAX: no limit */
};

/* Every slice lives in the transaction's arena: until the next MAIL, RSET, EHLO or the end. */
struct smtp_envelope {
    struct slice sender; /* canonical; empty: the null reverse-path of bounces */
    struct slice envid;  /* xtext as the client wrote it, or empty */
    enum smtp_ret ret;
    enum smtp_body body;
    bool smtputf8;
    uint64_t declared; /* SIZE=, or 0 */
    uint64_t size;     /* octets put into the sink, trace lines left out; final at COMMIT */
    struct smtp_rcpt *rcpts;
    size_t rcpt_count;
};

#endif
