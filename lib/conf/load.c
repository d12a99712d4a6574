/* The part of the room that touches the system: the file, the working folder, the host's name. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "conf/conf_private.h"

enum { ABSOLUTE_MAX = 2 * PATH_MAX };

/* The next word of a line, or an empty slice at its end. */
static struct slice
take_word(struct slice *line)
{
    struct slice word;
    size_t n = 0;

    *line = slice_trim(*line);
    while (n < line->len && line->at[n] != ' ' && line->at[n] != '\t' && line->at[n] != '\r')
        n++;
    word = slice_head(*line, n);
    *line = slice_tail(*line, n);
    return word;
}

struct slice
conf_hosts_find(struct slice hosts, struct slice name)
{
    struct slice rest, line, word;
    bool more = true;

    while (more) {
        struct slice full = {NULL, 0};
        bool here = false;

        more = slice_cut(&hosts, '\n', &rest);
        slice_cut(&rest, '#', &line);
        take_word(&line); /* the address */
        while ((word = take_word(&line)).len) {
            here = here || slice_eq_nocase(word, name);
            if (full.len == 0 && slice_find(word, '.') >= 0)
                full = word;
        }
        if (here && full.len)
            return full;
    }
    return (struct slice){NULL, 0};
}

/* The host's name, made full by /etc/hosts where it has no dot, as `hostname -f` does; but the DNS
 * is not asked: a start must not wait for it. */
static void
system_name(char *room, size_t size)
{
    struct buf hosts;
    struct slice full;
    struct err e;

    if (gethostname(room, size) != 0)
        room[0] = '\0';
    room[size - 1] = '\0';
    if (room[0] == '\0' || strchr(room, '.'))
        return;
    buf_init(&hosts, CONF_FILE_MAX);
    e = file_read("/etc/hosts", &hosts);
    full = conf_hosts_find(buf_slice(&hosts), slice_of(room));
    if (!err_is(e) && full.len && full.len < size)
        slice_to_string(full, room, size);
    buf_clear(&hosts);
}

/* The path itself where it is absolute, else from the working folder. It always has a slash. What
 * does not fit is cut off: it is then longer than any path may be. */
static void
make_absolute(const char *path, char room[ABSOLUTE_MAX])
{
    char folder[PATH_MAX] = "";

    if (path[0] != '/' && !getcwd(folder, sizeof(folder)))
        snprintf(folder, sizeof(folder), ".");
    snprintf(room, ABSOLUTE_MAX, "%s%s%s", folder, folder[0] ? "/" : "", path);
}

const struct conf *
conf_load(const char *path, const char *state, struct conf_mistakes *mistakes)
{
    char name[HOST_NAME_MAX + 1], folder[ABSOLUTE_MAX], absolute_state[ABSOLUTE_MAX];
    struct conf_input input = {.file = path ? path : CONF_FILE, .folder = folder};
    const struct conf *c = NULL;
    struct buf text;
    struct err e;

    buf_init(&text, CONF_FILE_MAX + 1);
    e = file_read(input.file, &text);
    if (e.os == ENOENT && !path)
        e = ERR_OK;
    make_absolute(input.file, folder);
    *strrchr(folder, '/') = '\0';
    if (state) {
        make_absolute(state, absolute_state);
        input.state = absolute_state;
    }
    system_name(name, sizeof(name));
    input.system_name = name;
    input.text = buf_slice(&text);
    conf_mistakes_init(mistakes, input.file);
    if (err_is(e))
        conf_fault_put(mistakes, &(struct conf_fault){.id = MISTAKE_UNREADABLE,
                                                      .args = {slice_of(err_text(e))}});
    else
        c = conf_parse(&input, mistakes);
    buf_clear(&text);
    return c;
}
