/* Reverse and forward paths (RFC 5321 4.1.2) as MAIL and RCPT give them. */
#ifndef SMTP_PATH_H
#define SMTP_PATH_H

#include "mime/address.h"

enum smtp_path_kind {
    SMTP_PATH_NULL,    /* <> */
    SMTP_PATH_LOCAL,   /* <postmaster>: a local part alone */
    SMTP_PATH_MAILBOX, /* <name@domain>, a source route before it left out */
};

struct smtp_path {
    enum smtp_path_kind kind;
    struct mime_address address; /* parts of the parsed text */
};

/* Cut a path with its brackets from the front of *text; a blank before it is tolerated. False:
 * there is none, or it has more than 256 octets; *text is then of no use. Whether a kind is welcome
 * is for the caller to say. */
bool smtp_path_take(struct slice *text, struct smtp_path *path);

/* Append the address in the path that the text begins with, if it is one but for blanks: spaces and
 * tabs, "%20" at its ends or beside the "@", and those that come along when something is copied.
 * False: it has none of them, or is not an address without them either. */
bool smtp_path_mend(struct slice text, struct buf *mended);

#endif
