/* The system calls the journal makes, as a table, so that a test can put a failing disk, a full one
 * or one that remembers every write in its place. Each returns what the call of its name does. */
#ifndef JOURNAL_JOURNAL_FILE_H
#define JOURNAL_JOURNAL_FILE_H

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

struct journal_file {
    int (*open)(int dirfd, const char *name, int flags);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *to, size_t n, off_t at);
    ssize_t (*write)(int fd, const struct iovec *parts, int count, off_t at);
    int (*sync)(int fd);        /* fdatasync of a segment */
    int (*sync_folder)(int fd); /* fsync of the folder */
    int (*rename)(int dirfd, const char *from, const char *to);
    int (*unlink)(int dirfd, const char *name);
    int (*make_folder)(int dirfd, const char *name);
    int (*stat)(int fd, struct stat *st);
    int (*space)(int fd, struct statvfs *space);
    int (*lock)(int fd); /* an OFD write lock on the whole file, without waiting */
};

extern const struct journal_file journal_file_system;

#endif
