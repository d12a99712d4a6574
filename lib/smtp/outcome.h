/* What became of a recipient, a message or a connection on its way out, as data. */
#ifndef SMTP_OUTCOME_H
#define SMTP_OUTCOME_H

#include "base/arena.h"
#include "smtp/reply.h"

enum { SMTP_SAID_MAX = 1024 }; /* octets of a server's words that an outcome keeps */

enum smtp_verdict {
    SMTP_VERDICT_UNDECIDED, /* nothing stands against it: another transaction may bring it */
    SMTP_VERDICT_DELIVERED, /* the server has taken responsibility */
    SMTP_VERDICT_TEMPORARY,
    SMTP_VERDICT_PERMANENT,
    SMTP_VERDICT_UNKNOWN, /* all was sent and the answer never came: another try may be a duplicate
                           */
};

enum smtp_stage {
#define STAGE(name, word, write, answer) SMTP_STAGE_##name,
#include "smtp/stage.def"
#undef STAGE
    SMTP_STAGE_COUNT
};

struct smtp_stage_row {
    const char *word;
    unsigned write, answer; /* seconds */
};

enum smtp_trouble {
    SMTP_TROUBLE_NONE, /* the server said it itself */
#define TROUBLE(name, code, id, words) SMTP_TROUBLE_##name,
#include "smtp/trouble.def"
#undef TROUBLE
    SMTP_TROUBLE_COUNT
};

struct smtp_trouble_row {
    const char *code, *id, *words;
};

struct smtp_outcome {
    enum smtp_verdict verdict;
    enum smtp_stage stage;     /* what was answered, or was under way */
    enum smtp_trouble trouble; /* what happened instead of an answer */
    unsigned code;             /* of the reply; 0: there was none */
    char
        enhanced[SMTP_ENHANCED_MAX + 1]; /* of the reply, "" where it had none; or of the trouble */
    struct slice text;                   /* the server's words on one line; or the trouble's */
};

const struct smtp_stage_row *smtp_stage_row(enum smtp_stage s);
const struct smtp_trouble_row *smtp_trouble_row(enum smtp_trouble t); /* not NONE */
const char *smtp_verdict_word(enum smtp_verdict v);

/* The text is copied into a, as much of it as SMTP_SAID_MAX and a allow. 2yz and 3yz are UNDECIDED:
 * what they mean depends on what was asked. words may be empty. */
struct smtp_outcome smtp_outcome_of_reply(const struct smtp_reply *r, enum smtp_stage stage,
                                          struct arena *a);
struct smtp_outcome smtp_outcome_of_trouble(enum smtp_trouble t, struct slice words,
                                            enum smtp_stage stage, struct arena *a);

#endif
