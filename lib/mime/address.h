/* Mailbox addresses (RFC 5321 4.1.2, RFC 6531 3.3): parse, canonical form, compare. For SMTP paths,
 * for the directory and for the user's command alike. */
#ifndef MIME_ADDRESS_H
#define MIME_ADDRESS_H

#include "base/buf.h"

/* rfc5321#4.5.3.1.1-a: the parser takes local parts up to what a path may hold: return addresses of
 * mailing lists and reply addresses of services are often longer than the 64 octets all must take.
 * Whoever creates addresses keeps to MIME_LOCAL_MAX. */
enum {
    MIME_LOCAL_MAX = 64,    /* RFC 5321 4.5.3.1.1 */
    MIME_DOMAIN_MAX = 255,  /* rfc5321#4.5.3.1.2-a */
    MIME_ADDRESS_MAX = 254, /* RFC 5321 4.5.3.1.3: a path of 256 less its brackets */
    MIME_LABEL_MAX = 63,    /* RFC 1035 2.3.4 */
};

/* Parts of the parsed text. */
struct mime_address {
    struct slice local;  /* as written: a dot-string, or a quoted string with its quotes */
    struct slice domain; /* as written: a name, or a literal with its brackets; may be empty */
    bool is_ascii;       /* both parts are */
};

/* Cut a mailbox from the front of *text; it ends at the first byte that cannot belong to it. False,
 * with *text as it was, where there is none. mime_address_take_local does the same for a local part
 * alone, domain then being empty. */
bool mime_address_take(struct slice *text, struct mime_address *a);
bool mime_address_take_local(struct slice *text, struct mime_address *a);

/* All of text is a mailbox. */
bool mime_address_parse(struct slice text, struct mime_address *a);

/* All of text is a domain name (LDH labels, "_" tolerated, UTF-8 labels), or an address literal. */
bool mime_domain_parse(struct slice text);
bool mime_literal_parse(struct slice text);

/* The one way to write a domain: lower case, UTF-8 labels as A-labels (IDNA 2008). False: not a
 * domain, or the cap of out is reached; out may then hold a part. */
bool mime_domain_put(struct buf *out, struct slice domain);

/* The one way to write an address: quotes only where they are needed, the local part's case kept,
 * the domain as mime_domain_put. False as above, and where it has more than MIME_ADDRESS_MAX. */
bool mime_address_put(struct buf *out, const struct mime_address *a);

/* Do two canonical addresses name the same mailbox here? The local part without regard to ASCII
 * case, as every mail provider does for its own. */
bool mime_address_eq(struct slice a, struct slice b);

/* Cut a canonical address at its last "@". No "@": all is local. */
void mime_address_split(struct slice canonical, struct slice *local, struct slice *domain);

#endif
