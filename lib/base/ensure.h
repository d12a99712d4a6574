/* Our own mistakes: always compiled in, costing one small process and never the service. */
#ifndef BASE_ENSURE_H
#define BASE_ENSURE_H

#include <stddef.h>

#define ensure(condition) ((condition) ? (void)0 : ensure_failed(#condition, __FILE__, __LINE__))

__attribute__((noreturn)) void ensure_failed(const char *condition, const char *file, int line);

/* Memory from the heap, zeroed. Running out is ours: it ends the process. */
void *heap_take(size_t n) __attribute__((malloc, returns_nonnull));
void *heap_grow(void *old, size_t n) __attribute__((returns_nonnull));

#endif
