/* valija domain: hosted domains. */
#include "directory.h"
#include "mailbox.h"
#include "terminal.h"

static const struct out_column list_columns[] = {
    {"name", TEXT_head_domain, OUT_TEXT},        {"accounts", TEXT_head_accounts, OUT_NUMBER},
    {"aliases", TEXT_head_aliases, OUT_NUMBER},  {"created", TEXT_head_created, OUT_TIME},
    {"suspended", TEXT_head_suspended, OUT_YES}, {NULL, TEXT_none, OUT_TEXT},
};

static const struct out_column show_columns[] = {
    {"name", TEXT_head_domain, OUT_TEXT},        {"accounts", TEXT_head_accounts, OUT_NUMBER},
    {"aliases", TEXT_head_aliases, OUT_NUMBER},  {"language", TEXT_head_language, OUT_TEXT},
    {"lifetime", TEXT_head_lifetime, OUT_SPAN},  {"created", TEXT_head_created, OUT_TIME},
    {"suspended", TEXT_head_suspended, OUT_YES}, {NULL, TEXT_none, OUT_TEXT},
};

static json_t *
to_json(const struct directory_domain *d)
{
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "name", out_string(d->name), "accounts",
                          out_number(d->accounts), "aliases", out_number(d->aliases), "language",
                          out_string(d->language), "created", out_number(d->created), "suspended",
                          d->suspended != 0);

    if (d->lifetime) /* the service's own is not the domain's */
        json_object_set_new(o, "lifetime", out_number(d->lifetime));
    return o;
}

struct domain_walk {
    struct directory_domain_list ask;
    char after[DIRECTORY_NAME_MAX];
    json_t *rows;
};

static int
take_domain(void *ctx, const union msg_any *item)
{
    struct domain_walk *w = ctx;

    slice_to_string(item->directory_domain.name, w->after, sizeof(w->after));
    w->ask.after = slice_of(w->after);
    json_array_append_new(w->rows, to_json(&item->directory_domain));
    return 0;
}

int
verb_domain_list(struct ctl *c)
{
    struct domain_walk walk = {.ask = {.most = DIRECTORY_PAGE}, .rows = json_array()};
    struct directory_walk w = {MSG_directory_domain_list,
                               MSG_directory_domains,
                               MSG_directory_domain,
                               &walk.ask,
                               "",
                               take_domain,
                               &walk};
    int status = directory_walk(c, &w);

    if (status == 0)
        out_rows(c, walk.rows, list_columns);
    else
        json_decref(walk.rows);
    return status;
}

static int
show(struct ctl *c, const char *name)
{
    struct directory_domain_show ask = {slice_of(name)};
    struct service_question q = {.role = ROLE_accounts,
                                 .type = MSG_directory_domain_show,
                                 .message = &ask,
                                 .expected = MSG_directory_domains};
    union msg_any answer;
    struct directory_domain d;
    int status = service_ask(&c->service, &q, &answer);

    if (status)
        return status;
    status = directory_verdict(answer.directory_domains.result, name, (struct slice){NULL, 0});
    if (status == 0 && msg_items_take(&answer.directory_domains.domains, MSG_directory_domain, &d))
        out_object(c, to_json(&d), show_columns);
    return status;
}

static int
add(struct ctl *c, const char *name)
{
    struct directory_domain_add m = {slice_of(name)};
    int status = directory_change(c, MSG_directory_domain_add, &m, name, NULL);

    if (status == 0)
        directory_report(c, TEXT_done_domain_add, "domain add", name);
    return status;
}

static int
suspend(struct ctl *c, const char *name)
{
    struct directory_domain_suspend m = {slice_of(name), 1};
    int status = directory_change(c, MSG_directory_domain_suspend, &m, name, NULL);

    if (status == 0)
        directory_report(c, TEXT_done_domain_suspend, "domain suspend", name);
    return status;
}

static int
resume(struct ctl *c, const char *name)
{
    struct directory_domain_suspend m = {slice_of(name), 0};
    int status = directory_change(c, MSG_directory_domain_suspend, &m, name, NULL);

    if (status == 0)
        directory_report(c, TEXT_done_resume, "domain resume", name);
    return status;
}

/* Only an empty domain goes; its postmaster's mailbox goes with it. */
static int
drop(struct ctl *c, const char *name)
{
    struct directory_domain_remove m = {slice_of(name)};
    uint64_t postmaster;
    int status = terminal_confirm(c, TEXT_ask_domain_remove, name);

    if (status == 0)
        status = directory_change(c, MSG_directory_domain_remove, &m, name, &postmaster);
    if (status == 0 && postmaster)
        status = mailbox_remove(c, postmaster, name);
    if (status == 0)
        directory_report(c, TEXT_done_remove, "domain remove", name);
    return status;
}

int
verb_domain_language(struct ctl *c)
{
    struct directory_domain_language m = {slice_of(c->args[0]),
                                          directory_read_language(c->args[1])};
    int status = directory_change(c, MSG_directory_domain_language, &m, c->args[0], NULL);

    if (status == 0)
        directory_report(c, TEXT_done_domain_changed, "domain language", c->args[0]);
    return status;
}

int
verb_domain_lifetime(struct ctl *c)
{
    struct directory_domain_lifetime m = {.name = slice_of(c->args[0])};
    int status = directory_read_lifetime(c->args[1], &m.seconds);

    if (status == 0)
        status = directory_change(c, MSG_directory_domain_lifetime, &m, c->args[0], NULL);
    if (status == 0)
        directory_report(c, TEXT_done_domain_changed, "domain lifetime", c->args[0]);
    return status;
}

int
verb_domain_add(struct ctl *c)
{
    return ctl_each_word(c, add);
}

int
verb_domain_show(struct ctl *c)
{
    return ctl_each_word(c, show);
}

int
verb_domain_suspend(struct ctl *c)
{
    return ctl_each_word(c, suspend);
}

int
verb_domain_resume(struct ctl *c)
{
    return ctl_each_word(c, resume);
}

int
verb_domain_remove(struct ctl *c)
{
    return ctl_each_word(c, drop);
}
