/* What the directory answers, as sentences; and lists in pages. */
#include "directory.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "conf/conf.h"

enum { DETAIL_MAX = 512 };

/* enum directory_result as what the user is told. */
static const struct {
    bool known;
    enum failure failure;
} refusals[] = {
    [DIRECTORY_EXISTS] = {true, FAILURE_exists},
    [DIRECTORY_NO_SUCH] = {true, FAILURE_no_such},
    [DIRECTORY_NO_DOMAIN] = {true, FAILURE_no_domain},
    [DIRECTORY_BAD_ADDRESS] = {true, FAILURE_bad_address},
    [DIRECTORY_BAD_PASSWORD] = {true, FAILURE_bad_password},
    [DIRECTORY_BAD_VALUE] = {true, FAILURE_bad_value},
    [DIRECTORY_IN_USE] = {true, FAILURE_in_use},
    [DIRECTORY_LOOP] = {true, FAILURE_alias_loop},
    [DIRECTORY_LIMIT] = {true, FAILURE_directory_limit},
    [DIRECTORY_TEMPORARY] = {true, FAILURE_directory_temporary},
};

int
directory_verdict(uint32_t result, const char *name, struct slice detail)
{
    char text[DETAIL_MAX];

    if (result == DIRECTORY_OK)
        return 0;
    slice_to_string(slice_head(detail, sizeof(text) - 1), text, sizeof(text));
    if (result >= COUNT(refusals) || !refusals[result].known)
        return FAIL(directory_temporary, name, text);
    return text_fail(refusals[result].failure, TEXT_ARGS(name, text));
}

int
directory_change(struct ctl *c, enum msg_type type, const void *message, const char *name,
                 uint64_t *account)
{
    struct service_question q = {
        .role = ROLE_accounts, .type = type, .message = message, .expected = MSG_directory_done};
    union msg_any answer;
    int status = service_ask(&c->service, &q, &answer);

    if (status)
        return status;
    if (account)
        *account = answer.directory_done.account;
    return directory_verdict(answer.directory_done.result, name, answer.directory_done.text);
}

int
directory_read_lifetime(const char *word, uint32_t *seconds)
{
    uint64_t value = 0;

    if (strcmp(word, "default") != 0 && (!conf_value_read(UNIT_SECONDS, slice_of(word), &value) ||
                                         value == 0 || value > UINT32_MAX))
        return FAIL(bad_lifetime, word);
    *seconds = (uint32_t)value;
    return 0;
}

struct slice
directory_read_language(const char *word)
{
    return slice_of(strcmp(word, "default") == 0 ? "" : word);
}

void
directory_report(const struct ctl *c, enum text done, const char *verb, const char *name)
{
    if (!ctl_has(c, OPTION_json)) {
        text_print(stdout, done, TEXT_ARGS(name));
        return;
    }
    json_t *object = json_object();

    json_object_set_new(object, "verb", out_string(slice_of(verb)));
    json_object_set_new(object, "name", out_string(slice_of(name)));
    out_object(c, object, NULL);
}

/* The two answers that hold items begin alike, but a reader should not have to know that. */
static struct slice
items_of(enum msg_type type, const union msg_any *answer, uint32_t *result)
{
    if (type == MSG_directory_domains) {
        *result = answer->directory_domains.result;
        return answer->directory_domains.domains;
    }
    if (type == MSG_directory_aliases) {
        *result = answer->directory_aliases.result;
        return answer->directory_aliases.aliases;
    }
    ensure(type == MSG_directory_accounts);
    *result = answer->directory_accounts.result;
    return answer->directory_accounts.accounts;
}

/* The next page, as items that stay while other questions are asked. */
static int
ask_page(struct ctl *c, const struct directory_walk *w, struct buf *page)
{
    struct service_question q = {
        .role = ROLE_accounts, .type = w->ask_type, .message = w->ask, .expected = w->answer_type};
    union msg_any answer;
    uint32_t result;
    int status = service_ask(&c->service, &q, &answer);

    buf_reset(page);
    if (status == 0)
        buf_put(page, items_of(w->answer_type, &answer, &result));
    return status ? status : directory_verdict(result, w->name, (struct slice){NULL, 0});
}

int
directory_walk(struct ctl *c, const struct directory_walk *w)
{
    struct buf page;
    int status;

    buf_init(&page, MSG_FRAME_MAX);
    do {
        struct slice items;
        union msg_any item;

        status = ask_page(c, w, &page);
        items = buf_slice(&page);
        while (status == 0 && msg_items_take(&items, w->item_type, &item))
            status = w->each(w->ctx, &item);
    } while (status == 0 && page.len);
    buf_clear(&page);
    return status;
}

/* A walk over accounts, remembering where it is. */
struct account_walk {
    struct directory_account_list ask;
    char after[DIRECTORY_NAME_MAX];
    int (*each)(void *ctx, const struct directory_account *a);
    void *ctx;
};

static int
take_account(void *ctx, const union msg_any *item)
{
    struct account_walk *w = ctx;

    slice_to_string(item->directory_account.address, w->after, sizeof(w->after));
    w->ask.after = slice_of(w->after);
    return w->each(w->ctx, &item->directory_account);
}

int
directory_each_account(struct ctl *c, const char *domain,
                       int (*each)(void *ctx, const struct directory_account *a), void *ctx)
{
    struct account_walk walk = {
        .ask = {.domain = slice_of(domain), .most = DIRECTORY_PAGE}, .each = each, .ctx = ctx};
    struct directory_walk w = {MSG_directory_account_list,
                               MSG_directory_accounts,
                               MSG_directory_account,
                               &walk.ask,
                               domain,
                               take_account,
                               &walk};

    return directory_walk(c, &w);
}

int
directory_find_account(struct ctl *c, const char *address, struct directory_account *found)
{
    struct directory_account_show ask = {slice_of(address)};
    struct service_question q = {.role = ROLE_accounts,
                                 .type = MSG_directory_account_show,
                                 .message = &ask,
                                 .expected = MSG_directory_accounts};
    union msg_any answer;
    uint32_t result;
    struct slice items;
    int status = service_ask(&c->service, &q, &answer);

    if (status)
        return status;
    items = items_of(MSG_directory_accounts, &answer, &result);
    if (result == DIRECTORY_OK && !msg_items_take(&items, MSG_directory_account, found))
        result = DIRECTORY_NO_SUCH;
    return directory_verdict(result, address, (struct slice){NULL, 0});
}
