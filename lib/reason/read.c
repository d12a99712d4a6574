/* file    = *( comment / section / entry / blank )
 * comment = "#" text                     ; the "#" is the first character of its line
 * section = "[" word *2( SP word ) "]"
 * entry   = key [ "(" text ")" ] ":" text *( CRLF 1*SP text )
 * A line of an entry that begins with "- " stays a line of its own; all others are joined by one
 * space. LF alone ends a line too. */
#include "reason/read.h"
#include "base/utf8.h"

void
catalogue_complain(struct catalogue_reader *r, const char *text, struct slice first,
                   struct slice second)
{
    catalogue_tell(&r->teller, r->at, text, first, second, SLICE(""));
}

bool
catalogue_cut_word(struct slice *text, struct slice *word)
{
    size_t n = 0;

    *text = slice_trim(*text);
    while (n < text->len && text->at[n] != ' ' && text->at[n] != '\t')
        n++;
    *word = slice_head(*text, n);
    *text = slice_trim(slice_tail(*text, n));
    return n > 0;
}

bool
catalogue_name_ok(struct slice name, size_t max)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_is_digit(name.at[i]) && (name.at[i] < 'a' || name.at[i] > 'z') &&
            (i == 0 || name.at[i] != '-'))
            return false;
    return name.len > 0 && name.len <= max;
}

/* "550", "5yz", "x0z"; "5.1.1", "x.1.z": digits, and the letters that stand for any. */
static bool
code_name_ok(struct slice kind, struct slice name)
{
    size_t dots = 0;

    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '.')
            dots++;
        else if (!ascii_is_digit(name.at[i]) && (name.at[i] < 'x' || name.at[i] > 'z'))
            return false;
    }
    return slice_eq(kind, SLICE("code")) ? dots == 0 && name.len == 3 : dots == 2 && name.len >= 5;
}

bool
catalogue_is_reserved(struct slice word)
{
    return slice_eq(word, SLICE("code")) || slice_eq(word, SLICE("status")) ||
           slice_eq(word, SLICE("words")) || slice_eq(word, SLICE("provider"));
}

/* Which section the words of a header begin; SECTION_NONE: none that there is. */
static enum section
name_section(struct catalogue_reader *r, const struct slice *word, size_t count)
{
    bool reserved = catalogue_is_reserved(word[0]);

    r->subject = word[0];
    r->name = word[1];
    r->language = word[count - 1];
    if (count > 1 && !slice_eq(word[0], SLICE("provider")) &&
        !catalogue_name_ok(r->language, CATALOGUE_LANGUAGE_MAX))
        return SECTION_NONE;
    if (count == 3)
        return (slice_eq(word[0], SLICE("code")) || slice_eq(word[0], SLICE("status"))) &&
                       code_name_ok(word[0], word[1])
                   ? SECTION_CODE
                   : SECTION_NONE;
    if (count == 2 && slice_eq(word[0], SLICE("words")))
        return SECTION_WORDS;
    if (count == 2 && slice_eq(word[0], SLICE("provider")))
        return catalogue_name_ok(word[1], CATALOGUE_NAME_MAX) ? SECTION_PROVIDER : SECTION_NONE;
    if (reserved || !catalogue_name_ok(word[0], CATALOGUE_NAME_MAX))
        return SECTION_NONE;
    return count == 2 ? SECTION_TEXT : SECTION_REASON;
}

static void
open_reason(struct catalogue_reader *r, struct slice id)
{
    struct catalogue_reason *reason;

    r->reason = catalogue_reason_entry(r->c, id);
    r->full = !r->reason;
    if (r->full || r->reason->reason.line)
        return;
    reason = &r->reason->reason;
    reason->file = r->at.file;
    reason->line = r->at.line;
}

static void
open_provider(struct catalogue_reader *r, struct slice id)
{
    struct catalogue_provider *provider;

    r->provider = catalogue_provider_entry(r->c, id);
    r->full = !r->provider;
    if (r->full || r->provider->provider.line)
        return;
    provider = &r->provider->provider;
    provider->file = r->at.file;
    provider->line = r->at.line;
}

static void
begin_section(struct catalogue_reader *r, struct slice line)
{
    struct slice words[4] = {{NULL, 0}}, rest = slice_tail(line, 1);
    size_t count = 0;

    r->section = SECTION_NONE;
    r->header = line;
    if (line.at[line.len - 1] == ']') {
        rest.len--;
        while (count < COUNT(words) && catalogue_cut_word(&rest, &words[count]))
            count++;
        if (count > 0 && count < COUNT(words))
            r->section = name_section(r, words, count);
    }
    if (r->section == SECTION_NONE)
        catalogue_complain(r,
                           "{} begins no section: [ID], [ID LANGUAGE], [provider ID], "
                           "[code NAME LANGUAGE], [status NAME LANGUAGE] and [words LANGUAGE] do",
                           line, SLICE(""));
    else if (r->section == SECTION_REASON)
        open_reason(r, words[0]);
    else if (r->section == SECTION_PROVIDER)
        open_provider(r, words[1]);
}

/* The value that was being gathered is complete. */
static void
end_value(struct catalogue_reader *r)
{
    struct slice value = slice_make(r->value, r->value_len);
    uint32_t line = r->at.line;

    if (r->key.len == 0)
        return;
    r->at.line = r->value_line;
    if (value.len == 0)
        catalogue_complain(r, "'{}' has no value", r->key, SLICE(""));
    else if (value.len > CATALOGUE_VALUE_MAX)
        catalogue_complain(r, "the value of '{}' is too long", r->key, SLICE(""));
    else
        catalogue_take_value(r, value);
    r->at.line = line;
    r->key.len = 0;
}

/* The lines were cut from bytes that are ours to write. */
static uint8_t *
place_of(struct slice s)
{
    return (uint8_t *)(uintptr_t)s.at;
}

static void
begin_value(struct catalogue_reader *r, struct slice line)
{
    struct slice key = line;
    size_t n = 0;

    while (n < line.len && line.at[n] != ':' && line.at[n] != '(')
        n++;
    key.len = n;
    line = slice_tail(line, n);
    r->narrowed = (struct slice){NULL, 0};
    if (line.len && line.at[0] == '(') {
        line = slice_tail(line, 1);
        if (!slice_cut(&line, ')', &r->narrowed) || slice_trim(r->narrowed).len == 0)
            line.len = 0;
    }
    key = slice_trim(key);
    if (key.len == 0 || line.len == 0 || line.at[0] != ':') {
        catalogue_complain(r, "'{}' is neither [a section] nor a 'key: value'", key, SLICE(""));
        return;
    }
    line = slice_trim(slice_tail(line, 1));
    r->narrowed = slice_trim(r->narrowed);
    r->key = key;
    r->value_line = r->at.line;
    r->value = place_of(line);
    r->value_len = line.len;
}

static void
continue_value(struct catalogue_reader *r, struct slice line)
{
    if (r->key.len == 0) {
        if (r->section != SECTION_NONE)
            catalogue_complain(r, "an indented line that no value goes on in: '{}'", line,
                               SLICE(""));
        return;
    }
    if (r->value_len == 0) {
        r->value = place_of(line);
    } else {
        r->value[r->value_len++] = slice_starts_nocase(line, SLICE("- ")) ? '\n' : ' ';
        memmove(r->value + r->value_len, line.at, line.len);
    }
    r->value_len += line.len;
}

static bool
has_control(struct slice line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
            return true;
    return false;
}

static void
read_line(struct catalogue_reader *r, struct slice line)
{
    bool indented = line.len && (line.at[0] == ' ' || line.at[0] == '\t');

    if (line.len && line.at[0] == '#')
        return;
    if (line.len > CATALOGUE_LINE_MAX) {
        catalogue_complain(r, "the line is too long", SLICE(""), SLICE(""));
        return;
    }
    if (has_control(line) || !utf8_ok(line)) {
        catalogue_complain(r, "the line has control characters, or is not UTF-8", SLICE(""),
                           SLICE(""));
        return;
    }
    line = slice_trim(line);
    if (line.len == 0)
        return;
    if (indented) {
        continue_value(r, line);
        return;
    }
    end_value(r);
    if (line.at[0] == '[')
        begin_section(r, line);
    else if (r->section == SECTION_OUTSIDE)
        catalogue_complain(r, "'{}' stands before the first [section]", line, SLICE(""));
    else if (r->section != SECTION_NONE)
        begin_value(r, line);
}

static void
read_lines(struct catalogue_reader *r, struct slice text)
{
    struct slice line;
    bool more = true;

    slice_take_prefix(&text, SLICE("\xef\xbb\xbf")); /* some editors begin a file with it */
    while (more && !r->full && r->teller.mistakes < CATALOGUE_MISTAKES_MAX) {
        more = slice_cut(&text, '\n', &line);
        r->at.line++;
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        read_line(r, line);
    }
    if (!more)
        end_value(r);
    if (r->teller.mistakes >= CATALOGUE_MISTAKES_MAX)
        catalogue_complain(r, "too many mistakes: the rest of the file is not read", SLICE(""),
                           SLICE(""));
    if (r->full)
        catalogue_complain(r, "the catalogue has no room for more", SLICE(""), SLICE(""));
}

bool
catalogue_add(struct catalogue *c, struct slice file, struct slice text, catalogue_mistake_fn *fn,
              void *ctx)
{
    struct catalogue_reader r = {.c = c, .teller = {fn, ctx, 0}, .section = SECTION_OUTSIDE};
    struct slice copy = arena_copy(c->arena, text);

    r.at.file = arena_copy(c->arena, file);
    if (text.len > CATALOGUE_FILE_MAX)
        catalogue_complain(&r, "the file is too big", SLICE(""), SLICE(""));
    else if ((text.len && !copy.at) || !r.at.file.at)
        catalogue_complain(&r, "the catalogue has no room for more", SLICE(""), SLICE(""));
    else
        read_lines(&r, copy);
    return r.teller.mistakes == 0;
}
