#include "tls/stream.h"

#include <errno.h>
#include <sys/socket.h>

struct err
stream_read(int fd, struct tls_conn *tls, void *to, size_t n, size_t *got, bool *want_write)
{
    ssize_t came;

    if (tls)
        return tls_conn_read(tls, to, n, got, want_write);
    came = recv(fd, to, n, 0);
    if (came < 0)
        return err_os(errno, "reading from a peer");
    *got = (size_t)came;
    return came ? ERR_OK : err_make(ERR_CLOSED, "reading from a peer");
}

struct err
stream_write(int fd, struct tls_conn *tls, struct slice bytes, size_t *put, bool *want_write)
{
    ssize_t went;

    if (tls)
        return tls_conn_write(tls, bytes, put, want_write);
    went = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
    if (went < 0)
        return err_os(errno, "writing to a peer");
    *put = (size_t)went;
    return ERR_OK;
}
