/* A door to each role, whether the service runs or not: while it does, its parent hands out
 * channels to the roles; while it does not, a role that is asked is started for this command alone.
 * Everything above speaks the same messages either way. */
#ifndef CTL_SERVICE_H
#define CTL_SERVICE_H

#include "conf/conf.h"
#include "ipc/verdict.h"
#include "role/spawn.h"

enum {
    SERVICE_ANSWER_MS = 60 * 1000, /* how long a role may take to answer */
    SERVICE_DOORS_MAX = ROLE_COUNT + ROLE_INSTANCES_MAX,
};

struct service_door {
    enum role_id role;
    unsigned index;
    int fd;
    pid_t pid;         /* of a role started here, or 0 */
    struct loop *loop; /* that its control channel, which is never read, hangs on */
    struct chan *control;
};

struct service {
    const struct conf *conf;
    bool running;
    int parent; /* its control socket, or -1 */
    int lock;   /* of the state folder, while roles started here work on it, or -1 */
    struct service_door doors[SERVICE_DOORS_MAX];
    size_t door_count;
    struct buf room; /* where the last answer lies */
};

/* What service_ask is about. fd: where a descriptor that comes with the answer goes; NULL: it is
 * closed. */
struct service_question {
    enum role_id role;
    unsigned index;
    enum msg_type type;
    const void *message;
    enum msg_type expected;
    int *fd;
};

/* Find the service. 0, also where it is not running; else an exit status, and the reason is said.
 */
int service_open(struct service *s, const struct conf *conf);
void service_close(struct service *s); /* also ends the roles started here, and waits for them */

/* Ask a role and wait. The answer's slices are good until the next question. */
int service_ask(struct service *s, const struct service_question *q, union msg_any *answer);

/* Ask the parent itself. Not running is a failure here. */
int service_ask_parent(struct service *s, enum msg_type type, const void *message,
                       enum msg_type expected, union msg_any *answer);

/* How many of a role there are. */
int service_count(struct service *s, enum role_id role, unsigned *count);

/* A descriptor of a channel to a role, for callers with a loop of their own. */
int service_take_door(struct service *s, enum role_id role, unsigned index, int *fd);

/* Does a service with this configuration run? Nothing is said. */
bool service_is_running(const struct conf *conf);

/* Become the parent. conf, state: NULL for the usual ones. Returns only where that failed, with
 * errno. */
void service_exec_parent(const char *conf, const char *state);

/* Connect to a socket of the file system. */
struct err service_connect(const char *path, int type, int *fd);

#endif
