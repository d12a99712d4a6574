/* Path = "<" [ A-d-l ":" ] Mailbox ">"          rfc5321#4.1.2-a
 * A-d-l = At-domain *( "," At-domain )          a source route, which is ignored: rfc5321#C-a
 * At-domain = "@" Domain */
#include "smtp/path.h"

enum { PATH_MAX_OCTETS = MIME_ADDRESS_MAX + 2 }; /* rfc5321#4.5.3.1.3-a */

/* Cut the route off, if there is one. */
static bool
take_route(struct slice *text)
{
    struct slice route, hop;
    bool more = true;

    if (text->len == 0 || text->at[0] != '@')
        return true;
    if (!slice_cut(text, ':', &route))
        return false;
    while (more) {
        more = slice_cut(&route, ',', &hop);
        if (!slice_take_prefix(&hop, SLICE("@")) || !mime_domain_parse(hop))
            return false;
    }
    return true;
}

bool
smtp_path_take(struct slice *text, struct smtp_path *path)
{
    size_t before;

    *path = (struct smtp_path){.kind = SMTP_PATH_NULL};
    *text = slice_trim(*text);
    if (!slice_take_prefix(text, SLICE("<")))
        return false;
    if (slice_take_prefix(text, SLICE(">")))
        return true;
    if (!take_route(text))
        return false;
    before = text->len;
    path->kind = SMTP_PATH_MAILBOX;
    if (!mime_address_take(text, &path->address)) {
        path->kind = SMTP_PATH_LOCAL;
        if (!mime_address_take_local(text, &path->address))
            return false;
    }
    return before - text->len + 2 <= PATH_MAX_OCTETS && slice_take_prefix(text, SLICE(">"));
}

/* The length of a blank at the front; 0: there is none. before: what the address has had so far. */
static size_t
blank_length(struct slice s, struct slice before)
{
    static const char *const blanks[] = {
        " ",           "\t", "\xc2\xa0", "\xe2\x80\x8b", "\xe3\x80\x80",
        "\xef\xbb\xbf"}; /* no-break, no width, wide, no-break */
    struct slice rest = s;

    if (s.at[0] > ' ' && s.at[0] < 0x80 && s.at[0] != '%')
        return 0; /* no blank begins so */
    for (size_t i = 0; i < COUNT(blanks); i++)
        if (slice_take_prefix(&rest, slice_of(blanks[i])))
            return s.len - rest.len;
    if (slice_take_prefix(&rest, SLICE("%20")) &&
        (rest.len == 0 || rest.at[0] == '@' || before.len == 0 || before.at[before.len - 1] == '@'))
        return s.len - rest.len;
    return 0;
}

bool
smtp_path_mend(struct slice text, struct buf *mended)
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct buf address = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct slice path;
    struct mime_address parsed;
    size_t found = 0, n;

    text = slice_trim(text);
    if (!slice_take_prefix(&text, SLICE("<")) || !slice_cut(&text, '>', &path) ||
        slice_find(path, '"') >= 0) /* there they may be meant */
        return false;
    for (; path.len; path = slice_tail(path, n ? n : 1)) {
        n = blank_length(path, buf_slice(&address));
        found += n;
        if (n == 0)
            buf_put_byte(&address, path.at[0]);
    }
    return found && !address.full && mime_address_parse(buf_slice(&address), &parsed) &&
           buf_put(mended, buf_slice(&address));
}
