/* errno as a kind that decides what a peer is told. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum err_kind
kind_of(int os)
{
    static const struct {
        int os;
        enum err_kind kind;
    } kinds[] = {
        {EAGAIN, ERR_AGAIN},      {EINTR, ERR_AGAIN},         {EPIPE, ERR_CLOSED},
        {ECONNRESET, ERR_CLOSED}, {ECONNREFUSED, ERR_CLOSED}, {ENOTCONN, ERR_CLOSED},
        {ENOSPC, ERR_LIMIT},      {EDQUOT, ERR_LIMIT},        {EMFILE, ERR_LIMIT},
        {ENFILE, ERR_LIMIT},      {ENOMEM, ERR_LIMIT},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].os == os)
            return kinds[i].kind;
    return ERR_TEMPORARY;
}

struct err
err_os(int os, const char *what)
{
    return (struct err){kind_of(os), os, what};
}

const char *
err_text(struct err e)
{
    static _Thread_local char text[256];

    if (e.os)
        snprintf(text, sizeof(text), "%s: %s", e.what, strerror(e.os));
    else
        snprintf(text, sizeof(text), "%s", e.what);
    return text;
}
