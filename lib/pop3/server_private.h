/* What the files of the server share. */
#ifndef POP3_SERVER_PRIVATE_H
#define POP3_SERVER_PRIVATE_H

#include "pop3/server.h"

/* The handlers; args come without the spaces around them. */
#define COMMAND(verb, phases, flags, handler, rule)                                                \
    void handler(struct pop3_server *s, struct slice args);
#include "pop3/command.def"
#undef COMMAND

/* What each kind of question does with its answer; the question itself is gone by then. */
typedef void pop3_answered_fn(struct pop3_server *s, struct pop3_ask ask,
                              const struct pop3_answer *a);
pop3_answered_fn pop3_sasl_answered, pop3_apop_answered, pop3_open_answered, pop3_body_answered,
    pop3_commit_answered;

/* One reply. A refusal counts; the last that limit errors_per_session allows closes. */
void pop3_say(struct pop3_server *s, enum reason r);
void pop3_say_about(struct pop3_server *s, enum reason r, struct slice argument);
void pop3_say_number(struct pop3_server *s, enum reason r, uint64_t number);

/* line.c: cut the next whole line, with its line end, off *in. False: its end has not come, and
 * what has is kept. *line is valid until pop3_line_done, and empty where it was longer than max. */
bool pop3_line_take(struct pop3_server *s, struct slice *in, size_t max, struct slice *line);
void pop3_line_done(struct pop3_server *s);

/* login.c */
bool pop3_may_send_password(const struct pop3_server *s);
void pop3_put_mechanisms(const struct pop3_server *s, const char *before, const char *after);
void pop3_login_respond(struct pop3_server *s, struct slice line); /* to a challenge */
void pop3_login_reset(struct pop3_server *s);                      /* back to before USER, AUTH */

/* mailbox.c */
void pop3_listing_continue(struct pop3_server *s);

#endif
