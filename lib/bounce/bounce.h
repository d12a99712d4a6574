/* The message that tells a sender what became of his mail (RFC 3464): plain words in his language
 * first, then the other server's exact words, then fields for programs, then his header or message.
 * The postmaster is told so of what is held until he deals with the cause.
 * Pure: everything it says comes from struct bounce and the catalogue, and any bytes in either give
 * a well-formed message. Whoever sends it gives it the null return path and none to a null sender.
 *
 * lib/explain reads these notices back: each recipient's reason stands in a field of its own,
 * X-Valija-Reason, and the reference in X-Valija-Reference. */
#ifndef BOUNCE_BOUNCE_H
#define BOUNCE_BOUNCE_H

#include "base/buf.h"
#include "reason/catalogue.h"

enum {
    BOUNCE_TOLD_MAX = 50,         /* recipients of one kind named in plain words, and again with the
                                   * words about them; the fields for programs have all */
    BOUNCE_SAID_MAX = 2000,       /* octets of a server's words that are shown */
    BOUNCE_DIAGNOSTIC_MAX = 1000, /* and that stand in Diagnostic-Code */
    BOUNCE_SUBJECT_MAX = 200,     /* octets of the original's subject */
    BOUNCE_HEADER_MAX = 64 << 10, /* octets of the original's header that come back */
    BOUNCE_WHOLE_MAX = 1 << 20,   /* a longer original comes back as its header alone */
    BOUNCE_TEXT_MAX = 1 << 20,    /* octets of the plain words, before they are encoded */
    BOUNCE_LANGUAGES = 2,
};

enum bounce_action {
#define ACTION(name, word, status, is_success) BOUNCE_##name,
#include "bounce/action.def"
#undef ACTION
    BOUNCE_ACTIONS
};

extern const char *const bounce_action_names[BOUNCE_ACTIONS];

/* Slices may be empty where nothing is known, unless it says otherwise. Times are seconds since
 * 1970-01-01 UTC, 0: not known. */
struct bounce_recipient {
    struct slice address; /* to whom delivery was tried; not empty */
    struct slice written; /* the address the sender wrote, where that is another */
    bool is_hidden;       /* the sender must not learn `address`: it is what a forward keeps for
                           * itself. Then only `written`, which is not empty, is named, and what the
                           * other server said and is called is left out: it could tell. */
    struct slice orcpt;   /* ORCPT= as it came: "rfc822;ana+2Bb@example.com" */
    enum bounce_action action;
    struct slice status; /* "5.1.1" */
    struct slice reason; /* its id in the catalogue; one that is not there is "unknown-failure" */
    struct slice said;   /* the server's words, any bytes in one line or several */
    bool is_ours;        /* they are this server's own: no other has answered */
    struct slice remote; /* the other server's name or address */
    int64_t tried;       /* the last time */
    int64_t until; /* delayed: how long it will be tried; failed: this moment has come, and that is
                    * why it is given up */
};

struct bounce {
    struct slice host;   /* this server's name, as it greets; not empty */
    struct slice domain; /* whose MAILER-DAEMON writes: the sender's own, where it is one of ours */
    struct slice sender; /* the envelope's: to whom the notice goes unless there is a postmaster */
    struct slice postmaster; /* held: to whom the notice goes */
    uint64_t held;           /* held: the message's id, which commands take */
    struct slice envid;      /* ENVID= as it came, xtext */
    bool wants_whole;        /* RET=FULL */
    int64_t arrived;
    struct slice reference; /* by which support finds the message: "7KQ2M9" */
    const struct bounce_recipient *recipients;
    size_t count; /* at least 1. Several targets of one hidden forward are one recipient. */
    struct slice languages[BOUNCE_LANGUAGES]; /* "es", "en": the texts stand in this order */
    struct slice original; /* the message, or its header alone, as it came; empty: it is gone */
    uint64_t id;           /* of this notice, unlike any other's */
    int64_t now;
    int offset; /* minutes that the reader's clock is ahead of UTC */
};

/* Append the whole message, its lines ending in CR LF, none longer than 998 octets. False: the cap
 * of out is reached, and out holds a part. */
bool bounce_put(struct buf *out, const struct catalogue *c, const struct bounce *b);

#endif
