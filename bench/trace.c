/* Fills the trace with messages that were received and delivered, and searches it: what an event
 * costs, and how long who asks waits.
 * usage: bench-trace FOLDER MESSAGES [--json] */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/verdict.h"
#include "key.h"
#include "shelf.h"

enum {
    MAILBOXES = 5000, /* recipients; as many strangers write to them */
    PAGE = 200,       /* of threads, as `valija trace` asks for */
};

static double
seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Ids as edges make them: rising, and all over the place in their references. */
static uint64_t
id_of(uint64_t n)
{
    return (UINT64_C(200) << 46 | n << 13) + 77;
}

static void
put_message(struct shelf *s, uint64_t n, uint64_t now)
{
    char sender[64], recipient[64], message_id[64];
    struct trace_event e = {.time = now * 1000000,
                            .kind = TRACE_received,
                            .session = id_of(n) + 1,
                            .message = id_of(n),
                            .client = SLICE("192.0.2.25"),
                            .tls = SLICE("TLSv1.3"),
                            .size = 4096};

    snprintf(sender, sizeof(sender), "s%" PRIu64 "@there.example", n * 31 % MAILBOXES);
    snprintf(recipient, sizeof(recipient), "r%" PRIu64 "@here.example", n % MAILBOXES);
    snprintf(message_id, sizeof(message_id), "%" PRIu64 ".%" PRIu64 "@there.example", now, n);
    e.sender = slice_of(sender);
    e.recipient = slice_of(recipient);
    e.message_id = slice_of(message_id);
    shelf_put(s, &e, now);
    e = (struct trace_event){.time = now * 1000000,
                             .kind = TRACE_delivered,
                             .message = id_of(n),
                             .sender = slice_of(sender),
                             .recipient = slice_of(recipient),
                             .account = n % MAILBOXES};
    shelf_put(s, &e, now);
}

static bool
count(void *ctx, uint64_t place, const struct trace_event *e)
{
    (void)place, (void)e;
    return ++*(unsigned *)ctx < PAGE;
}

static double
search(struct shelf *s, struct slice what, unsigned *found)
{
    double begin = seconds(CLOCK_MONOTONIC);

    *found = 0;
    shelf_find(s, what, SHELF_NEWEST, count, found);
    shelf_rest(s);
    return (seconds(CLOCK_MONOTONIC) - begin) * 1e3;
}

static double
show(struct shelf *s, uint64_t thread, unsigned *found)
{
    double begin = seconds(CLOCK_MONOTONIC);

    *found = 0;
    shelf_show(s, thread, 0, count, found);
    shelf_rest(s);
    return (seconds(CLOCK_MONOTONIC) - begin) * 1e3;
}

static void
put(const char *name, double value, const char *unit, bool json)
{
    if (json)
        printf("{\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}\n", name, value, unit);
    else
        printf("%-52s %11.2f %s\n", name, value, unit);
    fflush(stdout);
}

static void
measure(struct shelf *s, uint64_t messages, bool json)
{
    uint64_t now = clock_now_us() / 1000000;
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID), spent;
    unsigned found;

    for (uint64_t n = 0; n < messages; n++)
        put_message(s, n, now);
    shelf_commit(s);
    spent = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    put("processor time of an event", spent * 1e6 / (double)(2 * messages), "us", json);
    put("bytes on disk of an event", (double)s->bytes / (double)(2 * messages), "", json);
    put("books", (double)s->count, "", json);
    shelf_rest(s);
    spent = search(s, SLICE("r17@here.example"), &found);
    put("the newest 200 of an address", spent, "ms", json);
    spent = search(s, SLICE("nobody@here.example"), &found);
    put("an address that is not there", spent, "ms", json);
    spent = show(s, id_of(messages / 2), &found);
    put("all of one message", spent, "ms", json);
}

int
main(int argc, char **argv)
{
    struct shelf s = {.bytes_max = UINT64_C(1) << 40, .days = 30};
    bool json = argc == 4 && strcmp(argv[3], "--json") == 0;
    uint64_t messages;

    if (argc < 3 || (argc > 3 && !json) || !slice_to_u64(slice_of(argv[2]), &messages)) {
        fprintf(stderr, "usage: bench-trace FOLDER MESSAGES [--json]\n");
        return 64;
    }
    if ((mkdir(argv[1], 0700) != 0 && errno != EEXIST) || chdir(argv[1]) != 0) {
        perror(argv[1]);
        return 73;
    }
    shelf_open(&s);
    measure(&s, messages, json);
    shelf_close(&s);
    return 0;
}
