/* valija account: mailboxes. */
#include "bulk.h"
#include "directory.h"
#include "mailbox.h"
#include "size.h"
#include "terminal.h"

static const struct out_column list_columns[] = {
    {"address", TEXT_head_address, OUT_TEXT},    {"messages", TEXT_head_messages, OUT_NUMBER},
    {"bytes", TEXT_head_used, OUT_SIZE},         {"quota", TEXT_head_quota, OUT_QUOTA},
    {"suspended", TEXT_head_suspended, OUT_YES}, {NULL, TEXT_none, OUT_TEXT},
};

static const struct out_column show_columns[] = {
    {"address", TEXT_head_address, OUT_TEXT},
    {"id", TEXT_head_number, OUT_NUMBER},
    {"messages", TEXT_head_messages, OUT_NUMBER},
    {"bytes", TEXT_head_used, OUT_SIZE},
    {"quota", TEXT_head_quota, OUT_QUOTA},
    {"suspended", TEXT_head_suspended, OUT_YES},
    {"password", TEXT_head_password, OUT_YES},
    {"scram", TEXT_head_scram, OUT_YES},
    {"apop", TEXT_head_apop, OUT_YES},
    {"login_delay", TEXT_head_login_delay, OUT_NUMBER},
    {"language", TEXT_head_language, OUT_TEXT},
    {"lifetime", TEXT_head_lifetime, OUT_SPAN},
    {"created", TEXT_head_created, OUT_TIME},
    {NULL, TEXT_none, OUT_TEXT},
};

static json_t *
to_json(const struct directory_account *a)
{
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:o, s:o}", "address",
                          out_string(a->address), "id", out_number(a->id), "messages",
                          out_number(a->messages), "bytes", out_number(a->bytes), "quota",
                          out_number(a->quota), "suspended", a->suspended != 0, "password",
                          a->password != 0, "scram", a->scram != 0, "apop", a->apop != 0,
                          "language", out_string(a->language), "created", out_number(a->created));

    if (a->login_delay != UINT32_MAX) /* the service's own is not the account's; so below */
        json_object_set_new(o, "login_delay", out_number(a->login_delay));
    if (a->lifetime)
        json_object_set_new(o, "lifetime", out_number(a->lifetime));
    return o;
}

static int
take_row(void *ctx, const struct directory_account *a)
{
    json_array_append_new(ctx, to_json(a));
    return 0;
}

int
verb_account_list(struct ctl *c)
{
    json_t *rows = json_array();
    int status = directory_each_account(c, c->count ? c->args[0] : "", take_row, rows);

    if (status == 0)
        out_rows(c, rows, list_columns);
    else
        json_decref(rows);
    return status;
}

static int
show(struct ctl *c, const char *address)
{
    struct directory_account a;
    int status = directory_find_account(c, address, &a);

    if (status == 0)
        out_object(c, to_json(&a), show_columns);
    return status;
}

int
verb_account_show(struct ctl *c)
{
    return ctl_each_word(c, show);
}

/* "default" is the service's own, which follows its configuration. */
static int
read_quota(const char *word, uint64_t *quota)
{
    *quota = UINT64_MAX;
    if (strcmp(word, "default") == 0 || size_parse(slice_of(word), quota))
        return 0;
    return FAIL(bad_size, word);
}

int
verb_account_add(struct ctl *c)
{
    struct directory_account_add m = {.quota = UINT64_MAX};
    struct secret password;
    int status = 0;

    if (ctl_has(c, OPTION_from))
        return c->count ? FAIL(from_or_address) : bulk_add(c, c->options[OPTION_from]);
    if (c->count == 0)
        return FAIL(too_few_words);
    m.address = slice_of(c->args[0]);
    if (c->count == 2)
        status = read_quota(c->args[1], &m.quota);
    secret_init(&password, TERMINAL_LINE_MAX);
    if (status == 0)
        status = terminal_password(c, c->args[0], true, &password);
    *(ctl_has(c, OPTION_hash_stdin) ? &m.hash : &m.password) = secret_get(&password);
    if (status == 0)
        status = directory_change(c, MSG_directory_account_add, &m, c->args[0], NULL);
    secret_clear(&password);
    if (status == 0)
        directory_report(c, TEXT_done_account_add, "account add", c->args[0]);
    return status;
}

int
verb_account_passwd(struct ctl *c)
{
    struct directory_account_passwd m = {.address = slice_of(c->args[0])};
    struct directory_account a;
    struct secret password;
    int status = directory_find_account(c, c->args[0], &a); /* before anything is typed */

    secret_init(&password, TERMINAL_LINE_MAX);
    if (status == 0)
        status = terminal_password(c, c->args[0], true, &password);
    *(ctl_has(c, OPTION_hash_stdin) ? &m.hash : &m.password) = secret_get(&password);
    if (status == 0)
        status = directory_change(c, MSG_directory_account_passwd, &m, c->args[0], NULL);
    secret_clear(&password);
    if (status == 0)
        directory_report(c, TEXT_done_account_passwd, "account passwd", c->args[0]);
    return status;
}

int
verb_account_apop(struct ctl *c)
{
    struct directory_account_apop m = {.address = slice_of(c->args[0])};
    bool on = strcmp(c->args[1], "on") == 0;
    struct secret password;
    int status = 0;

    if (!on && strcmp(c->args[1], "off") != 0)
        return FAIL(on_or_off, c->args[1]);
    secret_init(&password, TERMINAL_LINE_MAX);
    if (on)
        status = terminal_password(c, c->args[0], true, &password);
    m.secret = secret_get(&password);
    if (status == 0)
        status = directory_change(c, MSG_directory_account_apop, &m, c->args[0], NULL);
    secret_clear(&password);
    if (status == 0)
        directory_report(c, on ? TEXT_done_apop_on : TEXT_done_apop_off, "account apop",
                         c->args[0]);
    return status;
}

int
verb_account_quota(struct ctl *c)
{
    struct directory_account_quota m = {.address = slice_of(c->args[0])};
    int status = read_quota(c->args[1], &m.quota);

    if (status == 0)
        status = directory_change(c, MSG_directory_account_quota, &m, c->args[0], NULL);
    if (status == 0)
        directory_report(c, TEXT_done_account_changed, "account quota", c->args[0]);
    return status;
}

int
verb_account_login_delay(struct ctl *c)
{
    struct directory_account_login_delay m = {slice_of(c->args[0]), UINT32_MAX};
    uint64_t seconds = UINT32_MAX;
    int status;

    if (strcmp(c->args[1], "default") != 0 &&
        (!slice_to_u64(slice_of(c->args[1]), &seconds) || seconds >= UINT32_MAX))
        return FAIL(bad_seconds, c->args[1]);
    m.seconds = (uint32_t)seconds;
    status = directory_change(c, MSG_directory_account_login_delay, &m, c->args[0], NULL);
    if (status == 0)
        directory_report(c, TEXT_done_account_changed, "account login-delay", c->args[0]);
    return status;
}

int
verb_account_language(struct ctl *c)
{
    struct directory_account_language m = {slice_of(c->args[0]),
                                           directory_read_language(c->args[1])};
    int status = directory_change(c, MSG_directory_account_language, &m, c->args[0], NULL);

    if (status == 0)
        directory_report(c, TEXT_done_account_changed, "account language", c->args[0]);
    return status;
}

int
verb_account_lifetime(struct ctl *c)
{
    struct directory_account_lifetime m = {.address = slice_of(c->args[0])};
    int status = directory_read_lifetime(c->args[1], &m.seconds);

    if (status == 0)
        status = directory_change(c, MSG_directory_account_lifetime, &m, c->args[0], NULL);
    if (status == 0)
        directory_report(c, TEXT_done_account_changed, "account lifetime", c->args[0]);
    return status;
}

static int
suspend(struct ctl *c, const char *address)
{
    struct directory_account_suspend m = {slice_of(address), 1};
    int status = directory_change(c, MSG_directory_account_suspend, &m, address, NULL);

    if (status == 0)
        directory_report(c, TEXT_done_account_suspend, "account suspend", address);
    return status;
}

int
verb_account_suspend(struct ctl *c)
{
    return ctl_each_word(c, suspend);
}

static int
resume(struct ctl *c, const char *address)
{
    struct directory_account_suspend m = {slice_of(address), 0};
    int status = directory_change(c, MSG_directory_account_suspend, &m, address, NULL);

    if (status == 0)
        directory_report(c, TEXT_done_resume, "account resume", address);
    return status;
}

int
verb_account_resume(struct ctl *c)
{
    return ctl_each_word(c, resume);
}

/* The directory first: from then on nothing new is delivered into the folder that goes. */
static int
drop(struct ctl *c, const char *address)
{
    struct directory_account_remove m = {slice_of(address)};
    uint64_t account;
    int status = terminal_confirm(c, TEXT_ask_account_remove, address);

    if (status == 0)
        status = directory_change(c, MSG_directory_account_remove, &m, address, &account);
    if (status == 0)
        status = mailbox_remove(c, account, address);
    if (status == 0)
        directory_report(c, TEXT_done_remove, "account remove", address);
    return status;
}

int
verb_account_remove(struct ctl *c)
{
    return ctl_each_word(c, drop);
}
