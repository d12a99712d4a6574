/* Reading a file of the catalogue: what read.c (lines and sections) and value.c (what is done with
 * a value) share. */
#ifndef REASON_READ_H
#define REASON_READ_H

#include "reason/catalogue_private.h"

enum section {
    SECTION_NONE = 0,     /* its header was a mistake: what stands in it is not looked at */
    SECTION_OUTSIDE = 1,  /* before the first */
    SECTION_REASON = 2,   /* [mailbox-full] */
    SECTION_TEXT = 4,     /* [mailbox-full en] */
    SECTION_PROVIDER = 8, /* [provider google] */
    SECTION_CODE = 16,    /* [code 5yz en], [status x.1.1 en] */
    SECTION_WORDS = 32,   /* [words en] */
};

struct catalogue_reader {
    struct catalogue *c;
    struct catalogue_teller teller;
    struct catalogue_place at; /* the line that is read, or that the value began on */
    bool full;                 /* the catalogue has no room for more */

    enum section section;
    struct slice header;                       /* as written, for mistakes */
    struct catalogue_reason_entry *reason;     /* of SECTION_REASON */
    struct catalogue_provider_entry *provider; /* of SECTION_PROVIDER */
    struct slice subject, name;                /* whose texts these are; name: of SECTION_CODE */
    struct slice language;

    struct slice key, narrowed; /* of the value that is being gathered; no key: there is none */
    uint32_t value_line;
    uint8_t *value; /* its lines are moved together where they stand, in the copy of the file */
    size_t value_len;
};

/* Put a value where its key says. */
void catalogue_take_value(struct catalogue_reader *r, struct slice value);

/* Tell a mistake of the line that is read. */
void catalogue_complain(struct catalogue_reader *r, const char *text, struct slice first,
                        struct slice second);

/* Small letters, digits and hyphens, beginning with a letter or digit, `max` octets at most. */
bool catalogue_name_ok(struct slice name, size_t max);

#endif
