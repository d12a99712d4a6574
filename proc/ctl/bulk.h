/* Many accounts at once: `valija account add --from FILE`. */
#ifndef CTL_BULK_H
#define CTL_BULK_H

#include "ctl.h"

enum {
    BULK_LINE_MAX = 4096, /* bytes of a line */
    BULK_WINDOW = 32,     /* accounts on their way at a time */
};

struct bulk_line {
    struct slice address;
    struct slice password, hash; /* one of them, or neither */
    uint64_t quota;              /* as in directory_account_add */
};

enum bulk_kind { BULK_ACCOUNT, BULK_EMPTY, BULK_BAD };

/* line = address [ SP ( "{plain}" password / hash / "-" ) [ SP quota ] ]; fields are separated by
 * spaces or tabs; "{crypt}" may stand before a hash; "#" begins a comment line. */
enum bulk_kind bulk_line_parse(struct slice line, struct bulk_line *parsed);

/* Add every account of a file, "-" for standard input. What is refused is said with its line; the
 * others are added. */
int bulk_add(struct ctl *c, const char *path);

#endif
