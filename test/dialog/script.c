/* The script is read line by line beside the machine; nothing of it is kept. `sent` holds what the
 * other side has sent and the machine has not consumed. */
#include "test/dialog/script.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

enum { RANDOM_RUNS = 5, SENT_MAX = 1 << 20, FILE_MAX = 1 << 20 };

struct run {
    const struct script_machine *m;
    const char *path;
    unsigned line_number;
    enum script_split split;
    unsigned seed;
    struct buf sent, text;
    bool started;
};

static bool
fail(const struct run *r, const char *what, struct slice detail)
{
    static const char *const names[] = {"whole", "byte by byte", "random splits"};

    fprintf(stderr, "%s:%u: (%s, seed %u) %s: %.*s\n", r->path, r->line_number, names[r->split],
            r->seed, what, (int)detail.len, (const char *)detail.at);
    return false;
}

bool
script_match(struct slice pattern, struct slice line)
{
    struct slice part;
    bool more = slice_cut(&pattern, '*', &part);

    if (!slice_take_prefix(&line, part))
        return false;
    while (more) {
        const uint8_t *hit;

        more = slice_cut(&pattern, '*', &part);
        if (!more) /* the last part ends the line */
            return line.len >= part.len && slice_eq(slice_tail(line, line.len - part.len), part);
        hit = part.len ? memmem(line.at, line.len, part.at, part.len) : line.at;
        if (!hit && part.len)
            return false;
        line = slice_tail(line, (part.len ? (size_t)(hit - line.at) : 0) + part.len);
    }
    return line.len == 0;
}

static bool
put_base64(struct slice *rest, struct buf *out)
{
    struct slice inner;
    struct buf raw;
    bool good;

    buf_init(&raw, SENT_MAX);
    good = slice_take_prefix(rest, SLICE("{")) && slice_cut(rest, '}', &inner) &&
           script_unescape(inner, &raw) && base64_put(out, buf_slice(&raw));
    buf_clear(&raw);
    return good;
}

static bool
put_repeated(struct slice *rest, struct buf *out)
{
    unsigned long count = 0;

    for (; rest->len && ascii_is_digit(rest->at[0]) && count < SENT_MAX;
         *rest = slice_tail(*rest, 1))
        count = count * 10 + (unsigned long)(rest->at[0] - '0');
    if (rest->len == 0)
        return false;
    while (count--)
        if (!buf_put_byte(out, rest->at[0]))
            return false;
    *rest = slice_tail(*rest, 1);
    return true;
}

static bool
put_hex(struct slice *rest, struct buf *out)
{
    char digits[3], *end;
    unsigned long value;

    if (!slice_to_string(slice_head(*rest, 2), digits, sizeof(digits)))
        return false;
    value = strtoul(digits, &end, 16);
    *rest = slice_tail(*rest, 2);
    return end == digits + 2 && buf_put_byte(out, (uint8_t)value);
}

bool
script_unescape(struct slice text, struct buf *out)
{
    static const char names[] = "rnt0\\", values[] = "\r\n\t\0\\";
    struct slice before;

    while (slice_cut(&text, '\\', &before)) {
        const char *known = text.len && text.at[0] ? strchr(names, text.at[0]) : NULL;
        uint8_t c = text.len ? text.at[0] : 0;

        buf_put(out, before);
        text = slice_tail(text, 1);
        if (known)
            buf_put_byte(out, (uint8_t)values[known - names]);
        else if (!(c == 'x' && put_hex(&text, out)) && !(c == '*' && put_repeated(&text, out)) &&
                 !(c == 'b' && put_base64(&text, out)))
            return false;
    }
    return buf_put(out, before);
}

static size_t
piece(struct run *r)
{
    if (r->split == SCRIPT_BYTES)
        return 1;
    if (r->split == SCRIPT_RANDOM)
        return 1 + (size_t)rand_r(&r->seed) % 40;
    return r->sent.len;
}

static bool
asks(struct run *r)
{
    buf_reset(&r->text);
    return r->m->question(r->m->ctx, &r->text);
}

/* Does the machine read no further? A client listens also while it asks. */
static bool
is_deaf(struct run *r)
{
    return r->m->closing(r->m->ctx) || (!r->m->outcome && asks(r));
}

/* Hand over input until there is a reply, a question or no more that the machine would take. A
 * piece grows while the machine wants more of it than it was shown. */
static void
pump(struct run *r)
{
    size_t shown = 0;

    if (r->m->out->len == 0)
        r->m->feed(r->m->ctx, (struct slice){0}); /* a long reply goes on */
    while (r->m->out->len == 0 && !is_deaf(r) && shown < r->sent.len) {
        size_t used;

        shown += piece(r);
        used = r->m->feed(r->m->ctx, slice_head(buf_slice(&r->sent), shown));
        buf_drop(&r->sent, used);
        shown = used ? 0 : shown;
    }
}

/* The next reply line; where skip is set, the first that matches. */
static bool
expect_reply(struct run *r, struct slice pattern, bool skip)
{
    struct slice rest, line;
    struct buf want;
    bool good;

    pump(r);
    rest = buf_slice(r->m->out);
    if (!slice_cut(&rest, '\n', &line))
        return asks(r) ? fail(r, "asks where a reply is due", buf_slice(&r->text))
                       : fail(r, "no reply where one is due", pattern);
    if (line.len == 0 || line.at[line.len - 1] != '\r')
        return fail(r, "the reply ends without CR", line);
    buf_init(&want, SENT_MAX);
    good = script_unescape(pattern, &want) &&
           script_match(buf_slice(&want), slice_head(line, line.len - 1));
    buf_clear(&want);
    if (!good && !skip)
        return fail(r, "another reply", slice_head(line, line.len - 1));
    buf_drop(r->m->out, line.len + 1);
    return good || expect_reply(r, pattern, skip);
}

/* False, and told, where the machine has said what the script does not. */
static bool
is_quiet(struct run *r)
{
    struct slice rest, line;

    pump(r);
    rest = buf_slice(r->m->out);
    slice_cut(&rest, '\n', &line);
    return line.len == 0 || fail(r, "a reply that is not in the script", line);
}

/* False, and told, where the machine has an outcome that the script does not name. */
static bool
has_told_all(struct run *r)
{
    buf_reset(&r->text);
    return !r->m->outcome || !r->m->outcome(r->m->ctx, &r->text) ||
           fail(r, "an outcome that is not in the script", buf_slice(&r->text));
}

static bool
expect_outcome(struct run *r, struct slice want)
{
    if (!is_quiet(r))
        return false;
    buf_reset(&r->text);
    if (!r->m->outcome || !r->m->outcome(r->m->ctx, &r->text))
        return fail(r, "no outcome where one is due", want);
    return script_match(want, buf_slice(&r->text)) ||
           fail(r, "another outcome", buf_slice(&r->text));
}

static bool
expect_question(struct run *r, struct slice text)
{
    const uint8_t *arrow = memmem(text.at, text.len, "->", 2);
    struct slice want = arrow ? slice_head(text, (size_t)(arrow - text.at)) : text;
    struct slice answer = arrow ? slice_tail(text, want.len + 2) : (struct slice){0};
    bool drop = false;

    if (!is_quiet(r) || !has_told_all(r))
        return false;
    if (!asks(r))
        return fail(r, "no question where one is due", text);
    if (!script_match(slice_trim(want), buf_slice(&r->text)))
        return fail(r, "another question", buf_slice(&r->text));
    if (!r->m->answer(r->m->ctx, slice_trim(answer), &drop))
        return fail(r, "not an answer to this", slice_trim(answer));
    if (drop)
        buf_reset(&r->sent);
    return true;
}

static bool
expect_closed(struct run *r)
{
    if (!is_quiet(r))
        return false;
    if (!r->m->closing(r->m->ctx))
        return fail(r, "still open", SLICE(""));
    buf_reset(&r->sent); /* nobody reads it any more */
    return true;
}

static bool
send(struct run *r, struct slice text, bool line)
{
    if (!script_unescape(text, &r->sent) || (line && !buf_put_string(&r->sent, "\r\n")))
        return fail(r, "a malformed escape", text);
    return true;
}

static bool
obey(struct run *r, uint8_t kind, struct slice text)
{
    uint8_t own = r->m->outcome ? 'C' : 'S'; /* whose lines are the machine's */

    if (!r->started && kind != '!') {
        r->started = true;
        if (!r->m->start(r->m->ctx, (struct slice){0}))
            return fail(r, "does not start", text);
    }
    switch (kind) {
    case '!':
        if (r->started || !r->m->start(r->m->ctx, text))
            return fail(r, "no such options, or too late", text);
        r->started = true;
        return true;
    case 'S':
    case 'C':
        return kind == own ? expect_reply(r, text, false) : send(r, text, true);
    case 's':
    case 'c':
        return kind == ascii_lower(own) ? expect_reply(r, text, true) : send(r, text, false);
    case 'O':
        return expect_outcome(r, text);
    case '?':
        return expect_question(r, text);
    case 'E':
        pump(r);
        return r->m->end(r->m->ctx, text) || fail(r, "no such end", text);
    case 'X':
        return expect_closed(r);
    default:
        return fail(r, "no such kind of line", text);
    }
}

static bool
at_end(struct run *r, bool closed)
{
    if (!is_quiet(r) || !has_told_all(r))
        return false;
    if (asks(r))
        return fail(r, "a question that is not in the script", buf_slice(&r->text));
    if (r->m->closing(r->m->ctx) && !closed)
        return fail(r, "closed, and the script has no X:", SLICE(""));
    return r->sent.len == 0 || fail(r, "input left unread", buf_slice(&r->sent));
}

static struct slice
without_comment(struct slice line)
{
    const uint8_t *hit;

    if (line.len && line.at[0] == '#')
        return (struct slice){0};
    hit = memmem(line.at, line.len, "  # ", 4);
    return slice_trim(hit ? slice_head(line, (size_t)(hit - line.at)) : line);
}

static bool
obey_all(struct run *r, struct slice script)
{
    bool closed = false;
    struct slice line;

    while (script.len) {
        slice_cut(&script, '\n', &line);
        r->line_number++;
        line = without_comment(line);
        if (line.len == 0)
            continue;
        if (line.len < 2 || line.at[1] != ':')
            return fail(r, "not a line of a script", line);
        closed = line.at[0] == 'X';
        if (!obey(r, line.at[0], slice_trim(slice_tail(line, 2))))
            return false;
    }
    return at_end(r, closed);
}

bool
script_run(const char *path, const struct script_machine *m, enum script_split split, unsigned seed)
{
    struct run r = {.m = m, .path = path, .split = split, .seed = seed};
    FILE *f = fopen(path, "rb");
    char *script = malloc(FILE_MAX);
    bool good;

    if (!f || !script)
        abort();
    buf_init(&r.sent, SENT_MAX);
    buf_init(&r.text, SENT_MAX);
    good = obey_all(&r, slice_make(script, fread(script, 1, FILE_MAX, f)));
    buf_clear(&r.sent);
    buf_clear(&r.text);
    fclose(f);
    free(script);
    return good;
}

static bool
run_all_ways(const char *path, const struct script_machine *m)
{
    bool good = script_run(path, m, SCRIPT_WHOLE, 0) && script_run(path, m, SCRIPT_BYTES, 0);

    for (unsigned seed = 1; good && seed <= RANDOM_RUNS; seed++)
        good = script_run(path, m, SCRIPT_RANDOM, seed);
    return good;
}

static int
is_script(const struct dirent *e)
{
    size_t len = strlen(e->d_name);

    return len > 4 && strcmp(e->d_name + len - 4, ".txt") == 0;
}

int
script_run_folder(const char *folder, const struct script_machine *m)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_script, alphasort);
    bool good = true;

    for (int i = 0; i < count; i++) {
        char path[4096];

        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        good = run_all_ways(path, m) && good;
        free(entries[i]);
    }
    free(entries);
    return good ? count : -1;
}
