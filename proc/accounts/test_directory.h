/* A directory of a test's own, with two domains and three accounts; changes and questions to it by
 * the words they are about. */
#ifndef ACCOUNTS_TEST_DIRECTORY_H
#define ACCOUNTS_TEST_DIRECTORY_H

#include "directory.h"
#include "test_folder.h"

#define NO_DEFAULT UINT64_MAX

static struct directory d;
static struct expansion x;
static struct outcome outcome;

static inline enum directory_result
change(enum msg_type type, const union msg_any *m, const struct credentials *c)
{
    directory_begin(&d);
    directory_change(&d, type, m, c, &outcome);
    assert_false(err_is(directory_commit(&d)));
    return outcome.result;
}

static inline enum directory_result
add_domain(const char *name)
{
    union msg_any m = {.directory_domain_add = {slice_of(name)}};

    return change(MSG_directory_domain_add, &m, NULL);
}

static inline enum directory_result
remove_domain(const char *name)
{
    union msg_any m = {.directory_domain_remove = {slice_of(name)}};

    return change(MSG_directory_domain_remove, &m, NULL);
}

static inline enum directory_result
suspend_domain(const char *name, bool suspended)
{
    union msg_any m = {.directory_domain_suspend = {slice_of(name), suspended}};

    return change(MSG_directory_domain_suspend, &m, NULL);
}

static inline enum directory_result
add_account(const char *address, uint64_t quota)
{
    union msg_any m = {.directory_account_add = {.address = slice_of(address), .quota = quota}};

    return change(MSG_directory_account_add, &m, NULL);
}

static inline enum directory_result
remove_account(const char *address)
{
    union msg_any m = {.directory_account_remove = {slice_of(address)}};

    return change(MSG_directory_account_remove, &m, NULL);
}

static inline enum directory_result
suspend_account(const char *address, bool suspended)
{
    union msg_any m = {.directory_account_suspend = {slice_of(address), suspended}};

    return change(MSG_directory_account_suspend, &m, NULL);
}

/* targets: words */
static inline enum directory_result
change_alias(enum msg_type type, enum directory_alias_kind kind, const char *address,
             const char *targets)
{
    struct slice rest = slice_of(targets), word;
    union msg_any m = {.none = 0};
    enum directory_result result;
    struct buf items;

    buf_init(&items, MSG_FRAME_MAX);
    while (rest.len) {
        slice_cut(&rest, ' ', &word);
        msg_items_put(&items, MSG_directory_target, &(struct directory_target){word});
    }
    if (type == MSG_directory_alias_add)
        m.directory_alias_add =
            (struct directory_alias_add){slice_of(address), kind, buf_slice(&items)};
    else
        m.directory_alias_remove =
            (struct directory_alias_remove){slice_of(address), buf_slice(&items)};
    result = change(type, &m, NULL);
    buf_clear(&items);
    return result;
}

static inline enum directory_result
add_alias(const char *address, const char *targets)
{
    return change_alias(MSG_directory_alias_add, DIRECTORY_HIDDEN, address, targets);
}

static inline enum directory_result
remove_alias(const char *address, const char *targets)
{
    return change_alias(MSG_directory_alias_remove, DIRECTORY_HIDDEN, address, targets);
}

static inline uint64_t
id_of(const char *address)
{
    struct account who;
    struct name n;

    assert_true(name_parse(&n, slice_of(address)));
    directory_account_get(&d, &n, &who);
    return who.id;
}

static inline enum accounts_verdict
expand(const char *address)
{
    directory_expand(&d, SLICE("mail.example.com"), slice_of(address), SLICE(""), &x);
    return x.verdict;
}

/* Two domains, three accounts: what most tests begin with. */
static inline int
enter(void **state)
{
    (void)state;
    test_folder_enter();
    if (err_is(directory_open(&d)))
        return -1;
    d.quota = 1000;
    d.login_delay = 60;
    d.srs.valid_days = 30;
    return add_domain("example.com") || add_domain("other.example") ||
           add_account("ana@example.com", NO_DEFAULT) || add_account("luis@example.com", 500) ||
           add_account("eva@other.example", 0);
}

static inline int
leave(void **state)
{
    (void)state;
    directory_close(&d);
    test_folder_leave();
    return 0;
}

#endif
