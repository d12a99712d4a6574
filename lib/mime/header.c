/* fields     = *(field-name *WSP ":" value line-end)                 rfc5322#2.2-a rfc5322#4.5-a
 * value      = what follows, to the next line that does not begin with a blank
 * field-name = 1*(printable ASCII but ":")
 * line-end   = CR LF / LF
 * UTF-8, and bytes of any kind, stand in values                      rfc6532#3.2-a */
#include "mime/header.h"

#include "mime/private.h"

bool
mime_line_take(struct slice *text, struct slice *line)
{
    if (text->len == 0)
        return false;
    if (slice_cut(text, '\n', line) && line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct slice
mime_trim_end(struct slice line)
{
    while (line.len && is_blank(line.at[line.len - 1]))
        line.len--;
    return line;
}

/* Cut name and colon off. False, with *line as it was: it does not begin a field. */
static bool
take_name(struct slice *line, struct slice *name)
{
    size_t n = 0, colon;

    while (n < line->len && line->at[n] > ' ' && line->at[n] < 0x7f && line->at[n] != ':')
        n++;
    for (colon = n; colon < line->len && is_blank(line->at[colon]); colon++)
        ;
    if (n == 0 || colon == line->len || line->at[colon] != ':')
        return false;
    *name = slice_head(*line, n);
    *line = slice_make(line->at + colon + 1, line->len - colon - 1); /* its place counts */
    return true;
}

bool
mime_line_in_header(struct slice line, bool first)
{
    struct slice name;

    if (line.len && is_blank(line.at[0]))
        return !first;
    if (first &&
        (slice_take_prefix(&line, SLICE("From ")) || slice_take_prefix(&line, SLICE(">From "))))
        return true;
    return take_name(&line, &name);
}

/* rfc5322#2.1-a */
void
mime_header_cut(struct slice message, struct slice *header, struct slice *body)
{
    struct slice rest = message, before = message, line = {NULL, 0};
    bool first = true, is_over = false;

    while (!is_over && mime_line_take(&rest, &line)) {
        is_over = !mime_line_in_header(line, first);
        if (!is_over)
            before = rest;
        first = false;
    }
    *header = slice_head(message, message.len - before.len);
    *body = line.len == 0 ? rest : before;
}

bool
mime_group_take(struct slice *text, struct slice *group)
{
    struct slice line, from = *text, name;

    while (mime_line_take(text, &line)) {
        if (take_name(&line, &name)) {
            mime_header_cut(from, group, text);
            return true;
        }
        from = *text;
    }
    return false;
}

static struct slice
trim(struct slice s)
{
    while (s.len && mime_is_blank(s.at[0]))
        s = slice_tail(s, 1);
    while (s.len && mime_is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

bool
mime_field_take(struct slice *header, struct mime_field *field)
{
    struct slice line, value;

    while (mime_line_take(header, &line)) {
        if (!take_name(&line, &field->name))
            continue;
        value = line;
        while (header->len && is_blank(header->at[0])) { /* rfc5322#2.2.3-a */
            mime_line_take(header, &line);
            value.len = (size_t)(line.at + line.len - value.at);
        }
        field->value = trim(value);
        return true;
    }
    return false;
}

bool
mime_field_find(struct slice header, struct slice name, struct slice *value)
{
    struct mime_field field;

    while (mime_field_take(&header, &field)) {
        if (slice_eq_nocase(field.name, name)) { /* rfc5322#1.2.2-a */
            *value = field.value;
            return true;
        }
    }
    *value = (struct slice){NULL, 0};
    return false;
}

bool
mime_unfolded_put(struct buf *out, struct slice value)
{
    struct slice line;

    while (mime_line_take(&value, &line))
        buf_put(out, line);
    return !out->full;
}
