/* edge: the only process strangers can talk to. It owns no secret and opens no file. Two groups run
 * it: mx for port 25, access for everything that follows a login. */
#ifndef EDGE_EDGE_H
#define EDGE_EDGE_H

#include "base/clock.h"
#include "base/list.h"
#include "reason/reason.h"
#include "role/role.h"
#include "sasl/sasl.h"
#include "smtp/envelope.h"
#include "tls/tls.h"

enum {
    EDGE_READ_BYTES = 64 * 1024, /* one read from a socket */
    EDGE_OUT_MAX = 512 * 1024,   /* replies and mail that a client has not taken yet */
    EDGE_OUT_HIGH = 256 * 1024,  /* so much, and nothing more is produced */
    EDGE_OUT_KEEP = 16 * 1024,   /* an emptied buffer larger than this is given back */
    EDGE_SWEEP_MS = 1000,        /* how often time-outs are looked for */
    EDGE_LINGER_MS = 2000,       /* after our last word, for the client to read it */
    EDGE_SIGN_MS = 5000,         /* the keys role has so long for a signature */
    EDGE_ROUTED_MAX = 1 << 20,   /* names of domains with a route, in all */
    EDGE_ADDRESS_MAX = 64,
    EDGE_NONCE = 24,
};

struct conn;

/* answer is NULL where the role could not answer; fd, or -1, is the callee's. */
typedef void conn_answer_fn(struct conn *c, const union msg_any *answer, int fd);

/* Why a session is ended from outside; each protocol has its own word for it. */
enum edge_end {
    EDGE_MANY_SESSIONS,
    EDGE_MANY_FROM_ADDRESS,
    EDGE_IDLE,
    EDGE_SLOW, /* the transaction took too long */
    EDGE_STOPPING,
    EDGE_SPOKE_FIRST, /* before the greeting */
    EDGE_END_COUNT
};

/* What the accounts role said of a login: see login.c. */
struct login_answer {
    enum accounts_verdict verdict;
    uint64_t account;
    struct slice address; /* canonical */
    uint32_t delay;       /* seconds between two POP3 logins */
    struct slice salt;
    uint32_t iterations;
    struct slice signature;
};
typedef void login_fn(struct conn *c, const struct login_answer *answer);

/* A protocol as conn.c sees it: bytes to a machine, and what the machine waits for. */
struct session_ops {
    const char *alpn;
    enum limit idle; /* seconds a client may be silent */
    bool implicit_tls;

    void (*begin)(struct conn *c); /* make c->session; the greeting follows */
    void (*greet)(struct conn *c);
    size_t (*feed)(struct conn *c, struct slice in); /* how many bytes were consumed */
    bool (*is_waiting)(const struct conn *c);        /* for an answer: read nothing further */
    bool (*is_closing)(const struct conn *c);
    bool (*is_busy)(const struct conn *c); /* in a transaction, which a stop lets finish */
    bool (*produce)(struct conn *c);       /* more output while there is room; true: some came */
    void (*tls_started)(struct conn *c);
    void (*end)(struct conn *c, enum edge_end why);
    void (*clear)(struct conn *c); /* free c->session */
};

struct conn {
    struct list link;
    struct list push; /* in the edge's `pushing` while it has replies of this turn; else alone */
    struct edge *edge;
    enum role_protocol protocol;
    const struct session_ops *ops;
    void *session;
    int fd;
    struct watch *watch;
    char address[EDGE_ADDRESS_MAX]; /* of the client, as text; "local" */
    uint32_t uid;                   /* SYSTEM: who it is */
    bool loopback;
    uint64_t number;                      /* unique */
    char id[ID_TEXT_LEN + 1];             /* the same in log lines */
    char reference[ID_REFERENCE_LEN + 1]; /* of the same, in replies */

    struct tls_conn *tls;
    bool handshaking, tls_wants_write;
    uint8_t exporter[TLS_BINDING_MAX], end_point[TLS_BINDING_MAX];
    size_t exporter_len, end_point_len;
    char nonce[EDGE_NONCE + 1];

    struct buf in, out;
    struct timer *greeting; /* limit greeting_delay_ms */
    struct chan_ask *ask;   /* the question that is open at another role */
    conn_answer_fn *on_answer;
    login_fn *on_login;
    struct buf user; /* the name of the last login that was tried */
    bool counted;    /* by the guard */
    bool pumping, lingering, dead;
    bool eof;                   /* the client said all it will say */
    bool drained;               /* its socket is empty until the loop says otherwise */
    uint64_t heard_ms, busy_ms; /* last byte; begin of the transaction, 0: none */
};

struct listener {
    struct list link;
    struct edge *edge;
    enum role_protocol protocol;
    int fd;
    bool ready; /* a connection waits */
    struct watch *watch;
};

struct edge {
    struct role *role;
    struct tls_server *tls, *tls_coming;
    struct list listeners, listeners_coming;
    struct list conns;
    struct list pushing; /* struct conn by `push`: their replies leave at the end of this turn */
    size_t conn_count;
    bool accept_due; /* at the end of this turn */
    struct timer *sweep, *stop;
    struct slice hostname;
    struct buf routed, routed_coming; /* domains that the configuration has a route for, each with
                                       * a blank behind it */
};

/* main.c: is mail for a domain (in small letters) brought by a route, whatever the DNS says? */
bool edge_is_routed(const struct edge *e, struct slice domain);

/* listen.c */
void edge_listener(struct role *r, enum role_protocol p, struct slice address, int fd);
void edge_listeners_configured(struct edge *e);
void edge_listeners_close(struct list *listeners);

/* arrival.c: takes the descriptor. */
void conn_new(struct edge *e, enum role_protocol p, int fd);

/* conn.c */
void conn_on_ready(void *ctx, unsigned ready); /* a loop_fd_fn */
void conn_pump(struct conn *c);                /* do all that can be done now; safe from anywhere */
void conn_end(struct conn *c, enum edge_end why);
void conn_close(struct conn *c);     /* at once, without a word */
void conn_start_tls(struct conn *c); /* drops what was read; tls_started follows */
struct sasl_binding conn_binding(const struct conn *c);

/* ask.c: one question at a time for each session; conn_pump follows fn. */
void conn_ask(struct conn *c, enum role_id role, unsigned index, enum msg_type type,
              const void *message, int fd, enum msg_type expected, conn_answer_fn *fn);

/* login.c: what a SASL machine asks, for every protocol the same. */
struct login_question {
    enum sasl_step step; /* SASL_ASK_... */
    struct slice user, password, auth_message, proof;
};
void login_ask(struct conn *c, const struct login_question *q, login_fn *fn);
void login_ask_apop(struct conn *c, struct slice user, struct slice stamp, struct slice digest,
                    login_fn *fn);

/* smtp.c and pop3.c: by protocol */
extern const struct session_ops smtp_ops, smtps_ops, pop3_ops, pop3s_ops;

/* trace.c: a refusal that was given, logged and told; a message that was taken, told. e has what
 * the protocol knows of it. */
void conn_tell_refusal(struct conn *c, enum reason r, struct slice argument, struct trace_event *e);
void conn_tell_received(struct conn *c, const struct smtp_envelope *envelope,
                        struct trace_event *e);

#endif
