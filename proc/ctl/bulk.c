/* The lines of a bulk file, and a window of accounts on their way, so that hashing on one side and
 * syncing on the other never wait for each other. */
#include "bulk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "directory.h"
#include "size.h"

enum { PROGRESS_EVERY = 64 };

/* The next field, or an empty slice at the end. */
static struct slice
take_field(struct slice *line)
{
    struct slice field;
    size_t n = 0;

    *line = slice_trim(*line);
    while (n < line->len && line->at[n] != ' ' && line->at[n] != '\t')
        n++;
    field = slice_head(*line, n);
    *line = slice_tail(*line, n);
    return field;
}

enum bulk_kind
bulk_line_parse(struct slice line, struct bulk_line *parsed)
{
    struct slice secret, quota;

    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    *parsed = (struct bulk_line){.address = take_field(&line), .quota = UINT64_MAX};
    if (parsed->address.len == 0 || parsed->address.at[0] == '#')
        return BULK_EMPTY;
    secret = take_field(&line);
    quota = take_field(&line);
    if (slice_take_prefix_nocase(&secret, SLICE("{plain}"))) {
        parsed->password = secret;
        if (secret.len == 0)
            return BULK_BAD;
    } else if (!slice_eq(secret, SLICE("-"))) {
        slice_take_prefix_nocase(&secret, SLICE("{crypt}"));
        parsed->hash = secret;
    }
    if (take_field(&line).len || (quota.len && !size_parse(quota, &parsed->quota)))
        return BULK_BAD;
    return BULK_ACCOUNT;
}

struct bulk {
    struct loop *loop;
    struct chan *accounts;
    FILE *input;
    bool ended, lost, show_progress;
    size_t waiting;
    uint64_t line, added, refused;
};

/* An account on its way. */
struct on_its_way {
    struct bulk *bulk;
    uint64_t line;
    char address[DIRECTORY_NAME_MAX];
};

static void send_more(struct bulk *b);

static void
count_refused(struct bulk *b, uint64_t line, const char *why)
{
    char number[24];

    snprintf(number, sizeof(number), "%" PRIu64, line);
    b->refused++;
    FAIL(bulk_line_refused, number, why);
}

static void
on_done(void *ctx, const union msg_any *answer, int fd)
{
    struct on_its_way *o = ctx;
    struct bulk *b = o->bulk;
    char why[DIRECTORY_NAME_MAX + 256], text[192];

    if (fd >= 0)
        close(fd);
    b->waiting--;
    if (!answer) {
        b->lost = true;
    } else if (answer->directory_done.result == DIRECTORY_OK) {
        b->added++;
    } else {
        slice_to_string(slice_head(answer->directory_done.text, sizeof(text) - 1), text,
                        sizeof(text));
        snprintf(why, sizeof(why), "%s: %s", o->address, text);
        count_refused(b, o->line, why);
    }
    if (b->show_progress && (b->added + b->refused) % PROGRESS_EVERY == 0)
        fprintf(stderr, "\r%" PRIu64 " ", b->added);
    free(o);
    send_more(b);
}

static void
send_line(struct bulk *b, const struct bulk_line *l)
{
    struct on_its_way *o = heap_take(sizeof(*o));
    struct directory_account_add m = {l->address, l->password, l->hash, l->quota};

    o->bulk = b;
    o->line = b->line;
    slice_to_string(slice_head(l->address, sizeof(o->address) - 1), o->address, sizeof(o->address));
    b->waiting++;
    chan_ask(b->accounts, MSG_directory_account_add, &m, -1, MSG_directory_done, on_done, o);
}

/* Skip what is left of a line that was too long. */
static void
skip_line(FILE *input)
{
    for (int ch = 0; ch != '\n' && ch != EOF;)
        ch = getc(input);
}

static void
send_next(struct bulk *b)
{
    char room[BULK_LINE_MAX];
    struct bulk_line parsed;
    struct slice line;
    enum bulk_kind kind = BULK_BAD;

    if (!fgets(room, sizeof(room), b->input)) {
        b->ended = true;
        return;
    }
    b->line++;
    line = slice_of(room);
    if (line.len && line.at[line.len - 1] == '\n') {
        line.len--;
        kind = bulk_line_parse(line, &parsed);
    } else if (feof(b->input)) {
        kind = bulk_line_parse(line, &parsed);
    } else {
        skip_line(b->input);
    }
    if (kind == BULK_ACCOUNT)
        send_line(b, &parsed);
    else if (kind == BULK_BAD)
        count_refused(b, b->line, text_get(TEXT_bulk_form));
    explicit_bzero(room, sizeof(room));
}

static void
send_more(struct bulk *b)
{
    while (!b->ended && !b->lost && b->waiting < BULK_WINDOW)
        send_next(b);
    if (b->waiting == 0)
        loop_stop(b->loop);
}

static void
on_closed(void *ctx, struct chan *ch)
{
    struct bulk *b = ctx;

    b->lost = true;
    b->accounts = NULL;
    chan_free(ch);
    loop_stop(b->loop);
}

static void
begin(void *ctx)
{
    send_more(ctx);
}

static int
finish(const struct ctl *c, const struct bulk *b)
{
    char added[24], refused[24];

    if (b->show_progress)
        fputs("\r", stderr);
    snprintf(added, sizeof(added), "%" PRIu64, b->added);
    snprintf(refused, sizeof(refused), "%" PRIu64, b->refused);
    if (ctl_has(c, OPTION_json))
        out_object(c,
                   json_pack("{s:s, s:o, s:o}", "verb", "account add", "added",
                             out_number(b->added), "refused", out_number(b->refused)),
                   NULL);
    else
        SAY(done_bulk, added, refused);
    if (b->lost)
        return FAIL(role_silent, role_name(ROLE_accounts));
    return b->refused ? EX_DATAERR : 0;
}

int
bulk_add(struct ctl *c, const char *path)
{
    static const struct chan_events events = {on_closed, NULL};
    struct bulk b = {.show_progress = isatty(STDERR_FILENO) && !ctl_has(c, OPTION_json)};
    int fd, status;

    b.input = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!b.input)
        return FAIL(file_unreadable, path, strerror(errno));
    status = service_take_door(&c->service, ROLE_accounts, 0, &fd);
    if (status == 0) {
        b.loop = loop_new();
        b.accounts = chan_new(b.loop, fd, NULL, &events, &b);
        loop_later(b.loop, begin, &b);
        loop_run(b.loop);
        chan_free(b.accounts);
        loop_free(b.loop);
        status = finish(c, &b);
    }
    if (b.input != stdin)
        fclose(b.input);
    return status;
}
