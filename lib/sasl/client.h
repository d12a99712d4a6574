/* The client side of SASL as a pure machine: PLAIN, LOGIN and SCRAM-SHA-256, for logging in at a
 * smarthost. Base 64, and the protocol around it, belong to the caller. */
#ifndef SASL_CLIENT_H
#define SASL_CLIENT_H

#include "sasl/sasl.h"

/* What a server may ask us to compute: rfc7677#3-b has no upper end, and an evil one could keep us
 * busy for hours. A million take about half a second. */
enum { SASL_ITERATIONS_LEAST = 4096, SASL_ITERATIONS_MOST = 1000000 };

struct sasl_client {
    enum sasl_mechanism mechanism;
    struct slice user, password, nonce;
    unsigned turn;
    struct secret response;   /* what to send, raw */
    struct secret first_bare; /* SCRAM, between turns */
    uint8_t signature[SASL_SCRAM_KEY];
};

/* user and password: at most SASL_NAME_MAX and SASL_PASSWORD_MAX bytes; nonce: at least 18 random
 * printable bytes without comma, for SCRAM. All are the owner's and outlive the exchange. m is any
 * mechanism but SASL_SCRAM_SHA_256_PLUS. */
void sasl_client_init(struct sasl_client *c, enum sasl_mechanism m, struct slice user,
                      struct slice password, struct slice nonce);
void sasl_client_clear(struct sasl_client *c); /* wipes */

/* The initial response, in c->response. False: the mechanism has none, and waits for a challenge.
 */
bool sasl_client_start(struct sasl_client *c);

/* The answer to a challenge, in c->response. False: the challenge does not follow the mechanism, or
 * is not to be believed; the exchange is to be cancelled. */
bool sasl_client_respond(struct sasl_client *c, struct slice challenge);

/* The server says that we are in: has all been said, and has it proved that it knows us? */
bool sasl_client_is_done(const struct sasl_client *c);

#endif
