/* Why something outside this process did not work. Bugs are not errors: they end in ensure(). */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_AGAIN,     /* not now: nothing is wrong, ask again when ready */
    ERR_CLOSED,    /* the other side is gone */
    ERR_LIMIT,     /* a named limit, the disk or the quota is reached */
    ERR_MALFORMED, /* bytes that do not follow their format */
    ERR_TEMPORARY, /* may work later */
    ERR_PERMANENT, /* will not work later either */
};

/* A value, passed by copy. kind ERR_NONE is success. */
struct err {
    enum err_kind kind;
    int os;           /* errno, or 0 */
    const char *what; /* a literal: what was being tried */
};

#define ERR_OK ((struct err){ERR_NONE, 0, ""})

static inline bool
err_is(struct err e)
{
    return e.kind != ERR_NONE;
}

static inline struct err
err_make(enum err_kind kind, const char *what)
{
    return (struct err){kind, 0, what};
}

/* From errno: EAGAIN is AGAIN; EPIPE and ECONNRESET are CLOSED; ENOSPC, EDQUOT, EMFILE, ENFILE,
 * ENOMEM are LIMIT; everything else TEMPORARY. */
struct err err_os(int os, const char *what);

/* "what: strerror" in a buffer of the calling thread's own, valid until its next call. */
const char *err_text(struct err e);

#endif
