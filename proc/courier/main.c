/* courier: brings mail to other servers and reads what they say, and writes the notices about what
 * became of it. It opens no file and holds no secret of ours. */
#include "role/role.h"

static const struct chan_handler from_queue[] = {{MSG_NONE, NULL}};
static const struct role_door doors[] = {
    {ROLE_queue, from_queue, false}, {ROLE_accounts, NULL, false}, {ROLE_resolver, NULL, false},
    {ROLE_trace, NULL, false},       {ROLE_ctl, NULL, false},      {ROLE_parent, NULL, false},
};

static struct err
on_start(struct role *r)
{
    (void)r;
    return ERR_OK;
}

int
main(int argc, char **argv)
{
    static const struct role_spec spec = {.doors = doors, .start = on_start};

    return role_main(argc, argv, &spec);
}
