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
file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    uint8_t bytes[READ_STEP];
    ssize_t n;

    if (fd < 0)
        return err_os(errno, "opening the file");
    do {
        n = read(fd, bytes, sizeof(bytes));
        if (n < 0 && errno != EINTR) {
            struct err e = err_os(errno, "reading the file");

            close(fd);
            return e;
        }
    } while (n < 0 || (n > 0 && take(out, slice_make(bytes, (size_t)n))));
    close(fd);
    return ERR_OK;
}
