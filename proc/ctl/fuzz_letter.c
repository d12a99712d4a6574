/* Anything a program may feed to sendmail: the letter has no line end but CR LF, no address has one
 * at all. */
#include <stdlib.h>

#include "base/ensure.h"
#include "bulk.h"
#include "letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line_ends(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\n')
            ensure(i > 0 && text.at[i - 1] == '\r');
        if (text.at[i] == '\r')
            ensure(i + 1 < text.len && text.at[i + 1] == '\n');
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct letter_wish wish = {
        .hostname = "mx.example", .from = SLICE("a@b"), .name = "A B", .dot_ends = size % 2};
    struct slice typed = slice_make(data, size), line;
    struct bulk_line parsed;
    struct letter l;

    letter_init(&l, 1 << 20);
    if (letter_make(&l, &wish, typed))
        check_line_ends(buf_slice(&l.text));
    for (size_t i = 0; i < l.recipients.len; i++)
        ensure(buf_slice(&l.recipients).at[i] != '\r');
    letter_clear(&l);
    while (slice_cut(&typed, '\n', &line))
        bulk_line_parse(line, &parsed);
    return 0;
}
