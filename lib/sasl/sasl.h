/* The server side of SASL (RFC 4422) as a pure machine: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 and
 * SCRAM-SHA-256-PLUS (RFC 5802, 7677). It never sees a stored secret: what needs one is a question
 * that the owner takes to the accounts role and resumes the machine with the answer. Base 64 and
 * the protocol around it (334, "+ ") belong to the caller. */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include "base/buf.h"

enum {
    SASL_TEXT_MAX = 1024,    /* bytes of one decoded message from the client */
    SASL_NAME_MAX = 320,     /* bytes of a user name */
    SASL_PASSWORD_MAX = 255, /* rfc4616#2-d asks for that much */
};

enum sasl_mechanism {
    SASL_PLAIN,
    SASL_LOGIN,
    SASL_SCRAM_SHA_256,
    SASL_SCRAM_SHA_256_PLUS,
    SASL_MECHANISM_COUNT
};

/* What the machine wants next. */
enum sasl_step {
    SASL_CHALLENGE,       /* send s->challenge, then hand the answer to sasl_server_respond */
    SASL_ASK_PASSWORD,    /* is s->password right for s->user? answer: sasl_server_verified */
    SASL_ASK_SCRAM_USER,  /* salt and iterations of s->user? answer: sasl_server_scram_salted */
    SASL_ASK_SCRAM_PROOF, /* does s->proof over s->auth_message hold? answer:
                             sasl_server_scram_proved */
    SASL_DONE,            /* s->user is logged in */
    SASL_FAILED,          /* wrong password or proof */
    SASL_MALFORMED,       /* the client's message does not follow the mechanism */
    SASL_CANCELLED,       /* never from the machine: callers use it for "*" */
};

/* The channel bindings the TLS layer can offer for -PLUS; empty slices: not available. */
struct sasl_binding {
    struct slice tls_exporter;         /* RFC 9266, TLS 1.3 */
    struct slice tls_server_end_point; /* RFC 5929 */
};

struct sasl_server {
    enum sasl_mechanism mechanism;
    struct sasl_binding binding; /* its bytes live as long as the exchange */
    unsigned turn;
    struct secret user, password;    /* user as the client wrote it */
    struct secret challenge;         /* raw, not base 64 */
    struct secret auth_message;      /* SCRAM: what the proof is over */
    struct secret proof;             /* SCRAM: 32 bytes */
    struct secret nonce, first_bare; /* SCRAM, between turns */
    struct secret bound;             /* SCRAM: what "c=" must hold, gs2 header and binding */
    bool offered_binding;            /* SCRAM: the client's gs2 flag was "y" */
};

/* The mechanism a client named (any case), or -1. */
int sasl_mechanism_find(struct slice name);
const char *sasl_mechanism_name(enum sasl_mechanism m);
/* PLAIN and LOGIN hand over the password itself. */
bool sasl_mechanism_is_plaintext(enum sasl_mechanism m);

void sasl_server_init(struct sasl_server *s, enum sasl_mechanism m, struct sasl_binding binding);
void sasl_server_clear(struct sasl_server *s); /* wipes */

/* Begin. initial is NULL where the client sent no initial response (which differs from an empty
 * one); nonce: at least 18 random bytes as printable text without comma, used by SCRAM only. */
enum sasl_step sasl_server_start(struct sasl_server *s, const struct slice *initial,
                                 struct slice nonce);
enum sasl_step sasl_server_respond(struct sasl_server *s, struct slice message);

/* Answers to the questions. salt is raw bytes. signature: the 32 bytes of the ServerSignature. */
enum sasl_step sasl_server_verified(struct sasl_server *s, bool right);
enum sasl_step sasl_server_scram_salted(struct sasl_server *s, struct slice salt,
                                        uint32_t iterations);
enum sasl_step sasl_server_scram_proved(struct sasl_server *s, bool right, struct slice signature);

/* For the holder of the secrets (accounts role): SCRAM-SHA-256 keys of RFC 5802 section 3. The
 * password is used as UTF-8 after SASLprep as far as the callers prepared it. */
enum { SASL_SCRAM_KEY = 32 };
struct sasl_scram_keys {
    uint8_t stored[SASL_SCRAM_KEY], server[SASL_SCRAM_KEY];
};
bool sasl_scram_derive(struct slice password, struct slice salt, uint32_t iterations,
                       struct sasl_scram_keys *keys);
/* For a client: the proof to send, and the signature that the server will have to send. Takes as
 * long as the iterations ask for. */
bool sasl_scram_prove(struct slice password, struct slice salt, uint32_t iterations,
                      struct slice auth_message, uint8_t proof[SASL_SCRAM_KEY],
                      uint8_t signature[SASL_SCRAM_KEY]);

/* True, with the ServerSignature, where the proof holds. Constant time. */
bool sasl_scram_verify(const struct sasl_scram_keys *keys, struct slice auth_message,
                       struct slice proof, uint8_t signature[SASL_SCRAM_KEY]);

#endif
