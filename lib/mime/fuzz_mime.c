/* Any bytes as a message: every part lies in its parent and reads as UTF-8, as HTML too, every
 * value decodes to UTF-8 on one line, and CR LF or LF at line ends make no difference to the parts.
 */
#include <stdlib.h>

#include "base/ensure.h"
#include "mime/header.h"
#include "mime/html.h"
#include "mime/utf8.h"
#include "mime/value.h"
#include "mime/walk.h"

enum { PARTS_MAX = 50, CAP = 4000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
lies_in(struct slice inner, struct slice outer)
{
    return inner.len == 0 || (inner.at >= outer.at && inner.at + inner.len <= outer.at + outer.len);
}

static void
read_value(struct slice value)
{
    struct mime_param param;
    struct slice rest = value;
    struct buf out;

    buf_init(&out, CAP);
    mime_words_put(&out, value);
    ensure(utf8_ok(buf_slice(&out)) && slice_find(buf_slice(&out), '\n') < 0);
    buf_reset(&out);
    mime_param_put(&out, value, SLICE("name"));
    ensure(utf8_ok(buf_slice(&out)));
    while (mime_param_take(&rest, &param))
        ensure(param.name.len && lies_in(param.name, value) && lies_in(param.value, value));
    buf_clear(&out);
}

static void
read_fields(struct slice text)
{
    struct slice group;
    struct mime_field field;

    while (mime_group_take(&text, &group)) {
        struct slice rest = group;
        size_t fields = 0;

        for (; mime_field_take(&rest, &field); fields++) {
            ensure(lies_in(field.value, group));
            read_value(field.value);
        }
        ensure(fields);
    }
}

static void
read_part(struct slice message, const struct mime_part *parts, const struct mime_part *p)
{
    const struct mime_part *parent = &parts[p->parent];
    struct buf text, visible;

    ensure(lies_in(p->header, message) && lies_in(p->body, message));
    ensure(p == parts || (parent < p && p->depth == parent->depth + 1));
    ensure(p == parts || (lies_in(p->header, parent->body) && lies_in(p->body, parent->body)));
    buf_init(&text, CAP);
    mime_text_put(&text, p);
    ensure(utf8_ok(buf_slice(&text)));
    buf_init(&visible, CAP);
    mime_html_put(&visible, buf_slice(&text));
    ensure(utf8_ok(buf_slice(&visible)));
    buf_clear(&visible);
    buf_clear(&text);
    read_fields(p->header);
    if (mime_part_is(p, SLICE("message"), SLICE("delivery-status")))
        read_fields(p->body);
}

static size_t
walk_with(struct slice message, const char *line_end, struct mime_part *parts, struct buf *text)
{
    struct slice line;

    while (slice_cut(&message, '\n', &line)) {
        buf_put(text, line);
        buf_put_string(text, line_end);
    }
    buf_put(text, line);
    return mime_walk(buf_slice(text), parts, PARTS_MAX);
}

static void
compare_line_ends(struct slice message)
{
    struct mime_part lf[PARTS_MAX], crlf[PARTS_MAX];
    struct buf lf_text, crlf_text;
    size_t n;

    buf_init(&lf_text, message.len);
    buf_init(&crlf_text, 2 * message.len);
    n = walk_with(message, "\n", lf, &lf_text);
    ensure(walk_with(message, "\r\n", crlf, &crlf_text) == n);
    for (size_t i = 0; i < n; i++)
        ensure(lf[i].depth == crlf[i].depth && slice_eq(lf[i].subtype, crlf[i].subtype) &&
               lf[i].encoding == crlf[i].encoding && lf[i].body.len <= crlf[i].body.len);
    buf_clear(&lf_text);
    buf_clear(&crlf_text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice message = slice_make(data, size);
    struct mime_part parts[PARTS_MAX];
    size_t n = mime_walk(message, parts, PARTS_MAX);

    for (size_t i = 0; i < n; i++)
        read_part(message, parts, &parts[i]);
    if (slice_find(message, '\r') < 0)
        compare_line_ends(message);
    return 0;
}
