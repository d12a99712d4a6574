/* All books: the newest is written, the oldest is removed when there is too much or it is too old.
 * Files are those of the current directory. Times are seconds since 1970. */
#ifndef TRACE_SHELF_H
#define TRACE_SHELF_H

#include "book.h"

enum {
    SHELF_BOOKS_BY_SIZE = 16,    /* a book takes at most this part of what all may take, */
    SHELF_BOOK_BYTES = 16 << 20, /* or this: what its index merges at a time stays small */
    SHELF_BOOKS_BY_TIME = 30,    /* and of the time that all are kept for */
    SHELF_OPEN_MAX = 4000,       /* events of one transaction */
};

/* An event's place among all: it rises with each, and says which book. */
enum { SHELF_NUMBER_BITS = 30 };
#define SHELF_NEWEST UINT64_MAX

struct shelf {
    uint64_t bytes_max, days; /* the caller's to set and change */
    struct list books;        /* struct book, oldest first; the last one is written */
    uint64_t bytes, count;    /* of all books; how many there are */
    uint64_t kept, lost;      /* events since the start: put, and not put because of an error */
    unsigned open;            /* events put since the last commit */
    bool failing;             /* the last put failed, and it was logged */
};

void shelf_open(struct shelf *s); /* finds what there is; opens nothing yet */
void shelf_close(struct shelf *s);

/* Never fails: a damaged book is moved aside and a new one begun; what the disk does not take is
 * lost and counted; both are logged. */
void shelf_put(struct shelf *s, const struct trace_event *e, uint64_t now);
void shelf_commit(struct shelf *s); /* what was put is on disk from then on */

/* Removes what is too old. Call it now and then. */
void shelf_tidy(struct shelf *s, uint64_t now);

/* Walks through the events that match, newest first, those before `before` only; or through all of
 * a thread, oldest first, those after `after` only. What was put is committed first. fn is given
 * each one's place and says whether to go on. Books that cannot be read are passed over. Books stay
 * open until shelf_rest, which gives back their memory. */
typedef bool shelf_fn(void *ctx, uint64_t place, const struct trace_event *e);
void shelf_find(struct shelf *s, struct slice what, uint64_t before, shelf_fn *fn, void *ctx);
void shelf_show(struct shelf *s, uint64_t thread, uint64_t after, shelf_fn *fn, void *ctx);
void shelf_rest(struct shelf *s);

#endif
