/* Invariant: text holds local, "@", domain in this order, and the parts point into it; a local part
 * that is cut moves towards the "@", which stays where it is. */
#include "name.h"

bool
name_take(struct name *n, struct slice canonical)
{
    if (!slice_to_string(canonical, n->text, sizeof(n->text)))
        return false;
    mime_address_split(slice_make(n->text, canonical.len), &n->local, &n->domain);
    for (size_t i = 0; i < n->local.len; i++)
        n->text[i] = (char)ascii_lower((uint8_t)n->text[i]);
    return n->local.len != 0;
}

bool
name_parse(struct name *n, struct slice address)
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct buf out = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct mime_address a;

    return mime_address_parse(address, &a) && !mime_literal_parse(a.domain) &&
           mime_address_put(&out, &a) && name_take(n, buf_slice(&out)) && n->domain.len != 0;
}

bool
name_parse_elsewhere(struct slice address, char text[MIME_ADDRESS_MAX + 1])
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct buf out = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct mime_address a;

    return mime_address_parse(address, &a) && mime_address_put(&out, &a) &&
           slice_to_string(buf_slice(&out), text, MIME_ADDRESS_MAX + 1);
}

bool
name_parse_domain(struct name *n, struct slice domain)
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct buf out = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    if (mime_literal_parse(domain) || !mime_domain_put(&out, domain) ||
        !slice_to_string(buf_slice(&out), n->text, sizeof(n->text)))
        return false;
    n->local = (struct slice){NULL, 0};
    n->domain = slice_make(n->text, out.len);
    return true;
}

bool
name_parse_alias(struct name *n, struct slice address)
{
    char stand_in[MIME_ADDRESS_MAX + 2] = "x";

    if (address.len == 0 || address.at[0] != '@')
        return name_parse(n, address);
    if (!slice_to_string(address, stand_in + 1, sizeof(stand_in) - 1) ||
        !name_parse(n, slice_of(stand_in)))
        return false;
    name_cut_local(n);
    return true;
}

bool
name_parse_user(struct name *n, struct slice user)
{
    char room[MIME_ADDRESS_MAX + 1];
    ptrdiff_t percent = slice_find_last(user, '%');

    if (slice_find(user, '@') >= 0 || percent < 0)
        return name_parse(n, user);
    if (!slice_to_string(user, room, sizeof(room)))
        return false;
    room[percent] = '@';
    return name_parse(n, slice_of(room));
}

static void
move_local(struct name *n, size_t len)
{
    char *at = (char *)n->domain.at - 1 - len;

    memmove(at, n->local.at, len);
    n->local = slice_make(at, len);
}

bool
name_cut_detail(struct name *n)
{
    ptrdiff_t plus = slice_find(n->local, '+');

    if (plus <= 0 || n->local.at[0] == '"' || n->domain.len == 0)
        return false;
    move_local(n, (size_t)plus);
    return true;
}

void
name_cut_local(struct name *n)
{
    move_local(n, 0);
}

struct slice
name_text(const struct name *n)
{
    if (n->local.at == NULL)
        return n->domain;
    return slice_make(n->local.at, n->domain.len ? n->local.len + 1 + n->domain.len : n->local.len);
}
