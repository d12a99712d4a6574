/* The message as it arrives by DATA or BDAT: dots unstuffed, line ends made CR LF, limits watched.
 *
 * Only CR LF "." CR LF ends a message (RFC 5321 4.1.1.4). A bare CR or LF never does, and never
 * leaves: it becomes CR LF, and a dot after it is text. So what goes into the sink has CR LF and no
 * other CR or LF, ends in CR LF unless it is empty, and cannot end another server's DATA early. The
 * result does not depend on how the bytes were split over the feeds. */
#ifndef SMTP_DATA_H
#define SMTP_DATA_H

#include "base/limit.h"
#include "reason/reason.h"

/* Where a message goes. put: false once there is no room; it is then not called again. drop: the
 * message will not be committed; may be NULL. A sink sees either COMMIT or one drop. */
struct smtp_sink {
    bool (*put)(void *ctx, struct slice bytes);
    void (*drop)(void *ctx);
    void *ctx;
};

enum smtp_data_state {
    SMTP_DATA_START,  /* after CR LF, or before the first byte */
    SMTP_DATA_TEXT,   /* inside a line */
    SMTP_DATA_CR,     /* a CR is held back */
    SMTP_DATA_DOT,    /* a dot at the start of a line is held back */
    SMTP_DATA_DOT_CR, /* that dot, and a CR */
    SMTP_DATA_ENDED,
};

struct smtp_data {
    struct smtp_sink sink;
    uint64_t size_max, line_max, hops_max;
    bool dots;        /* DATA; false: BDAT, where a dot is a dot and the count is the end */
    bool refuse_bare; /* limit bare_newline_refuse */
    enum smtp_data_state state;
    uint64_t size;  /* octets of output */
    uint64_t line;  /* octets of the current line, without CR LF */
    uint64_t hops;  /* Received: lines of the header */
    bool in_header; /* no empty line yet */
    unsigned name;  /* octets of "Received:" seen in this line */
    bool too_big, long_line, bare_seen, sink_is_full; /* what went wrong, in any order */
};

void smtp_data_init(struct smtp_data *d, const struct limits *limits, bool dots,
                    struct smtp_sink sink);

/* How many bytes were taken: all of them, or for DATA those up to the end, d->state then being
 * SMTP_DATA_ENDED. */
size_t smtp_data_feed(struct smtp_data *d, struct slice in);

/* After the end (DATA) or the last chunk (BDAT): what is held back is put, and the verdict is
 * given: REASON_NONE, or why the message is refused. */
enum reason smtp_data_finish(struct smtp_data *d);

/* The verdict so far. */
enum reason smtp_data_trouble(const struct smtp_data *d);

#endif
