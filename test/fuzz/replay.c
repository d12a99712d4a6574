/* Runs a fuzz target over files: each argument is a file or a folder of them. Built in where the
 * compiler has no libFuzzer, so that every check replays the seeds. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned ran;

static void
run_file(const char *path)
{
    static uint8_t room[1 << 20];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(room, 1, sizeof(room), f) : 0;
    uint8_t *bytes = malloc(n ? n : 1); /* no larger, so that a read past the end is seen */

    if (!f || !bytes) {
        perror(path);
        exit(1);
    }
    memcpy(bytes, room, n);
    fclose(f);
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
    ran++;
}

static void
run_path(const char *path)
{
    struct stat st;
    DIR *dir;

    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        run_file(path);
        return;
    }
    dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char name[4096];

        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            run_file(name);
    }
    if (dir)
        closedir(dir);
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%u inputs\n", ran);
    return ran ? 0 : 1; /* no seeds is a broken check, not a passed one */
}
