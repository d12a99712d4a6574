/* The order matters: the folder and the user first, as they need privilege; then no_new_privs, the
 * paths, and the system calls last, as each step needs calls that the next one takes away. */
#include "role/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/slice.h"

static const struct promise {
    const char *word, *calls;
} promises[] = {
#define PROMISE(word, calls) {word, calls},
#include "role/jail.def"
#undef PROMISE
};

/* What even the parent, and so every process below it, may never do. */
static const char *const never[] = {
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "mount",
    "umount2",
    "pivot_root",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "bpf",
    "perf_event_open",
    "swapon",
    "swapoff",
    "reboot",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "unshare",
    "setns",
    "personality",
    "quotactl",
    "acct",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "open_by_handle_at",
};

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_WRITE                                                                               \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_MAKE_SOCK)
#define RIGHTS_NEVER                                                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO |    \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* Later than Debian 12's headers; the kernel says by its version whether it knows them. */
#define RIGHT_REFER     (UINT64_C(1) << 13) /* renaming into another folder */
#define RIGHT_TRUNCATE  (UINT64_C(1) << 14)
#define NET_BIND_TCP    (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)

struct ruleset {
    uint64_t fs, net;
};

static bool
has_word(const char *words, const char *word)
{
    struct slice rest = slice_of(words), one;

    for (bool more = true; more;) {
        more = slice_cut(&rest, ' ', &one);
        if (slice_eq(one, slice_of(word)))
            return true;
    }
    return false;
}

static struct err
enter_folder_and_user(const struct jail *j)
{
    if (j->drop && j->root && chroot(j->root) != 0)
        return err_os(errno, "chroot");
    if (j->root && chdir(j->drop ? "/" : j->root) != 0)
        return err_os(errno, "chdir");
    if (!j->drop)
        return ERR_OK;
    if (setgroups(0, NULL) != 0 || setresgid(j->gid, j->gid, j->gid) != 0 ||
        setresuid(j->uid, j->uid, j->uid) != 0)
        return err_os(errno, "changing to the role's own user");
    return ERR_OK;
}

static bool
allow_below(int ruleset, const char *folder, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    int fd = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY);
    long done = -1;

    if (fd >= 0) {
        rule.parent_fd = fd;
        done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
        close(fd);
    }
    return done == 0;
}

/* The parent keeps reading (certificates may lie anywhere) and starting programs; it writes in its
 * two folders only. Everyone else has the root folder, with the rights its words name, or nothing.
 */
static struct err
restrict_paths(const struct jail *j, const char **weak)
{
    bool parent = has_word(j->promises, "spawn");
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    uint64_t write =
        RIGHTS_WRITE | (version >= 2 ? RIGHT_REFER : 0) | (version >= 3 ? RIGHT_TRUNCATE : 0);
    struct ruleset wanted = {.fs = parent ? write : RIGHTS_READ | write | RIGHTS_NEVER,
                             .net = parent || version < 4 ? 0 : NET_BIND_TCP};
    uint64_t rights = (has_word(j->promises, "read") ? RIGHTS_READ : 0) |
                      (parent || has_word(j->promises, "write") ? write : 0);
    bool done;
    int fd;

    if (wanted.net && !has_word(j->promises, "connect"))
        wanted.net |= NET_CONNECT_TCP;
    if (version < 1) {
        *weak = "Landlock (paths)";
        return ERR_OK;
    }
    fd = (int)syscall(SYS_landlock_create_ruleset, &wanted,
                      version < 4 ? sizeof(wanted.fs) : sizeof(wanted), 0);
    done = fd >= 0 && (!rights || !j->root || allow_below(fd, parent ? j->root : ".", rights)) &&
           (!rights || !j->also || allow_below(fd, j->also, rights)) &&
           syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    if (fd >= 0)
        close(fd);
    return done ? ERR_OK : err_os(errno, "restricting paths");
}

static bool
add_rule(scmp_filter_ctx filter, uint32_t action, const char *name, const struct scmp_arg_cmp *only)
{
    int call = seccomp_syscall_resolve_name(name);

    if (call == __NR_SCMP_ERROR)
        return false;
    return seccomp_rule_add_array(filter, action, call, only ? 1 : 0, only) == 0;
}

static bool
add_calls(scmp_filter_ctx filter, const char *calls)
{
    struct slice rest = slice_of(calls), word;
    char name[64];

    for (bool more = calls[0] != '\0'; more;) {
        more = slice_cut(&rest, ' ', &word);
        if (word.len && (!slice_to_string(word, name, sizeof(name)) ||
                         !add_rule(filter, SCMP_ACT_ALLOW, name, NULL)))
            return false;
    }
    return true;
}

/* Calls that are allowed by their arguments: no memory becomes executable, reading opens nothing
 * for writing, connecting reaches no local socket, and of ioctl there is what libuv sets a
 * descriptor up with. */
static bool
add_conditions(scmp_filter_ctx filter, const char *words)
{
    const struct scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp for_reading =
        SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
    const struct scmp_arg_cmp make_nonblocking = SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0);
    const struct scmp_arg_cmp of_ipv4 = SCMP_A0(SCMP_CMP_EQ, AF_INET, 0);
    const struct scmp_arg_cmp of_ipv6 = SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0);

    if (!add_rule(filter, SCMP_ACT_ALLOW, "ioctl", &make_nonblocking) ||
        !add_rule(filter, SCMP_ACT_ALLOW, "mmap", &not_executable) ||
        !add_rule(filter, SCMP_ACT_ALLOW, "mprotect", &not_executable))
        return false;
    if (has_word(words, "connect") && (!add_rule(filter, SCMP_ACT_ALLOW, "socket", &of_ipv4) ||
                                       !add_rule(filter, SCMP_ACT_ALLOW, "socket", &of_ipv6)))
        return false;
    if (has_word(words, "read") && !has_word(words, "write"))
        return add_rule(filter, SCMP_ACT_ALLOW, "openat", &for_reading);
    return true;
}

static scmp_filter_ctx
filter_of_parent(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    for (size_t i = 0; filter && i < COUNT(never); i++) {
        if (add_rule(filter, SCMP_ACT_KILL_PROCESS, never[i], NULL))
            continue;
        seccomp_release(filter);
        filter = NULL;
    }
    return filter;
}

static scmp_filter_ctx
filter_of_role(const char *words)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool done = filter && add_conditions(filter, words);

    for (size_t i = 0; done && i < COUNT(promises); i++)
        if (promises[i].word[0] == '\0' || has_word(words, promises[i].word))
            done = add_calls(filter, promises[i].calls);
    if (done)
        return filter;
    if (filter)
        seccomp_release(filter);
    return NULL;
}

static struct err
restrict_calls(const struct jail *j)
{
    scmp_filter_ctx filter =
        has_word(j->promises, "spawn") ? filter_of_parent() : filter_of_role(j->promises);
    int failed;

    if (!filter)
        return err_make(ERR_PERMANENT, "making the system call filter");
    failed = seccomp_load(filter);
    seccomp_release(filter);
    return failed ? err_os(-failed, "loading the system call filter") : ERR_OK;
}

struct err
jail_enter(const struct jail *j, const char **weak)
{
    struct err e = enter_folder_and_user(j);

    *weak = NULL;
    if (!err_is(e) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        e = err_os(errno, "no_new_privs");
    if (!err_is(e))
        e = restrict_paths(j, weak);
    if (!err_is(e))
        e = restrict_calls(j);
    return e;
}
