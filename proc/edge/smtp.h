/* An SMTP session as its files share it: the machine of lib/smtp, and what it waits for. */
#ifndef EDGE_SMTP_H
#define EDGE_SMTP_H

#include "edge.h"
#include "ipc/body.h"
#include "route/route.h"
#include "smtp/server.h"

/* What became of a domain that the DNS was asked about: any kind but ROUTE_ASK. */
typedef void smtp_domain_fn(struct conn *c, enum route_kind found);

struct smtp_session {
    struct smtp_server server;
    struct smtp_config config;
    struct body body;
    uint64_t id;       /* of the message under way */
    uint64_t account;  /* logged in as; 0: nobody */
    uint32_t lifetime; /* seconds in the queue that the account's mail has; 0: the default */
    char login[SMTP_LOGIN_MAX + 1];
    struct smtp_domain *domain; /* that is being asked about; NULL: none */
    bool waiting;               /* for an answer */
    enum smtp_ask answering;    /* the question that is being answered */
};

static inline struct smtp_session *
smtp_session_of(const struct conn *c)
{
    return c->session;
}

/* Anybody who reaches port 25. */
static inline bool
smtp_is_stranger(const struct conn *c)
{
    return c->protocol == ROLE_SMTP;
}

/* smtp.c: the machine gets its answer; what it asks next is asked. */
void smtp_answer(struct conn *c, const struct smtp_answer *a);
void smtp_answer_reason(struct conn *c, enum reason reason);

/* smtp_sender.c, smtp_rcpt.c (also for VRFY), smtp_message.c: what the machine asks. */
void smtp_ask_sender(struct conn *c);
void smtp_ask_rcpt(struct conn *c);
void smtp_ask_body(struct conn *c);
void smtp_ask_commit(struct conn *c);

/* smtp_domain.c: can mail for the domain of the address that the machine asks about go anywhere? */
void smtp_ask_domain(struct conn *c, smtp_domain_fn *done);
void smtp_domain_clear(struct smtp_session *s); /* nobody wants to know any more */

#endif
