/* Handing a message to the service over its local socket, by SMTP (RFC 5321). */
#ifndef CTL_SUBMIT_H
#define CTL_SUBMIT_H

#include "ctl.h"

enum { SUBMIT_REPLY_MAX = 4096, SUBMIT_LINE_MAX = 2048 };

struct submit {
    const char *socket;        /* its path */
    struct slice sender;       /* empty: the null reverse-path */
    struct slice recipients;   /* each followed by a line end */
    size_t recipients_at_once; /* of one transaction */
    struct slice text;         /* line ends CR LF, dots not stuffed */
    bool is_8bit, is_utf8;
    bool verbose;                     /* show the dialogue on standard error */
    const char *notify, *ret, *envid; /* RFC 3461, or NULL */
};

/* 0, or an exit status whose reason is said. A recipient refused for good does not keep the message
 * from the others; one refused for now does, so that trying again makes no copies. */
int submit_send(const struct submit *m);

/* Connect standard input and output with the socket until either ends. */
int submit_pipe(const char *socket);

#endif
