/* What lies in the journal's folder at a start. Whatever is none of ours is moved out of the way:
 * no file, however odd, may keep the service from starting. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/ensure.h"
#include "journal/journal_private.h"

struct folder {
    struct journal *j;
    void (*on_trouble)(void *ctx, const struct journal_trouble *t);
    void *ctx;
};

static void
set_aside(struct folder *f, const char *name)
{
    struct journal_trouble t = {JOURNAL_ASIDE, name, 0, 0};

    if (!err_is(file_set_aside(f->j, name)))
        f->on_trouble(f->ctx, &t);
}

/* ERR_OK also where the file was set aside; an error is the process's own trouble. */
static struct err
found_segment(struct folder *f, const char *name, uint32_t number, uint64_t nonce)
{
    struct journal *j = f->j;
    struct segment *s;
    struct stat st;
    struct err e;
    int fd;

    if (segment_of(j, number)) {
        set_aside(f, name); /* somebody restored a copy: which one is right is not ours to say */
        return ERR_OK;
    }
    s = segment_add(j, number, nonce);
    s->inherited = true;
    s->state = SEGMENT_FULL;
    e = segment_reader(j, s, &fd);
    if (err_is(e))
        e = segment_reader(j, s, &fd); /* one failure may be chance; setting it aside loses mail */
    if (!err_is(e) && j->file->stat(fd, &st) < 0)
        e = err_os(errno, "look at a segment of the journal");
    if (!err_is(e)) {
        s->ready = (uint64_t)st.st_size;
        j->bytes += s->ready;
        return e;
    }
    segment_drop(j, s);
    if (e.kind == ERR_LIMIT || e.kind == ERR_AGAIN)
        return e;
    set_aside(f, name);
    return ERR_OK;
}

static void
found_spare(struct folder *f, const char *name, uint32_t number)
{
    struct journal *j = f->j;
    struct stat st;
    int fd;

    if (number > j->last_number)
        j->last_number = number;
    if (j->spare_count == JOURNAL_SPARES_MAX) {
        (void)file_unlink(j, name); /* where that fails it is still a spare */
        return;
    }
    if (err_is(file_open(j, name, O_RDWR, &fd))) {
        set_aside(f, name);
        return;
    }
    if (j->file->stat(fd, &st) == 0) {
        j->spares[j->spare_count++] = (struct spare){number, (uint64_t)st.st_size};
        j->bytes += (uint64_t)st.st_size;
    }
    file_close(j, &fd);
}

static struct err
found(struct folder *f, const char *name)
{
    static const char *const ours[] = {".", "..", "lock", "aside"};
    static const char *const left[] = {"damaged-", "aside-"};
    uint32_t number;
    uint64_t nonce;

    for (size_t i = 0; i < COUNT(ours); i++)
        if (strcmp(name, ours[i]) == 0)
            return ERR_OK;
    for (size_t i = 0; i < COUNT(left); i++)
        if (strncmp(name, left[i], strlen(left[i])) == 0)
            return ERR_OK;
    if (segment_name_read(name, &number, &nonce))
        return found_segment(f, name, number, nonce);
    if (spare_name_read(name, &number))
        found_spare(f, name, number);
    else
        set_aside(f, name);
    return ERR_OK;
}

/* All names first: the folder changes while we go through them. */
static struct err
list(const struct journal *j, struct buf *names)
{
    int fd = openat(j->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct err e = dir ? ERR_OK : err_os(errno, "list the journal's folder");

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return e;
    }
    for (const struct dirent *d; (d = readdir(dir)) != NULL;)
        buf_put(names, slice_make(d->d_name, strlen(d->d_name) + 1));
    closedir(dir);
    return e;
}

struct err
folder_read(struct journal *j, void (*on_trouble)(void *, const struct journal_trouble *),
            void *ctx)
{
    struct folder f = {j, on_trouble, ctx};
    struct slice rest, name;
    struct buf names;
    struct err e;

    buf_init(&names, SIZE_MAX);
    e = list(j, &names);
    for (rest = buf_slice(&names); rest.len && !err_is(e);) {
        slice_cut(&rest, '\0', &name);
        e = found(&f, (const char *)name.at);
    }
    buf_clear(&names);
    return err_is(e) ? e : file_sync_folder(j);
}
