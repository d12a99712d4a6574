/* A statement that brings no rows. */
#ifndef TRACE_STATEMENT_H
#define TRACE_STATEMENT_H

#include <sqlite3.h>

/* Runs it, ready for the next time; SQLITE_OK or SQLite's error. */
static inline int
statement_run(sqlite3_stmt *s)
{
    int code = sqlite3_step(s);

    sqlite3_reset(s);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

#endif
