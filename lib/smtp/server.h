/* The SMTP server as a pure machine: plain bytes and answers in, replies and questions out.
 * Sockets, TLS, clocks, directories and queues are the caller's. RFC 5321 with the extensions of
 * docs/smtp.md.
 *
 * A caller's loop:
 *     smtp_server_init, smtp_server_greet, then again and again
 *     n = smtp_server_feed(s, bytes); forget the first n bytes; write out what is in `out`;
 *     where s->ask is not SMTP_ASK_NONE: find the answer, smtp_server_answer (or _tls_started);
 *     where s->closing: flush `out` and close. */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include "base/arena.h"
#include "base/limit.h"
#include "reason/reason.h"
#include "sasl/sasl.h"
#include "smtp/data.h"
#include "smtp/envelope.h"
#include "smtp/line.h"

enum {
    SMTP_OUT_MIN = 8192,  /* the least cap of `out` */
    SMTP_HELO_MAX = 255,  /* octets of a name in EHLO (RFC 5321 4.5.3.1.2) */
    SMTP_LOGIN_MAX = 320, /* octets of a login name */
    SMTP_ID_MAX = 64,     /* octets of a message's id */
};

enum smtp_service {
    SMTP_SERVICE_MX,         /* port 25: anyone, for our own domains */
    SMTP_SERVICE_SUBMISSION, /* 587 and 465: our users, after a login */
    SMTP_SERVICE_SYSTEM,     /* a local socket: the peer is known by its uid */
};

/* Shared by all sessions of a service; lives longer than they do. */
struct smtp_config {
    enum smtp_service service;
    struct slice hostname;
    const struct limits *limits;
    bool tls_available;         /* STARTTLS is offered to clients that are not in TLS yet */
    reason_refused_fn *refused; /* NULL: nobody wants to know */
    void *ctx;                  /* of refused */
};

/* What is known about the peer. The bytes belong to the caller and live as long as the session. */
struct smtp_peer {
    struct slice address;   /* text of the IP address, or "local" */
    struct slice login;     /* who is logged in; empty: nobody. SYSTEM: the local user's name */
    struct slice reference; /* of the session, at the end of each refusal; empty: none */
    bool loopback, tls;
    struct slice tls_version, tls_cipher; /* for the trace line; empty without TLS */
    struct sasl_binding binding;
    struct slice nonce; /* at least 18 random printable octets without comma, for SCRAM; each
                         * exchange of the session adds its number */
};

/* What the machine needs before it goes on. While a question is open it consumes nothing. */
enum smtp_ask {
    SMTP_ASK_NONE,
    SMTP_ASK_TLS,  /* flush, drop all input not yet decrypted, handshake: smtp_server_tls_started */
    SMTP_ASK_SASL, /* s->sasl_step says what s->sasl wants to know */
    SMTP_ASK_SENDER, /* may the login send as s->address (empty: the null sender)? Without a login:
                      * may a stranger? Asked where limit sender_domain_check is on, and never of
                      * the null sender */
    SMTP_ASK_RCPT,   /* is s->address a recipient? */
    SMTP_ASK_VRFY,   /* the same for VRFY; the address may be a name without a domain */
    SMTP_ASK_BODY,   /* a place for the message of s->envelope */
    SMTP_ASK_COMMIT, /* all of the message is in the sink: make it durable */
};

/* reason REASON_NONE (or a row of 2yz, which is then what is said) is yes; any other row is said
 * and means no; a row of 421 also closes. The other members belong to the question above them.
 * Slices are copied, the sink is kept. */
struct smtp_answer {
    enum reason reason;
    struct slice argument; /* of reason; COMMIT: the id shown in the 250 */
    /* SMTP_ASK_SASL: by s->sasl_step */
    bool right;             /* ASK_PASSWORD, ASK_SCRAM_PROOF */
    struct slice login;     /* the same two, where right: the canonical name of the login */
    struct slice salt;      /* ASK_SCRAM_USER */
    uint32_t iterations;    /* ASK_SCRAM_USER */
    struct slice signature; /* ASK_SCRAM_PROOF, where right */
    /* SMTP_ASK_RCPT */
    uint64_t room;     /* bytes left in the quota, UINT64_MAX: no limit */
    struct slice note; /* kept with the recipient, for the caller itself */
    /* SMTP_ASK_BODY */
    struct smtp_sink sink;
    struct slice id;        /* for the trace line */
    int64_t time;           /* seconds since 1970-01-01 UTC */
    int utc_offset_minutes; /* of the server's local time */
};

enum smtp_mode { SMTP_MODE_COMMAND, SMTP_MODE_SASL, SMTP_MODE_DATA, SMTP_MODE_CHUNK };

/* ask, sasl, sasl_step, address, envelope, client and closing are for the caller to read; the rest
 * is the machine's. */
struct smtp_server {
    const struct smtp_config *config;
    struct smtp_peer client;
    struct buf *out;
    bool closing;

    enum smtp_ask ask;
    struct slice address; /* canonical, in the transaction's arena */
    enum sasl_step sasl_step;
    struct sasl_server sasl;
    struct smtp_envelope envelope;

    enum smtp_mode mode;
    unsigned phase; /* one bit of enum smtp_phase */
    struct smtp_line line;
    struct buf helo, login;    /* the client's name for itself; a login not yet complete */
    bool esmtp;                /* EHLO, not HELO */
    bool sasl_open;            /* s->sasl is initialised */
    unsigned errors, failures; /* refused commands; failed logins */
    unsigned exchanges;        /* AUTH commands begun */

    struct arena *arena;       /* the transaction's */
    struct smtp_rcpt *pending; /* asked, not yet a recipient */
    struct smtp_rcpt **last;   /* where the next recipient is linked */
    bool rcpt_refused;         /* a RCPT of this transaction was */
    bool sink_open;
    struct smtp_data data;
    uint64_t chunk_left; /* BDAT: octets to come */
    uint64_t chunk_size;
    bool chunk_is_last;
    enum reason body_refusal;  /* BDAT: what this and every further chunk is told */
    enum reason chunk_refusal; /* BDAT: the octets are dropped, then this is said */
};

/* config, the bytes of client and out outlive s. out is the caller's to drain, never to fill, and
 * has a cap of SMTP_OUT_MIN at least. */
void smtp_server_init(struct smtp_server *s, const struct smtp_config *config,
                      const struct smtp_peer *client, struct buf *out);
void smtp_server_clear(struct smtp_server *s); /* a sink that is still open is dropped */

/* The first reply: 220, or where refusal is a row (421, 554) that row, and closing. */
void smtp_server_greet(struct smtp_server *s, enum reason refusal);

/* How many bytes were consumed. Less than all: at a question, when closing, or when `out` is so
 * full that another reply might not fit (drain it and feed again). */
size_t smtp_server_feed(struct smtp_server *s, struct slice in);

/* To any question but SMTP_ASK_TLS. Then feed again what was not consumed. */
void smtp_server_answer(struct smtp_server *s, const struct smtp_answer *answer);

/* To SMTP_ASK_TLS: the handshake worked. The machine forgets all it was told before (RFC 3207 4.2);
 * the caller must have dropped every byte that was read before the handshake. */
void smtp_server_tls_started(struct smtp_server *s, const struct smtp_peer *client);

/* End the session from outside: time-out (rfc5321#4.5.3.2.7-a), shutdown. An open question is
 * forgotten, an open sink dropped. */
void smtp_server_end(struct smtp_server *s, enum reason why);

/* Between MAIL and the reply to the end of the message. */
bool smtp_server_in_transaction(const struct smtp_server *s);

#endif
