/* What the files of this room share while a text becomes a struct conf. */
#ifndef CONF_CONF_PRIVATE_H
#define CONF_CONF_PRIVATE_H

#include <sys/un.h>

#include "conf/conf.h"

enum conf_mistake_id {
#define MISTAKE(id, weight, text) MISTAKE_##id,
#include "conf/mistake.def"
#undef MISTAKE
    MISTAKE_COUNT
};

enum conf_key_id {
#define KEY(id, word, usage, times, fallback, example, help) KEY_##id,
#include "conf/keys.def"
#undef KEY
    KEY_COUNT
};

/* A mistake before it is text. */
struct conf_fault {
    unsigned line, column;
    enum conf_mistake_id id;
    struct slice args[2];
    struct slice hint; /* what was probably meant, or empty */
};

void conf_mistakes_init(struct conf_mistakes *m, const char *file);
void conf_fault_put(struct conf_mistakes *m, const struct conf_fault *fault);

enum { CONF_WORDS_MAX = 10 }; /* more than any directive takes */

struct conf_word {
    struct slice text; /* without its quotes */
    unsigned column;
};

/* The words of one line, up to CONF_WORDS_MAX: who has as many has too many. */
struct conf_words {
    struct conf_word at[CONF_WORDS_MAX];
    size_t count;
    unsigned end; /* the column after the last one */
};

/* Cuts a line, without its line end, into words. False: *fault has the id and column of why not. */
bool conf_words_cut(struct slice line, struct conf_words *words, struct conf_fault *fault);

struct conf_parser {
    struct conf *conf;
    const struct conf_key *key; /* of the line being read */
    struct conf_mistakes *mistakes;
    const struct conf_input *input;
    unsigned line;                     /* being read */
    unsigned key_lines[KEY_COUNT];     /* where each directive was first given, or 0 */
    unsigned limit_lines[LIMIT_COUNT]; /* and each limit */
};

struct conf_key {
    const char *word, *usage; /* usage: the word, and what follows it */
    bool once;
    void (*read)(struct conf_parser *p, const struct conf_word *values); /* left out: all 0 */
};

#define KEY(id, word, usage, times, fallback, example, help)                                       \
    void conf_read_##id(struct conf_parser *p, const struct conf_word *values);
#include "conf/keys.def"
#undef KEY

enum {
    CONF_DIGITS = 24,
    CONF_SOCKET_PATH_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
};

struct slice conf_number(char room[CONF_DIGITS], uint64_t number); /* decimal */

/* Says what is wrong with a word of the line being read; unused arguments are empty. */
void conf_complain(struct conf_parser *p, const struct conf_word *word, enum conf_mistake_id id,
                   struct slice first, struct slice second);

void conf_complain_unknown(struct conf_parser *p, const struct conf_word *word,
                           enum conf_mistake_id id, const char *const *names, size_t count);

/* Memory, and a copy with a NUL at its end, in the arena of the result. */
void *conf_take(struct conf_parser *p, size_t n);
const char *conf_keep(struct conf_parser *p, struct slice s);

/* A path as the result holds it, or NULL after a complaint. */
const char *conf_path_keep(struct conf_parser *p, const struct conf_word *word);

/* Is it a host name (RFC 1123 2.1)? Full: it has a dot as well. */
bool conf_name_good(struct slice name, bool *full);

bool conf_host_good(struct slice host); /* a host name, or an address without brackets */

/* ADDRESS:PORT, or *:PORT where `every` is not NULL. False after a complaint. */
bool conf_address_read(struct conf_parser *p, const struct conf_word *word,
                       struct conf_address *address, bool *every);

/* HOST:PORT, brackets removed. False after a complaint. */
bool conf_host_port_cut(struct conf_parser *p, const struct conf_word *word, struct slice *host,
                        uint16_t *port);

/* An address of the file system. False where the path is longer than such an address may be. */
bool conf_path_address_set(struct conf_address *address, const char *path);

/* A value with its suffix, in the range of its limit; the default after a complaint. */
uint64_t conf_limit_read(struct conf_parser *p, const struct conf_word *word, enum limit limit);

/* The full name that a text such as /etc/hosts gives for a short one, or an empty slice. */
struct slice conf_hosts_find(struct slice hosts, struct slice name);

#endif
