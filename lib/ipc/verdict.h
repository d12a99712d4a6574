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
    ACCOUNTS_FULL,        /* over quota already */
    ACCOUNTS_WRONG,       /* user or password; which one is not told */
    ACCOUNTS_NOT_YOURS,   /* the sender address belongs to someone else */
    ACCOUNTS_LOOP,        /* aliases that lead to themselves, or too many */
    ACCOUNTS_TEMPORARY,   /* the directory did not answer */
    ACCOUNTS_NO_APOP,     /* the account did not opt in */
    ACCOUNTS_FORWARDS,    /* as OK, and the sender may know where to (251) */
    ACCOUNTS_MOVED,       /* is elsewhere now, and mail is not forwarded (551) */
    ACCOUNTS_RETURN_OVER, /* a return address made for a forward, of too long ago */
};

/* What became of a change to the directory. */
enum directory_result {
    DIRECTORY_OK,
    DIRECTORY_EXISTS,
    DIRECTORY_NO_SUCH,      /* no such domain, account or alias */
    DIRECTORY_NO_DOMAIN,    /* the address's domain is not hosted here */
    DIRECTORY_BAD_ADDRESS,  /* not a domain name, not an address */
    DIRECTORY_BAD_PASSWORD, /* too long, or a character that cannot be typed; or not a crypt hash */
    DIRECTORY_BAD_VALUE,    /* a quota, delay or language out of range */
    DIRECTORY_IN_USE,       /* something still depends on it */
    DIRECTORY_LOOP,         /* the alias would lead to itself */
    DIRECTORY_LIMIT,        /* too many targets, or too much work waiting */
    DIRECTORY_TEMPORARY,    /* the disk did not do it; nothing was changed */
};

/* What a sender learns of an alias. */
enum directory_alias_kind {
    DIRECTORY_HIDDEN, /* nothing */
    DIRECTORY_TOLD,   /* where it leads */
    DIRECTORY_MOVED,  /* the new address; mail is not forwarded */
    DIRECTORY_ALIAS_KINDS
};

enum guard_verdict_kind { GUARD_OK, GUARD_MANY_SESSIONS, GUARD_MANY_FROM_ADDRESS };

enum queue_verdict { QUEUE_KEPT, QUEUE_DISK_FULL, QUEUE_TEMPORARY, QUEUE_BAD };
enum { QUEUE_8BIT = 1, QUEUE_SMTPUTF8 = 2 };
enum { QUEUE_FORWARD = 1, QUEUE_HIDDEN = 2 }; /* flags of a queue_target */
enum queue_state { QUEUE_ACTIVE, QUEUE_DEFERRED, QUEUE_HELD };
enum queue_action { QUEUE_RETRY, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_REMOVE, QUEUE_BOUNCE };
enum queue_result { QUEUE_DONE, QUEUE_NO_SUCH, QUEUE_NOT_NOW };

enum { COURIER_RCPTS_MAX = 100 }; /* so that what is said of each of them fits a frame */

/* What a courier found. */
enum courier_verdict {
    COURIER_UNDECIDED, /* nothing stands against it: another transaction may bring it */
    COURIER_DELIVERED, /* the other server has it, and tells of it where that was asked for */
    COURIER_RELAYED,   /* it has it, and tells nobody: notices of success are ours */
    COURIER_LATER,     /* not now */
    COURIER_UNKNOWN,   /* all was sent and the answer never came: later, and perhaps twice */
    COURIER_FAILED,    /* never */
};
enum courier_site {
    COURIER_SITE_OK,
    COURIER_SITE_SLOW, /* it wants less of us */
    COURIER_SITE_DOWN, /* no mail for that destination can be brought for now */
};
enum notice_kind {
    NOTICE_FAILED,
    NOTICE_DELAYED, /* still waits, to the sender */
    NOTICE_SUCCESS, /* delivered, or relayed to where nobody tells of it (RFC 3461 4.1) */
    NOTICE_HELD,    /* only an administrator can help: to the postmaster */
};
enum notice_result { NOTICE_KEPT, NOTICE_LATER, NOTICE_NOWHERE };

/* What came of fetching something. */
enum fetch_result {
    FETCH_CAME,     /* an answer, whatever its status */
    FETCH_REFUSED,  /* not asked for: no HTTPS, no address, or too many at a time */
    FETCH_UNPROVEN, /* the other side did not prove its name */
    FETCH_LARGE,    /* more bytes than asked for */
    FETCH_LATE,     /* not whole in time */
    FETCH_FAILED,   /* no connection, no TLS, or no HTTP */
    FETCH_RESULT_COUNT
};
enum { FETCH_BYTES_MAX = 60 * 1024 }; /* of a body, so that an answer fits a frame */

enum store_outcome_kind { STORE_SYNCED, STORE_FULL, STORE_TRY_LATER };
enum store_verdict { STORE_OK, STORE_IN_USE, STORE_TEMPORARY, STORE_NOT_LOCKED };

enum trace_kind {
#define KIND(name) TRACE_##name,
#include "ipc/trace_kind.def"
#undef KIND
    TRACE_KINDS
};

#endif
