/* Starting roles: what the parent does for the service, and `valija` for one role while no service
 * runs. */
#ifndef ROLE_SPAWN_H
#define ROLE_SPAWN_H

#include <sys/types.h>

#include "role/role.h"

enum {
    ROLE_CONTROL_FD = 3,
    ROLE_INSTANCES_MAX = 64,
    ROLE_PER_CPU = 0, /* as a row's count */
    ROLE_ON_DEMAND = ROLE_INSTANCES_MAX + 1,
};

struct role_row {
    const char *name;
    const char *program; /* valija-PROGRAM in the program folder */
    unsigned count;      /* or ROLE_PER_CPU, or ROLE_ON_DEMAND */
    const char *user, *root, *promises;
};

struct role_link {
    enum role_id asks, answers;
    const char *what;
};

extern const struct role_link role_links[];
extern const size_t role_link_count;

const struct role_row *role_row(enum role_id id);
bool role_find(struct slice name, enum role_id *id);
unsigned role_instances(enum role_id id); /* how many run on this machine; 0 for ctl */
/* It runs, once, from when a peer wants it until it ends by itself, in order. */
bool role_is_on_demand(enum role_id id);

/* The folder of the programs: that of the running one, or libexec/valija beside its bin. False:
 * valija-edge is in neither. */
bool role_program_folder(char *path, size_t size);

/* Make the root folder of a role below state (or run, for "empty"), owned by its user where this
 * process is root, and fill in boot. path, of size bytes, keeps boot->root's bytes. */
struct err role_boot_prepare(enum role_id id, const char *state, const char *run, bool quiet,
                             struct role_boot *boot, char *path, size_t size);

/* Start a role. It gets the environment, standard error and one end of a channel as descriptor 3;
 * *control is the other end. Send role_boot, limits, peers, listeners and files on it, then
 * role_go. */
struct err role_spawn(enum role_id id, unsigned index, pid_t *pid, int *control);

/* Both ends of a new channel, close-on-exec. */
struct err role_socketpair(int ends[2]);

#endif
