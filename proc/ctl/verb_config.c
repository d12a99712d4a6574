/* valija config check, serve and version: the verbs that need no service. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "out.h"

static void
print_mistakes(const struct ctl *c, const struct conf_mistakes *m)
{
    struct buf lines;

    for (size_t i = 0; ctl_has(c, OPTION_json) && i < m->count; i++)
        out_object(c,
                   json_pack("{s:s, s:i, s:i, s:b, s:o}", "file", m->file, "line", m->at[i].line,
                             "column", m->at[i].column, "warning", m->at[i].warning, "what",
                             out_string(slice_of(m->at[i].what))),
                   NULL);
    if (ctl_has(c, OPTION_json))
        return;
    buf_init(&lines, 1 << 20);
    conf_mistakes_put(m, &lines);
    fwrite(lines.at + lines.start, 1, lines.len, stdout);
    buf_clear(&lines);
}

int
verb_config_check(struct ctl *c)
{
    struct conf_mistakes *mistakes = heap_take(sizeof(*mistakes));
    const char *path = ctl_find_conf(c);
    const struct conf *conf = conf_load(path, c->options[OPTION_state], mistakes);
    int status = 0;

    print_mistakes(c, mistakes);
    if (!conf)
        status = FAIL(bad_configuration, mistakes->file);
    else if (!ctl_has(c, OPTION_json))
        SAY(configuration_good, mistakes->file);
    conf_free(conf);
    free(mistakes);
    return status;
}

/* The parent takes this process over, so that a service manager watches the right one. */
int
verb_serve(struct ctl *c)
{
    const char *path =
        ctl_has(c, OPTION_config) ? c->options[OPTION_config] : getenv("VALIJA_CONF");

    service_exec_parent(path, c->options[OPTION_state]);
    return FAIL(parent_not_started, strerror(errno));
}

int
verb_version(struct ctl *c)
{
    if (ctl_has(c, OPTION_json))
        out_object(c, json_pack("{s:s}", "version", VALIJA_VERSION), NULL);
    else
        printf("valija %s\n", VALIJA_VERSION);
    return 0;
}
