/* valija, the user's command: what its verbs share. A verb is a row of verb.def and a function
 * verb_NAME that returns an exit status (sysexits(3)). */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <sysexits.h>

#include "base/slice.h"
#include "service.h"
#include "text.h"

enum option {
#define OPTION(name, letter, value, verbs) OPTION_##name,
#include "option.def"
#undef OPTION
    OPTION_COUNT
};

struct ctl {
    const char *options[OPTION_COUNT]; /* NULL: not given; "" where it has no value */
    char **args;                       /* what follows the verb */
    size_t count;                      /* of args */
    const struct conf *conf;           /* after ctl_configure */
    char *demo_path;                   /* of a running demo's configuration, where that is used */
    struct service service;            /* after ctl_connect */
};

enum verb_needs { VERB_NEEDS_NOTHING, VERB_NEEDS_SERVICE, VERB_NEEDS_CATALOGUE };

struct verb {
    const char *name, *action;
    const char *usage; /* what follows them */
    size_t least, most;
    enum verb_needs needs;
    int (*run)(struct ctl *c);
    enum text help;
};

#define VERB(name, action, usage, least, most, needs, function) int verb_##function(struct ctl *c);
#include "verb.def"
#undef VERB

static inline bool
ctl_has(const struct ctl *c, enum option o)
{
    return c->options[o] != NULL;
}

/* The path of the configuration that applies: -c, else $VALIJA_CONF, else /etc/valija/valija.conf,
 * else that of a demo which runs in its usual folder. NULL: none of them, every default. */
const char *ctl_find_conf(struct ctl *c);

/* Read that configuration. Not 0: the mistakes are said. */
int ctl_configure(struct ctl *c);

/* Configure, and find the service. Where it is not running the roles that are asked are started for
 * this command alone. */
int ctl_connect(struct ctl *c);

/* Run `one` for each word; the status is that of the first that failed. */
int ctl_each_word(struct ctl *c, int (*one)(struct ctl *c, const char *word));

/* Closes what the two opened. */
void ctl_clear(struct ctl *c);

/* Takes the words of a command line, runs their verb and returns the exit status. */
int cli_run(int argc, char **argv);

/* The other names of this program. */
int sendmail_run(int argc, char **argv);
int mailq_run(int argc, char **argv);
int newaliases_run(int argc, char **argv);

#endif
