/* Strings as mechanisms want them (rfc4616#2-c, rfc6856#2.2-b): UTF-8 (RFC 3629: no overlong forms,
 * no surrogates) without NUL. */
#include "sasl/sasl_private.h"

/* How many bytes a character takes that begins like this, with the range of its second byte. */
static const struct lead {
    uint8_t from, to, length, second_least, second_most;
} leads[] = {
    {0x01, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* The bytes of the first character, or 0 where there is none. */
static size_t
measure(struct slice text)
{
    for (size_t i = 0; i < COUNT(leads); i++) {
        const struct lead *l = &leads[i];

        if (text.at[0] < l->from || text.at[0] > l->to)
            continue;
        if (text.len < l->length)
            return 0;
        if (l->length > 1 && (text.at[1] < l->second_least || text.at[1] > l->second_most))
            return 0;
        for (size_t k = 2; k < l->length; k++)
            if ((text.at[k] & 0xc0) != 0x80)
                return 0;
        return l->length;
    }
    return 0;
}

bool
sasl_text_is_valid(struct slice text, size_t max)
{
    if (text.len == 0 || text.len > max)
        return false;
    while (text.len) {
        size_t n = measure(text);

        if (n == 0)
            return false;
        text = slice_tail(text, n);
    }
    return true;
}

bool
sasl_name_is_valid(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] < ' ' || name.at[i] == 0x7f)
            return false;
    return sasl_text_is_valid(name, SASL_NAME_MAX);
}

bool
sasl_secret_set(struct secret *s, struct slice bytes)
{
    secret_clear(s);
    return secret_put(s, bytes);
}
