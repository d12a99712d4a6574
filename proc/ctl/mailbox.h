/* Asking the store role that keeps an account's mailbox. */
#ifndef CTL_MAILBOX_H
#define CTL_MAILBOX_H

#include "ctl.h"

/* Delete an account's folder, after the directory forgot the account. name: for messages. */
int mailbox_remove(struct ctl *c, uint64_t account, const char *name);

/* Verify an account's folder; repair: salvage what is damaged. */
int mailbox_check(struct ctl *c, uint64_t account, bool repair, struct store_check_answer *found);

#endif
