/* The catalogue of reasons: what every failure means, who must act and what to do, in every
 * language. docs/explain.md describes its files. Whoever has a catalogue filled it with
 * catalogue_add and only reads it from then on. */
#ifndef REASON_CATALOGUE_H
#define REASON_CATALOGUE_H

#include "base/slice.h"

enum {
    CATALOGUE_FILE_MAX = 4 << 20,    /* bytes of a file */
    CATALOGUE_LINE_MAX = 2000,       /* bytes of a line */
    CATALOGUE_VALUE_MAX = 8000,      /* bytes of a value, all its lines together */
    CATALOGUE_NAME_MAX = 48,         /* bytes of an id, a provider, a reply's name */
    CATALOGUE_LANGUAGE_MAX = 8,      /* bytes of a language's tag */
    CATALOGUE_REPLY_MAX = 200,       /* bytes of a reply's text: id and reference fit behind it */
    CATALOGUE_REASONS_MAX = 4000,    /* reasons; and as many providers */
    CATALOGUE_MISTAKES_MAX = 100,    /* mistakes told of one file; then reading it ends */
    CATALOGUE_MEMORY_MAX = 64 << 20, /* bytes of all that a catalogue holds */
};

enum catalogue_text {
#define TEXT(key, words, jargon) CATALOGUE_##key,
#include "reason/text.def"
#undef TEXT
    CATALOGUE_TEXTS
};

enum catalogue_class {
#define CLASS(name) CATALOGUE_CLASS_##name,
#include "reason/class.def"
#undef CLASS
    CATALOGUE_CLASSES
};

enum catalogue_who {
#define WHO(name, word) CATALOGUE_WHO_##name,
#include "reason/who.def"
#undef WHO
    CATALOGUE_WHOS
};

enum catalogue_retry {
#define RETRY(name) CATALOGUE_RETRY_##name,
#include "reason/retry.def"
#undef RETRY
    CATALOGUE_RETRIES
};

/* The words of the files: "userunknown", "sender-admin", "slowly". */
extern const char *const catalogue_class_words[CATALOGUE_CLASSES];
extern const char *const catalogue_who_words[CATALOGUE_WHOS];
extern const char *const catalogue_retry_words[CATALOGUE_RETRIES];

/* In what follows file and line say where it was written, the line counted from 1 and 0 where it
 * was not; lists are in the order of the files. */

struct catalogue_says {
    struct slice pattern, narrowed; /* as written; narrowed: what stands in says(...), or empty */
    struct slice file;
    uint32_t line;
    struct catalogue_says *next;
};

/* An example, a host pattern of a provider ("*.google.com"), a provider's says. */
struct catalogue_line {
    struct slice text;
    struct slice file;
    uint32_t line;
    struct catalogue_line *next;
};

struct catalogue_code {
    struct slice code; /* "5.1.1", or "x.2.2" for both 4 and 5 */
    struct slice file;
    uint32_t line;
    struct catalogue_code *next;
};

struct catalogue_reply {
    struct slice name;   /* "SMTP_MAILBOX_FULL" */
    struct slice code;   /* "550", "+OK", "-ERR" */
    struct slice detail; /* "4.2.2", "[IN-USE]", or empty */
    struct slice text;   /* "{}" stands for the argument */
    struct slice file;
    uint32_t line;
    struct catalogue_reply *next;
};

/* A fact that is given once. */
struct catalogue_place {
    struct slice file;
    uint32_t line;
};

struct catalogue_reason {
    struct slice id;
    enum catalogue_class class;
    enum catalogue_who who;
    enum catalogue_retry retry;
    struct catalogue_place class_at, who_at, retry_at;
    struct catalogue_says *says;
    struct catalogue_code *codes;
    struct catalogue_line *examples;
    struct catalogue_reply *replies;
    struct slice file; /* of its first section */
    uint32_t line;
    uint32_t number; /* from 0, in order of first appearance */
};

struct catalogue_provider {
    struct slice id, name; /* "google", "Google" */
    struct catalogue_line *hosts;
    struct catalogue_line *says;
    struct slice file;
    uint32_t line;
    uint32_t number;
};

struct catalogue_mistake {
    struct slice file;
    uint32_t line; /* 0: the file, or the catalogue, as a whole */
    struct slice what;
};

/* Told of each mistake; what it is given lives only for the call. */
typedef void catalogue_mistake_fn(void *ctx, const struct catalogue_mistake *mistake);

struct catalogue;

struct catalogue *catalogue_new(void);
void catalogue_free(struct catalogue *c); /* NULL is fine */

/* Add a file's text, which is copied. What has a mistake is told, left out, and reading goes on.
 * False where there was one. */
bool catalogue_add(struct catalogue *c, struct slice file, struct slice text,
                   catalogue_mistake_fn *fn, void *ctx);

/* Add every *.txt of a folder, in the order of their names. A file that cannot be read is a
 * mistake, and so is a folder. */
bool catalogue_add_folder(struct catalogue *c, const char *folder, catalogue_mistake_fn *fn,
                          void *ctx);

/* What is wrong with the whole: reasons without class or text in one of the languages ("en es"),
 * texts too long or with jargon, two that claim the same code or the same reply, and codes that
 * the registry of enhanced status codes (catalogue/enhanced-codes.tsv; empty: not looked at) does
 * not know. False where there was something. */
bool catalogue_check(const struct catalogue *c, struct slice languages, struct slice registry,
                     catalogue_mistake_fn *fn, void *ctx);

/* The one that is compiled in, to be freed by the caller: more can be added to it. */
struct catalogue *catalogue_built_in(void);

size_t catalogue_reasons(const struct catalogue *c);
const struct catalogue_reason *catalogue_reason_at(const struct catalogue *c, size_t i);
const struct catalogue_reason *catalogue_find(const struct catalogue *c,
                                              struct slice id); /* NULL */

size_t catalogue_providers(const struct catalogue *c);
const struct catalogue_provider *catalogue_provider_at(const struct catalogue *c, size_t i);
const struct catalogue_provider *catalogue_provider_find(const struct catalogue *c,
                                                         struct slice id); /* NULL */

/* The text in that language, else in English; empty where there is none. The items of a list are
 * lines that begin with "- ". */
struct slice catalogue_text(const struct catalogue *c, const struct catalogue_reason *r,
                            enum catalogue_text which, struct slice language);

/* What a code alone says; kind is "code" or "status", name as in [code 5yz en], [status x.1.z en].
 * Empty: nothing is known. */
struct slice catalogue_code_means(const struct catalogue *c, struct slice kind, struct slice name,
                                  struct slice language);

/* The languages that the answers speak: those of the [words] sections, in the order in which the
 * files have them; as many as there is room for. Returns how many. */
size_t catalogue_languages(const struct catalogue *c, struct slice *languages, size_t room);

/* A word of the answers themselves: section [words en], key "who.recipient", "label.what". */
struct slice catalogue_word(const struct catalogue *c, struct slice key, struct slice language);

#endif
