/* Whatever bytes a client sends as a user, recipient or domain: no parser leaves its room, and what
 * is canonical stays as it is. */
#include "base/ensure.h"
#include "name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_elsewhere(struct slice text)
{
    char once[MIME_ADDRESS_MAX + 1], twice[MIME_ADDRESS_MAX + 1];

    if (name_parse_elsewhere(text, once))
        ensure(name_parse_elsewhere(slice_of(once), twice) && strcmp(once, twice) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const parsers[])(struct name *, struct slice) = {
        name_parse, name_parse_alias, name_parse_user, name_parse_domain, name_take};
    struct slice text = slice_make(data, size);

    check_elsewhere(text);
    for (size_t i = 0; i < COUNT(parsers); i++) {
        struct name n, again;

        if (!parsers[i](&n, text))
            continue;
        ensure(name_text(&n).len < sizeof(n.text));
        if (parsers[i] != name_take) {
            ensure(parsers[i](&again, name_text(&n)));
            ensure(slice_eq(name_text(&n), name_text(&again)));
        }
        while (name_cut_detail(&n))
            ensure(n.local.len != 0);
        if (n.local.at && n.domain.len)
            name_cut_local(&n);
    }
    return 0;
}
