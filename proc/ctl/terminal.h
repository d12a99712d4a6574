/* Passwords and confirmations. A password is never a word of the command line, where everybody on
 * the machine can read it. */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include "ctl.h"

enum { TERMINAL_LINE_MAX = 1024 }; /* bytes of a password or an answer */

/* One line from standard input with --password-stdin (or --hash-stdin), else from the terminal with
 * echo off, asked twice where `twice`. Not 0: there was none, and that is said. */
int terminal_password(const struct ctl *c, const char *address, bool twice, struct secret *out);

/* Ask on the terminal; 0 for a yes, and where no terminal is there or --yes was given. */
int terminal_confirm(const struct ctl *c, enum text question, const char *name);

#endif
