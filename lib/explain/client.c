/* What a mail program shows: an error number of its own ("0x800CCC79"), and often the server's
 * name and words among its own. The server's words count more. */
#include "explain/explain_private.h"

/* "0x800CCC79": eight hexadecimal digits, the first of them 8, as errors of Windows have. */
static bool
has_error_number(struct slice text)
{
    struct slice rest = text;

    while (text_after(&rest, "0x8")) {
        size_t n = 0;

        while (n < rest.len && (ascii_is_digit(rest.at[n]) ||
                                (ascii_lower(rest.at[n]) >= 'a' && ascii_lower(rest.at[n]) <= 'f')))
            n++;
        if (n == 7)
            return true;
    }
    return false;
}

/* What stands after the first of the phrases that is there, up to the quote's or the line's end. */
static struct slice
value_after(struct slice text, const char *const *phrases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slice rest = text, value;
        size_t n = strlen(phrases[i]);
        uint8_t last = (uint8_t)phrases[i][n - 1];

        if (!text_after(&rest, phrases[i]))
            continue;
        rest = text_trim(rest);
        slice_cut(&rest, last == '\'' || last == '"' ? last : '\n', &value);
        return text_trim(value);
    }
    return (struct slice){NULL, 0};
}

bool
client_read(struct session *s, struct slice input)
{
    static const char *const servers[] = {
#define SERVER(text) text,
#define RESPONSE(text)
#include "explain/client.def"
#undef SERVER
#undef RESPONSE
    };
    static const char *const responses[] = {
#define SERVER(text)
#define RESPONSE(text) text,
#include "explain/client.def"
#undef SERVER
#undef RESPONSE
    };
    struct slice text = slice_head(input, NOTICE_TEXT_MAX), server;
    struct slice response = value_after(text, responses, COUNT(responses));
    struct finding *f;

    if (response.len == 0 && !has_error_number(text))
        return false;
    f = findings_get(&s->findings, (struct slice){NULL, 0});
    if (!f)
        return true;
    f->text = text;
    f->reply = response;
    server = value_after(text, servers, COUNT(servers));
    text_take_host(&server, &f->remote);
    return true;
}
