/* Shared by client.c and the client_*.c of this room. */
#ifndef SMTP_CLIENT_PRIVATE_H
#define SMTP_CLIENT_PRIVATE_H

#include "smtp/client.h"

/* Room that every command fits in; the longest is a RCPT with ORCPT, or AUTH. */
enum { SMTP_COMMAND_MAX = 2048 };

static inline bool
smtp_offered(const struct smtp_client *c, unsigned offer)
{
    return (c->offers.set & offer) != 0;
}

/* A command line, or another line that will be answered. */
void smtp_client_say(struct smtp_client *c, const char *verb, struct slice rest);

/* Nothing that this connection was for can be done; a polite end. */
void smtp_client_give_up(struct smtp_client *c, struct smtp_outcome why);

/* Nothing more will be read or written. */
void smtp_client_hang_up(struct smtp_client *c, struct smtp_outcome why);

/* The reply or the trouble as an outcome of the present stage. */
struct smtp_outcome smtp_client_replied(struct smtp_client *c);
struct smtp_outcome smtp_client_trouble(struct smtp_client *c, enum smtp_trouble t);

/* The session may begin, or begin anew under TLS: EHLO. */
void smtp_client_hello(struct smtp_client *c);
void smtp_client_log_in(struct smtp_client *c);
void smtp_client_ready(struct smtp_client *c);

/* A reply to what was said in the stage; c->reply has it. */
typedef void smtp_heard_fn(struct smtp_client *c);
smtp_heard_fn smtp_heard_greeting, smtp_heard_hello, smtp_heard_tls, smtp_heard_auth,
    smtp_heard_envelope, smtp_heard_body, smtp_heard_quit;

/* c->outcome is final for every recipient that has none of its own yet. */
void smtp_client_settle(struct smtp_client *c);
/* What is owed has come; the next message may. */
void smtp_client_end_transaction(struct smtp_client *c);

void smtp_client_say_mail(struct smtp_client *c);
void smtp_client_say_rcpt(struct smtp_client *c, const struct smtp_rcpt *r);

/* As much of the envelope, or of the chunks, as may be said now. */
void smtp_client_begin_envelope(struct smtp_client *c);
void smtp_client_say_envelope(struct smtp_client *c);
void smtp_client_begin_body(struct smtp_client *c);
void smtp_client_say_chunk(struct smtp_client *c);

/* Has the end of the message left? */
bool smtp_client_end_has_left(const struct smtp_client *c);

#endif
