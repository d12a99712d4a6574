/* What verbs print. A verb makes JSON objects; --json prints them as they are, one a line, and
 * otherwise a table of columns reads out of them what people want to see. */
#ifndef CTL_OUT_H
#define CTL_OUT_H

#include <jansson.h>

#include "ctl.h"

enum out_kind {
    OUT_TEXT,
    OUT_NUMBER,
    OUT_SIZE,  /* bytes */
    OUT_QUOTA, /* bytes; 0: no limit */
    OUT_TIME,  /* seconds since 1970; 0: none */
    OUT_AGE,   /* how long ago that was */
    OUT_SPAN,  /* seconds */
    OUT_YES,   /* a boolean; false shows nothing */
    OUT_LIST,  /* strings, with spaces between */
};

struct out_column {
    const char *key; /* NULL ends the table */
    enum text head;
    enum out_kind kind;
};

/* An array of objects as lines under headings. Takes rows. */
void out_rows(const struct ctl *c, json_t *rows, const struct out_column *columns);

/* One object as lines "heading: value"; columns it does not have are left out. Takes object. */
void out_object(const struct ctl *c, json_t *object, const struct out_column *columns);

/* Text in lines of 80 characters at most, set in by `indent` spaces; see base/paragraph.h. */
void out_paragraph(unsigned indent, struct slice text);

/* One object as a line of JSON, whatever --json says. Takes it. */
void out_json(json_t *object);

/* A JSON string of any bytes: what is not UTF-8 becomes question marks. */
json_t *out_string(struct slice s);

/* A number; larger than JSON integers can be here is the largest. */
json_t *out_number(uint64_t n);

#endif
