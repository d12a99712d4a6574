/* A file as a whole. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Append all of a file, or as much as fits: out.full then tells. */
struct err file_read(const char *path, struct buf *out);
struct err file_read_from(int fd, struct buf *out); /* from where it stands; fd stays open */

#endif
