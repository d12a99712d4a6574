/* The channels of a role to its peers; private to lib/role. */
#ifndef ROLE_PEERS_H
#define ROLE_PEERS_H

#include "role/role.h"

void peers_init(struct role *r, const struct role_spec *spec);
void peers_begin(void); /* from now on channels are read */

/* A descriptor to a peer, taken over. Replaces the channel of a process that died. */
void peers_put(enum role_id id, unsigned index, unsigned count, int fd);

/* Of role.c, for peers.c. */
void role_accuse(enum role_id id, unsigned index);
void role_answer_status(const struct chan_call *call);

#endif
