/* A non-blocking socket that is spoken over through TLS, or in clear where tls is NULL. */
#ifndef TLS_STREAM_H
#define TLS_STREAM_H

#include "tls/tls.h"

/* Both: AGAIN where it would block, with *want_write telling, in TLS, which readiness to wait for;
 * CLOSED at the peer's orderly end. In clear a read that gives less than n has emptied the socket.
 */
struct err stream_read(int fd, struct tls_conn *tls, void *to, size_t n, size_t *got,
                       bool *want_write);
struct err stream_write(int fd, struct tls_conn *tls, struct slice bytes, size_t *put,
                        bool *want_write);

#endif
