/* The numbers that messages carry as a verdict. A verdict says what a role found; what a client is
 * told about it is a row of lib/reason that the edge chooses. */
#ifndef IPC_VERDICT_H
#define IPC_VERDICT_H

enum accounts_verdict {
    ACCOUNTS_OK,
    ACCOUNTS_NOT_LOCAL, /* the domain is not hosted here */
    ACCOUNTS_NO_MAILBOX,
    ACCOUNTS_SUSPENDED, /* the account */
    ACCOUNTS_DOMAIN_SUSPENDED,
    ACCOUNTS_FULL,      /* over quota already */
    ACCOUNTS_WRONG,     /* user or password; which one is not told */
    ACCOUNTS_NOT_YOURS, /* the sender address belongs to someone else */
    ACCOUNTS_LOOP,      /* aliases that lead to themselves, or too many */
    ACCOUNTS_TEMPORARY, /* the directory did not answer */
    ACCOUNTS_NO_APOP,   /* the account did not opt in */
};

enum guard_verdict_kind { GUARD_OK, GUARD_MANY_SESSIONS, GUARD_MANY_FROM_ADDRESS };

enum queue_verdict { QUEUE_KEPT, QUEUE_DISK_FULL, QUEUE_TEMPORARY, QUEUE_BAD };
enum { QUEUE_8BIT = 1, QUEUE_SMTPUTF8 = 2 };
enum queue_state { QUEUE_ACTIVE, QUEUE_DEFERRED };

enum store_outcome_kind { STORE_SYNCED, STORE_FULL, STORE_TRY_LATER };
enum store_verdict { STORE_OK, STORE_IN_USE, STORE_TEMPORARY, STORE_NOT_LOCKED };

#endif
