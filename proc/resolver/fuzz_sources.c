/* Any bytes as a resolv.conf and as a file of trust anchors: what comes out are strings that keep
 * their limits. */
#include "base/ensure.h"
#include "sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size < SOURCES_FILE_MAX ? size : SOURCES_FILE_MAX);
    struct sources s;
    const char *anchor;

    sources_init(&s);
    sources_put_resolv_conf(&s, text);
    sources_put_anchors(&s, text);
    sources_put_server(&s, text);
    ensure(s.server_count <= SOURCES_SERVERS_MAX);
    for (size_t i = 0; i < s.server_count; i++)
        ensure(slice_find(slice_of(s.servers[i]), '@') > 0);
    for (size_t at = 0; (anchor = sources_next_anchor(&s, &at));)
        for (; *anchor; anchor++)
            ensure(*anchor >= ' ' && *anchor <= '~');
    sources_clear(&s);
    return 0;
}
