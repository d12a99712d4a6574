/* A folder of a test's own as the current directory. */
#ifndef ACCOUNTS_TEST_FOLDER_H
#define ACCOUNTS_TEST_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/slice.h"

static char test_folder[32];

static inline void
test_folder_enter(void)
{
    strcpy(test_folder, "/tmp/valija-test-XXXXXX");
    ensure(mkdtemp(test_folder) && chdir(test_folder) == 0);
}

/* Files of the current directory whose name begins with prefix; remove them too? */
static inline int
test_folder_count(const char *prefix, bool remove)
{
    DIR *dir = opendir(".");
    struct dirent *entry;
    int n = 0;

    ensure(dir != NULL);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            n++;
            if (remove)
                unlink(entry->d_name);
        }
    closedir(dir);
    return n;
}

static inline void
test_folder_leave(void)
{
    test_folder_count("", true);
    ensure(chdir("/") == 0 && rmdir(test_folder) == 0);
}

#endif
