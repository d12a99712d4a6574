/* Slices: comparing, cutting, numbers. Nothing here allocates or writes to what a slice shows. */
#include "base/slice.h"

struct slice
slice_head(struct slice s, size_t n)
{
    return (struct slice){s.at, n < s.len ? n : s.len};
}

struct slice
slice_tail(struct slice s, size_t n)
{
    if (n >= s.len)
        return (struct slice){NULL, 0};
    return (struct slice){s.at + n, s.len - n};
}

bool
slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool
slice_eq_nocase(struct slice a, struct slice b)
{
    return a.len == b.len && slice_starts_nocase(a, b);
}

bool
slice_starts_nocase(struct slice s, struct slice prefix)
{
    if (s.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (ascii_lower(s.at[i]) != ascii_lower(prefix.at[i]))
            return false;
    return true;
}

int
slice_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.at, b.at, common) : 0;

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool
slice_take_prefix(struct slice *s, struct slice prefix)
{
    if (!slice_eq(slice_head(*s, prefix.len), prefix))
        return false;
    *s = slice_tail(*s, prefix.len);
    return true;
}

bool
slice_take_prefix_nocase(struct slice *s, struct slice prefix)
{
    if (!slice_starts_nocase(*s, prefix))
        return false;
    *s = slice_tail(*s, prefix.len);
    return true;
}

bool
slice_cut(struct slice *s, uint8_t sep, struct slice *head)
{
    ptrdiff_t at = slice_find(*s, sep);

    if (at < 0) {
        *head = *s;
        *s = (struct slice){NULL, 0};
        return false;
    }
    *head = slice_head(*s, (size_t)at);
    *s = slice_tail(*s, (size_t)at + 1);
    return true;
}

ptrdiff_t
slice_find(struct slice s, uint8_t c)
{
    const uint8_t *hit = s.len ? memchr(s.at, c, s.len) : NULL;

    return hit ? hit - s.at : -1;
}

ptrdiff_t
slice_find_last(struct slice s, uint8_t c)
{
    const uint8_t *hit = s.len ? memrchr(s.at, c, s.len) : NULL;

    return hit ? hit - s.at : -1;
}

struct slice
slice_trim(struct slice s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = slice_tail(s, 1);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Eight at a time, as whole messages go through here. */
bool
slice_is_ascii(struct slice s)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t all = 0, word;
    size_t i = 0;

    for (; s.len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, s.at + i, sizeof(word));
        all |= word;
    }
    for (; i < s.len; i++)
        all |= s.at[i];
    return (all & high) == 0;
}

bool
slice_to_u64(struct slice s, uint64_t *value)
{
    uint64_t sum = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.at[i]) || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(s.at[i] - '0'), &sum))
            return false;
    }
    *value = sum;
    return true;
}

bool
slice_to_string(struct slice s, char *room, size_t size)
{
    room[0] = '\0';
    if (s.len >= size || slice_find(s, '\0') >= 0)
        return false;
    if (s.len)
        memcpy(room, s.at, s.len);
    room[s.len] = '\0';
    return true;
}
