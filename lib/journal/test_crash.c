/* Walks docs/journal.md: a scripted life of a journal on a disk that remembers. The disk is then
 * built again as a power cut might have left it, the script is run again with calls that fail, or
 * a next life begins on what the crash left; what a start replays must be what was promised.
 *
 * Each seed is another script. JOURNAL_TEST_CYCLES=1000 JOURNAL_TEST_SEED=1 tries a thousand from
 * the first on; what fails names its seed. */
#include "journal/test_model.h"

/* The seeds of one run share the moments of a cut and the calls that fail. */
enum { SEEDS = 8, STEPS = 260, CUT_EVERY = 5, FAIL_EVERY = 25, LIVES = 12, LIFE_STEPS = 80 };

/* What a failed assertion is about; seed 0: nothing. */
static struct {
    uint64_t seed;
    size_t fails, now;
    enum disk_failure failure;
    int cut, life;
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

/* Begin anew: what lies in the folder is durable, at the moment 0. */
static void
disk_adopt(int dirfd)
{
    DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    disk_reset();
    disk.remember = true;
    for (const struct dirent *d; (d = readdir(dir)) != NULL;) {
        int fd = openat(dirfd, d->d_name, O_RDONLY | O_CLOEXEC);
        struct iovec content;
        struct stat st;

        ensure(fd >= 0 && fstat(fd, &st) == 0);
        if (S_ISREG(st.st_mode)) {
            snprintf(disk_event(DISK_CREATE, disk_file_of(fd))->name, DISK_NAME, "%.63s",
                     d->d_name);
            content = (struct iovec){heap_take((size_t)st.st_size), (size_t)st.st_size};
            ensure(pread(fd, content.iov_base, content.iov_len, 0) == st.st_size);
            disk_remember(fd, &content, 1, 0, content.iov_len);
            free(content.iov_base);
        }
        close(fd);
    }
    closedir(dir);
    for (size_t i = 0; i < disk.count; i++)
        disk.events[i].safe = 0;
}

/* Copy everything about, die in order. */
static void
tidy_up(struct journal *j)
{
    for (int i = 0; i < 20 && (journal_tidy(j) || journal_idle(j)); i++)
        assert_false(err_is(journal_commit(j)));
    assert_false(err_is(journal_finish(j)));
    journal_close(j);
}

static void
check_cut(int dirfd, size_t now, enum cut cut, bool second_life)
{
    static struct check first;
    bool remember = disk.remember;
    size_t calls = disk.now;
    struct journal *j;

    trying.cut = (int)cut;
    trying.now = now;
    trying.life = 1;
    disk.remember = false;
    disk.fail_from = disk.fail_to = DISK_NEVER;
    folder_empty(dirfd);
    build_image(dirfd, now, cut);
    j = start(dirfd, now);
    if (second_life) {
        tidy_up(j);
        trying.life = 2;
        first = check;
        j = start(dirfd, now);
        assert_memory_equal(&check, &first, sizeof(check));
    }
    journal_close(j);
    disk.remember = remember;
    disk.now = calls;
}

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

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

/* One life, from an empty folder. */
static void
run_script(uint64_t seed, int dirfd, size_t fail_from, size_t fail_to)
{
    const struct journal_config config = {
        .segment_bytes = SEGMENT, .tidy_segments = 3, .file = &disk_table};
    const struct journal_replay nobody = {0};
    struct journal *j;

    disk_reset();
    folder_empty(dirfd);
    memset(&model, 0, sizeof(model));
    model.random = seed;
    disk.remember = true;
    disk.failure = trying.failure;
    disk.fail_from = fail_from;
    disk.fail_to = fail_to;
    trying.fails = fail_from;
    if (err_is(journal_open(&j, dirfd, &config, &nobody)))
        return; /* a failing call at the start is allowed to end it */
    live_on(j, STEPS);
    model_commit(j, model.count + 1);
    note_low_water(j);
    journal_close(j);
}

static void
cut_everywhere(uint64_t seed, int dirfd, int cut_dirfd)
{
    run_script(seed, dirfd, DISK_NEVER, DISK_NEVER);
    for (size_t now = seed % CUT_EVERY; now <= disk.now; now += CUT_EVERY)
        for (int cut = 0; cut < CUT_KINDS; cut++)
            check_cut(cut_dirfd, now, (enum cut)cut, chance(5) == 0);
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
            trying.failure = (enum disk_failure)failure;
            run_script(seed, dirfd, k,
                       k + lengths[(k / FAIL_EVERY + (size_t)failure) % COUNT(lengths)]);
            calls = disk.now > calls ? disk.now : calls;
            for (int cut = 0; cut < CUT_KINDS; cut++) {
                check_cut(cut_dirfd, disk.now, (enum cut)cut, true);
                check_cut(cut_dirfd, k + 1 + chance(60), (enum cut)cut, false);
            }
        }
}

/* Some lives, each on what the crash before has left, some with calls that fail. */
static void
live_again_and_again(uint64_t seed, int dirfd, int cut_dirfd)
{
    int folders[] = {dirfd, cut_dirfd};
    struct journal *j;

    run_script(seed, folders[0], DISK_NEVER, DISK_NEVER);
    for (int life = 0; life < LIVES; life++) {
        size_t now = disk.now - chance((uint32_t)disk.now / 2 + 1);
        int next = folders[(life + 1) % 2];

        trying.life = life + 2;
        trying.cut = (int)chance(CUT_KINDS);
        trying.now = now;
        folder_empty(next);
        build_image(next, now, (enum cut)trying.cut);
        disk_adopt(next);
        j = start(next, now);
        forget_the_crash();
        if (chance(2)) {
            disk.failure = trying.failure = (enum disk_failure)chance(DISK_FAILURES);
            disk.fail_from = trying.fails = disk.now + chance(200);
            disk.fail_to = disk.fail_from + 1 + chance(3);
        }
        live_on(j, LIFE_STEPS);
        journal_close(j);
    }
}

static void
what_was_promised_outlives_one_crash_after_another(void **state)
{
    (void)state;
    each_seed(live_again_and_again);
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
        cmocka_unit_test_teardown(what_was_promised_outlives_one_crash_after_another, tell_seed),
        cmocka_unit_test_teardown(a_failing_call_never_breaks_the_promise, tell_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
