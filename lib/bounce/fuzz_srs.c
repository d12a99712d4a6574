/* Any bytes as a sender and as an address that comes back. Whatever is wrapped comes back, and
 * nothing else does. */
#include "base/ensure.h"
#include "bounce/srs.h"
#include "mime/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct srs s = {{SLICE("sixteen and more"), {NULL, 0}}, SLICE("us.example"), 7};
    const int64_t now = INT64_C(1795000000);
    struct slice input = slice_make(data, size);
    struct mime_address a;
    struct buf out, back;

    buf_init(&out, 1000);
    buf_init(&back, 1000);
    ensure(srs_reverse_put(&back, &s, input, now) != SRS_GOOD && back.len == 0);
    if (srs_forward_put(&out, &s, input, now) && size) {
        ensure(mime_address_parse(buf_slice(&out), &a));
        if (srs_reverse_put(&back, &s, buf_slice(&out), now) == SRS_GOOD)
            ensure(mime_address_parse(buf_slice(&back), &a));
        else /* it was at our own domain and stayed as it was */
            ensure(mime_address_parse(input, &a) && slice_eq_nocase(a.domain, s.domain));
    }
    buf_clear(&out);
    buf_clear(&back);
    return 0;
}
