/* Memory that dies together: one arena per session, one per mail transaction. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena;

struct arena *arena_new(const char *owner, size_t cap); /* owner: a literal, for reports */
void arena_free(struct arena *a);                       /* clears first; NULL is fine */
void arena_clear(struct arena *a);                      /* runs the at_clear list, newest first */

void *arena_take(struct arena *a, size_t n); /* zeroed and aligned; NULL once the cap is reached */

/* A copy of s; at is NULL where the cap is reached and s is not empty. */
struct slice arena_copy(struct arena *a, struct slice s);

/* False where the cap is reached: fn will then not run. */
bool arena_at_clear(struct arena *a, void (*fn)(void *), void *arg);

size_t arena_used(const struct arena *a);

#endif
