/* Addresses as the directory writes them: local part and domain in lower case, the domain in
 * A-labels, no quotes that are not needed. */
#ifndef ACCOUNTS_NAME_H
#define ACCOUNTS_NAME_H

#include "mime/address.h"

/* Holds its own text, which its two parts lie in: never copied by assignment. */
struct name {
    struct slice local, domain; /* local is empty in a catch-all */
    char text[MIME_ADDRESS_MAX + 1];
};

/* Any spelling of an address; name_parse_alias also takes "@domain"; name_parse_user takes what
 * people log in with: user@domain or, without an "@", user%domain. False: it is none. */
bool name_parse(struct name *n, struct slice address);
bool name_parse_alias(struct name *n, struct slice address);
bool name_parse_user(struct name *n, struct slice user);

/* Any spelling of an address on whatever server, literals included: the case of its local part is
 * not ours to change. */
bool name_parse_elsewhere(struct slice address, char text[MIME_ADDRESS_MAX + 1]);

/* An address that is canonical already but for the case of its local part. The domain is empty
 * where there is none. False: too long, or nothing before the "@". */
bool name_take(struct name *n, struct slice canonical);

/* A domain's name; its text is the domain, and it has no local part. Not an address literal. */
bool name_parse_domain(struct name *n, struct slice domain);

/* Cut the local part at its first "+" (not a leading one). False: there is none. */
bool name_cut_detail(struct name *n);

/* The catch-all of this name's domain. */
void name_cut_local(struct name *n);

/* The whole of it: local@domain, @domain for a catch-all. */
struct slice name_text(const struct name *n);

#endif
