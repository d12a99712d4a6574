/* A start over hostile segments. The first byte chooses: the bytes as two files, or as a list of
 * records whose sums are made right, so that what lies behind the sums is reached as well. */
#include "base/ensure.h"
#include "journal/journal_private.h"
#include "journal/test_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORD_BYTES = 8 };

static char folder_path[32];
static int folder = -1;

static struct {
    uint64_t count, sum;
    bool plain; /* neither DONE, VOID nor COPY: then a second start brings the same */
} seen;

static void
on_message(void *ctx, const struct journal_message *m)
{
    (void)ctx;
    seen.count++;
    seen.sum += m->id * 31 + m->envelope.len * 7 + m->body_len;
}

static void
on_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    (void)ctx;
    ensure(id != 0 && c->recipient < JOURNAL_RECIPIENT_MAX && c->reason.len <= JOURNAL_REASON_MAX);
}

static void
on_trouble(void *ctx, const struct journal_trouble *t)
{
    (void)ctx;
    ensure(t->file != NULL);
}

/* type id size envelope batch origin damage split, then the payload */
static void
build(struct slice in, struct buf files[2])
{
    size_t which = 0;

    while (in.len >= RECORD_BYTES) {
        const uint8_t *f = in.at;
        struct slice payload = slice_head(slice_tail(in, RECORD_BYTES), f[2]);
        struct record r = {.type = (enum record_type)(f[0] % 8),
                           .nonce = which + 1,
                           .id = f[1],
                           .envelope = f[3],
                           .batch = (uint64_t)f[4] * RECORD_ALIGN,
                           .origin = f[5]};
        struct buf *out = &files[which];

        seen.plain &= r.type == RECORD_MESSAGE || r.type == RECORD_CHANGE;
        record_put(out, r, payload);
        if (f[6])
            out->at[out->len - 1 - f[6] % out->len] ^= f[6];
        which = which || f[7] == 1;
        in = slice_tail(in, RECORD_BYTES + payload.len);
    }
}

static void
write_file(const char *name, struct slice content)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ensure(fd >= 0 && write(fd, content.at, content.len) == (ssize_t)content.len);
    close(fd);
}

static struct journal *
start(void)
{
    const struct journal_config config = {
        .segment_bytes = JOURNAL_SEGMENT_LEAST, .tidy_segments = 1, .file = &disk_table};
    const struct journal_replay replay = {NULL, on_message, on_change, on_trouble};
    struct journal *j;

    seen.count = seen.sum = 0;
    ensure(!err_is(journal_open(&j, folder, &config, &replay)));
    return j;
}

static void
use(struct journal *j)
{
    for (uint64_t id = 1; id < 256; id++)
        (void)journal_changes(j, id, on_change, NULL);
    for (int i = 0; i < 8 && (journal_tidy(j) || journal_idle(j)); i++)
        ensure(!err_is(journal_commit(j)));
    ensure(!err_is(journal_finish(j)));
}

static void
clean_up(void)
{
    folder_free(folder, folder_path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_tail(slice_make(data, size), 1);
    struct buf files[2];
    struct journal *j;
    uint64_t count, sum;

    if (size == 0)
        return 0;
    if (folder < 0) {
        disk_reset();
        folder = folder_new(folder_path);
        atexit(clean_up);
    }
    folder_empty(folder);
    buf_init(&files[0], SIZE_MAX);
    buf_init(&files[1], SIZE_MAX);
    seen.plain = data[0] % 2;
    if (data[0] % 2) {
        build(in, files);
    } else {
        buf_put(&files[0], slice_head(in, in.len / 2));
        buf_put(&files[1], slice_tail(in, in.len / 2));
    }
    write_file("segment-00000001-0000000000000001", buf_slice(&files[0]));
    write_file("segment-00000002-0000000000000002", buf_slice(&files[1]));
    buf_clear(&files[0]);
    buf_clear(&files[1]);
    j = start();
    count = seen.count;
    sum = seen.sum;
    use(j);
    journal_close(j);
    j = start();
    ensure(!seen.plain || (seen.count == count && seen.sum == sum));
    journal_close(j);
    return 0;
}
