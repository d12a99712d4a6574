/* text  = *word, of which one speaks of another try
 * wait  = lead span / span follow
 * span  = 1*( number unit ), as in "1 hour 5 minutes"; or [ number ":" ] number ":" number
 * A lead is a word such as "in" or "after": "20 messages per 60 seconds" is no wait. */
#include "wait.h"

enum {
    SPAN_PARTS = 4,
    CLOCK_MOST = 4 * 60 * 60, /* beyond that "12:34:56" is a time of day */
};

static const struct unit {
    const char *word;
    enum { APART, GLUED_TO_NUMBER, ANY_REST } how;
    uint32_t seconds;
} units[] = {
#define UNIT(word, seconds)       {word, APART, seconds},
#define GLUED(word, seconds)      {word, GLUED_TO_NUMBER, seconds},
#define CHARACTERS(word, seconds) {word, ANY_REST, seconds},
#define LEAD(word)
#define FOLLOW(word)
#define AGAIN(word)
#include "wait.def"
#undef UNIT
#undef GLUED
#undef CHARACTERS
#undef LEAD
#undef FOLLOW
#undef AGAIN
};

#define UNIT(word, seconds)
#define GLUED(word, seconds)
#define CHARACTERS(word, seconds)
static const char *const leads[] = {
#define LEAD(word) word,
#define FOLLOW(word)
#define AGAIN(word)
#include "wait.def"
#undef LEAD
#undef FOLLOW
#undef AGAIN
};
static const char *const follows[] = {
#define LEAD(word)
#define FOLLOW(word) word,
#define AGAIN(word)
#include "wait.def"
#undef LEAD
#undef FOLLOW
#undef AGAIN
};
static const char *const agains[] = {
#define LEAD(word)
#define FOLLOW(word)
#define AGAIN(word) word,
#include "wait.def"
#undef LEAD
#undef FOLLOW
#undef AGAIN
};
#undef UNIT
#undef GLUED
#undef CHARACTERS

/* A word or a number; what lies between is passed over, but for a colon. */
struct token {
    struct slice text;
    bool is_number, is_glued, is_colon; /* glued: nothing between it and the one before */
    uint64_t number;
};

static bool
is_letter(uint8_t c)
{
    return ascii_is_alnum(c) || c >= 0x80;
}

static bool
take(struct slice *text, struct token *t)
{
    size_t n = 0, len = 0;

    while (n < text->len && !is_letter(text->at[n]) && text->at[n] != ':')
        n++;
    *text = slice_tail(*text, n);
    if (text->len == 0)
        return false;
    *t = (struct token){.is_glued = n == 0, .is_colon = text->at[0] == ':'};
    t->is_number = ascii_is_digit(text->at[0]);
    if (t->is_colon)
        len = 1;
    while (len < text->len && !t->is_colon && is_letter(text->at[len]) &&
           ascii_is_digit(text->at[len]) == t->is_number)
        len++;
    t->text = slice_head(*text, len);
    if (t->is_number && !slice_to_u64(t->text, &t->number))
        t->number = UINT64_MAX;
    *text = slice_tail(*text, len);
    return true;
}

static bool
is_one_of(struct slice word, const char *const *words, size_t count, bool beginning)
{
    for (size_t i = 0; i < count; i++)
        if (beginning ? slice_starts_nocase(word, slice_of(words[i]))
                      : slice_eq_nocase(word, slice_of(words[i])))
            return true;
    return false;
}

/* NULL: it is none. */
static const struct unit *
unit_of(const struct token *t)
{
    for (size_t i = 0; i < COUNT(units); i++) {
        struct slice word = slice_of(units[i].word);

        if (units[i].how == ANY_REST ? slice_starts_nocase(t->text, word)
                                     : slice_eq_nocase(t->text, word))
            return units[i].how == GLUED_TO_NUMBER && !t->is_glued ? NULL : &units[i];
    }
    return NULL;
}

static uint32_t
times(uint64_t number, uint32_t seconds)
{
    return number < WAIT_MOST_SECONDS / seconds ? (uint32_t)number * seconds : WAIT_MOST_SECONDS;
}

/* "05:00", "00:05:00", the first number being taken; 0: it is none. */
static uint32_t
take_clock(struct slice *rest, uint64_t first)
{
    struct slice at = *rest;
    struct token colon, number;
    uint64_t seconds = first;

    while (take(&at, &colon) && colon.is_colon && colon.is_glued && take(&at, &number) &&
           number.is_glued && number.is_number && number.number < 60 && seconds < CLOCK_MOST) {
        seconds = seconds * 60 + number.number;
        *rest = at;
    }
    return seconds == first || seconds > CLOCK_MOST ? 0 : (uint32_t)seconds;
}

/* The span that begins with the number t; 0: there is none. Some units need no lead. */
static uint32_t
take_span(struct slice *rest, struct token t, bool *led)
{
    uint32_t sum = take_clock(rest, t.number);

    for (int i = 0; i < SPAN_PARTS && t.is_number; i++) {
        struct slice behind = *rest;
        struct token word;
        const struct unit *unit = take(&behind, &word) ? unit_of(&word) : NULL;

        if (!unit)
            break;
        *led = *led || unit->how == ANY_REST;
        sum += times(t.number, unit->seconds);
        *rest = behind;
        if (!take(&behind, &t))
            break;
        *rest = t.is_number ? behind : *rest;
    }
    return sum < WAIT_MOST_SECONDS ? sum : WAIT_MOST_SECONDS;
}

static bool
speaks_of_another_try(struct slice text)
{
    struct token t;

    while (take(&text, &t))
        if (!t.is_number && is_one_of(t.text, agains, COUNT(agains), true))
            return true;
    return false;
}

uint32_t
wait_find(struct slice text)
{
    struct token t, before = {0}, behind;

    if (!speaks_of_another_try(text))
        return 0;
    for (; take(&text, &t); before = t) {
        bool led = is_one_of(before.text, leads, COUNT(leads), false);
        struct slice rest = text;
        uint32_t span = t.is_number ? take_span(&rest, t, &led) : 0;

        if (span == 0)
            continue;
        if (led || (take(&rest, &behind) && is_one_of(behind.text, follows, COUNT(follows), false)))
            return span;
    }
    return 0;
}
