/* The only file of the journal that touches the system, and only through the table. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "journal/journal_private.h"

static int
system_open(int dirfd, const char *name, int flags)
{
    return openat(dirfd, name, flags, 0600);
}

static int
system_rename(int dirfd, const char *from, const char *to)
{
    return renameat(dirfd, from, dirfd, to);
}

static int
system_unlink(int dirfd, const char *name)
{
    return unlinkat(dirfd, name, 0);
}

static int
system_make_folder(int dirfd, const char *name)
{
    return mkdirat(dirfd, name, 0700);
}

static int
system_lock(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &whole);
}

const struct journal_file journal_file_system = {
    .open = system_open,
    .close = close,
    .read = pread,
    .write = pwritev,
    .sync = fdatasync,
    .sync_folder = fsync,
    .rename = system_rename,
    .unlink = system_unlink,
    .make_folder = system_make_folder,
    .stat = fstat,
    .space = fstatvfs,
    .lock = system_lock,
};

/* Never follows a link and never waits, whatever lies under that name; only plain files open. */
struct err
file_open(struct journal *j, const char *name, int flags, int *fd)
{
    struct err e = ERR_OK;
    struct stat st;

    *fd = j->file->open(j->dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*fd < 0)
        return err_os(errno, "open a file of the journal");
    if (j->file->stat(*fd, &st) < 0)
        e = err_os(errno, "look at a file of the journal");
    else if (!S_ISREG(st.st_mode))
        e = err_make(ERR_MALFORMED, "open a file of the journal: not a plain file");
    if (err_is(e))
        file_close(j, fd);
    return e;
}

void
file_close(struct journal *j, int *fd)
{
    if (*fd >= 0)
        j->file->close(*fd);
    *fd = -1;
}

struct err
file_read(struct journal *j, int fd, void *to, size_t n, uint64_t at, size_t *got)
{
    bool again = true;

    for (*got = 0; *got < n;) {
        ssize_t more = j->file->read(fd, (uint8_t *)to + *got, n - *got, (off_t)(at + *got));

        if (more == 0)
            break;
        if (more > 0) {
            *got += (size_t)more;
        } else if (errno != EINTR) {
            if (!again)
                return err_os(errno, "read the journal");
            again = false;
        }
    }
    return ERR_OK;
}

struct err
file_read_exactly(struct journal *j, int fd, void *to, size_t n, uint64_t at)
{
    size_t got;
    struct err e = file_read(j, fd, to, n, at, &got);

    if (!err_is(e) && got < n)
        return err_make(ERR_TEMPORARY, "read the journal: the file is shorter");
    return e;
}

struct err
file_write(struct journal *j, int fd, const struct iovec *parts, int count, uint64_t at)
{
    size_t all = 0;
    ssize_t n;

    for (int i = 0; i < count; i++)
        all += parts[i].iov_len;
    do {
        n = j->file->write(fd, parts, count, (off_t)at);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_os(errno, "write the journal");
    if ((size_t)n != all)
        return err_make(ERR_TEMPORARY, "write the journal: cut short");
    return ERR_OK;
}

struct err
file_zero(struct journal *j, int fd, uint64_t from, uint64_t to)
{
    static uint8_t zeros[JOURNAL_CHUNK];

    while (from < to) {
        uint64_t left = to - from;
        struct iovec part = {zeros, left < sizeof(zeros) ? (size_t)left : sizeof(zeros)};
        ssize_t n = j->file->write(fd, &part, 1, (off_t)from);

        /* a short write of zeros is how a disk says it is nearly full; the next call says so */
        if (n < 0 && errno != EINTR)
            return err_os(errno, "prepare a segment of the journal");
        if (n == 0)
            return err_os(ENOSPC, "prepare a segment of the journal");
        from += n > 0 ? (uint64_t)n : 0;
    }
    return ERR_OK;
}

struct err
file_sync(struct journal *j, int fd)
{
    return j->file->sync(fd) == 0 ? ERR_OK : err_os(errno, "sync the journal");
}

struct err
file_sync_folder(struct journal *j)
{
    return j->file->sync_folder(j->dirfd) == 0 ? ERR_OK
                                               : err_os(errno, "sync the journal's folder");
}

struct err
file_rename(struct journal *j, const char *from, const char *to)
{
    return j->file->rename(j->dirfd, from, to) == 0 ? ERR_OK
                                                    : err_os(errno, "rename a file of the journal");
}

struct err
file_unlink(struct journal *j, const char *name)
{
    return j->file->unlink(j->dirfd, name) == 0 ? ERR_OK
                                                : err_os(errno, "unlink a file of the journal");
}

/* Under a name of its own there, so that nothing set aside earlier is lost. */
struct err
file_set_aside(struct journal *j, const char *name)
{
    char to[sizeof(((struct dirent *)0)->d_name) + 32];
    char unique[ID_TEXT_LEN + 1];
    uint64_t random;

    random_fill(&random, sizeof(random));
    id_format(random, unique);
    snprintf(to, sizeof(to), "aside/%.200s-%s", name, unique);
    if ((j->file->make_folder(j->dirfd, "aside") == 0 || errno == EEXIST) &&
        !err_is(file_rename(j, name, to)))
        return ERR_OK;
    to[strlen("aside")] = '-'; /* a jail may forbid to move between folders */
    return file_rename(j, name, to);
}

struct err
file_lock(struct journal *j)
{
    struct err e = file_open(j, "lock", O_RDWR | O_CREAT, &j->lock_fd);

    if (e.kind == ERR_MALFORMED || e.os == EISDIR || e.os == ELOOP || e.os == ENXIO) {
        e = file_set_aside(j, "lock"); /* a folder, a link, a socket: nobody's lock */
        if (!err_is(e))
            e = file_open(j, "lock", O_RDWR | O_CREAT, &j->lock_fd);
    }
    if (err_is(e))
        return e;
    if (j->file->lock(j->lock_fd) == 0)
        return ERR_OK;
    return errno == EAGAIN || errno == EACCES
               ? (struct err){ERR_AGAIN, errno, "lock the journal: another process holds it"}
               : err_os(errno, "lock the journal");
}
