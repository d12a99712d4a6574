/* A client that says anything. First byte: mechanism and what the channel offers; then the
 * messages, cut at line feeds. What the machine says about itself must hold at each step. */
#include "base/ensure.h"
#include "sasl/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sasl_step
answer(struct sasl_server *s, enum sasl_step step)
{
    static const uint8_t signature[SASL_SCRAM_KEY];

    if (step == SASL_ASK_PASSWORD) {
        ensure(secret_get(&s->user).len && secret_get(&s->password).len);
        return sasl_server_verified(s, true);
    }
    if (step == SASL_ASK_SCRAM_USER) {
        ensure(secret_get(&s->user).len);
        return sasl_server_scram_salted(s, SLICE("salt"), 4096);
    }
    ensure(secret_get(&s->proof).len == SASL_SCRAM_KEY && secret_get(&s->auth_message).len);
    return sasl_server_scram_proved(s, true, slice_make(signature, sizeof(signature)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make(data, size), message;
    struct sasl_binding binding = {{NULL, 0}, {NULL, 0}};
    struct sasl_server s;
    enum sasl_step step;

    if (size == 0)
        return 0;
    rest = slice_tail(rest, 1);
    if (data[0] & 4)
        binding.tls_exporter = SLICE("exporter");
    if (data[0] & 8)
        binding.tls_server_end_point = SLICE("end point");
    sasl_server_init(&s, data[0] & 3, binding);
    if (data[0] & 16) {
        step = sasl_server_start(&s, NULL, SLICE("0123456789abcdefgh"));
    } else {
        slice_cut(&rest, '\n', &message);
        step = sasl_server_start(&s, &message, SLICE("0123456789abcdefgh"));
    }
    while (step != SASL_DONE && step != SASL_FAILED && step != SASL_MALFORMED) {
        if (step == SASL_CHALLENGE) {
            slice_cut(&rest, '\n', &message);
            step = sasl_server_respond(&s, message);
        } else {
            step = answer(&s, step);
        }
    }
    sasl_server_clear(&s);
    return 0;
}
