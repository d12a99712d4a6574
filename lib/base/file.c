#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { READ_STEP = 16384 };

/* Append as much of it as fits; false: not all. */
static bool
take(struct buf *out, struct slice bytes)
{
    struct slice fits = slice_head(bytes, buf_space(out));

    buf_put(out, fits);
    return fits.len == bytes.len || buf_put(out, slice_tail(bytes, fits.len));
}

struct err
file_read_from(int fd, struct buf *out)
{
    uint8_t bytes[READ_STEP];
    ssize_t n;

    do {
        n = read(fd, bytes, sizeof(bytes));
        if (n < 0 && errno != EINTR)
            return err_os(errno, "reading the file");
    } while (n < 0 || (n > 0 && take(out, slice_make(bytes, (size_t)n))));
    return ERR_OK;
}

struct err
file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct err e;

    if (fd < 0)
        return err_os(errno, "opening the file");
    e = file_read_from(fd, out);
    close(fd);
    return e;
}
