/* valija status: the processes, what they listen on, and their counters. */
#include "out.h"

static const struct out_column head_columns[] = {
    {"hostname", TEXT_head_hostname, OUT_TEXT},
    {"state", TEXT_head_state_folder, OUT_TEXT},
    {"started", TEXT_head_started, OUT_TIME},
    {"generation", TEXT_head_generation, OUT_NUMBER},
    {NULL, TEXT_none, OUT_TEXT},
};

static const struct out_column role_columns[] = {
    {"role", TEXT_head_role, OUT_TEXT},           {"index", TEXT_head_number, OUT_NUMBER},
    {"pid", TEXT_head_pid, OUT_NUMBER},           {"started", TEXT_head_age, OUT_AGE},
    {"restarts", TEXT_head_restarts, OUT_NUMBER}, {NULL, TEXT_none, OUT_TEXT},
};

static const struct out_column listen_columns[] = {
    {"protocol", TEXT_head_protocol, OUT_TEXT},
    {"address", TEXT_head_address, OUT_TEXT},
    {NULL, TEXT_none, OUT_TEXT},
};

static const struct out_column counter_columns[] = {
    {"role", TEXT_head_role, OUT_TEXT},
    {"name", TEXT_head_counter, OUT_TEXT},
    {"value", TEXT_head_value, OUT_NUMBER},
    {NULL, TEXT_none, OUT_TEXT},
};

static json_t *
roles_to_json(struct slice items)
{
    json_t *rows = json_array();
    struct ctl_role r;

    while (msg_items_take(&items, MSG_ctl_role, &r))
        json_array_append_new(
            rows, json_pack("{s:s, s:o, s:o, s:o, s:o}", "role",
                            r.role < ROLE_COUNT ? role_name((enum role_id)r.role) : "unknown",
                            "index", out_number(r.index), "pid", out_number(r.pid), "started",
                            out_number(r.started), "restarts", out_number(r.restarts)));
    return rows;
}

static json_t *
listens_to_json(struct slice items)
{
    json_t *rows = json_array();
    struct ctl_listen l;

    while (msg_items_take(&items, MSG_ctl_listen, &l))
        json_array_append_new(rows,
                              json_pack("{s:s, s:o}", "protocol",
                                        l.protocol < ROLE_PROTOCOL_COUNT
                                            ? role_protocol_name((enum role_protocol)l.protocol)
                                            : "unknown",
                                        "address", out_string(l.address)));
    return rows;
}

/* The counters of one process; those of the same name in its twins are summed. */
static int
add_counters(struct ctl *c, enum role_id role, unsigned index, json_t *counters)
{
    struct service_question q = {
        .role = role, .index = index, .type = MSG_role_status, .expected = MSG_role_status_answer};
    union msg_any answer;
    struct role_value v;
    int status = service_ask(&c->service, &q, &answer);

    if (status)
        return status;
    while (msg_items_take(&answer.role_status_answer.values, MSG_role_value, &v)) {
        char name[64];

        if (!slice_to_string(v.name, name, sizeof(name)))
            continue;
        json_int_t before = json_integer_value(json_object_get(counters, name));

        json_object_set_new(counters, name, out_number((uint64_t)before + v.value));
    }
    return 0;
}

/* An object of counters for each role that has a door for this command. */
static json_t *
all_counters(struct ctl *c)
{
    json_t *all = json_object();

    for (size_t i = 0; i < role_link_count; i++) {
        enum role_id role = role_links[i].answers;
        unsigned count = 0;

        if (role_links[i].asks != ROLE_ctl || service_count(&c->service, role, &count) != 0)
            continue;
        json_t *counters = json_object();

        for (unsigned k = 0; k < count; k++)
            add_counters(c, role, k, counters); /* what failed is said, the rest is shown */
        json_object_set_new(all, role_name(role), counters);
    }
    return all;
}

static void
add_counter_rows(json_t *rows, const char *role, json_t *counters)
{
    for (void *at = json_object_iter(counters); at; at = json_object_iter_next(counters, at))
        json_array_append_new(rows, json_pack("{s:s, s:s, s:O}", "role", role, "name",
                                              json_object_iter_key(at), "value",
                                              json_object_iter_value(at)));
}

static json_t *
counters_to_rows(json_t *all)
{
    json_t *rows = json_array();

    for (void *at = json_object_iter(all); at; at = json_object_iter_next(all, at))
        add_counter_rows(rows, json_object_iter_key(at), json_object_iter_value(at));
    return rows;
}

static void
print_table(const struct ctl *c, json_t *rows, const struct out_column *columns)
{
    putchar('\n');
    out_rows(c, rows, columns);
}

int
verb_status(struct ctl *c)
{
    union msg_any answer;
    const struct ctl_roles_answer *a = &answer.ctl_roles_answer;
    json_t *object, *roles, *listens, *counters;
    int status =
        service_ask_parent(&c->service, MSG_ctl_roles, NULL, MSG_ctl_roles_answer, &answer);

    if (status)
        return status;
    object = json_pack("{s:o, s:s, s:o, s:o}", "hostname", out_string(a->hostname), "state",
                       c->conf->state, "started", out_number(a->started), "generation",
                       out_number(a->generation));
    roles = roles_to_json(a->roles);
    listens = listens_to_json(a->listens);
    counters = all_counters(c);
    json_object_set(object, "roles", roles);
    json_object_set(object, "listens", listens);
    json_object_set(object, "counters", counters);
    out_object(c, object, head_columns);
    if (!ctl_has(c, OPTION_json)) {
        print_table(c, json_incref(roles), role_columns);
        print_table(c, json_incref(listens), listen_columns);
        print_table(c, counters_to_rows(counters), counter_columns);
    }
    json_decref(roles);
    json_decref(listens);
    json_decref(counters);
    return 0;
}
