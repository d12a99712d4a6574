/* Small things every reader of a notice or a log needs: lines, phrases, addresses, hosts. Nothing
 * here allocates but text_one_line. */
#ifndef EXPLAIN_TEXT_H
#define EXPLAIN_TEXT_H

#include "base/arena.h"

/* Cut a line from the front of *text, without its end (LF or CR LF). False at the end. */
bool text_take_line(struct slice *text, struct slice *line);

/* How many spaces and tabs the line begins with. */
size_t text_indent(struct slice line);

/* Without spaces, tabs and line ends at both ends. */
struct slice text_trim(struct slice text);

bool text_is_blank(struct slice line);

/* What stands before the first blank line that has text before it, trimmed. */
struct slice text_paragraph(struct slice text);

/* The index of phrase, or -1. Programs print their phrases in one case, so case counts. */
ptrdiff_t text_find(struct slice text, struct slice phrase);

/* What follows phrase in *text; false where it is not there. */
bool text_after(struct slice *text, const char *phrase);

/* One line of it: runs of white space become a space. Copied; cut after `most` bytes. */
struct slice text_one_line(struct slice text, size_t most, struct arena *a);

/* An address (with a domain) at the front of *text, cut off; brackets around it go with it. */
bool text_take_address(struct slice *text, struct slice *address);

/* The first address anywhere in text; *rest is what follows it. */
bool text_find_address(struct slice text, struct slice *address, struct slice *rest);

/* A host name with a dot, or an IP address in brackets or not, at the front of *text, cut off. */
bool text_take_host(struct slice *text, struct slice *host);

/* The value of the field `name:` where line is one (any case), trimmed. */
bool text_field(struct slice line, const char *name, struct slice *value);

#endif
