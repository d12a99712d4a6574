/* The POP3 server (RFC 1939, 2449, 2595, 3206, 5034, 6856) as a pure machine: bytes and answers in,
 * replies and questions out. It knows no socket, clock, file or chance. While it asks it reads no
 * further line, which gives order, pipelining and back-pressure. An owner
 *
 *   calls pop3_server_init and pop3_server_greet;
 *   until s->closing: writes what is in `out`; where s->ask.kind is set finds the answer and gives
 *     it; else feeds what the client sent, and keeps what was not consumed;
 *   writes what is left in `out`, hangs up, calls pop3_server_clear. */
#ifndef POP3_SERVER_H
#define POP3_SERVER_H

#include "base/limit.h"
#include "pop3/stuff.h"
#include "reason/reason.h"
#include "sasl/sasl.h"

enum {
    POP3_LINE_MAX = 255,    /* octets of a command with its CR LF (RFC 2449 section 4) */
    POP3_ANSWER_MAX = 1370, /* the same of an answer to a challenge: SASL_TEXT_MAX in base 64 */
    POP3_REPLY_MAX = 4096,  /* no command is begun with less room than this in `out` */
    POP3_APOP_DIGEST = 32,  /* hexadecimal digits of an MD5 */
    POP3_NONCE_MIN = 18,    /* octets of pop3_client.nonce */
};

/* Of the service: lives as long as its sessions. */
struct pop3_config {
    struct slice hostname;
    const struct limits *limits;
    bool tls_available;         /* STLS may be offered */
    reason_refused_fn *refused; /* NULL: nobody wants to know */
    void *ctx;                  /* of refused */
};

/* Of the connection: the bytes behind the slices live as long as the session. */
struct pop3_client {
    bool loopback; /* the peer is this machine */
    bool tls;
    struct sasl_binding binding;
    struct slice reference; /* of the session, at the end of each refusal; empty: none */
    struct slice nonce;     /* random printable bytes without comma, new for each connection */
};

/* One message of the opened mailbox; message number 1 is the first of the table. */
struct pop3_message {
    uint64_t uid;  /* never used twice under one uid_validity */
    uint64_t size; /* octets as sent: with CR LF, without the added dots */
};

enum pop3_ask_kind {
    POP3_ASK_NONE,
    POP3_ASK_TLS,    /* see pop3_server_tls_started */
    POP3_ASK_SASL,   /* what `step` says, of `user`; USER and PASS ask SASL_ASK_PASSWORD, too */
    POP3_ASK_APOP,   /* is `proof` the MD5 of the stamp and the password of `user`? */
    POP3_ASK_OPEN,   /* `user` is logged in: open and lock the mailbox */
    POP3_ASK_BODY,   /* send a message: see pop3_server_body_begin */
    POP3_ASK_COMMIT, /* QUIT: delete the messages of pop3_server_is_deleted, for good */
};

/* The slices are valid until the answer. */
struct pop3_ask {
    enum pop3_ask_kind kind;
    enum sasl_step step; /* SASL: SASL_ASK_PASSWORD, _SCRAM_USER or _SCRAM_PROOF */
    struct slice user;
    struct slice password;     /* SASL_ASK_PASSWORD */
    struct slice auth_message; /* SASL_ASK_SCRAM_PROOF */
    struct slice proof;        /* SASL_ASK_SCRAM_PROOF; APOP: POP3_APOP_DIGEST digits, lower case */
    size_t message;            /* BODY: its place in the table, from 0 */
    uint64_t lines;            /* BODY: as pop3_stuff_init takes them */
};

/* REASON_NONE is yes, right, done. A -ERR row is no, and becomes the reply:
 * POP3_WRONG_LOGIN counts against limit logins_per_session, POP3_LOGIN_DELAY closes. */
struct pop3_answer {
    enum reason reason;
    uint64_t seconds;       /* with POP3_LOGIN_DELAY: to wait; OPEN: the account's login delay */
    struct slice salt;      /* SASL_ASK_SCRAM_USER, raw */
    uint32_t iterations;    /* SASL_ASK_SCRAM_USER */
    struct slice signature; /* SASL_ASK_SCRAM_PROOF: the ServerSignature */
    const struct pop3_message *messages; /* OPEN: stays the owner's, until pop3_server_clear */
    size_t count;                        /* OPEN */
    uint64_t uid_validity;               /* OPEN: with a uid it names a message for ever */
};

/* The RFC's AUTHORIZATION and TRANSACTION; UPDATE is POP3_ASK_COMMIT. Bits: a column of
 * command.def. */
enum pop3_phase { POP3_LOGIN = 1, POP3_TRANSACTION = 2 };

enum pop3_listing { POP3_LISTING_NONE, POP3_LISTING_SIZES, POP3_LISTING_IDS };

/* Owners read `ask`, `closing` and `utf8`; the rest is the machine's own. */
struct pop3_server {
    const struct pop3_config *config;
    struct pop3_client client;
    struct buf *out;
    struct slice stamp;
    struct pop3_ask ask;
    bool closing; /* nothing more is read: write what is in out, then hang up */
    bool utf8;    /* the client reads UTF-8 in headers (RFC 6856) */

    enum pop3_phase phase;
    bool heard;         /* a first line has come */
    struct secret held; /* a line of which the end has not come */
    bool swallowing;    /* that line is too long and thrown away until its end */
    uint64_t errors, login_failures;

    struct secret user; /* of USER or APOP, or the one logged in */
    uint8_t digest[POP3_APOP_DIGEST];
    struct sasl_server sasl;
    bool exchanging; /* the next line answers a challenge */
    uint64_t exchanges;

    const struct pop3_message *messages;
    size_t count, marked; /* messages in the table; those of them marked as deleted */
    uint64_t octets;      /* of those not marked */
    uint64_t uid_validity, login_delay;
    uint8_t *marks; /* a bit for each message */
    bool sending;   /* pop3_server_body_begin was called */
    enum pop3_listing listing;
    size_t listed; /* messages the listing has passed */
};

/* out: the owner's, who takes from its front; its cap is at least 2 * POP3_REPLY_MAX. stamp:
 * "<unique@host>" for the greeting, which makes APOP work, or empty. */
void pop3_server_init(struct pop3_server *s, const struct pop3_config *config,
                      struct pop3_client client, struct buf *out, struct slice stamp);
void pop3_server_clear(struct pop3_server *s);

void pop3_server_greet(struct pop3_server *s);

/* Takes bytes of the client and returns how many: fewer than there are where it asks, closes, or
 * `out` is to be written first. A long listing goes on with each call: call again, with an empty
 * slice if there is nothing else, while pop3_server_has_more. */
size_t pop3_server_feed(struct pop3_server *s, struct slice in);

/* A listing waits for room in `out`. */
bool pop3_server_has_more(const struct pop3_server *s);

/* The answer to s->ask, which is neither NONE nor TLS. Without effect once closing. */
void pop3_server_answer(struct pop3_server *s, const struct pop3_answer *answer);

/* POP3_ASK_TLS: "+OK" is in `out`. Write it, throw away what the client sent and was not consumed
 * (RFC 2595 section 4), shake hands; then this, or pop3_server_end with REASON_NONE. */
void pop3_server_tls_started(struct pop3_server *s, struct sasl_binding binding);

/* POP3_ASK_BODY: where the message cannot be had answer with a reason, which becomes the reply.
 * Else call this, which puts the "+OK" in `out`; append the message to `out` through a pop3_stuff
 * begun with ask.lines; then answer. A reason given in the middle only closes the connection. */
void pop3_server_body_begin(struct pop3_server *s);

/* Is message `at` of the table (from 0) marked as deleted? */
bool pop3_server_is_deleted(const struct pop3_server *s, size_t at);

/* The owner ends the session at once; nothing is deleted. REASON_NONE says nothing (RFC 1939
 * section 3 on idle sessions); another row is said where a reply can stand. Before the greeting it
 * stands instead of it. */
void pop3_server_end(struct pop3_server *s, enum reason reason);

#endif
