/* Fills a journal with mail that waits for other servers, so that a start with a long queue can be
 * measured.
 * usage: bench-backlog FOLDER MESSAGES DESTINATIONS */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/msg.h"
#include "journal/journal.h"

static const char body[] = "From: ana@here.example\r\nSubject: one of many\r\n\r\n"
                           "This waits for a server that does not answer.\r\n";

static bool
put_envelope(struct buf *out, uint64_t number, uint64_t destinations)
{
    char address[64];
    uint8_t bytes[512];
    struct buf targets = {.at = bytes, .room = 128, .cap = 128};
    struct buf recipients = {.at = bytes + 128, .room = 384, .cap = 384};
    struct queue_envelope e = {.received = clock_now_us() / 1000000,
                               .sender = SLICE("ana@here.example"),
                               .login = SLICE("ana@here.example"),
                               .client = SLICE("127.0.0.1")};
    struct queue_recipient r;

    snprintf(address, sizeof(address), "bob@d%" PRIu64 ".there.example", number % destinations);
    msg_items_put(&targets, MSG_queue_target, &(struct queue_target){.account = 0});
    r = (struct queue_recipient){.address = slice_of(address), .targets = buf_slice(&targets)};
    msg_items_put(&recipients, MSG_queue_recipient, &r);
    e.recipients = buf_slice(&recipients);
    return !targets.full && !recipients.full && msg_items_put(out, MSG_queue_envelope, &e);
}

static struct err
fill(struct journal *j, uint64_t messages, uint64_t destinations)
{
    struct buf envelope;
    struct err e = ERR_OK;

    buf_init(&envelope, 1024);
    for (uint64_t i = 0; i < messages && !err_is(e);) {
        buf_reset(&envelope);
        ensure(put_envelope(&envelope, i, destinations));
        e = journal_add(j, i + 1, buf_slice(&envelope), slice_of(body));
        if (e.kind == ERR_AGAIN)
            e = journal_commit(j);
        else
            i++;
    }
    buf_clear(&envelope);
    return err_is(e) ? e : journal_finish(j);
}

int
main(int argc, char **argv)
{
    struct journal_config config = {.journal_bytes = 0};
    struct journal_replay nothing = {.ctx = NULL};
    uint64_t messages, destinations;
    struct journal *j;
    struct err e;

    if (argc != 4 || !slice_to_u64(slice_of(argv[2]), &messages) ||
        !slice_to_u64(slice_of(argv[3]), &destinations) || destinations == 0) {
        fprintf(stderr, "usage: bench-backlog FOLDER MESSAGES DESTINATIONS\n");
        return 64;
    }
    if ((mkdir(argv[1], 0700) != 0 && errno != EEXIST) || chdir(argv[1]) != 0) {
        perror(argv[1]);
        return 73;
    }
    e = journal_open(&j, AT_FDCWD, &config, &nothing);
    if (!err_is(e)) {
        e = fill(j, messages, destinations);
        journal_close(j);
    }
    if (err_is(e))
        fprintf(stderr, "bench-backlog: %s\n", err_text(e));
    return err_is(e) ? 74 : 0;
}
