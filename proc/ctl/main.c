/* valija: the user's command. Called by one of the old names it is that program. */
#include "ctl.h"

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } names[] = {{"sendmail", sendmail_run}, {"mailq", mailq_run}, {"newaliases", newaliases_run}};
    const char *slash = argc ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc ? argv[0] : "";

    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].run(argc, argv);
    return cli_run(argc, argv);
}
