#include "reason/folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "reason/catalogue_private.h"

static int
is_text(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0;
}

static bool
unreadable(const char *path, struct err e, catalogue_mistake_fn *tell, void *ctx)
{
    struct catalogue_teller teller = {tell, ctx, 0};

    catalogue_tell(&teller, (struct catalogue_place){slice_of(path), 0}, "{}",
                   slice_of(err_text(e)), SLICE(""), SLICE(""));
    return false;
}

bool
folder_walk(const char *folder, folder_file_fn *take, void *take_ctx, catalogue_mistake_fn *tell,
            void *tell_ctx)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_text, alphasort);
    char path[PATH_MAX];
    struct buf text;
    bool ok = count >= 0;

    if (count < 0)
        return unreadable(folder, err_os(errno, "reading the folder"), tell, tell_ctx);
    buf_init(&text, CATALOGUE_FILE_MAX + 1);
    for (int i = 0; i < count; i++) {
        struct err e;

        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        buf_reset(&text);
        e = file_read(path, &text);
        ok = (err_is(e) ? unreadable(path, e, tell, tell_ctx)
                        : take(take_ctx, path, buf_slice(&text))) &&
             ok;
        free(entries[i]);
    }
    buf_clear(&text);
    free(entries);
    return ok;
}

struct adding {
    struct catalogue *c;
    catalogue_mistake_fn *tell;
    void *ctx;
};

static bool
add_file(void *ctx, const char *path, struct slice text)
{
    struct adding *a = ctx;

    return catalogue_add(a->c, slice_of(path), text, a->tell, a->ctx);
}

bool
catalogue_add_folder(struct catalogue *c, const char *folder, catalogue_mistake_fn *fn, void *ctx)
{
    struct adding a = {c, fn, ctx};

    return folder_walk(folder, add_file, &a, fn, ctx);
}
