#include "reason/registry.h"

/* "1.1" of "5.1.1" */
static struct slice
without_class(struct slice code)
{
    struct slice class;

    slice_cut(&code, '.', &class);
    return code;
}

bool
registry_find(struct slice registry, struct slice code, struct slice *basic)
{
    struct slice line, field;
    bool more = true;

    while (more) {
        more = slice_cut(&registry, '\n', &line);
        if (line.len == 0 || line.at[0] == '#' || !slice_cut(&line, '\t', &field))
            continue;
        slice_cut(&line, '\t', basic);
        if (slice_eq(without_class(field), without_class(code)))
            return true;
    }
    return false;
}

bool
registry_goes_with(struct slice basic, struct slice code, struct slice status)
{
    static const char *const deviations[][2] = {
#define DEVIATION(code, status, why) {code, status},
#include "reason/deviation.def"
#undef DEVIATION
    };
    struct slice one;
    bool more = true;

    while (more) {
        more = slice_cut(&basic, ',', &one);
        one = slice_trim(one);
        if (slice_eq(one, code) || slice_eq(one, SLICE("any")))
            return true;
    }
    for (size_t i = 0; i < COUNT(deviations); i++)
        if (slice_eq(code, slice_of(deviations[i][0])) &&
            slice_eq(without_class(status), without_class(slice_of(deviations[i][1]))))
            return true;
    return false;
}
