/* Faults on demand, by LD_PRELOAD: the disk of `queue`, `store` and `accounts` is full, fails,
 * writes half, or does not sync. Which fault and when stands in a file that is mapped before the
 * jail closes, so a test can begin and lift a fault while the service runs. test_faults.py has the
 * same struct. Only regular files that have a name are struck: no socket, pipe or memfd. */
#undef _FILE_OFFSET_BITS /* each name is defined here under itself */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { FAULT_NONE, FAULT_FULL, FAULT_WRITE, FAULT_SHORT, FAULT_SYNC };
enum { ROLE_QUEUE = 1, ROLE_STORE = 2, ROLE_ACCOUNTS = 4 };

struct faults {
    _Atomic uint32_t fault;
    _Atomic uint32_t roles;   /* a set of those above */
    _Atomic int32_t skip;     /* calls that still go well */
    _Atomic uint32_t percent; /* of the calls after those fail */
    _Atomic uint32_t struck;  /* how many did */
};

static struct faults *faults; /* NULL: not a process to be struck */
static uint32_t own_role;

static struct {
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*syncfs)(int);
    int (*ftruncate)(int, off_t);
    int (*fallocate)(int, int, off_t, off_t);
} real;

static uint32_t
role_of_program(void)
{
    static const struct {
        const char *program;
        uint32_t role;
    } roles[] = {{"valija-queue", ROLE_QUEUE},
                 {"valija-store", ROLE_STORE},
                 {"valija-accounts", ROLE_ACCOUNTS}};

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (strcmp(program_invocation_short_name, roles[i].program) == 0)
            return roles[i].role;
    return 0;
}

/* Function pointers from dlsym's object pointers: as POSIX wants it and ISO C does not. */
static void
find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    memcpy(function, &found, sizeof(found));
}

__attribute__((constructor)) static void
prepare(void)
{
    const char *path = getenv("VALIJA_FAULTS");
    int fd;

    find(&real.write, "write");
    find(&real.pwrite, "pwrite64");
    find(&real.pwritev, "pwritev64");
    find(&real.fsync, "fsync");
    find(&real.fdatasync, "fdatasync");
    find(&real.syncfs, "syncfs");
    find(&real.ftruncate, "ftruncate64");
    find(&real.fallocate, "fallocate64");
    own_role = role_of_program();
    if (!path || !own_role)
        return;
    fd = open(path, O_RDWR | O_CLOEXEC);
    faults = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (faults == MAP_FAILED)
        abort(); /* a test that strikes nothing would pass */
    close(fd);
}

static bool
is_named_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink > 0;
}

/* Does the fault now at work hit this call? */
static bool
strikes(enum fault fault, int fd)
{
    static uint32_t chance = 12345;

    if (!faults || faults->fault != (uint32_t)fault || !(faults->roles & own_role) || fd <= 2)
        return false;
    if (fault != FAULT_SYNC && !is_named_file(fd))
        return false;
    if (faults->skip > 0) {
        faults->skip--;
        return false;
    }
    chance = chance * 1664525 + 1013904223;
    if ((chance >> 16) % 100 >= faults->percent)
        return false;
    faults->struck++;
    return true;
}

/* A fault that ends the call: its errno, or 0. */
static int
write_error(int fd)
{
    if (strikes(FAULT_FULL, fd))
        return ENOSPC;
    return strikes(FAULT_WRITE, fd) ? EIO : 0;
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
    int error = write_error(fd);

    if (error) {
        errno = error;
        return -1;
    }
    return real.write(fd, bytes, n > 1 && strikes(FAULT_SHORT, fd) ? n / 2 : n);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    int error = write_error(fd);

    if (error) {
        errno = error;
        return -1;
    }
    return real.pwrite(fd, bytes, n > 1 && strikes(FAULT_SHORT, fd) ? n / 2 : n, at);
}

ssize_t
pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
    int error = write_error(fd);

    if (error) {
        errno = error;
        return -1;
    }
    if (parts[0].iov_len > 1 && strikes(FAULT_SHORT, fd))
        return real.pwrite(fd, parts[0].iov_base, parts[0].iov_len / 2, at);
    return real.pwritev(fd, parts, count, at);
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return pwrite64(fd, bytes, n, at);
}

ssize_t
pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    return pwritev64(fd, parts, count, at);
}

/* The bytes reach the disk now or later or never: after a sync that failed nobody can know. */
static int
sync_or_not(int fd, int (*sync_it)(int))
{
    if (strikes(FAULT_SYNC, fd)) {
        errno = EIO;
        return -1;
    }
    return sync_it(fd);
}

int
fsync(int fd)
{
    return sync_or_not(fd, real.fsync);
}

int
fdatasync(int fd)
{
    return sync_or_not(fd, real.fdatasync);
}

int
syncfs(int fd)
{
    return sync_or_not(fd, real.syncfs);
}

/* Cutting a file needs no room; a full disk leaves it alone. */
int
ftruncate64(int fd, off64_t size)
{
    if (strikes(FAULT_WRITE, fd)) {
        errno = EIO;
        return -1;
    }
    return real.ftruncate(fd, size);
}

int
ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

int
fallocate64(int fd, int mode, off64_t at, off64_t size)
{
    int error = write_error(fd);

    if (error) {
        errno = error;
        return -1;
    }
    return real.fallocate(fd, mode, at, size);
}

int
fallocate(int fd, int mode, off_t at, off_t size)
{
    return fallocate64(fd, mode, at, size);
}
