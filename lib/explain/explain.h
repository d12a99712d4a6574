/* What a failure means: a code, a reply, a log line, a mail program's error, a whole bounce or
 * abuse report, explained with reasons of the catalogue. Pure: it reads nothing but its input and
 * the catalogue, and is bounded in time and memory whatever the input. docs/explain.md says how a
 * text is recognised. */
#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H

#include "base/arena.h"
#include "reason/catalogue.h"

enum {
    EXPLAIN_INPUT_MAX = 10 << 20,    /* bytes looked at; what follows is left out */
    EXPLAIN_RECIPIENTS_MAX = 100000, /* recipients of one answer */
    EXPLAIN_MEMORY_MAX = 128 << 20,  /* a cap for the arena: enough for the largest input */
};

enum explain_kind {
#define KIND(name) EXPLAIN_##name,
#include "explain/kind.def"
#undef KIND
    EXPLAIN_KINDS
};

enum explain_phase {
#define PHASE(name, word) EXPLAIN_PHASE_##name,
#include "explain/phase.def"
#undef PHASE
    EXPLAIN_PHASES
};

/* The words of kind.def and phase.def; phase none is "". */
extern const char *const explain_kind_words[EXPLAIN_KINDS];
extern const char *const explain_phase_words[EXPLAIN_PHASES];

/* The codes of a failure, as found. */
struct explain_codes {
    uint16_t basic;       /* 550; 0: none */
    uint16_t enhanced[3]; /* 5.1.1; [0] is 0: none */
};

/* Which of its two sides a verdict rests on, the surest last. */
enum explain_basis {
    EXPLAIN_BY_NOTHING,
    EXPLAIN_BY_BASIC_CODE,    /* what a code such as 550 says alone: no reason */
    EXPLAIN_BY_ENHANCED_CODE, /* a `code:` row */
    EXPLAIN_BY_TEXT,          /* a pattern */
    EXPLAIN_BY_FORM,          /* what the message is: an abuse report, a delivery notice */
    EXPLAIN_BY_NAME,          /* valija's own "[id reference]" */
};

/* One recipient. Slices point into the input, into the arena or into the catalogue; empty: not
 * known. */
struct explained {
    struct slice recipient;
    const struct catalogue_reason *reason; /* never NULL: "unknown-failure" at least */
    bool permanent;        /* this attempt is over: 5yz, or the final word of a bounce */
    bool hard;             /* bounce processors' word: the address itself is bad */
    bool contradicts;      /* the codes mean another reason than the text; the text won */
    struct slice reply;    /* the other side's words, one line */
    struct slice evidence; /* the words that decided */
    struct explain_codes codes;
    struct slice status; /* "5.1.1": the enhanced code that applies */
    enum explain_basis basis;
    double confidence;                         /* 0 to 1 */
    struct slice remote;                       /* the host that said it, a name or an address */
    const struct catalogue_provider *provider; /* whose host that is, or NULL */
    const struct catalogue_reason *meant;      /* where contradicts: what the codes mean */
    enum explain_phase phase;
    struct slice reference; /* valija's own "[id 7KQ2M9]": the session's */
};

struct explain_answer {
    enum explain_kind kind;
    struct explained *of;
    size_t count;   /* at least 1, unless the arena had no room for even one */
    bool truncated; /* the input, its recipients or the memory passed a limit */
};

/* A catalogue made ready: its patterns compiled and indexed. Read-only from then on; the catalogue
 * must outlive it. */
struct explain;

/* Each pattern with a mistake is told and left out. */
struct explain *explain_new(const struct catalogue *c, catalogue_mistake_fn *fn, void *ctx);
void explain_free(struct explain *e); /* NULL is fine */

/* Never fails: what cannot be read is EXPLAIN_unknown with one element. */
struct explain_answer explain_input(const struct explain *e, struct slice input, struct arena *a);

/* Digit names (requirement E1): the name under which [code ...] and [status ...] sections of the
 * catalogue explain each digit of a code: "5yz", "x5z", "550"; "5.y.z", "x.1.z", "x.1.1". False:
 * there is no such digit. name is the caller's room. */
enum { EXPLAIN_NAME_SIZE = 16 };
bool explain_basic_name(uint16_t basic, unsigned digit, char name[EXPLAIN_NAME_SIZE]);
bool explain_enhanced_name(const uint16_t enhanced[3], unsigned digit,
                           char name[EXPLAIN_NAME_SIZE]);

#endif
