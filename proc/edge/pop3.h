/* A POP3 session as its files share it: the machine of lib/pop3, the mailbox as a listing and pack
 * descriptors from the store, and the message that is on its way. */
#ifndef EDGE_POP3_H
#define EDGE_POP3_H

#include "base/shard.h"
#include "edge.h"
#include "mime/listing.h"
#include "pop3/server.h"

enum { POP3_PACKS_KEPT = 8, POP3_STAMP_MAX = 300 };

struct pop3_pack {
    uint32_t number;
    int fd;
};

struct pop3_session {
    struct pop3_server server;
    struct pop3_config config;
    char stamp[POP3_STAMP_MAX];
    bool waiting;
    uint64_t account;
    uint32_t delay;

    uint64_t lock;                     /* 0: no mailbox is open */
    const struct store_entry *entries; /* mapped from the store's memfd */
    struct pop3_message *messages;
    size_t count;
    struct pop3_pack packs[POP3_PACKS_KEPT];
    size_t pack_count, pack_next;

    bool sending; /* the message `entry` is on its way */
    const struct store_entry *entry;
    uint64_t sent; /* bytes of it that went through the stuffer */
    struct pop3_stuff stuff;
};

static inline struct pop3_session *
pop3_session_of(const struct conn *c)
{
    return c->session;
}

static inline unsigned
pop3_store_of(const struct conn *c)
{
    return shard_owner(pop3_session_of(c)->account, role_peer_count(c->edge->role, ROLE_store));
}

/* pop3.c: the machine gets its answer; what it asks next is asked. */
void pop3_resume(struct conn *c, const struct pop3_answer *a);
void pop3_resume_reason(struct conn *c, enum reason reason);

/* pop3_mailbox.c: what the machine asks about logins and the mailbox as a whole. */
void pop3_ask_sasl(struct conn *c);
void pop3_ask_apop(struct conn *c);
void pop3_ask_open(struct conn *c);
void pop3_ask_commit(struct conn *c);
void pop3_release_mailbox(struct conn *c);

/* pop3_message.c: a message from its pack to the client, as there is room. */
void pop3_ask_body(struct conn *c);
bool pop3_produce(struct conn *c);

#endif
