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
