/* One line of several. A reply of many lines repeats its code in each ("550-5.1.1 ..."), and a
 * program that quotes one often joins the lines first, so a repeated code may stand anywhere.
 * Repeated codes say nothing and stand between words that belong together. */
#include "explain/explain_private.h"

/* "550-" or "550 " again, with the enhanced code after it where there is one. Its length, or 0. */
static size_t
repeated(struct slice s, struct slice basic, struct slice enhanced)
{
    size_t n = basic.len;

    if (!slice_eq(slice_head(s, n), basic) || s.len <= n || (s.at[n] != '-' && s.at[n] != ' '))
        return 0;
    if (enhanced.len && slice_eq(slice_head(slice_tail(s, n + 1), enhanced.len), enhanced))
        n += 1 + enhanced.len;
    else if (s.at[n] != '-')
        return 0; /* a number and a space: any text may have that */
    while (n < s.len && (s.at[n] == '-' || s.at[n] == ' '))
        n++;
    return n;
}

/* Does a line of a reply begin at i? At the very front, or after a space. */
static bool
may_begin(struct slice s, size_t i)
{
    return i > 0 && s.at[i - 1] == ' ';
}

/* "550-5.1.1 text" at the front becomes "550 5.1.1 text". */
static size_t
put_codes(uint8_t *to, struct slice line, struct slice *basic, struct slice *enhanced)
{
    struct slice rest = line;
    struct explain_codes codes;

    if (!codes_take(&rest, &codes) || !codes.basic)
        return 0;
    *basic = slice_head(line, 3);
    if (codes.enhanced[0]) {
        *enhanced = slice_tail(line, 4);
        enhanced->len = line.len - 4 - rest.len;
        while (enhanced->len &&
               (enhanced->at[enhanced->len - 1] == ' ' || enhanced->at[enhanced->len - 1] == '-'))
            enhanced->len--;
    }
    memcpy(to, line.at, line.len - rest.len);
    if (line.len > 3)
        to[3] = ' ';
    return line.len - rest.len;
}

struct slice
reply_join(struct slice text, struct arena *a)
{
    struct slice line = text_one_line(text, REPLY_MAX, a), basic = {NULL, 0}, enhanced = {NULL, 0};
    uint8_t *to = arena_take(a, line.len);
    size_t n, i;

    if (!to)
        return line;
    n = i = put_codes(to, line, &basic, &enhanced);
    while (i < line.len) {
        size_t skip =
            basic.len && may_begin(line, i) ? repeated(slice_tail(line, i), basic, enhanced) : 0;

        if (skip)
            i += skip;
        else
            to[n++] = line.at[i++];
    }
    return text_trim(slice_make(to, n));
}
