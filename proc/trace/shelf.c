/* A book is full at a sixteenth of the bytes or a thirtieth of the time, so that removing whole
 * books is fine enough and costs nothing; and before its index outgrows what a commit can go
 * through. */
#include "shelf.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/log.h"
#include "key.h"

enum { DAY_SECONDS = 86400 };

static struct book *
newest(struct shelf *s)
{
    return list_empty(&s->books) ? NULL : LIST_OF(s->books.prev, struct book, link);
}

static struct book *
oldest(struct shelf *s)
{
    return LIST_OF(s->books.next, struct book, link);
}

/* ---- what there is ---- */

/* Kept in order of their beginnings. */
static struct book *
add(struct shelf *s, uint64_t begun)
{
    struct book *b = heap_take(sizeof(*b));
    struct list *at = s->books.prev;

    *b = (struct book){.begun = begun};
    while (at != &s->books && LIST_OF(at, struct book, link)->begun > begun)
        at = at->prev;
    list_append(at->next, &b->link); /* before the one that follows */
    book_measure(b);
    s->bytes += b->bytes;
    s->count++;
    return b;
}

static void
forget(struct shelf *s, struct book *b)
{
    s->bytes -= b->bytes;
    s->count--;
    book_close(b);
    list_remove(&b->link);
    free(b);
}

void
shelf_open(struct shelf *s)
{
    DIR *here = opendir(".");

    list_init(&s->books);
    s->bytes = s->count = 0;
    for (const struct dirent *e; here && (e = readdir(here)) != NULL;) {
        struct slice tail = slice_of(e->d_name), number;
        uint64_t begun;

        if (slice_cut(&tail, '.', &number) && slice_eq(tail, SLICE("db")) &&
            slice_to_u64(number, &begun))
            add(s, begun);
    }
    if (here)
        closedir(here);
}

void
shelf_close(struct shelf *s)
{
    LIST_EACH(at, &s->books)
    forget(s, LIST_OF(at, struct book, link));
}

/* ---- in ---- */

static void
measure(struct shelf *s, struct book *b)
{
    s->bytes -= b->bytes;
    book_measure(b);
    s->bytes += b->bytes;
}

static void
set_aside(struct shelf *s, struct book *b)
{
    char name[BOOK_NAME_MAX];
    struct err e;

    book_name(b, "", name);
    e = book_move_aside(b);
    LOG(salvage, SLICE(""), log_string("file", name), log_string("now", "damaged.db"));
    if (err_is(e))
        book_remove(b);
    forget(s, b);
}

static uint64_t
book_seconds(const struct shelf *s)
{
    return s->days * DAY_SECONDS / SHELF_BOOKS_BY_TIME;
}

static bool
is_full(const struct shelf *s, const struct book *b, uint64_t now)
{
    uint64_t part = s->bytes_max / SHELF_BOOKS_BY_SIZE;

    return b->bytes >= (part < SHELF_BOOK_BYTES ? part : SHELF_BOOK_BYTES) ||
           now >= b->begun + book_seconds(s);
}

/* The book to write, open. A clock that was put back makes no earlier one. */
static struct err
turn_page(struct shelf *s, uint64_t now, struct book **found)
{
    struct book *b = newest(s);
    struct err e;

    if (b && is_full(s, b, now)) {
        book_close(b);
        measure(s, b);
        b = NULL;
    }
    if (!b)
        b = add(s, newest(s) && newest(s)->begun >= now ? newest(s)->begun + 1 : now);
    *found = b;
    e = book_open(b);
    if (e.kind != ERR_MALFORMED)
        return e;
    set_aside(s, b);
    *found = add(s, now);
    return book_open(*found);
}

static void
lose(struct shelf *s, struct book *b, struct err e)
{
    s->lost++;
    if (!s->failing)
        LOG(storage, SLICE(""), log_err(e));
    s->failing = true;
    if (e.kind == ERR_MALFORMED)
        set_aside(s, b);
}

void
shelf_put(struct shelf *s, const struct trace_event *e, uint64_t now)
{
    struct book *b;
    struct err err = turn_page(s, now, &b);

    if (!err_is(err))
        err = book_put(b, e);
    if (err_is(err)) {
        lose(s, b, err);
        return;
    }
    s->failing = false;
    s->kept++;
    if (++s->open >= SHELF_OPEN_MAX)
        shelf_commit(s);
}

void
shelf_commit(struct shelf *s)
{
    struct book *b = newest(s);
    struct err e;

    s->open = 0;
    if (!b || !b->sqlite)
        return;
    e = book_commit(b);
    measure(s, b);
    if (err_is(e))
        lose(s, b, e);
}

/* One that is full of time has no event that is younger than its beginning and that time. */
void
shelf_tidy(struct shelf *s, uint64_t now)
{
    uint64_t age = (s->days * DAY_SECONDS) + book_seconds(s);

    while (s->count > 1 && s->bytes > s->bytes_max) {
        book_remove(oldest(s));
        forget(s, oldest(s));
    }
    while (s->count && oldest(s)->begun + age <= now) {
        book_remove(oldest(s));
        forget(s, oldest(s));
    }
}

/* ---- out ---- */

struct walk {
    const struct book *book;
    struct slice what; /* find: those that match */
    uint64_t thread;   /* show: those of it */
    shelf_fn *fn;
    void *ctx;
    bool over;
};

static bool
take(void *ctx, uint64_t number, const struct trace_event *e)
{
    struct walk *w = ctx;

    if (w->thread ? event_is_of(e, w->thread) : event_matches(e, w->what))
        w->over = !w->fn(w->ctx, w->book->begun << SHELF_NUMBER_BITS | number, e);
    return !w->over;
}

static void
read_book(struct shelf *s, struct book *b, struct walk *w, const uint32_t keys[2], uint64_t from)
{
    struct err e = book_open(b);

    w->book = b;
    if (!err_is(e))
        e = book_read(b, keys, from, !w->thread, take, w);
    if (e.kind == ERR_MALFORMED)
        set_aside(s, b);
}

static uint64_t
number_of(uint64_t place)
{
    return place & ((UINT64_C(1) << SHELF_NUMBER_BITS) - 1);
}

void
shelf_find(struct shelf *s, struct slice what, uint64_t before, shelf_fn *fn, void *ctx)
{
    struct walk w = {.what = what, .fn = fn, .ctx = ctx};
    uint32_t keys[2];
    uint64_t begun = before >> SHELF_NUMBER_BITS;
    struct list *earlier;

    shelf_commit(s);
    keys_of_text(what, keys);
    for (struct list *at = s->books.prev; at != &s->books && !w.over; at = earlier) {
        struct book *b = LIST_OF(at, struct book, link);

        earlier = at->prev;
        if (b->begun <= begun)
            read_book(s, b, &w, keys, b->begun == begun ? number_of(before) : UINT64_MAX);
    }
}

void
shelf_show(struct shelf *s, uint64_t thread, uint64_t after, shelf_fn *fn, void *ctx)
{
    struct walk w = {.thread = thread, .fn = fn, .ctx = ctx};
    uint32_t keys[2] = {key_of_thread(thread), key_of_thread(thread)};
    uint64_t begun = after >> SHELF_NUMBER_BITS;

    shelf_commit(s);
    LIST_EACH(at, &s->books)
    {
        struct book *b = LIST_OF(at, struct book, link);

        if (!w.over && b->begun >= begun)
            read_book(s, b, &w, keys, b->begun == begun ? number_of(after) : 0);
    }
}

void
shelf_rest(struct shelf *s)
{
    shelf_commit(s);
    LIST_EACH(at, &s->books)
    book_close(LIST_OF(at, struct book, link));
}
