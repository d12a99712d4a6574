/* A line is built in a buffer of its own and cut at its end, never spread over two writes. */
#include "base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum { LOG_LINE_MAX = 2048, LOG_VALUE_MAX = 320 }; /* an address at its longest is 254 octets */

enum level { ERROR, WARN, INFO, DEBUG };

static const struct {
    const char *name;
    enum level level;
} events[LOG_EVENT_COUNT] = {
#define EVENT(name, level, help) {#name, level},
#include "base/log.def"
#undef EVENT
};

static char writer[32] = "valija";
static enum level most = INFO;

void
log_start(const char *role, unsigned index, bool quiet)
{
    snprintf(writer, sizeof(writer), "%s[%u]", role, index);
    most = quiet ? WARN : INFO;
}

static bool
needs_quotes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] == '"' || text.at[i] == '\\' || text.at[i] == 0x7f)
            return true;
    return text.len == 0;
}

static void
put_text(struct buf *line, struct slice text)
{
    bool cut = text.len > LOG_VALUE_MAX;

    text = slice_head(text, LOG_VALUE_MAX);
    if (!needs_quotes(text)) {
        buf_put(line, text);
        buf_put_string(line, cut ? "..." : "");
        return;
    }
    buf_put_byte(line, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        if (c < ' ' || c == 0x7f)
            buf_put_format(line, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            buf_put_format(line, "\\%c", c);
        else
            buf_put_byte(line, c);
    }
    buf_put_string(line, cut ? "...\"" : "\"");
}

/* Up to the seconds it is the same for many lines, and making it costs more than all the rest. */
static void
put_time(struct buf *line)
{
    static char text[sizeof("2026-12-01T15:11:47.")];
    static time_t second = -1;
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != second)
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", gmtime_r(&now.tv_sec, &utc));
    second = now.tv_sec;
    buf_put_string(line, text);
    for (long unit = 100000000; unit >= 1000000; unit /= 10)
        buf_put_byte(line, (uint8_t)('0' + now.tv_nsec / unit % 10));
    buf_put_string(line, "Z ");
}

void
log_write(enum log_event event, struct slice subject, const struct log_pair *pairs)
{
    static uint8_t room[LOG_LINE_MAX];
    struct buf line = {.at = room, .room = sizeof(room), .cap = sizeof(room) - 1};

    if (events[event].level > most)
        return;
    put_time(&line);
    buf_put_string(&line, writer);
    buf_put_byte(&line, ' ');
    buf_put(&line, subject.len ? subject : SLICE("-"));
    buf_put_byte(&line, ' ');
    buf_put_string(&line, events[event].name);
    for (const struct log_pair *p = pairs; p->key; p++) {
        buf_put_byte(&line, ' ');
        buf_put_string(&line, p->key);
        buf_put_byte(&line, '=');
        if (p->kind == LOG_NUMBER)
            buf_put_u64(&line, p->number);
        else
            put_text(&line, p->text);
    }
    room[line.len] = '\n';
    if (write(STDERR_FILENO, room, line.len + 1) < 0)
        return; /* nowhere left to say so */
}
