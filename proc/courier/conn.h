/* A connection to a server of a site: it tries hop after hop, then brings one message after the
 * other. conn.c moves bytes, dial.c finds a server that answers, deliver.c brings the messages. */
#ifndef COURIER_CONN_H
#define COURIER_CONN_H

#include "failure.h"
#include "policy.h"
#include "site.h"
#include "tls/tls.h"

enum {
    CONN_SEVEN_MAX = 64 << 20,   /* bytes of a message that is converted, and of what it becomes */
    CONN_READ_BYTES = 32 * 1024, /* one read from a socket */
    CONN_OUT_MAX = 64 * 1024,    /* commands and mail that the server has not taken yet */
    CONN_TURNS = 32,             /* reads and writes before others have their turn */
    CONN_PATIENCE_MS = 300 * 1000, /* after that no further hop is tried */
    CONN_NONCE = 24,
    CONN_TLS_WORDS = 32,
};

struct conn {
    struct list link;    /* of courier.conns */
    struct list of_site; /* of site.conns */
    struct list idle;    /* of courier.idle; else alone */
    struct courier *courier;
    struct site *site;
    struct hops *hops;
    struct hop *hop; /* that it is, or tries to be, connected to */
    bool tried[ROUTE_HOPS_MAX];
    struct list failures; /* struct failure: of hops tried before */
    struct policy policy;
    bool in_clear; /* TLS did not come about at this hop */

    int fd;
    struct watch *watch;
    struct tls_conn *tls; /* NULL: in clear, so far */
    enum tls_failure tls_failure;
    bool tls_wants_write;
    char tls_words[CONN_TLS_WORDS]; /* "TLSv1.3 dane", or "" */
    struct smtp_client_config config;
    struct smtp_client client;
    char nonce[CONN_NONCE];
    struct buf out;
    bool connecting, was_ready, pumping, dead;
    bool leaving; /* it gets no further message */
    bool drained; /* its socket is empty until the loop says otherwise */

    struct job *job; /* that is under way */
    uint64_t body_at;
    struct buf seven;  /* its message in 7 bits, where the server takes no more; else empty */
    unsigned messages; /* it has brought, or tried to */
    uint64_t begun_ms, moved_ms, job_ms; /* it, the last byte, the job */
};

/* conn.c */
void conn_on_ready(void *ctx, unsigned ready); /* a loop_fd_fn */
void conn_pump(struct conn *c);                /* do all that can be done now; safe from anywhere */
void conn_lost(struct conn *c, enum smtp_trouble trouble, const char *words);
void conn_close(struct conn *c);   /* at once, without a word; frees it */
void conn_hang_up(struct conn *c); /* the socket and the machine alone */
void conn_leave(struct conn *c);   /* its site has one less */
void conn_quit(struct conn *c);    /* politely; leaves */
void conn_sweep(struct conn *c, uint64_t now);

/* dial.c */
void conn_new(struct site *s);
void dial_next(struct conn *c);      /* the next hop, or give up and close */
bool dial_connected(struct conn *c); /* the socket is writable; false: it is not connected */
void dial_failed(struct conn *c);    /* c->client has ended and was never ready */

/* secure.c */
void secure_choose_policy(struct conn *c, bool tlsa_unusable);
bool secure_step(struct conn *c); /* to SMTP_WANT_TLS, all in clear being out; false: it goes on */
bool secure_has_failed(const struct conn *c);    /* it ended in a handshake */
const char *secure_reason(const struct conn *c); /* why, in the catalogue; NULL: not by TLS */

/* deliver.c */
void deliver_ready(struct conn *c); /* to SMTP_WANT_MESSAGE */
void deliver_take(struct conn *c, struct job *j);
void deliver_transaction(struct conn *c);   /* with the recipients of its job that are open */
struct job *deliver_let_go(struct conn *c); /* the job is no more on it */
void deliver_convert(struct conn *c);       /* to SMTP_WANT_7BIT */
bool deliver_body(struct conn *c);          /* to SMTP_WANT_BODY; false: nothing was taken */

/* settle.c */
void settle_message(struct conn *c); /* its message is over, and it is not */
void settle_broken(struct conn *c);  /* it is over, whatever was under way: closes it */

#endif
