/* The end of a process that found itself wrong. Writes without stdio: the heap may be the fault. */
#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
ensure_failed(const char *condition, const char *file, int line)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "bug: %s:%d: ensure(%s) failed\n", file, line, condition);

    if (n > 0 &&
        write(STDERR_FILENO, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text)) < 0)
        _exit(70); /* EX_SOFTWARE: nobody listens, the parent still sees the code */
    abort();
}

void *
heap_take(size_t n)
{
    void *p = calloc(1, n ? n : 1);

    ensure(p != NULL);
    return p;
}

void *
heap_grow(void *old, size_t n)
{
    void *p = realloc(old, n ? n : 1);

    ensure(p != NULL);
    return p;
}
