/* Any bytes as a message whose lines end in CR LF. What is put is ASCII, has the same parts, and
 * each of them reads as before. */
#include "base/ensure.h"
#include "mime/seven_bit.h"
#include "mime/walk.h"

enum { PARTS_MAX = 60, MESSAGE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_crlf(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\n' && (i == 0 || text.at[i - 1] != '\r'))
            buf_put_byte(out, '\r');
        buf_put_byte(out, text.at[i]);
    }
}

static size_t
skip(const struct mime_part *parts, size_t count, size_t i)
{
    size_t next = i + 1;

    while (next < count && parts[next].depth > parts[i].depth)
        next++;
    return next;
}

/* The same but for a line end that base 64 has of its own. */
static void
compare_leaf(const struct mime_part *a, const struct mime_part *b)
{
    struct buf left, right;

    buf_init(&left, 4 * MESSAGE_MAX);
    buf_init(&right, 4 * MESSAGE_MAX);
    mime_decoded_put(&left, a->body, a->encoding);
    mime_decoded_put(&right, b->body, b->encoding);
    ensure(slice_eq(buf_slice(&left), buf_slice(&right)));
    buf_clear(&left);
    buf_clear(&right);
}

static void
compare(struct slice message, struct slice put)
{
    struct mime_part before[PARTS_MAX], after[PARTS_MAX];
    size_t n = mime_walk(message, before, PARTS_MAX), m = mime_walk(put, after, PARTS_MAX);
    size_t i = 0, j = 0;

    if (n == PARTS_MAX || m == PARTS_MAX)
        return;
    while (i < n && j < m) {
        bool whole = mime_part_is(&before[i], SLICE("message"), SLICE("global"));
        bool leaf = skip(before, n, i) == i + 1;

        ensure(slice_eq(before[i].type, after[j].type) && before[i].depth == after[j].depth &&
               slice_eq(before[i].subtype, after[j].subtype));
        if (whole || leaf)
            compare_leaf(&before[i], &after[j]);
        i = whole ? skip(before, n, i) : i + 1;
        j = whole ? skip(after, m, j) : j + 1;
    }
    ensure(i == n && j == m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf message, out;

    buf_init(&message, MESSAGE_MAX);
    buf_init(&out, 4 * MESSAGE_MAX);
    put_crlf(&message, slice_make(data, size));
    if (!message.full && mime_seven_bit_put(&out, buf_slice(&message)) == MIME_SEVEN_BIT_OK) {
        ensure(slice_is_ascii(buf_slice(&out)));
        compare(buf_slice(&message), buf_slice(&out));
    }
    buf_clear(&message);
    buf_clear(&out);
    return 0;
}
