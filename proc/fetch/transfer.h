/* One GET: what is asked for, and what has come of it so far. */
#ifndef FETCH_TRANSFER_H
#define FETCH_TRANSFER_H

#include <curl/curl.h>

#include "base/list.h"
#include "role/role.h"

enum {
    TRANSFER_URL_MAX = 2048,
    TRANSFER_ADDRESSES_MAX = 16, /* more are not tried */
    TRANSFER_SECONDS_MAX = 120,
    TRANSFER_HEAD_MAX = 64 * 1024, /* bytes of an answer's header */
    TRANSFER_TYPE_MAX = 256,       /* of its Content-Type */
};

struct transfer {
    struct list link;
    struct chan_call call;
    struct asker {
        enum role_id role;
        unsigned index;
    } asker;
    uint64_t until_ms;
    CURL *easy;
    struct curl_slist *resolved; /* the host's addresses, for libcurl */
    struct buf body;
    size_t head; /* bytes of the header */
    bool large;  /* there was more than asked for */
    char why[CURL_ERROR_SIZE];
};

/* NULL, and words in *why: that is nothing to fetch. now_ms: of the loop. */
struct transfer *transfer_new(const struct fetch_get *m, const struct chan_call *call,
                              uint64_t now_ms, const char **why);
void transfer_free(struct transfer *t); /* not while the engine has it */

/* All that it needs to begin; authorities are copied. False: its time is over. */
bool transfer_begin(struct transfer *t, struct slice authorities, uint64_t now_ms);

/* What came, as the answer to the one who asked. */
enum fetch_result transfer_answer(struct transfer *t, CURLcode result);

#endif
