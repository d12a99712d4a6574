/* Paths as questions show them: canonical, and kept as long as the transaction. */
#include "smtp/server_private.h"

/* A local user's program may leave out the domain: it is ours. */
static void
qualify(const struct smtp_server *s, const struct smtp_path *path, struct buf *out)
{
    if (path->kind != SMTP_PATH_LOCAL || s->config->service != SMTP_SERVICE_SYSTEM)
        return;
    buf_put_byte(out, '@');
    buf_put(out, s->config->hostname);
}

enum reason
smtp_address_keep(struct smtp_server *s, const struct smtp_path *path, enum reason bad,
                  struct slice *kept)
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct buf text = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    *kept = (struct slice){0};
    if (path->kind == SMTP_PATH_NULL)
        return REASON_NONE;
    if (!path->address.is_ascii && !s->envelope.smtputf8) /* rfc6531#3.5-a */
        return SMTP_NEEDS_SMTPUTF8;
    if (!mime_address_put(&text, &path->address))
        return bad;
    qualify(s, path, &text);
    if (text.full)
        return bad;
    *kept = arena_copy(s->arena, buf_slice(&text));
    return kept->at ? REASON_NONE : SMTP_MANY_RCPT;
}

struct step
smtp_blank_told(struct smtp_server *s, struct slice args, enum reason refusal)
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct buf mended = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    if (!smtp_path_mend(args, &mended))
        return nothing();
    return say_of(refusal, arena_copy(s->arena, buf_slice(&mended)));
}
