/* What the command says, in English or Spanish. Every sentence is a row of text.def or failure.def;
 * {1}, {2}, ... stand for the arguments, so a language may order them as it likes. */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stdbool.h>
#include <stdio.h>

enum text {
#define TEXT(id, en, es) TEXT_##id,
#include "text.def"
#undef TEXT
};

enum failure {
#define FAILURE(id, status, en, es) FAILURE_##id,
#include "failure.def"
#undef FAILURE
};

/* Choose the language: "en", "es" or a locale name that begins so. NULL: what LC_ALL, LC_MESSAGES
 * or LANG say, else English. False, and English, where it is another one. json: failures are JSON.
 */
bool text_start(const char *language, bool json);

const char *text_get(enum text t);
const char *text_language(void); /* "en" */

/* args begins with one that is not used and ends with NULL. */
void text_print(FILE *to, enum text t, const char *const *args);

/* The same to a descriptor, without a line end: what follows is typed. */
void text_prompt(int fd, enum text t, const char *const *args);

/* Print a failure to standard error; returns its exit status (sysexits(3)). */
int text_fail(enum failure f, const char *const *args);

#define TEXT_ARGS(...) ((const char *const[]){"", ##__VA_ARGS__, NULL})
#define SAY(t, ...)    text_print(stdout, TEXT_##t, TEXT_ARGS(__VA_ARGS__))
#define NOTE(t, ...)   text_print(stderr, TEXT_##t, TEXT_ARGS(__VA_ARGS__))
#define FAIL(f, ...)   text_fail(FAILURE_##f, TEXT_ARGS(__VA_ARGS__))

#endif
