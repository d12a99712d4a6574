/* courier: brings mail to other servers and reads what they say, and writes the notices about what
 * became of it. It opens no file and holds no secret of ours. */
#include "notice.h"

static const struct chan_handler from_queue[] = {{MSG_courier_notify, notice_on_ask},
                                                 {MSG_NONE, NULL}};
static const struct chan_handler from_ctl[] = {{MSG_courier_notify, notice_on_ask},
                                               {MSG_NONE, NULL}};
static const struct role_door doors[] = {
    {ROLE_queue, from_queue, false}, {ROLE_accounts, NULL, false}, {ROLE_resolver, NULL, false},
    {ROLE_trace, NULL, false},       {ROLE_ctl, from_ctl, false},  {ROLE_parent, NULL, false},
};

static void
on_peer_down(struct role *r, enum role_id id, unsigned index)
{
    (void)id, (void)index;
    notice_peer_down(r);
}

static void
on_status(struct role *r, struct buf *values)
{
    (void)r;
    notice_status(values);
}

static struct err
on_start(struct role *r)
{
    (void)r;
    return ERR_OK;
}

int
main(int argc, char **argv)
{
    static const struct role_spec spec = {
        .doors = doors, .start = on_start, .peer_down = on_peer_down, .status = on_status};

    return role_main(argc, argv, &spec);
}
