/* A role begins as a copy of nothing but its program, its environment and two descriptors. */
#include "role/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_UID_WITHOUT_NAME = 61200 }; /* used where the packages' users were not made */

extern char **environ;

unsigned
role_instances(enum role_id id)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (id == ROLE_ctl)
        return 0;
    if (role_is_on_demand(id))
        return 1;
    if (role_row(id)->count != ROLE_PER_CPU)
        return role_row(id)->count;
    if (processors < 1)
        return 1;
    return processors < ROLE_INSTANCES_MAX ? (unsigned)processors : ROLE_INSTANCES_MAX;
}

static bool
holds_programs(const char *folder)
{
    char path[4200];

    snprintf(path, sizeof(path), "%s/valija-edge", folder);
    return access(path, X_OK) == 0;
}

bool
role_program_folder(char *path, size_t size)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (n <= 0)
        return false;
    self[n] = '\0';
    slash = strrchr(self, '/');
    *slash = '\0';
    if ((size_t)snprintf(path, size, "%s", self) < size && holds_programs(path))
        return true;
    return (size_t)snprintf(path, size, "%s/../libexec/valija", self) < size &&
           holds_programs(path);
}

struct err
role_socketpair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return err_os(errno, "making a channel");
    for (int i = 0; i < 2; i++) {
        int bytes = 4 << 20; /* the kernel caps it at net.core.wmem_max, or not, for root */

        if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
            setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    }
    return ERR_OK;
}

static struct err
make_folder(const char *path, uid_t owner, gid_t group, bool drop)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_os(errno, "making a role's folder");
    if (drop && chown(path, owner, group) != 0)
        return err_os(errno, "giving a role its folder");
    return ERR_OK;
}

struct err
role_boot_prepare(enum role_id id, const char *state, const char *run, bool quiet,
                  struct role_boot *boot, char *path, size_t size)
{
    const struct role_row *row = role_row(id);
    struct passwd *user = getpwnam(row->user);
    bool empty = strcmp(row->root, "empty") == 0;

    *boot = (struct role_boot){.count = role_instances(id), .quiet = quiet, .drop = geteuid() == 0};
    boot->uid = user ? user->pw_uid : FIRST_UID_WITHOUT_NAME + (uint32_t)id;
    boot->gid = user ? user->pw_gid : FIRST_UID_WITHOUT_NAME + (uint32_t)id;
    if ((size_t)snprintf(path, size, "%s/%s", empty ? run : state, row->root) >= size)
        return err_make(ERR_LIMIT, "the length of the state folder's name");
    boot->root = slice_of(path);
    if (empty)
        return make_folder(path, 0, 0, boot->drop);
    return make_folder(path, boot->uid, boot->gid, boot->drop);
}

struct err
role_spawn(enum role_id id, unsigned index, pid_t *pid, int *control)
{
    char program[4200], folder[4096], number[16];
    char *argv[] = {program, (char *)(uintptr_t)role_name(id), number, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int ends[2], failed;
    struct err e;

    if (!role_program_folder(folder, sizeof(folder)))
        return err_make(ERR_PERMANENT, "finding valija's programs");
    snprintf(program, sizeof(program), "%s/valija-%s", folder, role_row(id)->program);
    snprintf(number, sizeof(number), "%u", index);
    e = role_socketpair(ends);
    if (err_is(e))
        return e;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], ROLE_CONTROL_FD);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0); /* a terminal's Ctrl-C is for the parent alone */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    failed = posix_spawn(pid, program, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return err_os(failed, "starting a role");
    }
    *control = ends[0];
    return ERR_OK;
}
