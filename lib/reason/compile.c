/* A build tool: the catalogue's files become C. Any mistake in them fails the build.
 * Usage: compile FOLDER REPLY.DEF BUILT_IN.DEF DEPFILE
 * REPLY.DEF has a row of every reply, which is all that servers need; it is only written anew where
 * it changes, so that a better text for people compiles no server again. BUILT_IN.DEF has the files
 * themselves. DEPFILE tells ninja what was read; the folder counts, too: files may come and go. */
#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "reason/folder.h"

enum { OUTPUT_MAX = 64 << 20 };

static const char *const languages = "en es"; /* every text in each of them */

static void
tell(void *ctx, const struct catalogue_mistake *m)
{
    (void)ctx;
    fprintf(stderr, "%.*s", (int)m->file.len, (const char *)m->file.at);
    if (m->line)
        fprintf(stderr, ":%u", m->line);
    fprintf(stderr, ": %.*s\n", (int)m->what.len, (const char *)m->what.at);
}

/* In quotes, as C reads it, one string per line. */
static void
put_literal(struct buf *out, struct slice text)
{
    buf_put_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        if (c == '"' || c == '\\' || c == '?') /* "??" begins a trigraph */
            buf_put_byte(out, '\\');
        if (c == '\n')
            buf_put_string(out, i + 1 < text.len ? "\\n\"\n\"" : "\\n");
        else if (c < ' ')
            buf_put_format(out, "\\%03o", c);
        else
            buf_put_byte(out, c);
    }
    buf_put_byte(out, '"');
}

static void
put_reply(struct buf *out, const struct catalogue_reason *r, const struct catalogue_reply *reply)
{
    const struct slice fields[] = {reply->code, reply->detail, r->id, reply->text};

    buf_put_string(out, "REASON(");
    buf_put(out, reply->name);
    for (size_t i = 0; i < COUNT(fields); i++) {
        buf_put_string(out, ", ");
        put_literal(out, fields[i]);
    }
    buf_put_string(out, ")\n");
}

static void
put_replies(struct buf *out, const struct catalogue *c)
{
    for (size_t i = 0; i < catalogue_reasons(c); i++) {
        const struct catalogue_reason *r = catalogue_reason_at(c, i);

        for (const struct catalogue_reply *reply = r->replies; reply; reply = reply->next)
            put_reply(out, r, reply);
    }
}

static bool
write_file(const char *path, const struct buf *bytes)
{
    FILE *f = fopen(path, "w");
    bool ok = f && !bytes->full && fwrite(buf_slice(bytes).at, 1, bytes->len, f) == bytes->len;

    if (f && fclose(f) != 0)
        ok = false;
    if (!ok)
        perror(path);
    return ok;
}

static bool
write_changed(const char *path, const struct buf *bytes)
{
    struct buf old;
    bool same;

    buf_init(&old, OUTPUT_MAX);
    same = !err_is(file_read(path, &old)) && slice_eq(buf_slice(&old), buf_slice(bytes));
    buf_clear(&old);
    return same || write_file(path, bytes);
}

/* What is gathered while the folder is walked. */
struct work {
    const char *folder;
    struct catalogue *c;
    struct buf built_in, depends;
};

static bool
take_file(void *ctx, const char *path, struct slice text)
{
    struct work *w = ctx;

    buf_put_format(&w->depends, " %s", path);
    buf_put_format(&w->built_in, "FILE(\"catalogue%s\",\n", strrchr(path, '/'));
    put_literal(&w->built_in, text);
    buf_put_string(&w->built_in, ")\n");
    return catalogue_add(w->c, slice_of(path), text, tell, NULL);
}

/* Reads the folder; false: there was a mistake. */
static bool
gather(struct work *w, const char *target)
{
    char path[PATH_MAX];
    struct buf registry;
    struct err e;
    bool ok;

    buf_init(&registry, CATALOGUE_FILE_MAX);
    snprintf(path, sizeof(path), "%s/enhanced-codes.tsv", w->folder);
    buf_put_format(&w->depends, "%s: %s %s", target, w->folder, path);
    e = file_read(path, &registry);
    if (err_is(e))
        fprintf(stderr, "%s: %s\n", path, err_text(e));
    ok = folder_walk(w->folder, take_file, w, tell, NULL);
    ok = catalogue_check(w->c, slice_of(languages), buf_slice(&registry), tell, NULL) && ok;
    buf_put_byte(&w->depends, '\n');
    buf_clear(&registry);
    return ok && !err_is(e);
}

int
main(int argc, char **argv)
{
    struct work w = {.c = catalogue_new()};
    struct buf replies;
    bool ok;

    if (argc != 5) {
        fprintf(stderr, "usage: compile FOLDER REPLY.DEF BUILT_IN.DEF DEPFILE\n");
        return 2;
    }
    w.folder = argv[1];
    buf_init(&replies, OUTPUT_MAX);
    buf_init(&w.built_in, OUTPUT_MAX);
    buf_init(&w.depends, OUTPUT_MAX);
    ok = gather(&w, argv[2]);
    put_replies(&replies, w.c);
    ok = ok && write_changed(argv[2], &replies) && write_file(argv[3], &w.built_in) &&
         write_file(argv[4], &w.depends);
    buf_clear(&replies);
    buf_clear(&w.built_in);
    buf_clear(&w.depends);
    catalogue_free(w.c);
    return ok ? 0 : 1;
}
