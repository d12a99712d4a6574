/* Segments from their creation to their death. docs/journal.md section 3 has the states, section 4
 * why the folder is synced where it is. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "journal/journal_private.h"

enum { RETIRE_MOST = 16 }; /* files given up by one sync of the folder */

/* The index of the first segment whose number is not below. */
static size_t
index_of(const struct journal *j, uint32_t number)
{
    size_t low = 0, high = j->segment_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (j->segments[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct segment *
segment_add(struct journal *j, uint32_t number, uint64_t nonce)
{
    struct segment *s = heap_take(sizeof(*s));
    size_t i = index_of(j, number);

    *s = (struct segment){.number = number, .nonce = nonce, .read_fd = -1, .write_fd = -1};
    if (j->segment_count == j->segment_room) {
        j->segment_room = j->segment_room ? j->segment_room * 2 : 16;
        j->segments = heap_grow(j->segments, j->segment_room * sizeof(*j->segments));
    }
    memmove(j->segments + i + 1, j->segments + i, (j->segment_count - i) * sizeof(*j->segments));
    j->segments[i] = s;
    j->segment_count++;
    if (number > j->last_number)
        j->last_number = number;
    return s;
}

static void
stop_reading(struct journal *j, struct segment *s)
{
    for (size_t i = 0; i < COUNT(j->reading); i++)
        if (j->reading[i] == s)
            j->reading[i] = NULL;
    file_close(j, &s->read_fd);
}

void
segment_void_settled(struct journal *j, struct segment *s)
{
    if (!s->void_due)
        return;
    s->void_due = false;
    if (--j->voids_due == 0)
        j->refused_low = UINT64_MAX;
}

void
segment_drop(struct journal *j, struct segment *s)
{
    size_t i = index_of(j, s->number);

    ensure(j->segments[i] == s);
    stop_reading(j, s);
    file_close(j, &s->write_fd);
    segment_void_settled(j, s);
    j->segment_count--;
    memmove(j->segments + i, j->segments + i + 1, (j->segment_count - i) * sizeof(*j->segments));
    free(s->about.at);
    free(s->hides.at);
    free(s);
}

struct segment *
segment_of(const struct journal *j, uint32_t number)
{
    size_t i = index_of(j, number);

    return i < j->segment_count && j->segments[i]->number == number ? j->segments[i] : NULL;
}

struct segment *
segment_of_nonce(const struct journal *j, uint64_t nonce)
{
    for (size_t i = 0; i < j->segment_count; i++)
        if (j->segments[i]->nonce == nonce)
            return j->segments[i];
    return NULL;
}

struct err
segment_reader(struct journal *j, struct segment *s, int *fd)
{
    char name[JOURNAL_NAME];
    struct segment **place;
    struct err e;

    *fd = s->read_fd;
    if (*fd >= 0)
        return ERR_OK;
    segment_name(s, name);
    e = file_open(j, name, O_RDONLY, &s->read_fd);
    if (err_is(e))
        return e;
    place = &j->reading[j->reading_at++ % JOURNAL_OPEN_MAX];
    if (*place)
        file_close(j, &(*place)->read_fd);
    *place = s;
    *fd = s->read_fd;
    return ERR_OK;
}

static void
add_number(struct numbers *set, uint32_t number)
{
    for (size_t i = set->count; i-- > 0;) /* the newest first: it is nearly always that */
        if (set->at[i] == number)
            return;
    set->at = heap_grow(set->at, (set->count + 1) * sizeof(*set->at));
    set->at[set->count++] = number;
}

static bool
any_exists(const struct journal *j, const struct numbers *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (segment_of(j, set->at[i]))
            return true;
    return false;
}

void
segment_about(struct segment *s, uint32_t number)
{
    if (number != s->number)
        add_number(&s->about, number);
}

void
segment_hides(struct segment *s, uint32_t number)
{
    segment_about(s, number);
    add_number(&s->hides, number);
}

bool
segment_is_hiding(const struct journal *j, const struct segment *s)
{
    return any_exists(j, &s->hides);
}

void
segment_carried(struct segment *s)
{
    s->about.count = 0;
    s->inherited = s->carrying = false;
}

static struct err
zero_up_to(struct journal *j, struct segment *s, uint64_t upto)
{
    struct err e;

    if (j->config.journal_bytes && j->bytes + (upto - s->ready) > j->config.journal_bytes)
        return err_make(ERR_LIMIT, "the journal is as large as journal_bytes allows");
    e = file_zero(j, s->write_fd, s->ready, upto);
    if (err_is(e))
        return e;
    j->bytes += upto - s->ready;
    s->ready = upto;
    return ERR_OK;
}

struct err
segment_prepare(struct journal *j, struct segment *s, uint64_t upto)
{
    uint64_t ahead = (upto + JOURNAL_STEP) & ~UINT64_C(4095);

    if (upto <= s->ready)
        return ERR_OK;
    if (ahead > j->config.segment_bytes)
        ahead = upto > j->config.segment_bytes ? upto : j->config.segment_bytes;
    if (!s->not_ahead && !err_is(zero_up_to(j, s, ahead)))
        return ERR_OK;
    return zero_up_to(j, s, upto);
}

struct err
segment_prepare_ahead(struct journal *j, struct segment *s)
{
    uint64_t ahead = (s->ready + JOURNAL_STEP) & ~UINT64_C(4095);

    return zero_up_to(j, s, ahead < j->config.segment_bytes ? ahead : j->config.segment_bytes);
}

/* The folder's sync failed: nobody knows which name the file has on disk, so it must not be used.
 */
static struct err
give_back(struct journal *j, struct segment *s, struct err e)
{
    char name[JOURNAL_NAME];

    segment_name(s, name);
    if (!err_is(file_unlink(j, name)))
        j->bytes -= s->ready;
    segment_drop(j, s);
    return e;
}

static struct err
open_spare(struct journal *j, struct segment *s, const char *name)
{
    struct spare spare = j->spares[j->spare_count - 1];
    char old[JOURNAL_NAME];
    struct err e;

    spare_name(spare.number, old);
    e = file_open(j, old, O_RDWR, &s->write_fd);
    if (!err_is(e))
        e = file_rename(j, old, name);
    j->spare_count--; /* where that failed, the next start finds it again */
    if (err_is(e))
        j->bytes -= spare.bytes;
    else
        s->ready = spare.bytes;
    return e;
}

struct err
segment_make_next(struct journal *j)
{
    char name[JOURNAL_NAME];
    struct segment *s;
    struct err e;
    uint64_t nonce;

    if (j->last_number >= SEGMENT_NUMBER_LAST)
        return err_make(ERR_PERMANENT, "the journal has used all its segment numbers");
    random_fill(&nonce, sizeof(nonce));
    s = segment_add(j, j->last_number + 1, nonce);
    segment_name(s, name);
    if (j->spare_count)
        e = open_spare(j, s, name);
    else
        e = file_open(j, name, O_RDWR | O_CREAT | O_EXCL, &s->write_fd);
    if (err_is(e)) {
        segment_drop(j, s);
        return e;
    }
    e = file_sync_folder(j);
    if (err_is(e))
        return give_back(j, s, e);
    j->next = s;
    return ERR_OK;
}

static size_t
count_abandoned(const struct journal *j)
{
    size_t n = 0;

    for (size_t i = 0; i < j->segment_count; i++)
        n += j->segments[i]->state == SEGMENT_ABANDONED;
    return n;
}

struct err
segment_rotate(struct journal *j)
{
    struct err e;

    if (count_abandoned(j) >= JOURNAL_ABANDONED_MAX) {
        segment_retire(j);
        if (count_abandoned(j) >= JOURNAL_ABANDONED_MAX)
            return err_make(ERR_TEMPORARY, "write the journal: the disk failed too often");
    }
    if (!j->next) {
        if (j->spare_count == 0)
            segment_retire(j);
        e = segment_make_next(j);
        if (err_is(e))
            return e;
    }
    if (j->active) {
        j->active->state = SEGMENT_FULL;
        file_close(j, &j->active->write_fd);
    }
    j->active = j->next;
    j->active->state = SEGMENT_ACTIVE;
    j->next = NULL;
    return ERR_OK;
}

void
segment_abandon(struct journal *j)
{
    struct segment *s = j->active;

    s->state = SEGMENT_ABANDONED;
    s->void_due = true;
    j->voids_due++;
    file_close(j, &s->write_fd);
    j->active = NULL;
}

bool
segment_may_die(const struct journal *j, const struct segment *s)
{
    if ((s->state != SEGMENT_FULL && s->state != SEGMENT_ABANDONED) || s->live || j->doubt ||
        j->batch.retold.len)
        return false;
    if (s->inherited && !s->virgin && s != j->segments[0])
        return false;
    return !any_exists(j, &s->about);
}

/* Rename or unlink; *spare says that the file may be written again once the folder is synced. */
static struct err
give_up(struct journal *j, const struct segment *s, size_t spares, bool *spare)
{
    char from[JOURNAL_NAME], to[JOURNAL_NAME];

    segment_name(s, from);
    *spare = false;
    if (s->damaged) {
        snprintf(to, sizeof(to), "damaged-%s", from + strlen("segment-"));
        return file_rename(j, from, to);
    }
    if (s->state == SEGMENT_ABANDONED || spares == JOURNAL_SPARES_MAX ||
        s->ready > j->config.segment_bytes * 2)
        return file_unlink(j, from);
    *spare = true;
    spare_name(s->number, to);
    return file_rename(j, from, to);
}

size_t
segment_retire(struct journal *j)
{
    struct {
        struct segment *s;
        bool spare;
    } gone[RETIRE_MOST];
    size_t count = 0, spares = j->spare_count;

    for (size_t i = 0; i < j->segment_count && count < RETIRE_MOST; i++) {
        struct segment *s = j->segments[i];

        if (!segment_may_die(j, s))
            continue;
        if (err_is(give_up(j, s, spares, &gone[count].spare)))
            break;
        spares += gone[count].spare;
        gone[count++].s = s;
    }
    if (count && err_is(file_sync_folder(j))) {
        for (size_t i = 0; i < count; i++)
            gone[i].s->state = SEGMENT_STUCK;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (gone[i].spare)
            j->spares[j->spare_count++] = (struct spare){gone[i].s->number, gone[i].s->ready};
        else
            j->bytes -= gone[i].s->ready;
        segment_drop(j, gone[i].s);
    }
    return count;
}
