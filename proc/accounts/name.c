/* Invariant: text holds local, "@", domain in this order, and the parts point into it; a local part
 * that is cut moves towards the "@", which stays where it is. */
#include "name.h"

/* Lower the local part and point the parts at text, whose first len bytes are canonical. */
static bool
finish(struct name *n, size_t len)
{
    struct slice local;

    mime_address_split(slice_make(n->text, len), &local, &n->domain);
    for (size_t i = 0; i < local.len; i++)
        n->text[i] = (char)ascii_lower((uint8_t)n->text[i]);
    n->local = local;
    return local.len != 0;
}

bool
name_take(struct name *n, struct slice canonical)
{
    if (!slice_to_string(canonical, n->text, sizeof(n->text)))
        return false;
    return finish(n, canonical.len);
}

bool
name_parse(struct name *n, struct slice address)
{
    struct buf out = {
        .at = (uint8_t *)n->text, .room = sizeof(n->text), .cap = sizeof(n->text) - 1};
    struct mime_address a;

    if (!mime_address_parse(address, &a) || mime_literal_parse(a.domain) ||
        !mime_address_put(&out, &a))
        return false;
    n->text[out.len] = '\0';
    return finish(n, out.len) && n->domain.len != 0;
}

bool
name_parse_domain(struct name *n, struct slice domain)
{
    struct buf out = {
        .at = (uint8_t *)n->text, .room = sizeof(n->text), .cap = sizeof(n->text) - 1};

    if (mime_literal_parse(domain) || !mime_domain_put(&out, domain))
        return false;
    n->text[out.len] = '\0';
    n->local = (struct slice){NULL, 0};
    n->domain = buf_slice(&out);
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
