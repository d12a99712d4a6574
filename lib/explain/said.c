/* The remote server's own words and its name, within what another program wrote about them. The
 * words come after a phrase of said.def, or begin with a code. */
#include "explain/explain_private.h"

/* Signs and words that programs print after the remote server's words. */
static struct slice
without_end(struct slice reply)
{
    static const char *const ends[] = {" (in reply to",
                                       "\n(in reply to",
                                       "\nGiving up on ",
                                       "/Giving_up_on_",
                                       "};{",
                                       ")\n",
                                       "' for the",
                                       "'\n"};

    for (size_t i = 0; i < COUNT(ends); i++) {
        ptrdiff_t at = text_find(reply, slice_of(ends[i]));

        if (at > 0)
            reply = slice_head(reply, (size_t)at);
    }
    return text_trim(reply);
}

/* Exim: "... after RCPT TO:<a@b>: host mx.example.com [192.0.2.1]: 550 ..." */
static struct slice
after_host(struct slice reply)
{
    struct slice rest = reply;

    if (text_after(&rest, "]: ") && rest.len)
        return rest;
    return reply;
}

/* The line without the sign for "received" that transcripts have: "<<< 550 no", "<-- 550 no". */
static struct slice
received(struct slice line)
{
    line = text_trim(line);
    if (!slice_take_prefix(&line, SLICE("<<< ")) && !slice_take_prefix(&line, SLICE("<-- ")))
        slice_take_prefix(&line, SLICE("< "));
    return line;
}

/* The first line that begins with a refusal's code, and those after it with the same. */
static struct slice
coded_line(struct slice text)
{
    struct slice line, found = {NULL, 0};
    struct explain_codes codes;
    uint16_t basic = 0;

    while (text_take_line(&text, &line)) {
        struct slice rest = received(line), begin = rest;

        if (codes_take(&rest, &codes) && codes.basic >= 400 && (!basic || codes.basic == basic)) {
            found = basic ? slice_make(found.at, (size_t)(line.at + line.len - found.at)) : begin;
            basic = codes.basic;
        } else if (basic) {
            break;
        }
    }
    return found;
}

struct slice
said_reply(struct slice text)
{
    static const char *const phrases[] = {
#define REPLY(phrase) phrase,
#define HOST(phrase)
#include "explain/said.def"
#undef REPLY
#undef HOST
    };

    for (size_t i = 0; i < COUNT(phrases); i++) {
        struct slice rest = text;

        if (!text_after(&rest, phrases[i]))
            continue;
        if (slice_starts_nocase(slice_of(phrases[i]), SLICE("SMTP error")))
            rest = after_host(rest);
        rest = without_end(rest);
        if (rest.len)
            return rest;
    }
    return coded_line(text);
}

/* A host at the front, in one of its forms: "mx.example.com[192.0.2.1]:25", "[192.0.2.1]". */
static bool
take_host(struct slice text, struct slice *host)
{
    while (text.len && (text.at[0] == ' ' || text.at[0] == '(' || text.at[0] == '<'))
        text = slice_tail(text, 1);
    return text_take_host(&text, host) && (text.len == 0 || text.at[0] != '@');
}

/* qmail: "192.0.2.1 does not like recipient." */
static bool
host_before(struct slice text, const char *phrase, struct slice *host)
{
    ptrdiff_t at = text_find(text, slice_of(phrase));
    size_t begin = at < 0 ? 0 : (size_t)at;

    while (begin > 0 && text.at[begin - 1] > ' ')
        begin--;
    text = slice_tail(text, begin);
    return at > 0 && text_take_host(&text, host);
}

/* "This is the mail system at host mail.example.org": who writes, not whom it spoke with. */
static bool
is_own_host(struct slice text, struct slice rest)
{
    struct slice before = slice_head(text, (size_t)(rest.at - text.at)), own = SLICE(" at host ");

    return slice_eq(slice_tail(before, before.len < own.len ? 0 : before.len - own.len), own);
}

struct slice
said_remote(struct slice text)
{
    static const char *const phrases[] = {
#define REPLY(phrase)
#define HOST(phrase) phrase,
#include "explain/said.def"
#undef REPLY
#undef HOST
    };
    struct slice host;

    if (host_before(text, " does not like recipient", &host) ||
        host_before(text, "_does_not_like_recipient", &host))
        return host;
    for (size_t i = 0; i < COUNT(phrases); i++)
        for (struct slice rest = text; text_after(&rest, phrases[i]) && rest.len;)
            if (!is_own_host(text, rest) && take_host(rest, &host))
                return host;
    return (struct slice){NULL, 0};
}
