/* The input is a case of test/bounce, of which anything may be wrong. Whatever it says, the notice
 * is well-formed, and nothing of a hidden target gets into it. */
#include "base/ensure.h"
#include "test/bounce/notice.h"
#include "test/bounce/story.h"

enum { NOTICE_MAX = 8 << 20, SMALL_MAX = 3000, SECRET_LEAST = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
holds(struct slice text, struct slice part)
{
    return text.len && part.len && memmem(text.at, text.len, part.at, part.len) != NULL;
}

/* What the sender is shown may hold the target's bytes for another reason: because other facts do.
 */
static bool
is_known_otherwise(struct slice story, struct slice target)
{
    const uint8_t *at = memmem(story.at, story.len, target.at, target.len);

    return !at || holds(slice_tail(story, (size_t)(at - story.at) + 1), target);
}

static void
see_hidden(const struct story *s, struct slice story, struct slice notice)
{
    for (size_t i = 0; i < s->b.count; i++) {
        struct slice target = s->recipients[i].address;

        if (s->recipients[i].is_hidden && target.len >= SECRET_LEAST &&
            !is_known_otherwise(story, target))
            ensure(!holds(notice, target));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalogue *catalogue;
    static struct story s;
    struct slice story = slice_make(data, size);
    struct arena *a = arena_new("fuzz", STORY_MEMORY);
    struct buf out, small;

    if (!catalogue)
        catalogue = catalogue_built_in();
    if (story_read(&s, story, a)) {
        buf_init(&out, NOTICE_MAX);
        buf_init(&small, SMALL_MAX);
        ensure(bounce_put(&out, catalogue, &s.b));
        ensure(notice_fault(buf_slice(&out), s.b.count) == NULL);
        see_hidden(&s, story, buf_slice(&out));
        ensure(bounce_put(&small, catalogue, &s.b) == (out.len <= SMALL_MAX));
        buf_clear(&out);
        buf_clear(&small);
    }
    arena_free(a);
    return 0;
}
