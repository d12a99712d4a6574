/* What a call of sendmail asks for. */
#ifndef CTL_SENDMAIL_H
#define CTL_SENDMAIL_H

#include "base/buf.h"

struct sendmail {
    char mode; /* m: take a message; s: speak SMTP; p: print the queue; i: newaliases */
    bool dots_are_text, from_header, verbose, only_queue;
    const char *config, *name, *notify, *ret, *envid; /* NULL: not given */
    const char *sender;                               /* "": the null reverse-path */
    char **recipients;                                /* ends with NULL */
    char user[320], user_name[128];                   /* who runs it: address, full name */
    struct buf envelope_from;                         /* empty: the null reverse-path */
};

/* False: *wrong is the word that is not understood. argv ends with NULL. */
bool sendmail_parse(struct sendmail *s, int argc, char **argv, const char **wrong);

#endif
