/* Each line is a TXT record: an id that comes of them is one. */
#include "base/ensure.h"
#include "sts/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 16 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make(data, size);
    struct dns_record records[RECORDS_MAX];
    struct dns_answer txt = {.verdict = DNS_FOUND, .records = records};
    char id[STS_ID_MAX + 1];

    while (rest.len && txt.count < RECORDS_MAX) {
        records[txt.count].preference = 0;
        slice_cut(&rest, '\n', &records[txt.count++].data);
    }
    ensure(sts_record_id(&txt, id) == (id[0] != '\0'));
    for (const char *c = id; *c; c++)
        ensure(ascii_is_alnum((uint8_t)*c));
    return 0;
}
