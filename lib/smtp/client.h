/* The SMTP client as a pure machine: a server's bytes and the owner's answers in, commands and
 * wishes out. Sockets, TLS, clocks, the message itself and what to do about an outcome are the
 * caller's. RFC 5321 with the extensions of offer.def. One connection carries any number of
 * messages, one after the other, each to any number of recipients.
 *
 * A caller's loop, one connection long:
 *     smtp_client_init; connect; smtp_client_connected; then again and again
 *     write out what is in `out`; smtp_client_feed what came (or nothing, once `out` is empty);
 *     do what c->want says; where c->closing: close, whatever is still in `out`.
 * Whatever happens to the connection, time-outs included, is told by smtp_client_lost.
 *
 * A message is over when c->want is SMTP_WANT_MESSAGE again, or c->closing: c->outcome and
 * c->outcomes then say what became of it, until the next call. */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "sasl/client.h"
#include "smtp/data.h"
#include "smtp/envelope.h"
#include "smtp/outcome.h"

enum {
    SMTP_CHUNK_MAX = 32768,        /* octets of one BDAT */
    SMTP_CLIENT_OUT_MIN = 40960,   /* the least cap of `out` */
    SMTP_CLIENT_RCPT_MAX = 1000,   /* recipients of one transaction of ours */
    SMTP_CLIENT_SAID_MAX = 1 << 19 /* octets of memory for outcomes; further ones have no text */
};

/* Bits: what the server offers, by its answer to EHLO. */
enum smtp_offer {
#define OFFER(name, keyword, take, anchor) SMTP_OFFER_BIT_##name,
#include "smtp/offer.def"
#undef OFFER
};

enum {
#define OFFER(name, keyword, take, anchor) SMTP_OFFER_##name = 1 << SMTP_OFFER_BIT_##name,
#include "smtp/offer.def"
#undef OFFER
};

struct smtp_offers {
    unsigned set;        /* SMTP_OFFER_* */
    unsigned mechanisms; /* of AUTH, as 1 << enum sasl_mechanism */
    uint64_t size_max;   /* of a message; 0: not said */
};

enum smtp_tls {
    SMTP_TLS_NEVER,
    SMTP_TLS_MAY,     /* where offered. A handshake that fails ends the connection, as always */
    SMTP_TLS_MUST,    /* nothing is sent without */
    SMTP_TLS_AT_ONCE, /* before the greeting: port 465 */
};

/* Outlives the connections made with it. */
struct smtp_client_config {
    struct slice hostname; /* we, as EHLO has it: a name or an address in brackets */
    enum smtp_tls tls;
    unsigned ignored;             /* SMTP_OFFER_* not to be believed: some servers offer too much */
    struct slice login, password; /* at a smarthost; login empty: none */
    struct slice nonce;           /* for SCRAM: at least 18 random printable octets, no comma */
    bool plaintext_ok;            /* the password itself may go over a connection without TLS */
};

/* What the machine needs from its owner. */
enum smtp_want {
    SMTP_WANT_NOTHING, /* but bytes from the server */
    SMTP_WANT_TLS, /* write out, feed all that came in clear, handshake: smtp_client_tls_started,
                      or smtp_client_lost */
    SMTP_WANT_MESSAGE, /* smtp_client_send, or smtp_client_quit */
    SMTP_WANT_7BIT,    /* the same message without 8-bit octets: smtp_client_converted */
    SMTP_WANT_BODY,    /* smtp_client_body as long as it takes any, at last smtp_client_body_end */
};

/* closing, want, tls, refused_tls, offers, outcome, outcomes, stage are for the caller to read; the
 * rest is the machine's. */
struct smtp_client {
    const struct smtp_client_config *config;
    struct buf *out;
    bool closing;
    enum smtp_want want;
    bool tls;
    struct smtp_offers offers;
    enum smtp_stage stage;         /* what is awaited; MAIL between messages */
    struct smtp_outcome outcome;   /* of the message, or of the connection where there is none.
                                      UNDECIDED: each recipient has its own */
    struct smtp_outcome *outcomes; /* of the envelope's recipients in their order; NULL before the
                                      first message */

    struct smtp_reply reply;
    size_t owed;      /* replies to what is in `out` or has left */
    bool helo;        /* EHLO was refused */
    bool refused_tls; /* STARTTLS was, and mail goes in clear */
    bool logged_in;
    bool distrusts; /* the server's side of the login did not hold */
    struct sasl_client sasl;

    struct arena *arena; /* the transaction's: outcomes and their texts */
    const struct smtp_envelope *envelope;
    const struct smtp_rcpt *next; /* the recipient to name next */
    unsigned said, heard;         /* steps of the transaction, see client_envelope.c */
    size_t said_rcpt, heard_rcpt; /* recipients */
    size_t accepted;              /* recipients */
    uint64_t size;
    bool eight_bit; /* the body has 8-bit octets */
    bool utf8;      /* an address or the header has letters beyond ASCII */
    bool open;      /* a message is under way: not every outcome is final */
    bool stop;      /* no further recipient is named */
    bool over;      /* all outcomes are final; what is still owed does not count */
    bool dirty;     /* the server keeps a transaction that we have given up */

    struct smtp_data data;
    struct buf chunk;
    bool at_start;  /* DATA: of a line */
    bool body_done; /* all of it was handed in */
    bool ended;     /* the final dot, or the last chunk, is in `out` or has left */
};

/* config and out outlive c. out is the caller's to drain from its front, never to fill, and has a
 * cap of SMTP_CLIENT_OUT_MIN at least. */
void smtp_client_init(struct smtp_client *c, const struct smtp_client_config *config,
                      struct buf *out);
void smtp_client_clear(struct smtp_client *c);

/* There is a connection now. */
void smtp_client_connected(struct smtp_client *c);

/* What the server sent; all of it is consumed. Also to be called, with nothing, after `out` was
 * drained: what had no room then follows. */
void smtp_client_feed(struct smtp_client *c, struct slice in);

/* To SMTP_WANT_TLS: the handshake worked, and no byte in clear was left unfed. */
void smtp_client_tls_started(struct smtp_client *c);

/* To SMTP_WANT_MESSAGE: bring this, to 1 to SMTP_CLIENT_RCPT_MAX recipients. e->size is that of the
 * message with CR LF line ends (0: not known), e->body is SMTP_BODY_8BITMIME where it has 8-bit
 * octets, e->smtputf8 where its header has. e with all in it outlives the transaction. */
void smtp_client_send(struct smtp_client *c, const struct smtp_envelope *e);

/* To SMTP_WANT_7BIT: the body handed in will be free of 8-bit octets, and so large (0: not known);
 * or it cannot be done. */
void smtp_client_converted(struct smtp_client *c, bool done, uint64_t size);

/* To SMTP_WANT_BODY: how many octets were taken; 0: drain `out` and feed first. Line ends are
 * mended, dots stuffed: pieces may be cut anywhere. */
size_t smtp_client_body(struct smtp_client *c, struct slice piece);
void smtp_client_body_end(struct smtp_client *c);

/* To SMTP_WANT_MESSAGE: there is no more. */
void smtp_client_quit(struct smtp_client *c);

/* The connection is no more, or must not be; words say it better than the trouble's own, or are
 * empty. What is still in `out` must not be sent. */
void smtp_client_lost(struct smtp_client *c, enum smtp_trouble trouble, struct slice words);

/* How long the owner should wait for what is under way: anew whenever a byte was written or read.
 * Not for SMTP_WANT_MESSAGE, which is the owner's own affair. */
unsigned smtp_client_seconds(const struct smtp_client *c);

#endif
