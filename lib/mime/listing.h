/* How the messages of a mailbox are handed from the store to a reader in another process: an array
 * in a sealed memfd, in the order of UIDs. */
#ifndef MIME_LISTING_H
#define MIME_LISTING_H

#include <stdint.h>

struct store_entry {
    uint64_t uid;
    uint64_t size; /* of the message, which begins at offset of the pack */
    uint32_t pack;
    uint32_t flags;
    uint64_t offset;
};

#endif
