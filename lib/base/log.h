/* Log lines: one event a line, to standard error, written with a single write so that lines of
 * different processes never mix. A struct secret has no way into one. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"
#include "base/slice.h"

enum log_event {
#define EVENT(name, level, help) LOG_##name,
#include "base/log.def"
#undef EVENT
    LOG_EVENT_COUNT
};

/* What a pair shows: made by the four functions below, never by hand. */
struct log_pair {
    const char *key; /* NULL ends the list */
    enum { LOG_SLICE, LOG_NUMBER } kind;
    struct slice text;
    uint64_t number;
};

static inline struct log_pair
log_slice(const char *key, struct slice text)
{
    return (struct log_pair){.key = key, .kind = LOG_SLICE, .text = text};
}

static inline struct log_pair
log_string(const char *key, const char *text)
{
    return log_slice(key, slice_of(text));
}

static inline struct log_pair
log_number(const char *key, uint64_t number)
{
    return (struct log_pair){.key = key, .kind = LOG_NUMBER, .number = number};
}

static inline struct log_pair
log_err(struct err e)
{
    return log_string("error", err_text(e));
}

/* Who writes: shown in every line. Call once, before the first line. quiet drops INFO lines. */
void log_start(const char *role, unsigned index, bool quiet);

/* subject: the session's or message's id, or "" . The list ends with (struct log_pair){0}; the
 * macro adds that. Values with spaces, quotes or control characters are quoted and escaped. */
void log_write(enum log_event event, struct slice subject, const struct log_pair *pairs);

#define LOG(event, subject, ...)                                                                   \
    log_write(LOG_##event, subject, (const struct log_pair[]){__VA_ARGS__, (struct log_pair){0}})

#endif
