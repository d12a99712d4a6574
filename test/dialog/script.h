/* Dialogues: conversations a postmaster can read, run against a pure protocol machine in memory.
 * README.md beside this file has the syntax. Any protocol joins by filling a struct script_machine;
 * what is strict is strict for all: every reply line, every question and the end must be in the
 * script, in order. */
#ifndef DIALOG_SCRIPT_H
#define DIALOG_SCRIPT_H

#include "base/buf.h"

/* The machine under test, seen from the script. ctx is handed to each function. */
struct script_machine {
    void *ctx;
    struct buf *out; /* where the machine writes; the script takes lines from its front */
    /* A new session that has greeted; options are the words of the script's "!:" lines. False: an
     * option is unknown. Called once for each run, also to replace the session of the run before.
     */
    bool (*start)(void *ctx, struct slice options);
    /* Returns the bytes consumed. Also called with none, so that a long reply goes on. */
    size_t (*feed)(void *ctx, struct slice in);
    /* What the machine asks now, as the words of a "?:" line. False: nothing. */
    bool (*question)(void *ctx, struct buf *text);
    /* The words after "->". False: not an answer to what is asked. *drop set: the input not yet
     * consumed is forgotten, as by TLS starting. */
    bool (*answer)(void *ctx, struct slice words, bool *drop);
    bool (*end)(void *ctx, struct slice words); /* an "E:" line: the owner ends the session */
    bool (*closing)(void *ctx);
    /* Only where the machine is the client, which then says the "C:" lines and is sent the "S:"
     * lines. What became of something, as the words of an "O:" line; each is told once. False:
     * nothing (more) to tell. */
    bool (*outcome)(void *ctx, struct buf *text);
};

/* How the bytes for the machine are cut into pieces. */
enum script_split { SCRIPT_WHOLE, SCRIPT_BYTES, SCRIPT_RANDOM, SCRIPT_SPLIT_COUNT };

/* Runs one file. False, with "path:line: what" on standard error, where the machine does not do as
 * the script says. seed is for SCRIPT_RANDOM. */
bool script_run(const char *path, const struct script_machine *m, enum script_split split,
                unsigned seed);

/* Runs every *.txt of a folder: whole, byte by byte, and with several random splits. Returns how
 * many files there were, or -1 where one failed (all are run, all failures told). */
int script_run_folder(const char *folder, const struct script_machine *m);

/* Does the line match the pattern? "*" stands for any bytes, none included. */
bool script_match(struct slice pattern, struct slice line);

/* A script's text with its escapes replaced, put in out. False: an escape is malformed. */
bool script_unescape(struct slice text, struct buf *out);

#endif
