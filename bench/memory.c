/* The memory of a service: its parent and all that it started, as /proc tells. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

/* The number after `name` in a file of /proc/PID, or 0. */
static unsigned long
read_number(pid_t pid, const char *file, const char *name)
{
    char path[64], line[256];
    unsigned long value = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    f = fopen(path, "re");
    if (!f)
        return 0;
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtoul(line + strlen(name), NULL, 10);
    fclose(f);
    return value;
}

uint64_t
memory_of(pid_t pid)
{
    uint64_t total = read_number(pid, "smaps_rollup", "Pss:") * 1024;
    DIR *processes = opendir("/proc");

    if (!processes)
        die("/proc cannot be read");
    for (struct dirent *d; (d = readdir(processes));) {
        pid_t other = (pid_t)strtoul(d->d_name, NULL, 10);

        if (other > 0 && read_number(other, "status", "PPid:") == (unsigned long)pid)
            total += memory_of(other);
    }
    closedir(processes);
    return total;
}
