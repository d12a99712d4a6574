/* Paths and addresses. What is mended parses. What parses has a canonical form that parses to
 * itself again, and that holds nothing which could end a line, a path or an argument. */
#include "base/ensure.h"
#include "base/utf8.h"
#include "smtp/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_canonical(const struct mime_address *a)
{
    uint8_t once[MIME_ADDRESS_MAX] = {0}, twice[MIME_ADDRESS_MAX] = {0};
    struct buf first = {.at = once, .room = sizeof(once), .cap = sizeof(once)};
    struct buf second = {.at = twice, .room = sizeof(twice), .cap = sizeof(twice)};
    struct mime_address again;
    struct slice local, domain;

    if (!mime_address_put(&first, a))
        return;
    for (size_t i = 0; i < first.len; i++)
        ensure(once[i] >= ' ' && once[i] != 0x7f);
    ensure(utf8_ok(buf_slice(&first)));
    ensure(mime_address_parse(buf_slice(&first), &again));
    ensure(mime_address_put(&second, &again));
    ensure(slice_eq(buf_slice(&first), buf_slice(&second)));
    mime_address_split(buf_slice(&first), &local, &domain);
    ensure(local.len && domain.len && local.len + 1 + domain.len == first.len);
}

static void
check_mended(struct slice text)
{
    uint8_t room[MIME_ADDRESS_MAX];
    struct buf mended = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    struct mime_address a;

    if (smtp_path_mend(text, &mended))
        ensure(mended.len < text.len && mime_address_parse(buf_slice(&mended), &a) &&
               slice_find(buf_slice(&mended), ' ') < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct smtp_path path;

    check_mended(text);
    if (smtp_path_take(&text, &path)) {
        ensure(text.len < size);
        if (path.kind == SMTP_PATH_MAILBOX)
            check_canonical(&path.address);
    }
    return 0;
}
