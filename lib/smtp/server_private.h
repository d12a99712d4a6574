/* Shared by server.c and the command files of this room. */
#ifndef SMTP_SERVER_PRIVATE_H
#define SMTP_SERVER_PRIVATE_H

#include "smtp/path.h"
#include "smtp/server.h"

/* How far the session is; a command's row in command.def is a set of these. */
enum smtp_phase {
    START = 1,   /* nothing said yet */
    READY = 2,   /* after EHLO or HELO */
    MAIL = 4,    /* a sender, no recipient */
    RCPT = 8,    /* a recipient at least */
    CHUNKS = 16, /* a BDAT was taken that is not the last */
    ANY = START | READY | MAIL | RCPT | CHUNKS,
};

enum smtp_arguments { MAY_ARGS, NEEDS_ARGS, NO_ARGS };

/* What a command comes to: something to say, or something to ask, or neither (it has spoken). */
struct step {
    enum reason say;
    struct slice argument;
    enum smtp_ask ask;
};

static inline struct step
say(enum reason r)
{
    return (struct step){.say = r};
}

static inline struct step
say_of(enum reason r, struct slice argument)
{
    return (struct step){.say = r, .argument = argument};
}

static inline struct step
ask(enum smtp_ask question)
{
    return (struct step){.ask = question};
}

static inline struct step
nothing(void)
{
    return (struct step){0};
}

typedef struct step smtp_command_fn(struct smtp_server *s, struct slice args);

struct smtp_command {
    const char *verb;
    unsigned phases;
    enum smtp_arguments arguments;
    size_t octets;
    smtp_command_fn *run;
    enum reason otherwise;
    const char *usage;
};

/* The rows of command.def; the last one has a NULL verb. */
extern const struct smtp_command smtp_commands[];

smtp_command_fn cmd_ehlo, cmd_helo, cmd_starttls, cmd_auth, cmd_mail, cmd_rcpt, cmd_data, cmd_bdat,
    cmd_rset, cmd_vrfy, cmd_expn, cmd_help, cmd_noop, cmd_quit, cmd_http;

/* "Syntax: " and the usage of that verb. */
struct step smtp_bad_args(const char *verb);

/* One reply. It counts errors, and ends the session where the row or the count says so. Rows that
 * name a limit of ours get it as their argument. */
void smtp_reply(struct smtp_server *s, enum reason r, struct slice argument);
void smtp_reply_number(struct smtp_server *s, enum reason r, uint64_t number);
void smtp_finish_step(struct smtp_server *s, struct step step);

/* Nothing more will be read. */
void smtp_hang_up(struct smtp_server *s);

uint64_t smtp_limit(const struct smtp_server *s, enum limit l);

/* Forget the transaction; a sink that is open is dropped. */
void smtp_transaction_end(struct smtp_server *s);

/* The canonical form of a path, in the transaction's arena. REASON_NONE, or `bad` where it is not
 * an address, or SMTP_MANY_RCPT where the arena is full. */
enum reason smtp_address_keep(struct smtp_server *s, const struct smtp_path *path, enum reason bad,
                              struct slice *kept);

/* `refusal`, with the address as it should be, where the path at the front of args only has blanks
 * too many; else nothing. */
struct step smtp_blank_told(struct smtp_server *s, struct slice args, enum reason refusal);

/* All parameters of MAIL or RCPT, into s->envelope or s->pending. */
enum smtp_param_of { PARAM_MAIL, PARAM_RCPT };
struct step smtp_params_take(struct smtp_server *s, struct slice args, enum smtp_param_of of);

/* Answers, each in the file of its command. They may be told no by a row. */
void smtp_answer_sasl(struct smtp_server *s, const struct smtp_answer *a);
void smtp_answer_sender(struct smtp_server *s, const struct smtp_answer *a);
void smtp_answer_rcpt(struct smtp_server *s, const struct smtp_answer *a);
void smtp_answer_vrfy(struct smtp_server *s, const struct smtp_answer *a);
void smtp_answer_body(struct smtp_server *s, const struct smtp_answer *a);
void smtp_answer_commit(struct smtp_server *s, const struct smtp_answer *a);

/* Modes other than commands: how many bytes were taken. */
size_t smtp_data_mode(struct smtp_server *s, struct slice in);
size_t smtp_chunk_mode(struct smtp_server *s, struct slice in);
void smtp_sasl_line(struct smtp_server *s, struct slice line);
void smtp_sasl_close(struct smtp_server *s);

/* May a password be taken over this connection? */
bool smtp_login_allowed(const struct smtp_server *s);
bool smtp_mechanism_offered(const struct smtp_server *s, enum sasl_mechanism m);

/* Is the answer a yes? */
bool smtp_answer_is_yes(const struct smtp_answer *a);

#endif
