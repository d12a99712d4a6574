/* What a process may do from now on: system calls by seccomp, paths by Landlock, both without any
 * privilege, so `make run` is jailed as much as an installed service. */
#ifndef ROLE_JAIL_H
#define ROLE_JAIL_H

#include <sys/types.h>

#include "base/err.h"

struct jail {
    const char *promises; /* words of jail.def, separated by blanks */
    const char
        *root; /* the only folder with rights, or NULL: the words read and write apply there */
    const char *also; /* the parent only: a second folder it may write in, or NULL */
    bool drop;        /* change to uid and gid, and root into the folder: started as root */
    uid_t uid;
    gid_t gid;
};

/* Enter. There is no way out. On success the current directory is the root folder, if there is one.
 * *weak names what the kernel lacks of the jail (a literal), or is NULL. */
struct err jail_enter(const struct jail *j, const char **weak);

#endif
