/* An explanation as people and scripts get it. */
#ifndef CTL_EXPLAINED_H
#define CTL_EXPLAINED_H

#include "ctl.h"
#include "explain/explain.h"

/* How an explanation is told. */
struct telling {
    const struct catalogue *catalogue;
    struct slice language;      /* "en" */
    enum catalogue_text advice; /* whose steps: CATALOGUE_user, _owner or _postmaster */
};

void explained_print(const struct telling *t, const struct explain_answer *a);

/* One line: {"kind": ..., "recipients": [...]}. */
void explained_print_json(const struct telling *t, const struct explain_answer *a);

#endif
