/* Bytes that someone else owns. Every parser takes one and hands out parts of it. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A read-only view of bytes. There is no NUL at the end; `at` may be NULL where len is 0. */
struct slice {
    const uint8_t *at;
    size_t len;
};

/* A slice of a string literal, as an expression. */
#define SLICE(literal) ((struct slice){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct slice
slice_of(const char *string)
{
    return (struct slice){(const uint8_t *)string, string ? strlen(string) : 0};
}

static inline struct slice
slice_make(const void *at, size_t len)
{
    return (struct slice){(const uint8_t *)at, len};
}

/* The first n bytes, or all without the first n. n beyond the end counts as the end. */
struct slice slice_head(struct slice s, size_t n);
struct slice slice_tail(struct slice s, size_t n);

bool slice_eq(struct slice a, struct slice b);
bool slice_eq_nocase(struct slice a, struct slice b); /* ASCII letters only */
bool slice_starts_nocase(struct slice s, struct slice prefix);
int slice_compare(struct slice a, struct slice b); /* like memcmp, the shorter one first */

/* Cut the prefix off and say true, or leave *s alone and say false. */
bool slice_take_prefix(struct slice *s, struct slice prefix);
bool slice_take_prefix_nocase(struct slice *s, struct slice prefix);

/* Cut *s at the first sep: *head is what came before, *s what follows. False, with everything in
 * *head and *s empty, where there is no sep. */
bool slice_cut(struct slice *s, uint8_t sep, struct slice *head);

/* The index of the first (last) c, or -1. */
ptrdiff_t slice_find(struct slice s, uint8_t c);
ptrdiff_t slice_find_last(struct slice s, uint8_t c);

/* No byte has its highest bit set. */
bool slice_is_ascii(struct slice s);

/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);

/* A whole decimal number, digits only; false on anything else and on overflow. */
bool slice_to_u64(struct slice s, uint64_t *value);

/* A copy with a NUL at its end in room[size]; false, with an empty string, where it does not fit
 * or holds a NUL itself. */
bool slice_to_string(struct slice s, char *room, size_t size);

static inline uint8_t
ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static inline bool
ascii_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* 0 to 15; -1: not a hexadecimal digit. */
static inline int
ascii_hex_value(uint8_t c)
{
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool
ascii_is_alnum(uint8_t c)
{
    return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

#endif
