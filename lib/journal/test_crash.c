/* Walks docs/journal.md: a scripted life of a journal on a disk that remembers. The disk is then
 * built again as a power cut at each moment might have left it, or the script is run again with
 * each call failing in each way; what a start replays must be what was promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/journal.h"
#include "journal/test_disk.h"

enum { ITEMS = 4000, NOTES = 4000, SEGMENT = JOURNAL_SEGMENT_LEAST, STEPS = 260 };
enum { SEEDS = 3, FAIL_EVERY = 5 };

/* A message, with the moments (calls of the disk) at which something became true; NEVER else. */
struct item {
    size_t begun, acked, refused, finished, finished_safe;
    size_t body_len, envelope_len;
    bool seen; /* by the replay being checked */
};

/* A change that was said. */
struct note {
    uint64_t id;
    uint32_t recipient;
    uint64_t when; /* larger for later ones: what the replay brings back */
    size_t said, safe;
};

static struct {
    struct item items[ITEMS]; /* by id */
    uint64_t count;           /* the last id used */
    struct note notes[NOTES];
    size_t note_count;
    size_t commit_ok[ITEMS * 2], commits; /* moments of commits that worked */
    size_t low_at[STEPS * 4];
    uint64_t low_was[STEPS * 4];
    size_t lows;
    uint64_t random;
} model;

/* What a failed assertion is about; seed 0: nothing. */
static struct {
    uint64_t seed;
    size_t fails, now;
    int failure, cut, life;
} trying;

static int
tell_seed(void **state)
{
    (void)state;
    if (trying.seed)
        print_error(
            "JOURNAL_TEST_SEED=%ju: call %zd fails (kind %d), cut %d at call %zu, life %d\n",
            (uintmax_t)trying.seed, trying.fails, trying.failure, trying.cut, trying.now,
            trying.life);
    trying.seed = 0;
    return 0;
}

static uint32_t
chance(uint32_t below)
{
    model.random = model.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(model.random >> 33) % below;
}

static uint8_t
content(uint64_t id, size_t i)
{
    return (uint8_t)(id * 31 + i * 7 + i / 251);
}

static uint8_t *
make_bytes(uint64_t id, size_t n)
{
    uint8_t *bytes = heap_take(n + 1);

    for (size_t i = 0; i < n; i++)
        bytes[i] = content(id, i);
    return bytes;
}

static void model_change(struct journal *j);
static void model_done(struct journal *j);
static void read_one(struct journal *j);

/* What the owner may do while another thread writes. */
static void
model_meanwhile(struct journal *j)
{
    for (uint32_t n = chance(4); n-- > 0;) {
        model_change(j);
        model_done(j);
        read_one(j);
    }
}

static bool
commit(struct journal *j)
{
    bool writes = journal_commit_begin(j), before = chance(2);

    if (chance(2) && before)
        model_meanwhile(j);
    if (writes)
        journal_commit_write(j);
    if (chance(2) && !before)
        model_meanwhile(j);
    return !err_is(journal_commit_end(j));
}

static void
model_commit(struct journal *j, uint64_t first)
{
    bool worked = commit(j);

    for (uint64_t id = first; id <= model.count; id++) {
        struct item *m = &model.items[id];

        if (m->begun != DISK_NEVER && m->acked == DISK_NEVER && m->refused == DISK_NEVER)
            *(worked ? &m->acked : &m->refused) = disk.now;
    }
    if (!worked)
        return;
    model.commit_ok[model.commits++] = disk.now;
    for (size_t i = 0; i < model.note_count && !journal_pending(j); i++)
        if (model.notes[i].safe == DISK_NEVER)
            model.notes[i].safe = disk.now;
    for (uint64_t id = 1; id <= model.count; id++)
        if (model.items[id].finished != DISK_NEVER && model.items[id].finished_safe == DISK_NEVER &&
            !journal_has(j, id))
            model.items[id].finished_safe = disk.now;
}

/* One message into the batch; what must stay until the commit is left in *body and *fd. */
static void
model_put(struct journal *j, uint8_t **body, int *fd)
{
    static const size_t sizes[] = {0, 1, 100, 700, 4096, 5000, 30000, 90000};
    uint64_t id = ++model.count;
    struct item *m = &model.items[id];
    uint8_t *envelope;
    struct err e;

    ensure(model.count < ITEMS);
    *m = (struct item){disk.now,    DISK_NEVER, DISK_NEVER,
                       DISK_NEVER,  DISK_NEVER, sizes[chance(chance(8) ? 6 : 8)],
                       chance(200), false};
    envelope = make_bytes(id + 1, m->envelope_len);
    *body = make_bytes(id, m->body_len);
    if (chance(3) == 0) {
        *fd = memfd_create("body", MFD_CLOEXEC);
        ensure(write(*fd, *body, m->body_len) == (ssize_t)m->body_len);
        e = journal_add_file(j, id, slice_make(envelope, m->envelope_len), *fd, m->body_len);
    } else {
        e = journal_add(j, id, slice_make(envelope, m->envelope_len),
                        slice_make(*body, m->body_len));
    }
    if (err_is(e))
        m->begun = DISK_NEVER; /* it never was in a batch */
    free(envelope);
}

static void
model_add(struct journal *j)
{
    uint8_t *bodies[4] = {NULL};
    int fds[4] = {-1, -1, -1, -1};
    uint64_t first = model.count + 1;
    size_t count = 1 + (chance(2) ? chance(4) : 0);

    for (size_t i = 0; i < count; i++)
        model_put(j, &bodies[i], &fds[i]);
    model_commit(j, first);
    for (size_t i = 0; i < count; i++) {
        free(bodies[i]);
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

static void
model_change(struct journal *j)
{
    uint64_t id = 1 + chance((uint32_t)model.count);
    struct note *n = &model.notes[model.note_count];
    uint64_t envelope_len, body_len;
    struct journal_change c = {.state = 3, .reason = SLICE("450 try again")};

    if (model.note_count == NOTES || model.items[id].finished != DISK_NEVER ||
        !journal_get(j, id, &envelope_len, &body_len))
        return;
    *n = (struct note){id, chance(4), model.note_count + 1, disk.now, DISK_NEVER};
    c.recipient = n->recipient;
    c.when = n->when;
    if (!err_is(journal_change(j, id, &c)))
        model.note_count++;
}

static void
model_done(struct journal *j)
{
    uint64_t id = 1 + chance((uint32_t)model.count), envelope_len, body_len;

    if (chance(4) && model.count > 8) /* mostly the young */
        id = model.count - chance(8);
    if (model.items[id].finished != DISK_NEVER || !journal_get(j, id, &envelope_len, &body_len))
        return;
    model.items[id].finished = disk.now;
    journal_done(j, id);
}

/* Could a replay at `now` bring the id? */
static bool
may_come(uint64_t id, size_t now)
{
    const struct item *m = &model.items[id];

    if (m->begun > now || m->finished_safe <= now)
        return false;
    for (size_t i = 0; i < model.commits && m->refused <= now; i++)
        if (model.commit_ok[i] > m->refused && model.commit_ok[i] <= now)
            return false;
    return true;
}

static bool
must_come(uint64_t id, size_t now)
{
    return model.items[id].acked <= now && model.items[id].finished > now;
}

static void
note_low_water(struct journal *j)
{
    uint64_t low = journal_low_water(j);

    /* a refused one may be gone with its segment: on_message sees that it stays away */
    for (uint64_t id = 1; id < low && id <= model.count; id++)
        assert_true(model.items[id].refused != DISK_NEVER || !may_come(id, disk.now));
    assert_true(low == UINT64_MAX || may_come(low, disk.now));
    if (model.lows < COUNT(model.low_at)) {
        model.low_at[model.lows] = disk.now;
        model.low_was[model.lows++] = low;
    }
}

/* Acknowledged messages must read back while the journal lives, too. */
static void
read_one(struct journal *j)
{
    uint64_t id = 1 + chance((uint32_t)model.count), envelope_len, body_len, at;
    uint8_t bytes[64];
    int fd;

    if (!journal_get(j, id, &envelope_len, &body_len) || disk.fail_from != DISK_NEVER)
        return;
    assert_int_equal(body_len, model.items[id].body_len);
    at = body_len > 64 ? body_len - 64 : 0;
    assert_false(err_is(journal_read_body(j, id, at, bytes, (size_t)(body_len - at))));
    for (size_t i = 0; i < body_len - at; i++)
        assert_int_equal(bytes[i], content(id, at + i));
    assert_false(err_is(journal_open_body(j, id, &fd, &at)));
    assert_int_equal(pread(fd, bytes, 1, (off_t)at), 1);
    if (body_len)
        assert_int_equal(bytes[0], content(id, 0));
    assert_int_equal(write(fd, bytes, 1), -1);
    close(fd);
}

static void
run_script(int dirfd, uint64_t seed)
{
    const struct journal_config config = {
        .segment_bytes = SEGMENT, .tidy_segments = 3, .file = &disk_table};
    const struct journal_replay nobody = {0};
    struct journal *j;

    memset(&model, 0, sizeof(model));
    model.random = seed;
    if (err_is(journal_open(&j, dirfd, &config, &nobody)))
        return; /* a failing call at the start is allowed to end it */
    model_add(j);
    for (int step = 0; step < STEPS; step++) {
        uint32_t what = chance(100);

        if (what < 28)
            model_add(j);
        else if (what < 50)
            model_change(j);
        else if (what < 73)
            model_done(j);
        else if (what < 76)
            model_commit(j, model.count + 1);
        else if (what < 83)
            journal_idle(j);
        else if (what < 86)
            read_one(j);
        else
            journal_tidy(j);
        note_low_water(j);
    }
    model_commit(j, model.count + 1);
    note_low_water(j);
    journal_close(j);
}

/* ---- what a start must bring ---- */

struct check {
    size_t now;
    unsigned damaged;
    bool changes[ITEMS][4];
};
static struct check check;

static void
on_message(void *ctx, const struct journal_message *m)
{
    struct item *item = &model.items[m->id];

    (void)ctx;
    assert_in_range(m->id, 1, model.count);
    assert_true(may_come(m->id, check.now));
    assert_false(item->seen); /* nothing twice */
    item->seen = true;
    assert_int_equal(m->envelope.len, item->envelope_len);
    assert_int_equal(m->body_len, item->body_len);
    for (size_t i = 0; i < m->envelope.len; i++)
        assert_int_equal(m->envelope.at[i], content(m->id + 1, i));
    for (size_t i = 0; i < model.lows && model.low_at[i] <= check.now; i++)
        assert_true(m->id >= model.low_was[i] || item->begun >= model.low_at[i]);
}

static void
on_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    (void)ctx;
    assert_true(model.items[id].seen);
    assert_in_range(c->recipient, 0, 3);
    assert_false(check.changes[id][c->recipient]);
    check.changes[id][c->recipient] = true;
    assert_in_range(c->when, 1, NOTES);
    assert_int_equal(model.notes[c->when - 1].id, id);
    assert_true(model.notes[c->when - 1].said <= check.now);
    assert_true(slice_eq(c->reason, SLICE("450 try again")));
    for (size_t i = c->when; i < model.note_count; i++) /* none newer was durable */
        if (model.notes[i].id == id && model.notes[i].recipient == c->recipient)
            assert_true(model.notes[i].safe > check.now);
}

static void
on_trouble(void *ctx, const struct journal_trouble *t)
{
    (void)ctx;
    check.damaged += t->kind != JOURNAL_TORN;
}

static void
check_bodies(struct journal *j)
{
    for (uint64_t id = 1; id <= model.count; id++) {
        struct item *m = &model.items[id];
        uint8_t *body = heap_take(m->body_len);

        if (m->seen) {
            assert_false(err_is(journal_read_body(j, id, 0, body, m->body_len)));
            for (size_t i = 0; i < m->body_len; i++)
                if (body[i] != content(id, i))
                    fail_msg("body of %d differs at %zu", (int)id, i);
        }
        free(body);
    }
}

static void
check_start(int dirfd, size_t now, uint64_t second_life)
{
    const struct journal_config config = {
        .segment_bytes = SEGMENT, .tidy_segments = 3, .file = &disk_table};
    const struct journal_replay replay = {NULL, on_message, on_change, on_trouble};
    struct journal *j;

    for (int life = 0; life < 2; life++) {
        trying.life = life;
        memset(&check, 0, sizeof(check));
        check.now = now;
        for (uint64_t id = 1; id <= model.count; id++)
            model.items[id].seen = false;
        assert_false(err_is(journal_open(&j, dirfd, &config, &replay)));
        assert_int_equal(check.damaged, 0);
        for (uint64_t id = 1; id <= model.count; id++)
            if (must_come(id, now) && !model.items[id].seen)
                fail_msg("message %d is lost at call %zu", (int)id, now);
        for (size_t i = 0; i < model.note_count; i++)
            if (model.notes[i].safe <= now && model.items[model.notes[i].id].seen)
                assert_true(check.changes[model.notes[i].id][model.notes[i].recipient]);
        check_bodies(j);
        if (life == 0 && second_life) { /* go on, copy everything about, die in order */
            for (int i = 0; i < 20 && (journal_tidy(j) || journal_idle(j)); i++)
                assert_false(err_is(journal_commit(j)));
            assert_false(err_is(journal_finish(j)));
        }
        journal_close(j);
        if (!second_life)
            break;
    }
}

/* ---- the disk as a power cut left it ---- */

enum cut { CUT_NOTHING_MORE, CUT_ALL, CUT_SOME_PAGES, CUT_KINDS };

struct image {
    uint8_t *bytes;
    size_t len;
    char name[DISK_NAME]; /* "": unlinked, or not yet made */
};

static void
image_write(struct image *f, const struct disk_event *e, size_t from, size_t n)
{
    size_t end = (size_t)e->at + from + n;

    if (end > f->len) {
        f->bytes = heap_grow(f->bytes, end);
        memset(f->bytes + f->len, 0, end - f->len);
        f->len = end;
    }
    memcpy(f->bytes + e->at + from, e->bytes + from, n);
}

static void
image_apply(struct image *files, const struct disk_event *e)
{
    if (e->kind == DISK_CREATE)
        snprintf(files[e->file].name, DISK_NAME, "%s", e->name);
    for (int i = 0; e->kind != DISK_CREATE && i < disk.files; i++)
        if (strcmp(files[i].name, e->name) == 0)
            snprintf(files[i].name, DISK_NAME, "%s", e->kind == DISK_RENAME ? e->to : "");
}

static void
build_image(int dirfd, size_t now, enum cut cut)
{
    struct image *files = heap_take((size_t)disk.files * sizeof(*files));

    for (size_t i = 0; i < disk.count && disk.events[i].when <= now; i++) {
        const struct disk_event *e = &disk.events[i];

        if (e->kind != DISK_WRITE) {
            /* any of the names' changes since the folder's last sync may be missing */
            if (e->safe <= now || cut == CUT_ALL || (cut == CUT_SOME_PAGES && chance(2)))
                image_apply(files, e);
        } else if (e->safe <= now || (cut == CUT_ALL && !e->lost)) {
            image_write(&files[e->file], e, 0, e->len);
        } else if (cut != CUT_NOTHING_MORE) {
            for (size_t from = 0, n; from < e->len; from += n) {
                n = DISK_PAGE - (size_t)(e->at + from) % DISK_PAGE;
                n = n < e->len - from ? n : e->len - from;
                if (chance(2))
                    image_write(&files[e->file], e, from, n);
            }
        }
    }
    for (int i = 0; i < disk.files; i++) {
        if (files[i].name[0]) {
            int fd = openat(dirfd, files[i].name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

            ensure(fd >= 0 && write(fd, files[i].bytes, files[i].len) == (ssize_t)files[i].len);
            close(fd);
        }
        free(files[i].bytes);
    }
    free(files);
}

static void
check_cut(int dirfd, size_t now, enum cut cut, bool second_life)
{
    bool remember = disk.remember;
    size_t calls = disk.now;

    trying.cut = (int)cut;
    trying.now = now;
    disk.remember = false;
    disk.fail_from = disk.fail_to = DISK_NEVER;
    folder_empty(dirfd);
    build_image(dirfd, now, cut);
    check_start(dirfd, now, second_life);
    disk.remember = remember;
    disk.now = calls;
}

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* Each seed is another script. JOURNAL_TEST_CYCLES of them are tried, from JOURNAL_TEST_SEED on. */
static void
each_seed(void (*try_seed)(uint64_t seed, int dirfd, int cut_dirfd))
{
    char path[32], cut_path[32];
    int dirfd = folder_new(path), cut_dirfd = folder_new(cut_path);
    uint64_t first = number_from("JOURNAL_TEST_SEED", 1);
    uint64_t count = number_from("JOURNAL_TEST_CYCLES", SEEDS);

    for (trying.seed = first; trying.seed < first + count; trying.seed++)
        try_seed(trying.seed, dirfd, cut_dirfd);
    trying.seed = 0;
    disk_reset();
    folder_free(dirfd, path);
    folder_free(cut_dirfd, cut_path);
}

static void
begin_script(int dirfd)
{
    trying.fails = DISK_NEVER;
    disk_reset();
    folder_empty(dirfd);
    disk.remember = true;
}

static void
cut_everywhere(uint64_t seed, int dirfd, int cut_dirfd)
{
    begin_script(dirfd);
    run_script(dirfd, seed);
    for (size_t now = 0; now <= disk.now; now++)
        for (int cut = 0; cut < CUT_KINDS; cut++)
            check_cut(cut_dirfd, now, (enum cut)cut, now % 5 == 0);
}

static void
a_power_cut_at_any_moment_keeps_what_was_acknowledged(void **state)
{
    (void)state;
    each_seed(cut_everywhere);
}

/* Each call of a script would take too long for one seed: the seeds share them. */
static void
fail_here_and_there(uint64_t seed, int dirfd, int cut_dirfd)
{
    static const size_t lengths[] = {1, 2, 3, 40};
    size_t calls = 400;

    for (size_t k = seed % FAIL_EVERY; k < calls; k += FAIL_EVERY)
        for (int failure = 0; failure < DISK_FAILURES; failure++) {
            begin_script(dirfd);
            trying.failure = failure;
            trying.fails = k;
            disk.failure = (enum disk_failure)failure;
            disk.fail_from = k;
            disk.fail_to = k + lengths[(k / FAIL_EVERY + (size_t)failure) % COUNT(lengths)];
            run_script(dirfd, seed);
            calls = disk.now > calls ? disk.now : calls;
            for (int cut = 0; cut < CUT_KINDS; cut++) {
                check_cut(cut_dirfd, disk.now, (enum cut)cut, true);
                check_cut(cut_dirfd, k + 1 + chance(60), (enum cut)cut, false);
            }
        }
}

static void
a_failing_call_never_breaks_the_promise(void **state)
{
    (void)state;
    each_seed(fail_here_and_there);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_power_cut_at_any_moment_keeps_what_was_acknowledged, tell_seed),
        cmocka_unit_test_teardown(a_failing_call_never_breaks_the_promise, tell_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
