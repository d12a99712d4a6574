/* What a notice is made of. Pure: everything comes from courier_notify, the catalogue, and what
 * notice.c found out. */
#ifndef COURIER_NOTICE_LETTER_H
#define COURIER_NOTICE_LETTER_H

#include "bounce/bounce.h"
#include "ipc/msg.h"
#include "ipc/verdict.h"

enum {
    NOTICE_LETTER_MAX = 8 << 20,             /* octets; what bounce.h allows is less */
    NOTICE_HEAD_MAX = BOUNCE_HEADER_MAX + 4, /* octets read of a message whose header comes back:
                                              * enough to see that it is longer than may */
};

/* Who reads it, as the accounts role knows him. */
struct notice_reader {
    struct slice address;  /* canonical, or "postmaster" alone */
    struct slice domain;   /* his own, where it is one of ours */
    struct slice language; /* empty: not known */
    struct slice targets;  /* queue_target items */
};

struct notice_facts {
    const struct courier_notify *ask;
    struct notice_reader reader;
    struct slice host;     /* this server's name */
    struct slice original; /* as much of the message as notice_original_size says */
    uint64_t id;           /* of the notice */
    int64_t now;
    int offset; /* minutes that local time is ahead of UTC */
};

/* notice_letter.c */

/* False: no notice can be written of it, and none may: it is malformed, or its sender is null. */
bool notice_is_sound(const struct courier_notify *ask);
size_t notice_original_size(const struct courier_notify *ask);

/* Append the message. False: the cap of out is reached. */
bool notice_letter_put(struct buf *out, const struct catalogue *c, const struct notice_facts *f);

/* notice_reader.c */

/* Append the address that the accounts role is asked for. False: none. */
bool notice_address_put(struct buf *out, const struct courier_notify *ask);

/* Who the reader is, NOTICE_KEPT; or why he hears nothing, now or ever. A reader elsewhere has one
 * target, which is put into room. */
enum notice_result notice_reader_find(struct notice_reader *reader, struct slice address,
                                      const struct accounts_rcpt_answer *answer, struct buf *room);

/* Append the queue_envelope with which the letter is submitted. */
bool notice_envelope_put(struct buf *out, const struct notice_facts *f, struct slice letter);

/* notice_language.c */

/* The languages he is written in: his own where it is known, else what the message's header says
 * its sender reads (rfc3282#2-a rfc3282#3-a), else the catalogue's first ones. */
void notice_languages_choose(const struct catalogue *c, struct slice known, struct slice header,
                             struct slice languages[BOUNCE_LANGUAGES]);

#endif
