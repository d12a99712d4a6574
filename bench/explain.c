/* bench-explain: how many bounces a second one core explains, over the cases of test/explain. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ensure.h"
#include "explain/explain.h"
#include "explain/text.h"

static const char usage[] = "bench-explain [--seconds N] [--json] FOLDER\n"
                            "\n"
                            "  Explains the inputs of the cases in FOLDER (test/explain) over and\n"
                            "  over on one core, and prints how many a second.\n"
                            "\n"
                            "  --seconds N  for how long (2)\n"
                            "  --json       one JSON object instead of a line\n";

enum { CASES_MAX = 1000, CASE_MAX = 1 << 20, PATH_SIZE = 4096 };

struct inputs {
    struct slice of[CASES_MAX];
    size_t count, bytes;
};

/* What stands below "=== input", kept for good. */
static void
add_case(struct inputs *in, const char *path)
{
    uint8_t *room = heap_take(CASE_MAX);
    FILE *f = fopen(path, "rb");
    struct slice text = {room, f ? fread(room, 1, CASE_MAX, f) : 0};

    if (f)
        fclose(f);
    if (in->count == CASES_MAX || !text_after(&text, "\n=== input\n")) {
        free(room);
        return;
    }
    in->bytes += text.len;
    in->of[in->count++] = text;
}

static void
read_cases(struct inputs *in, const char *folder)
{
    DIR *dir = opendir(folder);
    char path[PATH_SIZE];

    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        add_case(in, path);
    }
    if (dir)
        closedir(dir);
}

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others may want the core, too */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
measure(const struct explain *e, const struct inputs *in, double seconds)
{
    struct arena *a = arena_new("bench", EXPLAIN_MEMORY_MAX);
    double begin = now(), end;
    size_t done = 0;

    do {
        for (size_t i = 0; i < in->count; i++) {
            explain_input(e, in->of[i], a);
            arena_clear(a);
        }
        done += in->count;
        end = now();
    } while (end - begin < seconds);
    arena_free(a);
    return (double)done / (end - begin);
}

static int
run(const char *folder, double seconds, bool json)
{
    static struct inputs in;
    struct catalogue *c;
    struct explain *e;
    double begin, prepared, rate;

    read_cases(&in, folder);
    if (in.count == 0) {
        fprintf(stderr, "bench-explain: no cases in %s\n", folder);
        return 1;
    }
    begin = now();
    c = catalogue_built_in();
    e = explain_new(c, NULL, NULL);
    prepared = now() - begin;
    rate = measure(e, &in, seconds);
    if (json)
        printf("{\"what\": \"explain\", \"per_second\": %.0f, \"inputs\": %zu, \"bytes\": %zu, "
               "\"ready_ms\": %.1f}\n",
               rate, in.count, in.bytes / in.count, prepared * 1e3);
    else
        printf("%.0f a second, of %zu inputs of %zu bytes on average; ready in %.1f ms\n", rate,
               in.count, in.bytes / in.count, prepared * 1e3);
    explain_free(e);
    catalogue_free(c);
    return 0;
}

int
main(int argc, char **argv)
{
    const char *folder = NULL;
    double seconds = 2;
    bool json = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = atof(argv[++i]);
        else
            folder = argv[i];
    }
    if (!folder) {
        fputs(usage, stderr);
        return 2;
    }
    return run(folder, seconds, json);
}
