/* A disk for tests: a folder of the real one behind a journal_file that counts calls, fails the
 * ones it is told to, and remembers every write, so that the folder can be built again as a power
 * cut at any moment might have left it. Real syncs are left out: they cost time and prove nothing.
 */
#ifndef JOURNAL_TEST_DISK_H
#define JOURNAL_TEST_DISK_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ensure.h"
#include "journal/journal_file.h"

enum disk_failure { DISK_EIO, DISK_ENOSPC, DISK_SHORT, DISK_FAILURES };
enum { DISK_FILES = 4096, DISK_PAGE = 512, DISK_NAME = 64 };
#define DISK_NEVER SIZE_MAX

/* A write to a file, or a change of the folder's names; `safe` is the moment a sync made it last.
 */
enum disk_event_kind { DISK_WRITE, DISK_CREATE, DISK_RENAME, DISK_UNLINK };

struct disk_event {
    enum disk_event_kind kind;
    size_t when, safe;
    bool lost; /* a sync failed on it: nothing after may be believed */
    int file;
    uint64_t at;
    size_t len;
    uint8_t *bytes;
    char name[DISK_NAME], to[DISK_NAME];
};

static struct {
    struct disk_event *events;
    size_t count, room;
    size_t now;                /* calls so far */
    size_t fail_from, fail_to; /* these calls fail */
    enum disk_failure failure;
    bool remember;
    uint64_t free_bytes; /* what statvfs says */
    ino_t inodes[DISK_FILES];
    int files;
    unsigned syncs, writes;
} disk;

static void
disk_reset(void)
{
    for (size_t i = 0; i < disk.count; i++)
        free(disk.events[i].bytes);
    free(disk.events);
    memset(&disk, 0, sizeof(disk));
    disk.fail_from = disk.fail_to = DISK_NEVER;
    disk.free_bytes = UINT64_C(1) << 40;
}

/* Counts the call; true: it must fail, errno says how. */
static bool
disk_fails(void)
{
    size_t now = disk.now++;

    errno = disk.failure == DISK_ENOSPC ? ENOSPC : EIO;
    return now >= disk.fail_from && now < disk.fail_to;
}

static struct disk_event *
disk_event(enum disk_event_kind kind, int file)
{
    struct disk_event *e;

    if (disk.count == disk.room) {
        disk.room = disk.room ? disk.room * 2 : 1024;
        disk.events = heap_grow(disk.events, disk.room * sizeof(*disk.events));
    }
    e = &disk.events[disk.count++];
    memset(e, 0, sizeof(*e));
    e->kind = kind;
    e->file = file;
    e->when = disk.now;
    e->safe = DISK_NEVER;
    return e;
}

static int
disk_file_of(int fd)
{
    struct stat st;

    ensure(fstat(fd, &st) == 0);
    for (int i = disk.files; i-- > 0;)
        if (disk.inodes[i] == st.st_ino)
            return i;
    ensure(disk.files < DISK_FILES);
    disk.inodes[disk.files] = st.st_ino;
    return disk.files++;
}

static int
disk_open(int dirfd, const char *name, int flags)
{
    bool creates;
    int fd;

    if (disk_fails())
        return -1;
    creates = (flags & O_CREAT) && faccessat(dirfd, name, F_OK, 0) != 0;
    fd = openat(dirfd, name, flags, 0600);
    if (fd >= 0 && creates && disk.remember) {
        disk.inodes[disk_file_of(fd)] = 0; /* the system may give an inode's number again */
        snprintf(disk_event(DISK_CREATE, disk_file_of(fd))->name, DISK_NAME, "%s", name);
    }
    return fd;
}

static ssize_t
disk_read(int fd, void *to, size_t n, off_t at)
{
    return disk_fails() ? -1 : pread(fd, to, n, at);
}

static void
disk_remember(int fd, const struct iovec *parts, int count, off_t at, size_t n)
{
    struct disk_event *e;

    if (!disk.remember || n == 0)
        return;
    e = disk_event(DISK_WRITE, disk_file_of(fd));
    e->at = (uint64_t)at;
    e->bytes = heap_take(n);
    for (int i = 0; i < count && e->len < n; i++) {
        size_t part = parts[i].iov_len < n - e->len ? parts[i].iov_len : n - e->len;

        memcpy(e->bytes + e->len, parts[i].iov_base, part);
        e->len += part;
    }
}

static ssize_t
disk_write(int fd, const struct iovec *parts, int count, off_t at)
{
    size_t all = 0;
    bool fails = disk_fails();
    int os = errno;

    disk.writes++;
    for (int i = 0; i < count; i++)
        all += parts[i].iov_len;
    if (fails)
        all /= 2; /* a failing write leaves something behind, too */
    disk_remember(fd, parts, count, at, all);
    for (size_t done = 0, i = 0; done < all; i++) {
        size_t n = parts[i].iov_len < all - done ? parts[i].iov_len : all - done;

        ensure(pwrite(fd, parts[i].iov_base, n, at + (off_t)done) == (ssize_t)n);
        done += n;
    }
    errno = os;
    return fails && disk.failure != DISK_SHORT ? -1 : (ssize_t)all;
}

/* Marks what the sync covers; where it fails, as what no later sync will cover. */
static int
disk_sync_events(bool folder, int file)
{
    bool fails = disk_fails();

    disk.syncs++;
    for (size_t i = 0; i < disk.count; i++) {
        struct disk_event *e = &disk.events[i];

        if (e->safe != DISK_NEVER || e->lost || (e->kind != DISK_WRITE) != folder ||
            (!folder && e->file != file))
            continue;
        if (fails)
            e->lost = true;
        else
            e->safe = disk.now;
    }
    return fails ? -1 : 0;
}

static int
disk_sync(int fd)
{
    return disk_sync_events(false, disk.remember ? disk_file_of(fd) : 0);
}

static int
disk_sync_folder(int fd)
{
    (void)fd;
    return disk_sync_events(true, 0);
}

static int
disk_rename(int dirfd, const char *from, const char *to)
{
    struct disk_event *e;

    if (disk_fails())
        return -1;
    if (disk.remember) {
        e = disk_event(DISK_RENAME, -1);
        snprintf(e->name, DISK_NAME, "%s", from);
        snprintf(e->to, DISK_NAME, "%s", to);
    }
    return renameat(dirfd, from, dirfd, to);
}

static int
disk_unlink(int dirfd, const char *name)
{
    if (disk_fails())
        return -1;
    if (disk.remember)
        snprintf(disk_event(DISK_UNLINK, -1)->name, DISK_NAME, "%s", name);
    return unlinkat(dirfd, name, 0);
}

static int
disk_make_folder(int dirfd, const char *name)
{
    return disk_fails() ? -1 : mkdirat(dirfd, name, 0700);
}

static int
disk_stat(int fd, struct stat *st)
{
    return disk_fails() ? -1 : fstat(fd, st);
}

static int
disk_space(int fd, struct statvfs *space)
{
    (void)fd;
    if (disk_fails())
        return -1;
    *space = (struct statvfs){.f_frsize = 1, .f_bavail = disk.free_bytes};
    return 0;
}

static int
disk_lock(int fd)
{
    return disk_fails() ? -1 : journal_file_system.lock(fd);
}

static const struct journal_file disk_table = {
    .open = disk_open,
    .close = close,
    .read = disk_read,
    .write = disk_write,
    .sync = disk_sync,
    .sync_folder = disk_sync_folder,
    .rename = disk_rename,
    .unlink = disk_unlink,
    .make_folder = disk_make_folder,
    .stat = disk_stat,
    .space = disk_space,
    .lock = disk_lock,
};

/* A fresh folder, open. */
static int
folder_new(char path[32])
{
    int fd;

    strcpy(path, "/tmp/valija-journal-XXXXXX");
    ensure(mkdtemp(path) != NULL);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ensure(fd >= 0);
    return fd;
}

static void
folder_empty(int dirfd)
{
    DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    ensure(dir != NULL);
    for (const struct dirent *d; (d = readdir(dir)) != NULL;) {
        int inner;

        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
            unlinkat(dirfd, d->d_name, 0) == 0)
            continue;
        inner = openat(dirfd, d->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (inner >= 0) {
            folder_empty(inner);
            close(inner);
            unlinkat(dirfd, d->d_name, AT_REMOVEDIR);
        }
    }
    closedir(dir);
}

static void
folder_free(int dirfd, const char *path)
{
    folder_empty(dirfd);
    close(dirfd);
    rmdir(path);
}

#endif
