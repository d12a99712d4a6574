/* The pack reader over any bytes: it ends, what it calls good is inside and in order, and every
 * entry stands up to a second look. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/ensure.h"
#include "store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    uint64_t mark = 1, skipped = 0, passed = 0, from;
    struct pack_entry e, again;
    struct pack_reader r;

    if (fd < 0)
        fd = memfd_create("pack", MFD_CLOEXEC);
    ensure(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    from = pack_head_read(slice_make(data, size), &mark) ? PACK_HEAD : 0;
    pack_reader_init(&r, fd, mark, from, size);
    while (pack_reader_next(&r, &e, &skipped)) {
        uint64_t after = r.at;

        from += skipped + PACK_ENTRY_HEAD + e.size;
        ensure(after == from && after <= size && e.offset + e.size == after);
        r.at = e.offset - PACK_ENTRY_HEAD;
        ensure(pack_reader_look(&r, &again) == PACK_GOOD && again.size == e.size);
        r.at = after;
        passed++;
    }
    ensure(r.at >= size || size < PACK_HEAD);
    ensure(passed <= size / PACK_ENTRY_HEAD);
    pack_reader_clear(&r);
    return 0;
}
