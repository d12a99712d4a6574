/* What the files of this room share: the prepared catalogue, and findings: what an input says about
 * one recipient before it is known what that means. */
#ifndef EXPLAIN_EXPLAIN_PRIVATE_H
#define EXPLAIN_EXPLAIN_PRIVATE_H

#include "base/buf.h"
#include "base/map.h"
#include "explain/codes.h"
#include "explain/explain.h"
#include "explain/index.h"
#include "explain/text.h"

enum {
    REPLY_MAX = 2000,        /* bytes of a reply that are shown and searched first */
    NOTICE_TEXT_MAX = 65536, /* bytes of a notice's own words that are searched for a reason */
};

enum known {
#define KNOWN(name, id) KNOWN_##name,
#include "explain/known.def"
#undef KNOWN
    KNOWN_COUNT
};

enum action {
#define ACTION(name) ACTION_##name,
#include "explain/action.def"
#undef ACTION
    ACTION_COUNT
};

extern const char *const action_words[ACTION_COUNT];

/* The reason an enhanced code means: class 0 is both 4 and 5. */
struct code_row {
    uint16_t class, subject, detail;
    const struct catalogue_reason *reason;
};

/* "*.google.com" without its star, or a whole name. */
struct host_row {
    struct slice name;
    bool is_end;
    const struct catalogue_provider *provider;
};

struct explain {
    const struct catalogue *catalogue;
    struct index index;
    const struct catalogue_reason *known[KNOWN_COUNT];
    struct code_row *codes;
    size_t code_count;
    struct host_row *hosts;
    size_t host_count;
};

/* What an input says about one recipient. Slices that are not known are empty. */
struct finding {
    struct finding *next;
    struct slice recipient;
    struct slice reply;  /* the other side's words, where a field of their own holds them */
    struct slice text;   /* what was written about this recipient */
    struct slice wider;  /* what was written about all of them */
    struct slice status; /* of a Status field */
    struct slice remote;
    struct slice reporter; /* the host that wrote the notice */
    struct slice reference;
    enum action action;
    enum explain_phase phase;
    const struct catalogue_reason *form;  /* what the input's form alone means, or NULL */
    const struct catalogue_reason *named; /* what a notice of valija's own calls it, or NULL */
};

/* Findings in the order in which they were found. */
struct findings {
    struct arena *arena;
    struct finding *first, **end;
    size_t count;
    struct map by_address; /* hash of the address in lower case to its finding */
    bool truncated;
};

void findings_init(struct findings *f, struct arena *a);
void findings_clear(struct findings *f); /* the map's memory; the findings are the arena's */

/* The finding of that recipient, new where there is none; an empty recipient is always new. NULL,
 * with `truncated` set, where a limit is reached. */
struct finding *findings_get(struct findings *f, struct slice recipient);

/* The same, but NULL where there is none. */
struct finding *findings_find(const struct findings *f, struct slice recipient);

/* Everything that is done with one input. */
struct session {
    const struct explain *explain;
    struct arena *arena;
    struct reader reader;
    struct findings findings;
    bool is_notice;     /* the input is a bounce: what failed is over */
    struct slice owner; /* of a notice: whom it was sent to, who is no recipient of what failed */
};

/* provider.c */
void provider_prepare(struct explain *e);
void provider_release(struct explain *e);
const struct catalogue_provider *provider_of_host(const struct explain *e, struct slice host);

/* said.c: the remote server's own words within what another program wrote about it. */
struct slice said_reply(struct slice text);
struct slice said_remote(struct slice text);

/* reply.c: one line of several reply lines, without the codes they repeat. */
struct slice reply_join(struct slice text, struct arena *a);

/* decide.c: the verdict on one finding. */
void decide(struct session *s, const struct finding *f, struct explained *out);

/* Readers of the kinds of input: each says whether the input is of its kind, having put what it
 * found into s->findings. */
bool log_read(struct session *s, struct slice input);
bool client_read(struct session *s, struct slice input);
bool notice_is(struct slice text); /* words that only a notice of non-delivery has */
bool notice_read(struct session *s, struct slice text);   /* a bounce's words without headers */
bool delivery_read(struct session *s, struct slice text); /* fields of RFC 3464 */
bool message_read(struct session *s, struct slice input, enum explain_kind *kind);

/* notice.c: the words of what is known to be a bounce, and the message that came back where a part
 * of its own has it. Where not may_add, they only add to the recipients there are. */
void notice_add(struct session *s, struct slice text, struct slice original, bool may_add);

/* arf.c: fields of RFC 5965, and the message they are about. */
void arf_read(struct session *s, struct slice report, struct slice original);

/* The address that a message was sent to, by its header; empty where it does not say. */
struct slice arf_recipient(struct slice message);

#endif
