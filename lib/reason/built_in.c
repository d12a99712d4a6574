/* The catalogue as it was when the program was built: compile.c has found no mistake in it. */
#include "base/ensure.h"
#include "reason/catalogue.h"

static const struct {
    const char *file, *text;
    size_t len;
} files[] = {
#define FILE(name, text) {name, text, sizeof(text) - 1},
#include "reason/built_in.def"
#undef FILE
};

static void
ignore(void *ctx, const struct catalogue_mistake *mistake)
{
    (void)ctx;
    (void)mistake;
}

struct catalogue *
catalogue_built_in(void)
{
    struct catalogue *c = catalogue_new();

    for (size_t i = 0; i < COUNT(files); i++)
        ensure(catalogue_add(c, slice_of(files[i].file), slice_make(files[i].text, files[i].len),
                             ignore, NULL));
    return c;
}
