/* Any bytes as a configuration: either there is a result or there is an error, and both hold
 * together. */
#include "base/ensure.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conf_mistakes mistakes;
    struct conf_input input = {slice_make(data, size), "f", "/etc/valija", NULL, "mx.example.org"};
    const struct conf *c = conf_parse(&input, &mistakes);
    struct buf out;

    buf_init(&out, (CONF_MISTAKES_MAX + 1) * (CONF_MISTAKE_LEN + 64));
    ensure((c == NULL) == (mistakes.errors > 0));
    ensure(conf_mistakes_put(&mistakes, &out));
    for (size_t i = 0; c && i < LIMIT_COUNT; i++)
        ensure(c->limits.value[i] >= limit_rows[i].least &&
               c->limits.value[i] <= limit_rows[i].most);
    buf_clear(&out);
    conf_free(c);
    return 0;
}
