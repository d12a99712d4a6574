/* line = [word *(blanks word)] [blanks] ["#" comment], word = 1*character | <"> *character <">
 * A line is checked as a whole first: UTF-8 without control characters other than the tab. */
#include "conf/conf_private.h"

/* The length of the UTF-8 character (RFC 3629) that s begins with, or 0: neither surrogates, nor
 * longer forms than needed, nor beyond U+10FFFF. */
static size_t
utf8_len(struct slice s)
{
    static const struct {
        uint8_t first, last;    /* leading bytes */
        uint8_t len, low, high; /* of the character, and the range of its second byte */
    } forms[] = {
        {0x00, 0x7f, 1, 0x00, 0x00}, {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
        {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
        {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
    };

    for (size_t i = 0; i < COUNT(forms); i++) {
        if (s.at[0] < forms[i].first || s.at[0] > forms[i].last)
            continue;
        if (s.len < forms[i].len)
            return 0;
        if (forms[i].len > 1 && (s.at[1] < forms[i].low || s.at[1] > forms[i].high))
            return 0;
        for (size_t n = 2; n < forms[i].len; n++)
            if ((s.at[n] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

/* Those of ASCII, and U+0080 to U+009F, which a terminal may obey when a mistake shows them. */
static bool
is_control(struct slice s)
{
    if (s.at[0] == 0xc2)
        return s.at[1] < 0xa0;
    return (s.at[0] < ' ' && s.at[0] != '\t') || s.at[0] == 0x7f;
}

static bool
check(struct slice line, struct conf_fault *fault)
{
    size_t n;

    for (fault->column = 1; line.len; fault->column++, line = slice_tail(line, n)) {
        n = utf8_len(line);
        if (n > 0 && !is_control(line))
            continue;
        fault->id = n == 0 ? MISTAKE_BAD_UTF8 : line.at[0] == '\0' ? MISTAKE_NUL : MISTAKE_CONTROL;
        return false;
    }
    return true;
}

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static unsigned
column_of(struct slice line, size_t at)
{
    unsigned column = 1;

    for (size_t i = 0; i < at; i++)
        column += (line.at[i] & 0xc0) != 0x80;
    return column;
}

/* The word that begins at line[*at]; *at moves behind it. MISTAKE_COUNT: it is well formed. */
static enum conf_mistake_id
cut(struct slice line, size_t *at, struct slice *word)
{
    size_t begin = *at;
    bool quoted = line.at[begin] == '"';
    struct slice rest = slice_tail(line, begin + quoted);
    size_t len = 0;

    while (len < rest.len && rest.at[len] != '"' && (quoted || !is_blank(rest.at[len])))
        len++;
    *word = slice_head(rest, len);
    if (quoted && len == rest.len)
        return MISTAKE_OPEN_QUOTE;
    *at = begin + len + (quoted ? 2 : 0);
    if (*at < line.len && !is_blank(line.at[*at]))
        return MISTAKE_STRAY_QUOTE;
    return MISTAKE_COUNT;
}

bool
conf_words_cut(struct slice line, struct conf_words *words, struct conf_fault *fault)
{
    size_t at = 0;

    words->count = 0;
    words->end = 1;
    if (!check(line, fault))
        return false;
    for (;;) {
        struct conf_word *word = &words->at[words->count];

        while (at < line.len && is_blank(line.at[at]))
            at++;
        if (at == line.len || line.at[at] == '#' || words->count == CONF_WORDS_MAX)
            return true;
        word->column = column_of(line, at);
        fault->id = cut(line, &at, &word->text);
        if (fault->id != MISTAKE_COUNT) {
            fault->column = fault->id == MISTAKE_OPEN_QUOTE ? word->column : column_of(line, at);
            return false;
        }
        words->count++;
        words->end = column_of(line, at);
    }
}
