/* What the files of this room share. */
#ifndef SASL_PRIVATE_H
#define SASL_PRIVATE_H

#include "sasl/sasl.h"

/* Whose turn it is: values of sasl_server.turn. */
enum {
    TURN_START,
    TURN_FIRST,          /* the client's first message is due */
    TURN_SECOND,         /* LOGIN: the password; SCRAM: client-final-message */
    TURN_LAST,           /* SCRAM: the empty answer to the server's signature */
    TURN_ASKED_PASSWORD, /* the owner's answers */
    TURN_ASKED_USER,
    TURN_ASKED_PROOF,
    TURN_OVER,
    TURN_FAILED, /* client: the server is not to be believed */
};

/* 1 to max bytes of UTF-8 without NUL. */
bool sasl_text_is_valid(struct slice text, size_t max);

/* The same for a user name, which has no control characters either. */
bool sasl_name_is_valid(struct slice name);

/* Replace the content. False: it is longer than the cap. */
bool sasl_secret_set(struct secret *s, struct slice bytes);

/* Parts of SCRAM's messages, for both sides. Cut "name=value" off; the value is not empty, and
 * after a comma there is more. */
bool sasl_scram_take(struct slice *rest, uint8_t name, struct slice *value);

/* Extensions are letters with values; those we do not know, which is all, are ignored
 * (rfc5802#5.1-f). */
bool sasl_scram_skip_extensions(struct slice rest);

/* printable: %x21-2B / %x2D-7E */
bool sasl_scram_is_nonce(struct slice text);

enum sasl_step sasl_scram_first(struct sasl_server *s, struct slice message);
enum sasl_step sasl_scram_final(struct sasl_server *s, struct slice message);

#endif
