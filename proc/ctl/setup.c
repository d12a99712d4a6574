/* Which configuration applies to this command, and the service it belongs to. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "ctl.h"
#include "demo.h"

bool
demo_runs(const char *conf_path)
{
    struct conf_mistakes *mistakes = heap_take(sizeof(*mistakes));
    const struct conf *conf = conf_load(conf_path, NULL, mistakes);
    bool running = conf && service_is_running(conf);

    conf_free(conf);
    free(mistakes);
    return running;
}

/* The configuration of a demo that runs in its usual folder, or NULL. */
static char *
find_demo(void)
{
    char folder[CONF_PATH_MAX], path[DEMO_PATH_MAX];

    if (!demo_usual_folder(folder, sizeof(folder)))
        return NULL;
    snprintf(path, sizeof(path), "%s/%s", folder, DEMO_CONF);
    return access(path, R_OK) == 0 && demo_runs(path) ? strdup(path) : NULL;
}

const char *
ctl_find_conf(struct ctl *c)
{
    const char *named = getenv("VALIJA_CONF");

    if (ctl_has(c, OPTION_config))
        return c->options[OPTION_config];
    if (named && named[0])
        return named;
    if (access(CONF_FILE, F_OK) == 0)
        return CONF_FILE;
    if (!c->demo_path && !ctl_has(c, OPTION_state))
        c->demo_path = find_demo();
    return c->demo_path;
}

int
ctl_configure(struct ctl *c)
{
    struct conf_mistakes *mistakes = heap_take(sizeof(*mistakes));
    struct buf lines;
    int status = 0;

    c->conf = conf_load(ctl_find_conf(c), c->options[OPTION_state], mistakes);
    if (!c->conf) {
        buf_init(&lines, 1 << 20);
        conf_mistakes_put(mistakes, &lines);
        fwrite(lines.at + lines.start, 1, lines.len, stderr);
        buf_clear(&lines);
        status = FAIL(bad_configuration, mistakes->file);
    }
    free(mistakes);
    return status;
}

int
ctl_connect(struct ctl *c)
{
    int status = ctl_configure(c);

    return status ? status : service_open(&c->service, c->conf);
}

int
ctl_each_word(struct ctl *c, int (*one)(struct ctl *c, const char *word))
{
    int first = 0;

    for (size_t i = 0; i < c->count; i++) {
        int status = one(c, c->args[i]);

        first = first ? first : status;
    }
    return first;
}

void
ctl_clear(struct ctl *c)
{
    if (c->service.conf)
        service_close(&c->service);
    c->service.conf = NULL;
    conf_free(c->conf);
    c->conf = NULL;
    free(c->demo_path);
    c->demo_path = NULL;
}
