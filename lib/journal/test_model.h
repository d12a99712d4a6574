/* A journal's owner as a model: what it did, in an order that chance gives, at which call of the
 * disk it became true, and what a start after a crash at any call must and may bring. */
#ifndef JOURNAL_TEST_MODEL_H
#define JOURNAL_TEST_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/journal.h"
#include "journal/test_disk.h"

enum { ITEMS = 4000, NOTES = 4000, SEGMENT = JOURNAL_SEGMENT_LEAST };

/* A message, with the moments (calls of the disk) at which something became true; NEVER else. */
struct item {
    size_t begun, acked, refused, finished, finished_safe;
    size_t buried; /* the low water had passed it: it must not come any more */
    size_t body_len, envelope_len;
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
    size_t crashes;
    uint64_t random;
} model;

/* What a start brought. */
struct check {
    size_t now; /* the moment of the crash before it */
    unsigned damaged;
    bool seen[ITEMS];
    uint64_t when[ITEMS][4]; /* 0: nothing was said */
};
static struct check check;

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
    *m = (struct item){disk.now,
                       DISK_NEVER,
                       DISK_NEVER,
                       DISK_NEVER,
                       DISK_NEVER,
                       DISK_NEVER,
                       sizes[chance(chance(8) ? 6 : 8)],
                       chance(200)};
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

    for (uint64_t id = 1; id < low && id <= model.count; id++) {
        struct item *m = &model.items[id];

        /* a refused one may be gone with its segment */
        assert_true(m->refused != DISK_NEVER || !may_come(id, disk.now));
        if (m->buried > disk.now)
            m->buried = disk.now;
    }
    assert_true(low == UINT64_MAX || model.crashes || may_come(low, disk.now));
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

/* What an owner does, in any order. */
static void
live_on(struct journal *j, int steps)
{
    model_add(j);
    for (int step = 0; step < steps; step++) {
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
}

/* ---- what a start must bring ---- */

static void
on_message(void *ctx, const struct journal_message *m)
{
    const struct item *item = &model.items[m->id];

    (void)ctx;
    assert_in_range(m->id, 1, model.count);
    assert_true(may_come(m->id, check.now));
    assert_true(item->buried > check.now);
    assert_false(check.seen[m->id]); /* nothing twice */
    check.seen[m->id] = true;
    assert_int_equal(m->envelope.len, item->envelope_len);
    assert_int_equal(m->body_len, item->body_len);
    for (size_t i = 0; i < m->envelope.len; i++)
        assert_int_equal(m->envelope.at[i], content(m->id + 1, i));
}

static void
on_change(void *ctx, uint64_t id, const struct journal_change *c)
{
    (void)ctx;
    assert_true(check.seen[id]);
    assert_in_range(c->recipient, 0, 3);
    assert_int_equal(check.when[id][c->recipient], 0);
    check.when[id][c->recipient] = c->when;
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
        const struct item *m = &model.items[id];
        uint8_t *body = heap_take(m->body_len);

        if (check.seen[id]) {
            assert_false(err_is(journal_read_body(j, id, 0, body, m->body_len)));
            for (size_t i = 0; i < m->body_len; i++)
                if (body[i] != content(id, i))
                    fail_msg("body of %d differs at %zu", (int)id, i);
        }
        free(body);
    }
}

/* A start after a crash at `now`. */
static struct journal *
start(int dirfd, size_t now)
{
    const struct journal_config config = {
        .segment_bytes = SEGMENT, .tidy_segments = 3, .file = &disk_table};
    const struct journal_replay replay = {NULL, on_message, on_change, on_trouble};
    struct journal *j;

    memset(&check, 0, sizeof(check));
    check.now = now;
    assert_false(err_is(journal_open(&j, dirfd, &config, &replay)));
    assert_int_equal(check.damaged, 0);
    for (uint64_t id = 1; id <= model.count; id++)
        if (must_come(id, now) && !check.seen[id])
            fail_msg("message %d is lost at call %zu", (int)id, now);
    for (size_t i = 0; i < model.note_count; i++)
        if (model.notes[i].safe <= now && check.seen[model.notes[i].id])
            assert_true(check.when[model.notes[i].id][model.notes[i].recipient] != 0);
    check_bodies(j);
    return j;
}

/* Go on from what a start brought: that is what is true now, at the moment 0 of another life. */
static void
forget_the_crash(void)
{
    model.crashes++;
    model.commits = 0;
    for (uint64_t id = 1; id <= model.count; id++) {
        struct item *m = &model.items[id];

        m->begun = m->acked = check.seen[id] ? 0 : DISK_NEVER;
        m->finished = m->finished_safe = m->buried = check.seen[id] ? DISK_NEVER : 0;
        m->refused = DISK_NEVER;
    }
    for (size_t i = 0; i < model.note_count; i++) {
        struct note *n = &model.notes[i];

        if (!check.seen[n->id] || n->when > check.when[n->id][n->recipient])
            n->id = 0; /* never to come */
        n->said = n->safe = 0;
    }
}

#endif
