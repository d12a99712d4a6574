/* Any bytes as the message that a notice is about, and as the recipients the queue names. Languages
 * are ours, two of them only where none was found; what is taken for sound can be written. */
#include "base/ensure.h"
#include "notice_letter.h"
#include "test/bounce/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_ours(struct slice language)
{
    return slice_eq(language, SLICE("en")) || slice_eq(language, SLICE("es"));
}

static void
see_languages(const struct catalogue *c, struct slice input)
{
    struct slice languages[BOUNCE_LANGUAGES], header, body;

    mime_header_cut(input, &header, &body);
    notice_languages_choose(c, SLICE(""), header, languages);
    ensure(is_ours(languages[0]) && (languages[1].len == 0 || is_ours(languages[1])));
    notice_languages_choose(c, input, SLICE(""), languages);
    ensure(is_ours(languages[0]) && (languages[1].len == 0 || is_ours(languages[1])));
}

static size_t
count(struct slice items)
{
    struct courier_told t;
    size_t n = 0;

    while (msg_items_take(&items, MSG_courier_told, &t))
        n++;
    return n;
}

static void
see_letter(const struct catalogue *c, struct slice input, enum notice_kind kind)
{
    const struct courier_notify ask = {.id = 1,
                                       .kind = kind,
                                       .sender = SLICE("ana@here.example"),
                                       .ret = 1,
                                       .recipients = input,
                                       .body_size = input.len};
    const struct notice_facts f = {
        .ask = &ask, .host = SLICE("mx.here.example"), .original = input, .id = 2};
    struct buf out;

    if (!notice_is_sound(&ask))
        return;
    buf_init(&out, NOTICE_LETTER_MAX);
    ensure(notice_letter_put(&out, c, &f));
    if (kind == NOTICE_HELD) /* nobody is hidden, so nobody is left out */
        ensure(notice_fault(buf_slice(&out), count(input)) == NULL);
    buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalogue *catalogue;
    struct slice input = slice_make(data, size);

    if (!catalogue)
        catalogue = catalogue_built_in();
    see_languages(catalogue, input);
    for (int kind = NOTICE_FAILED; kind <= NOTICE_HELD && size < MSG_FRAME_MAX; kind++)
        see_letter(catalogue, input, (enum notice_kind)kind);
    return 0;
}
