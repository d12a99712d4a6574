/* valija alias: addresses that lead to others. */
#include "directory.h"

enum { TARGETS_MAX = MSG_FRAME_MAX - 1024 }; /* bytes of all targets of one command */

static const struct out_column columns[] = {
    {"address", TEXT_head_address, OUT_TEXT},
    {"kind", TEXT_head_kind, OUT_TEXT},
    {"targets", TEXT_head_targets, OUT_LIST},
    {NULL, TEXT_none, OUT_TEXT},
};

/* Each kind of alias: its word in a list, and what is said once there is one. */
static const struct {
    const char *word;
    enum text done;
} kinds[DIRECTORY_ALIAS_KINDS] = {
    [DIRECTORY_HIDDEN] = {"hidden", TEXT_done_alias_add},
    [DIRECTORY_TOLD] = {"told", TEXT_done_alias_tell},
    [DIRECTORY_MOVED] = {"moved", TEXT_done_alias_moved},
};

static int
read_kind(const struct ctl *c, enum directory_alias_kind *kind)
{
    if (ctl_has(c, OPTION_tell) && ctl_has(c, OPTION_moved))
        return FAIL(tell_or_moved);
    *kind = ctl_has(c, OPTION_tell)    ? DIRECTORY_TOLD
            : ctl_has(c, OPTION_moved) ? DIRECTORY_MOVED
                                       : DIRECTORY_HIDDEN;
    return 0;
}

/* The words after the first as items. */
static int
put_targets(const struct ctl *c, struct buf *targets)
{
    buf_init(targets, TARGETS_MAX);
    for (size_t i = 1; i < c->count; i++)
        if (!msg_items_put(targets, MSG_directory_target,
                           &(struct directory_target){slice_of(c->args[i])}))
            return FAIL(too_many_targets);
    return 0;
}

int
verb_alias_add(struct ctl *c)
{
    struct directory_alias_add m = {.address = slice_of(c->args[0])};
    enum directory_alias_kind kind = DIRECTORY_HIDDEN;
    struct buf targets;
    int status = put_targets(c, &targets);

    if (status == 0)
        status = read_kind(c, &kind);
    m.kind = kind;
    m.targets = buf_slice(&targets);
    if (status == 0)
        status = directory_change(c, MSG_directory_alias_add, &m, c->args[0], NULL);
    buf_clear(&targets);
    if (status == 0)
        directory_report(c, kinds[kind].done, "alias add", c->args[0]);
    return status;
}

int
verb_alias_remove(struct ctl *c)
{
    struct buf targets;
    int status = put_targets(c, &targets);

    if (status == 0)
        status = directory_change(
            c, MSG_directory_alias_remove,
            &(struct directory_alias_remove){slice_of(c->args[0]), buf_slice(&targets)}, c->args[0],
            NULL);
    buf_clear(&targets);
    if (status == 0)
        directory_report(c, TEXT_done_remove, "alias remove", c->args[0]);
    return status;
}

struct alias_walk {
    struct directory_alias_list ask;
    char after[DIRECTORY_NAME_MAX], after_target[DIRECTORY_NAME_MAX];
    json_t *rows;
};

/* Aliases come one target at a time, those of one address together. */
static int
take_alias(void *ctx, const union msg_any *item)
{
    struct alias_walk *w = ctx;
    const struct directory_alias *a = &item->directory_alias;
    size_t count = json_array_size(w->rows);

    if (count == 0 || !slice_eq(a->address, slice_of(w->after))) {
        json_array_append_new(
            w->rows,
            json_pack("{s:o, s:s, s:[]}", "address", out_string(a->address), "kind",
                      a->kind < COUNT(kinds) ? kinds[a->kind].word : "unknown", "targets"));
        count++;
    }
    json_array_append_new(json_object_get(json_array_get(w->rows, count - 1), "targets"),
                          out_string(a->target));
    slice_to_string(a->address, w->after, sizeof(w->after));
    slice_to_string(a->target, w->after_target, sizeof(w->after_target));
    w->ask.after = slice_of(w->after);
    w->ask.after_target = slice_of(w->after_target);
    return 0;
}

int
verb_alias_list(struct ctl *c)
{
    const char *domain = c->count ? c->args[0] : "";
    struct alias_walk walk = {.ask = {.domain = slice_of(domain), .most = DIRECTORY_PAGE},
                              .rows = json_array()};
    struct directory_walk w = {MSG_directory_alias_list,
                               MSG_directory_aliases,
                               MSG_directory_alias,
                               &walk.ask,
                               domain,
                               take_alias,
                               &walk};
    int status = directory_walk(c, &w);

    if (status == 0)
        out_rows(c, walk.rows, columns);
    else
        json_decref(walk.rows);
    return status;
}
